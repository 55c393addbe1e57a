"""Messages found in error responses."""

import pytest

from pandas_async_io._core.models import Response
from pandas_async_io._core.server_message import describe_http_error, find_message


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"error": {"code": 7, "message": "no user"}}, "no user"),
        ({"Errors": [{"detail": "quota"}]}, "quota"),
        ([{"msg": "first"}, {"msg": "second"}], "first"),
        ({"title": " Forbidden "}, "Forbidden"),
        ({"data": {"message": "elsewhere"}}, ""),
        (7, ""),
    ],
)
def test_a_message_is_found_under_its_usual_names(payload, message):
    """In any case, and in nested values."""
    assert find_message(payload) == message


@pytest.mark.parametrize("depth", [9, 1_000])
def test_a_deeply_nested_error_is_described(depth):
    """It fails one row, not the run."""
    body = b'{"error":' * depth + b"1" + b"}" * depth
    assert describe_http_error(Response(500, {}, body, "")).startswith("HTTP 500 Internal Server Error")
