"""The dry run: what a call would send."""

import shlex

import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.models import Request
from pandas_async_io._core.request.dry_run import make_plan, to_curl
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand

HOST = "https://api.example.com"
SECRET = "s3cret-Canary"


def plan(frame, url, own=None, **parts):
    """Plan a fetch by a client that adds these headers."""
    found = expand(frame, compile_request_template(url, **parts))
    return make_plan(found, found, lambda origin: own or {})


def test_a_plan_counts_rows_requests_and_skipped_rows():
    """Equal requests count once. A row without a request counts under its outcome."""
    found = plan(pd.DataFrame({"id": ["1", None, "..", "1", "2", "3", "4"]}), HOST + "/{id}")
    assert (found.rows, found.requests, found.origins) == (7, 4, {HOST: 4})
    assert found.skipped == {"null_key": 1, "unsafe_url": 1}
    assert list(found.reasons) == [2]
    assert found.samples == tuple(f"GET {HOST}/{key}" for key in (1, 2, 3))
    assert "7 rows, 4 requests, skipped: 1 null_key, 1 unsafe_url" in repr(found)
    assert all(line in repr(found) for line in found.curl)


def test_a_plan_of_no_rows_is_empty():
    """No rows, no requests, no samples."""
    found = plan(pd.DataFrame({"id": []}), HOST + "/{id}")
    assert (found.rows, found.requests, dict(found.skipped), found.samples) == (0, 0, {}, ())
    assert "0 requests" in repr(found)


def test_security_s11_a_plan_shows_no_secret():
    """Credentials in headers, query and body are masked."""
    found = plan(
        pd.DataFrame({"id": [1]}),
        HOST + "/{id}",
        {"Authorization": f"Bearer {SECRET}"},
        params={"api_key": SECRET},
        headers={"X-Auth": SECRET},
        json={"password": SECRET, "id": "{id}"},
        method="POST",
    )
    assert SECRET not in repr(found) + str(found.samples) + found._repr_html_()
    assert "Authorization: ***" in repr(found)


@pytest.mark.parametrize("secret", ["s3cret-Canary", "s3cret", "it's a s3cret", "s3cret/ü+1"])
@pytest.mark.parametrize("place", [{"param": "k"}, {"param": "q[1]"}, {"header": "X-Custom"}])
def test_security_s11_a_plan_shows_no_credential_under_any_name(place, secret):
    """The value of ``ApiKey(…)`` is masked in its place, and elsewhere where it is long enough to tell."""
    if "header" in place and not secret.isascii():
        return
    frame = pd.DataFrame({"id": [1], "note": [secret]})
    client = paio.Client(HOST, auth=paio.ApiKey(secret, **place))
    found = frame.aio.plan("/{id}", client=client, json={"page": 1, "note": "{note}" if len(secret) > 7 else "-"})
    assert "s3cret" not in repr(found) + str(found.samples) + str(found.curl) + found._repr_html_()
    assert "***" in repr(found)
    assert '"page":1' in repr(found)
    assert "/1" in found.samples[0]


def test_security_s18_a_plan_in_a_notebook_is_escaped():
    """A value adds no markup."""
    found = plan(pd.DataFrame({"id": ["1"]}), HOST + "/x", headers={"X-A": "<script>"})
    assert "<script>" not in found._repr_html_()


def test_a_curl_command_is_one_shell_line():
    """Quotes and spaces are kept."""
    line = to_curl(Request("https://e.com/?q=it's", "PUT", {"X-A": 'a "b"'}, b"it's\nall"))
    assert shlex.split(line) == [
        "curl",
        "-X",
        "PUT",
        "-H",
        'X-A: a "b"',
        "--data-raw",
        "it's\nall",
        "https://e.com/?q=it's",
    ]


def test_a_get_with_a_body_is_a_get_in_curl_too():
    """Without ``-X``, curl posts a body."""
    assert to_curl(Request("https://e.com/", "GET", {}, b"{}")) == "curl -X GET --data-raw '{}' https://e.com/"
