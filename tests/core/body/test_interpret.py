"""Response to payload: parser= and error_when=."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from pandas_async_io._core.body.interpret import compile_interpreter
from pandas_async_io._core.errors import ParseError, PayloadError, PlanError
from pandas_async_io._core.models import NO_RECORDS, Outcome, Request, Response
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Stop, decide_retry
from pandas_async_io._core.policy.retries.retry_options import Retry as Policy
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS
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
def test_a_parser_may_return_records_or_none(returned, payload):
    """A list, a dict, an iterator of records, or None."""
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
def test_a_parser_may_return_a_table(returned):
    """pandas' or Arrow's; the payload is a frame."""
    frame = interpreter(parser=lambda _: returned)(response())
    assert isinstance(frame, pd.DataFrame)
    assert frame["a"].tolist() == [1, 2]


def test_a_parser_gets_the_whole_response():
    """Status, headers and body."""
    read = interpreter(parser=lambda it: {"status": it.status, "type": it.header("content-type"), "size": len(it.body)})
    assert read(response()) == {"status": 200, "type": "application/json", "size": 8}


def _raise_key_error(_):
    return {}["token: CANARY"]


def _call_raise(it):
    return _raise_key_error(it)


def test_fault_78_an_exception_of_a_parser_is_a_parse_error():
    """The message names exception, function, file and line, and masks secrets."""
    with pytest.raises(ParseError) as caught:
        interpreter(parser=_call_raise)(response())
    text = str(caught.value)
    assert text.startswith("parser= raised KeyError: ")
    assert "→ _raise_key_error (test_interpret.py:" in text
    assert "CANARY" not in text
    assert not caught.value.transient


def test_fault_78_an_exception_of_a_generator_is_a_parse_error():
    """Records are generated when they are read."""

    def records():
        yield {"a": 1}
        raise OSError("gone")

    with pytest.raises(ParseError, match="parser= raised OSError: gone"):
        interpreter(parser=lambda _: records())(response())


@pytest.mark.parametrize("returned", [5, "text", b"bytes", {1, 2}])
def test_fault_78_a_parser_must_not_return_a_scalar(returned):
    """The message names the type."""
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
        (lambda it: it.json()["status"] == "failed", b'{"status": "failed", "message": "late"}', "late"),
        (lambda it: it.json().get("reason"), b'{"reason": "late"}', "late"),
        (lambda it: b"failed" in it.body, b'{"status": "failed"}', "this is an error"),
        ({200}, b'{"message": "not ready"}', "not ready"),
        (200, b"{}", "this is an error"),
        ("errors.0", b'{"errors": ["late"]}', "late"),
    ],
)
def test_fault_27_an_error_in_a_200_fails_the_row(error_when, body, message):
    """The row ends http_error with the server's message; Retry(when=) sees the error."""
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
        ("error", b'[{"error": null}, {"error": ""}]'),
        ({202, 204}, b'{"error": "x"}'),
        ("error", b"null"),
        ("error", b""),
        (lambda _: None, b"{}"),
    ],
)
def test_fault_27_an_empty_error_is_not_an_error(error_when, body):
    """Null, false, empty and absent mean success."""
    read = interpreter(error_when=error_when)
    assert read(response(body)) == interpreter()(response(body))


def test_fault_78_an_exception_of_error_when_is_a_parse_error():
    """It fails that row."""
    with pytest.raises(ParseError, match="error_when= raised TypeError"):
        interpreter(error_when=lambda it: it["error"])(response(b"[]"))
    with pytest.raises(ParseError, match=r"error_when= raised ValueError: .*ambiguous"):
        interpreter(error_when=lambda it: it["a"] == 1)(response(b"a\n1\n1\n", content_type="text/csv"))
    with pytest.raises(ParseError, match="error_when= raised AttributeError: 'NoneType' object"):
        interpreter(error_when=lambda it: it.json().get("a").lower())(response(b"{}"))


@pytest.mark.parametrize("error_when", ["error", "error.message", lambda it: it.text.endswith('"}}\n')])
def test_fault_92_a_stream_that_ends_in_an_error_is_an_error(error_when):
    """The records before it do not pass for all; the message is that of the last record."""
    body = b'{"id": 1, "title": "a"}\n{"id": 2, "title": "b"}\n{"error": {"message": "cut off"}}\n'
    with pytest.raises(PayloadError, match="error_when says: cut off"):
        interpreter(error_when=error_when)(response(body, content_type="application/x-ndjson"))


def test_what_has_no_records_is_asked_first_and_the_parser_last():
    """A body that cannot be decoded may be an answer without records."""
    read = interpreter(
        empty_when=lambda it: it.body == b"No data", error_when="error", parser=lambda it: it.json()["items"]
    )
    assert read(response(b"No data")) is NO_RECORDS
    with pytest.raises(PayloadError, match="error_when says: quota"):
        read(response(b'{"error": "quota"}'))
    assert read(response(b'{"items": [1]}')) == [1]
    assert (
        interpreter(empty_when="none", format="csv")(response(b'{"none": true}', content_type="text/csv")) is not None
    )


async def _async_function(_):
    """Do nothing."""


@pytest.mark.parametrize(
    "options",
    [
        {"parser": "json"},
        {"parser": _async_function},
        {"parser": len, "format": "csv"},
        {"parser": len, "read_options": {"sep": ";"}},
        {"error_when": 5},
        {"error_when": ""},
        {"error_when": _async_function},
        {"error_when": lambda: True},
        {"empty_when": 5},
        {"empty_when": []},
        {"empty_when": [404, None]},
        {"empty_when": True},
    ],
    ids=stable,
)
def test_an_invalid_parser_or_error_when_raises_a_plan_error(options):
    """Before a request is sent."""
    with pytest.raises(PlanError):
        interpreter(**options)
