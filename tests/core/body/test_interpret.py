"""The user's own functions, and what servers say themselves."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from pandas_async_io._core.body.interpret import compile_interpreter
from pandas_async_io._core.errors import ParseError, PayloadError, PlanError
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.retry import FailedAttempt, Stop, decide_retry, stop_row
from pandas_async_io._core.policy.retry_options import Retry as Policy
from pandas_async_io._core.server_message import extract_message
from pandas_async_io._core.table.tabular import TABULAR_READERS
from tests.ids import stable


def interpreter(**options):
    return compile_interpreter(readers=TABULAR_READERS, **options)


def response(body=b'{"a": 1}', status=200, content_type="application/json"):
    return Response(status, {"Content-Type": content_type}, body, "")


@pytest.mark.parametrize(
    ("returned", "payload"),
    [
        (None, None),
        ({"a": 1}, {"a": 1}),
        ([{"a": 1}], [{"a": 1}]),
        (({"a": 1}, {"a": 2}), [{"a": 1}, {"a": 2}]),
        (iter([{"a": 1}]), [{"a": 1}]),
    ],
)
def test_a_parser_returns_records(returned, payload):
    """A list, a dict, whatever runs through records, or nothing."""
    assert interpreter(parser=lambda _: returned)(response()) == payload


@pytest.mark.parametrize(
    "returned",
    [
        pd.DataFrame({"a": [1, 2]}),
        pd.Series([1, 2], name="a"),
        pa.table({"a": [1, 2]}),
        pa.record_batch({"a": [1, 2]}),
    ],
    ids=lambda table: type(table).__name__,
)
def test_a_parser_returns_a_table(returned):
    """pandas' or Arrow's: what arrives is a frame."""
    frame = interpreter(parser=lambda _: returned)(response())
    assert isinstance(frame, pd.DataFrame)
    assert frame["a"].tolist() == [1, 2]


def test_a_parser_sees_the_whole_response():
    """Status, headers and body are there."""
    read = interpreter(parser=lambda it: {"status": it.status, "type": it.header("content-type"), "size": len(it.body)})
    assert read(response()) == {"status": 200, "type": "application/json", "size": 8}


def _deep(_):
    return {}["token: CANARY"]


def _outer(it):
    return _deep(it)


def test_fault_78_what_a_parser_raises_is_a_parse_error_with_its_traceback():
    """The message names exception, function, file and line, and no secret."""
    with pytest.raises(ParseError) as caught:
        interpreter(parser=_outer)(response())
    text = str(caught.value)
    assert text.startswith("parser= raised KeyError: ")
    assert "→ _deep (test_interpret.py:" in text
    assert "CANARY" not in text
    assert not caught.value.transient


def test_fault_78_what_comes_out_of_a_generator_late_is_caught_too():
    """Records that fail while they are made are that row's failure."""

    def records():
        yield {"a": 1}
        raise OSError("gone")

    with pytest.raises(ParseError, match="parser= raised OSError: gone"):
        interpreter(parser=lambda _: records())(response())


@pytest.mark.parametrize("returned", [5, "text", b"bytes", {1, 2}])
def test_fault_78_what_is_no_record_is_named(returned):
    """A scalar is no answer."""
    with pytest.raises(ParseError, match=f"parser= returned {type(returned).__name__}"):
        interpreter(parser=lambda _: returned)(response())


@pytest.mark.parametrize(
    ("error_when", "body", "message"),
    [
        ("error", b'{"error": "quota exceeded"}', "quota exceeded"),
        ("error.message", b'{"error": {"message": "no"}}', "no"),
        ("error", b'{"error": {"code": 7, "message": "no"}}', "no"),
        ("error", b'{"error": true}', "True"),
        ("errors", b'{"data": null, "errors": [{"message": "Field x"}]}', "Field x"),
        ("error", b'{"error": "token: CANARY"}', "token: ***"),
        (lambda it: it["status"] == "failed", b'{"status": "failed", "message": "late"}', "late"),
        (lambda it: it["status"] == "failed", b'{"status": "failed"}', "this is an error"),
        (lambda it: it.get("reason"), b'{"reason": "late"}', "late"),
    ],
)
def test_fault_27_an_error_inside_a_200_fails(error_when, body, message):
    """The row ends http_error with the server's words; retry policies see the error."""
    with pytest.raises(PayloadError) as caught:
        interpreter(error_when=error_when)(response(body))
    assert str(caught.value) == f"HTTP 200, but error_when says: {message}"
    assert caught.value.outcome is Outcome.HTTP_ERROR
    failure = FailedAttempt(Request("https://e.com"), response(body), caught.value)
    assert isinstance(decide_retry(Policy(), failure, epoch=0.0, jitter=0.0), Stop)
    again = Policy(when=lambda _, error: isinstance(error, PayloadError))
    assert not isinstance(decide_retry(again, failure, epoch=0.0, jitter=0.0), Stop)


