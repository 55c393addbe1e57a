"""A client's limits and credentials."""

import pandas as pd
import pytest

import pandas_async_io as paio


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
