"""Decode one body, for the tests of this folder."""

from __future__ import annotations

import pytest

from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import Response

JSON = "application/json"


def decode_body(body, content_type=JSON, **options):
    """Return the payload of a body."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    return decode(Response(200, headers, body, "https://api.example.com/"), **options)


def decode_error(body, content_type=JSON, **options):
    """Return the error that refuses a body."""
    with pytest.raises(ParseError) as caught:
        decode_body(body, content_type, **options)
    return caught.value
