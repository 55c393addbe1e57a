"""What went wrong, in a line: found where servers put it, however odd the answer."""

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
def test_a_message_is_found_where_servers_put_it(payload, message):
    """The usual names, in any case, and what is inside of them."""
    assert find_message(payload) == message


@pytest.mark.parametrize("depth", [9, 1_000])
def test_an_error_that_is_nested_without_end_is_told_all_the_same(depth):
    """It is one row's failure, not the run's."""
    body = b'{"error":' * depth + b"1" + b"}" * depth
    assert describe_http_error(Response(500, {}, body, "")).startswith("HTTP 500 Internal Server Error")