@pytest.mark.parametrize(
    ("error_when", "body"),
    [
        ("error", b'{"error": null}'),
        ("error", b'{"error": false, "a": 1}'),
        ("errors", b'{"errors": []}'),
        ("error.message", b'{"error": {}}'),
        ("error.message", b'{"error": "x"}'),
        ("error", b'[{"error": "of a record"}]'),
        ("error", b"null"),
        ("error", b""),
        (lambda _: None, b"{}"),
    ],
)
def test_fault_27_nothing_where_an_error_would_stand_is_none(error_when, body):
    """Null, false, empty and absent mean that all is well."""
    read = interpreter(error_when=error_when)
    assert read(response(body)) == interpreter()(response(body))


def test_fault_78_what_error_when_raises_is_a_parse_error():
    """A predicate that does not understand a payload fails that row."""
    with pytest.raises(ParseError, match="error_when= raised TypeError"):
        interpreter(error_when=lambda it: it["error"])(response(b"[]"))
    with pytest.raises(ParseError, match=r"error_when= raised ValueError: .*ambiguous"):
        interpreter(error_when=lambda it: it == 1)(response(b"a\n1\n1\n", content_type="text/csv"))


async def _awaited(_):
    """Nobody awaits it."""


@pytest.mark.parametrize(
    "options",
    [
        {"parser": "json"},
        {"parser": _awaited},
        {"parser": len, "format": "csv"},
        {"parser": len, "read_options": {"sep": ";"}},
        {"error_when": 5},
        {"error_when": ""},
        {"error_when": _awaited},
    ],
    ids=stable,
)
def test_functions_that_cannot_work_raise_before_anything_is_sent(options):
    """No row is asked for with them."""
    with pytest.raises(PlanError):
        interpreter(**options)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "no user 5000"}', "no user 5000"),
        (b'{"Message": "User: x is not authorized"}', "User: x is not authorized"),
        (b'{"error": "no user 5000"}', "no user 5000"),
        (b'{"error": {"message": "no user 5000", "code": 7}}', "no user 5000"),
        (b'{"type": "about:blank", "title": "Bad", "detail": "no user 5000"}', "no user 5000"),
        (b'{"title": "Not allowed", "status": 404}', "Not allowed"),
        (b'{"detail": [{"loc": ["q"], "msg": "field required"}]}', "field required"),
        (b'{"errors": ["first", "second"]}', "first"),
        (b'{"code": 7}', '{"code": 7}'),
        (b'{"secret": "s3cret", "x": 1}', '{"secret": ***, "x": 1}'),
        (b"https://e.com/?code=s3cret", "https://e.com/?code=***"),
        (b'"just text"', "just text"),
        (b"plain\n text", "plain text"),
        (b"<html><head><title>502 &amp; more</title></head>", "502 & more"),
        (b"<html><body>long page</body></html>", ""),
        (b"<?xml version='1.0'?><error/>", ""),
        (b"", ""),
        (b"null", ""),
        (b"\x89PNG\x00\x00", ""),
        (b"x" * 100_000, ""),
        (b'{"message": "bad api_key=CANARY"}', "bad api_key=***"),
        (b'{"message": "see https://u:CANARY@e.com/?sig=CANARY"}', "see https://e.com/?sig=***"),
        (('{"message": "' + "é" * 300 + '"}').encode(), "é" * 199 + "…"),
        (b'{"message": "\xff"}', '{"message": "\ufffd"}'),
    ],
)
def test_what_a_server_says_is_one_line_without_secrets(body, words):
    """JSON's usual places, else the text; pages of HTML by their title."""
    assert extract_message(response(body, 404)) == words


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b'{"message": "no user 5000"}', "HTTP 404 Not Found: no user 5000"),
        (404, b'{"detail": "Not Found."}', "HTTP 404 Not Found"),
        (404, b"404: Not Found", "HTTP 404 Not Found"),
        (503, b"", "HTTP 503 Service Unavailable"),
        (999, b"why not", "HTTP 999: why not"),
    ],
)
def test_an_http_error_carries_what_the_server_said(status, body, error):
    """Unless it only repeats the status."""
    assert stop_row(FailedAttempt(Request("https://e.com"), response(body, status))).error == error
