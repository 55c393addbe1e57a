"""Transfer codings: which are undone, and which make a body ambiguous (fault 80)."""

from __future__ import annotations

import gzip
import zlib

import pytest

from pandas_async_io._core.body.coding.transfer_coding import parse_transfer_codings, remove_transfer_codings
from pandas_async_io._core.errors import BodyTooLargeError, ProtocolError, TransportError


@pytest.mark.parametrize(
    ("fields", "codings", "chunked"),
    [
        ([], "", False),
        (["chunked"], "", True),
        (["Chunked "], "", True),
        (["gzip, chunked"], "gzip", True),
        (["x-gzip", "chunked"], "gzip", True),
        (["deflate, gzip"], "deflate, gzip", False),
        (["identity"], "", False),
        ([", chunked,"], "", True),
    ],
)
def test_fault_80_codings_are_read_in_the_order_of_their_fields(fields, codings, chunked):
    """RFC 9112, 6.1: a list over all fields, in any case."""
    found = parse_transfer_codings(fields)
    assert (found.codings, found.chunked) == (codings, chunked)


@pytest.mark.parametrize(
    "fields", [["chunked, gzip"], ["chunked", "gzip"], ["chunked, chunked"], ["br, chunked"], ["compress"], ["x" * 500]]
)
def test_fault_80_an_ambiguous_or_unknown_coding_is_a_protocol_error(fields):
    """It may be transient: a proxy may have broken the reply."""
    with pytest.raises(ProtocolError) as caught:
        parse_transfer_codings(fields)
    assert caught.value.transient
    assert len(str(caught.value)) < 100


def test_fault_80_codings_are_undone_from_the_last_to_the_first():
    """Deflate was applied first."""
    body = gzip.compress(zlib.compress(b"rows"))
    assert remove_transfer_codings(body, "deflate, gzip", 100) == b"rows"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"rows", ProtocolError),
        (gzip.compress(b"rows")[:-4], TransportError),
        (gzip.compress(b"a" * 1000), BodyTooLargeError),
    ],
    ids=["other bytes", "cut", "too large"],
)
def test_fault_80_a_body_that_is_not_in_its_coding_is_an_error(body, error):
    """As for content codings, but bytes in another coding break the protocol."""
    with pytest.raises(error):
        remove_transfer_codings(body, "gzip", 100)
