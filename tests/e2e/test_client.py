"""A client's limits and credentials."""

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function


def test_a_clients_limits_bound_those_of_a_call():
    frame = pd.DataFrame({"id": range(12)})
    with paio.demo.serve() as api, paio.Client(api, concurrency=3, timeout=5) as client:
        frame.aio.fetch("/slow/{id}?ms=20", client=client, concurrency=10)
        assert api.peak == 3
        api.clear()
        frame.aio.fetch("/slow/{id}?ms=20", client=client, concurrency=1)
        assert api.peak == 1
        assert (client.limits.build_policy(timeout=60).timeout, client.limits.build_policy(timeout=2).timeout) == (5, 2)
        assert client.limits.build_policy(rate="5/s").rates == client.limits.build_policy(rate=["5/s", "5/s"]).rates


def test_credentials_go_to_the_clients_origin_only(api):
    """In a column of URLs, another server receives neither the token nor the client's headers."""
    client = paio.Client(api, auth="s3cret", headers={"X-Team": "blue"})
    with paio.demo.serve() as other:
        urls = pd.Series(
            [api + "/echo/1", other + "/echo/2", "/echo/3", None, "ftp://x/"], index=list("aabbc"), name="link"
        )
        with pytest.warns(paio.FetchWarning, match=r"1 of 5 rows failed: 1 x 'ftp://x/'"):
            found = urls.aio.fetch(client=client, columns=["path", "headers.Authorization", "headers.X-Team"])
    assert found.columns.tolist() == ["link", "path", "headers.Authorization", "headers.X-Team"]
    assert found.index.tolist() == list("aabbc")
    there = found["path"].tolist()
    assert there[:3] == ["/echo/1", "/echo/2", "/echo/3"]
    assert found["headers.Authorization"].notna().tolist() == [True, False, True, False, False]
    assert found["headers.X-Team"].notna().tolist() == [True, False, True, False, False]
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "ok", "ok", "null_key", "unsafe_url"]


def test_a_template_of_another_origin_carries_no_credentials(api):
    """Neither the token, nor headers, nor parameters of the client are sent."""
    client = paio.Client("https://api.example.com", auth="s3cret", headers={"X-Team": "blue"}, params={"key": "s3cret"})
    found = pd.DataFrame({"id": [1]}).aio.fetch(
        api + "/echo/{id}", client=client, columns=["path", "headers"], max_level=0
    )
    assert "s3cret" not in found.astype(str).to_string()
    assert "blue" not in found.astype(str).to_string()


def test_credentials_for_a_column_of_urls_need_an_origin(api):
    with pytest.raises(paio.PlanError, match="say where they belong"):
        pd.Series([api]).aio.fetch(auth="s3cret")
    assert not api.log


def test_a_base_url_without_a_scheme_is_refused_with_a_correction():
    with pytest.raises(
        paio.PlanError, match=r"base_url='api\.example\.com' is not a URL: write 'https://api\.example\.com'"
    ):
        paio.Client("api.example.com")


@pytest.mark.parametrize("count", [1, 3, 60])
@pytest.mark.parametrize("batch", [None, 10])
def test_a_401_at_another_origin_says_that_the_credentials_were_not_sent(count, batch):
    """Also where the run stops early, and in the warning instead of the advice to pass other credentials."""
    respond = lambda request: json_response({"error": request.target}, status="401 Unauthorized")  # noqa: E731
    with serve_function(respond) as server:
        other = server.url.replace("127.0.0.1", "localhost")
        client = paio.Client(server.url, auth="s3cret", concurrency=1)
        template = "/{id}" if batch is None else "/?id={id*}"
        with pytest.warns(paio.FetchWarning, match="credentials were not sent: they belong to") as caught:
            out = pd.DataFrame({"id": range(count)}).aio.fetch(other + template, client=client, batch=batch)
        assert not any("authorization" in request.headers for request in server.requests)
    note = f"(the client's credentials were not sent: they belong to {server.url}, this is {other})"
    assert out.aio.failures["error"].str.endswith(note).all()
    assert len(out.aio.failures) == count
    assert "fresh auth=" not in str(caught[0].message)


def test_a_401_at_the_clients_own_origin_says_nothing_about_where_credentials_belong():
    """Nor one whose call has credentials of its own in headers=."""
    with serve_function(lambda request: json_response({}, status="401 Unauthorized")) as server:
        client, frame = paio.Client(server.url, auth="s3cret"), pd.DataFrame({"id": [1]})
        other = server.url.replace("127.0.0.1", "localhost") + "/{id}"
        for call in (
            {"url_template": "/{id}", "client": client},
            {"url_template": other, "client": client, "headers": {"Authorization": "Bearer own"}},
            {"url_template": other, "client": paio.Client(server.url)},
            {"url_template": other, "auth": "s3cret"},
        ):
            with pytest.warns(paio.FetchWarning, match="401"):
                out = frame.aio.fetch(**call)
            assert "not sent" not in out.aio.failures["error"].iloc[0]
