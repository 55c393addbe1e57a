"""Rows that fail: outcomes, causes, warnings, and what ends a run early."""

import contextlib
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_script

QUICK = paio.Retry(attempts=3, base=0.001, patience=0)


def test_failed_rows_are_listed_and_rows_that_fail_once_are_ok(api):
    """5 % of the rows always fail; the failures have their status and cause."""
    frame = pd.DataFrame({"key": range(1, 201)})
    frame["path"] = np.where(frame["key"] % 20 == 7, "flaky", "broken")
    client = paio.Client(api, retry=QUICK)
    with pytest.warns(paio.FetchWarning, match=r"10 of 200 rows failed: 10 x HTTP 500"):
        found = frame.aio.fetch("/{path}/{key}", client=client)
    failed = frame["key"] % 20 == 0
    assert found["key_api"].isna().tolist() == failed.tolist()
    assert found["key_api"][~failed].tolist() == frame["key"][~failed].astype(str).tolist()
    failures = found.aio.failures
    assert failures["row"].tolist() == np.flatnonzero(failed).tolist()
    assert set(failures["status"]) == {500}
    assert failures["error"].str.contains("500").all()
    assert (found.aio.outcomes["attempts"][frame["path"] == "flaky"] == 2).all()


def test_errors_raise_raises_after_the_run_with_the_frame_and_the_failures(api):
    """All rows are sent; a null key is not a failure."""
    frame = pd.DataFrame({"id": [1, None, 5000, 2]}, index=list("abcd"))
    with pytest.raises(paio.FetchError, match=r"1 of 4 rows failed: 1 x HTTP 404 Not Found") as caught:
        frame.aio.fetch(api + "/users/{id}", errors="raise")
    partial = caught.value.partial
    assert partial["name"].notna().tolist() == [True, False, False, True]
    assert partial.index.equals(frame.index)
    assert caught.value.failures["row"].tolist() == [2]
    assert_frame_equal(caught.value.failures, partial.aio.failures)
    frame.drop("c").aio.fetch(api + "/users/{id}", errors="raise")


def test_one_warning_per_run_counts_causes_and_points_to_the_callers_line(api):
    frame = pd.DataFrame({"id": [1, 0, 0, "..", "x"]})
    with pytest.warns(paio.FetchWarning) as caught:
        frame.aio.fetch(api + "/users/{id}")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    text = str(caught[0].message)
    assert text.startswith("4 of 5 rows failed: 3 x HTTP 404 Not Found")
    assert ".aio.failures" in text


def test_each_call_warns_of_its_own_failures():
    """The default filters show the warning each time in a loop, too."""
    script = """
import pandas as pd, pandas_async_io as paio
with paio.demo.serve() as api:
    for _ in range(3):
        pd.DataFrame({"u": [9999]}).aio.fetch(api + "/users/{u}", columns=["name"])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stderr.count("FetchWarning: 1 of 1 rows failed") == 3


@pytest.mark.parametrize(
    ("url", "options", "outcome", "error"),
    [
        ("/users/1", {}, "ok", None),
        ("/users/{null}", {}, "null_key", "missing value in 'null'"),
        ("/users/{dots}", {}, "unsafe_url", r"'\.\.'"),
        ("/users/0", {}, "http_error", "404"),
        ("/flaky/x?status=999&fail=99", {}, "http_error", "999"),
        ("/redirect-loop", {}, "http_error", "redirect"),
        ("/redirect-nowhere", {}, "http_error", "302"),
        ("/redirect-to?url=http://evil.example/", {}, "unsafe_url", "another origin"),
        ("/slow/1?ms=60000", {"timeout": 0.05}, "timeout", "0.05"),
        ("/bytes/html", {}, "parse_error", "HTML"),
        ("/bytes/invalid", {}, "parse_error", "JSON"),
        ("/users/1", {"record_path": "name"}, "parse_error", "'name' holds str"),
        ("/bytes/gzip", {"client": {"max_body": 100}}, "body_too_large", "100"),
        ("/bytes/truncated-gzip", {}, "transport_error", "end|cut|trunc"),
    ],
)
def test_a_row_has_an_outcome_and_a_failed_row_its_cause(api, url, options, outcome, error):
    options = dict(options)
    client = paio.Client(api, retry=paio.Retry(attempts=2, base=0.001), **options.pop("client", {}))
    frame = pd.DataFrame({"null": [None], "dots": [".."]})
    warned = paio.HintWarning if outcome == "null_key" else paio.FetchWarning
    failing = pytest.warns(warned) if error else contextlib.nullcontext()
    with failing:
        found = frame.aio.fetch(url, client=client, **options)
    line = found.aio.outcomes.iloc[0]
    assert line["outcome"] == outcome
    assert (
        (line["error"] is None or pd.isna(line["error"]))
        if error is None
        else pd.Series([line["error"]]).str.contains(error).all()
    )
    assert len(found) == 1


def test_fault_1_an_error_names_the_address_that_refuses_the_connection(api):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(paio.FetchError, match=rf"none was answered: .*127\.0\.0\.1:{port}\b.*refuse"):
        pd.DataFrame({"id": [1, 2]}).aio.fetch(f"http://127.0.0.1:{port}/{{id}}", errors="raise", retry=1)


def test_fault_47_an_error_names_the_host_that_does_not_resolve():
    with pytest.raises(paio.FetchError, match=r"1 x nohost\.invalid does not resolve"):
        pd.DataFrame({"id": [1]}).aio.fetch("http://nohost.invalid/{id}", errors="raise", retry=1)


def test_fault_32_a_retry_after_of_3000_years_ends_its_row_at_once():
    refusal = http_response(b"{}", "Retry-After: 99999999999", status="429 Too Many Requests")
    with serve_script(refusal) as server, pytest.warns(paio.FetchWarning, match="429"):
        found = pd.DataFrame({"id": [1]}).aio.fetch(server.url + "/{id}")
    assert found.aio.outcomes["outcome"].tolist() == ["rate_limited_too_long"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("/users/{id}", paio.TemplateError, "relative URL"),
        ("{api}/users/{id", paio.TemplateError, "brace"),
        ("{api}/users/{usr}", paio.UnknownFieldError, r"nearest: \{id\}"),
        ("http://{id}/", paio.TemplateError, "allow_hosts"),
    ],
)
def test_fault_57_an_invalid_template_raises_before_anything_is_sent(api, url, error, message):
    with pytest.raises(error, match=message):
        pd.DataFrame({"id": [1]}).aio.fetch(url.replace("{api}", api))
    assert not api.log


def test_max_requests_ends_the_unsent_rows(api):
    with pytest.warns(paio.FetchWarning, match=r"3 of 5 rows failed: 3 x .*max_requests=2"):
        found = pd.DataFrame({"id": range(5)}).aio.fetch(api + "/echo/{id}", max_requests=2)
    assert sorted(found.aio.outcomes["outcome"]) == ["budget_exhausted"] * 3 + ["ok"] * 2
    assert len(api.log) == 2


def test_credentials_that_get_only_401_end_the_run_early():
    frame = pd.DataFrame({"id": range(500)})
    with paio.demo.serve() as api, pytest.warns(paio.FetchWarning, match="500 of 500 rows failed"):
        found = frame.aio.fetch(api + "/flaky/{id}?status=401&fail=9", concurrency=10)
    ended = found.aio.outcomes["outcome"].value_counts()
    assert set(ended.index) == {"http_error", "not_attempted"}
    assert ended["http_error"] == len(api.log) <= 35
