"""Idempotency keys: one per request of an unsafe method, equal whenever its rows are sent again."""

from uuid import UUID

import numpy as np
import pytest

from pandas_async_io._core.models import Request
from pandas_async_io._core.request.idempotency import add_idempotency_keys

CALL = UUID(int=7)
URL = "https://e.com/"


def keys_of(requests, row_to_request, rows=None, call=CALL, name="Key"):
    """Return the key of each request."""
    added = add_idempotency_keys(
        iter(enumerate(requests)), name, call, np.array(row_to_request), None if rows is None else np.array(rows)
    )
    return [request.headers.get("Key") for _, request in added]


def test_each_request_has_a_key_of_its_own():
    keys = keys_of([Request(URL, "POST"), Request(URL, "PATCH"), Request(URL, "DELETE")], [0, 1, 2])
    assert len(set(keys)) == 3
    assert None not in keys


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_method_needs_no_key(method):
    assert keys_of([Request(URL, method)], [0]) == [None]


def test_a_key_that_the_request_has_is_kept():
    assert keys_of([Request(URL, "POST", {"key": "mine"})], [0], name="KEY") == [None]
    assert keys_of([Request(URL, "POST", {"Key": "mine"})], [0]) == ["mine"]


def test_without_a_header_name_no_key_is_added():
    assert keys_of([Request(URL, "POST")], [0], name=None) == [None]


def test_a_row_that_is_sent_again_has_the_same_key():
    """A later run sends rows 2 and 4 of the call; row 3 shares the request of row 2."""
    posts = [Request(URL, "POST", body=b"%d" % n) for n in range(4)]
    first = keys_of(posts, [0, 1, 2, 2, 3])
    assert keys_of([posts[2], posts[3]], [0, 0, 1], rows=[2, 3, 4]) == first[2:]


def test_another_call_has_other_keys():
    assert keys_of([Request(URL, "POST")], [0]) != keys_of([Request(URL, "POST")], [0], call=UUID(int=8))
