"""Which answers are kept."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import ParseError, PayloadError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.storage.keeping import is_polled_again, is_worth_keeping, may_answer_from_store

HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("response", "error", "kept"),
    [
        (Response(200, {}, b"{}", ""), None, True),
        (Response(204, {}, b"", ""), None, True),
        (Response(404, {}, b"{}", ""), None, False),
        (Response(304, {}, b"", ""), None, False),
        (Response(200, {}, b"a;b", ""), ParseError("not JSON"), True),
        (Response(200, {}, b'{"a', ""), ParseError("ends early", transient=True), False),
        (Response(200, {}, b"{}", ""), PayloadError("quota"), False),
        (Response(200, HTML, b"<p>", ""), ParseError("HTML"), False),
        (Response(200, {}, b" <!DOCTYPE html><p>", ""), ParseError("HTML"), False),
        (Response(200, HTML, b"<p>", ""), None, True),
    ],
    ids=["ok", "empty", "404", "304", "unreadable", "cut", "error_when", "HTML", "HTML by its start", "wanted HTML"],
)
def test_complete_success_responses_are_kept(response, error, kept):
    assert is_worth_keeping(response, error) is kept


@pytest.mark.parametrize(
    ("method", "repeatable", "taken"),
    [
        ("GET", False, True),
        ("HEAD", False, True),
        ("POST", False, False),
        ("POST", True, True),
        ("QUERY", False, True),
        ("PUT", False, False),
        ("PATCH", False, False),
        ("DELETE", False, False),
    ],
)
def test_a_kept_answer_stands_for_requests_that_may_be_repeated(method, repeatable, taken):
    methods = {"GET", "PUT", "DELETE", "PATCH", "QUERY"}
    assert may_answer_from_store(method, retry_methods=methods, repeatable=repeatable) is taken


def test_a_poll_of_a_running_job_asks_the_same_again():
    poll = Request("https://e.com/jobs/1")
    assert is_polled_again(poll, [Request("https://e.com/jobs/1", headers={"X": "1"})])
    assert not is_polled_again(poll, [Request("https://e.com/results/1")])
    assert not is_polled_again(poll, [])
