"""Content codings: bounded, complete, and only those that are supported."""

from __future__ import annotations

import gzip
import importlib
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.body.coding.coding_libraries import available_codings
from pandas_async_io._core.body.coding.content_coding import Decompressor, accept_encoding, decompress
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, TransportError

MAX_BODY = 1 << 20


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def zstd_compress(data):
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name).compress(data)
        except ImportError:
            continue
    pytest.skip("no zstd library")


def br_compress(data):
    return pytest.importorskip("brotli").compress(data, quality=5)


CODINGS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate, zlib-wrapped": ("deflate", zlib.compress),
    "deflate, raw": ("deflate", raw_deflate),
    "br": ("br", br_compress),
    "zstd": ("zstd", zstd_compress),
}
each_coding = pytest.mark.parametrize(("coding", "compress"), CODINGS.values(), ids=CODINGS)


def skip_unless_supported(coding):
    if coding.removeprefix("x-") not in accept_encoding():
        pytest.skip(f"{coding} is not supported here")


def decompress_in_chunks(body, coding, size, max_body=MAX_BODY):
    stream = Decompressor(coding, max_body)
    parts = [stream.feed(body[i : i + size]) for i in range(0, len(body), size)]
    stream.finish()
    return b"".join(parts)


@each_coding
@settings(max_examples=50)
@given(data=st.binary(max_size=2000), times=st.sampled_from([1, 1, 100]), size=st.integers(1, 3000))
def test_compressed_bytes_come_back_in_chunks_of_any_size(coding, compress, data, times, size):
    """Whole, or chunk by chunk."""
    skip_unless_supported(coding)
    body = compress(data * times)
    assert decompress(body, coding, MAX_BODY) == data * times
    assert decompress_in_chunks(body, coding, size) == data * times


@each_coding
@settings(max_examples=50)
@given(data=st.binary(min_size=1, max_size=300), share=st.floats(0, 1, exclude_max=True))
def test_fault_16_a_stream_that_ends_early_is_truncated(coding, compress, data, share):
    """The error is transient, however good the framing."""
    skip_unless_supported(coding)
    body = compress(data)
    prefix = body[: max(1, int(len(body) * share))]
    with pytest.raises(TransportError, match="truncated") as caught:
        decompress(prefix, coding, MAX_BODY)
    assert caught.value.transient


@each_coding
def test_fault_16_each_cut_of_one_body_is_truncated(coding, compress):
    """No shorter length of a real body is accepted."""
    skip_unless_supported(coding)
    body = compress(b'[{"id": 1, "name": "Leanne"}, {"id": 2, "name": "Ervin"}]')
    for length in range(1, len(body)):
        with pytest.raises(TransportError, match="truncated"):
            decompress_in_chunks(body[:length], coding, 7)


@each_coding
@pytest.mark.parametrize("body", [b'{"id": 1, "name": "plain JSON"}', b"\xff" * 40, b"<html></html>"])
def test_fault_15_bytes_in_another_coding_are_refused_for_good(coding, compress, body):
    """The message names the announced coding, and the request is not repeated."""
    skip_unless_supported(coding)
    with pytest.raises(ParseError, match=repr(coding.removeprefix("x-"))) as caught:
        decompress(body, coding, MAX_BODY)
    assert not caught.value.transient


TEXTS = [
    b"{}",
    b"[1, 2]",
    b'{"a":1}',
    b"\xc3\xa9" * 200,
    b"id,name\r\n1,Leanne Graham\n",
    b"<!doctype html><html>\t</html>",
]


@pytest.mark.parametrize("body", [*TEXTS, *(bytes([first]) + b" is how this text begins" for first in range(32, 127))])
@pytest.mark.parametrize("coding", ["deflate", "br", "gzip, deflate"])
def test_fault_15_a_text_is_no_stream_that_ends_early(coding, body):
    """Raw deflate and Brotli read most texts as the start of a stream: the body is refused, not requested again."""
    skip_unless_supported(coding.rpartition(" ")[2])
    for size in (16, 1000):
        with pytest.raises(ParseError) as caught:
            decompress_in_chunks(body, coding, size)
        assert not caught.value.transient


@pytest.mark.parametrize("name", ["identity", "none", "utf-8", "UTF-8", "binary", "Identity, none", ""])
def test_names_that_servers_send_for_no_coding_leave_the_body_as_it_is(name):
    """A coding beside them is decoded."""
    assert decompress(b"rows", name, MAX_BODY) == b"rows"
    assert decompress(gzip.compress(b"rows"), f"{name}, gzip", MAX_BODY) == b"rows"
    with pytest.raises(BodyTooLargeError):
        decompress(b"x" * 11, name, 10)


def test_fault_15_a_wrong_checksum_is_refused():
    """The content of a gzip body changed on the way."""
    body = bytearray(gzip.compress(b"rows"))
    body[-8] ^= 1
    with pytest.raises(ParseError, match="gzip"):
        decompress(bytes(body), "gzip", MAX_BODY)


@pytest.mark.parametrize("announced", ["sdch", "gzip, compress", "aws-chunked"])
def test_fault_15_an_unknown_coding_is_named(announced):
    """The message also lists the supported codings."""
    with pytest.raises(ParseError, match=f"{announced.split()[-1]}.*gzip, deflate") as caught:
        decompress(b"x", announced, MAX_BODY)
    assert not caught.value.transient


@each_coding
def test_bytes_after_the_end_are_refused(coding, compress):
    """They may come with the last chunk or after it."""
    skip_unless_supported(coding)
    body = compress(b"rows")
    for size in (1, len(body), len(body) + 10):
        with pytest.raises(ParseError):
            decompress_in_chunks(body + b"garbage!", coding, size)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstd_compress)])
def test_members_are_concatenated(coding, compress, size):
    """gzip members and zstd frames in one body are one content."""
    skip_unless_supported(coding)
    assert (
        decompress_in_chunks(compress(b"first ") + compress(b"") + compress(b"second"), coding, size) == b"first second"
    )


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_zeros_behind_a_gzip_member_are_padding(size):
    """As `gzip` and Python read it; other bytes are refused."""
    padded = gzip.compress(b"first ") + b"\0" * 9 + gzip.compress(b"second") + b"\0" * 900
    assert decompress_in_chunks(padded, "gzip", size) == b"first second"
    with pytest.raises(ParseError):
        decompress_in_chunks(padded + b"garbage!", "gzip", size)


def test_security_s9_a_body_has_at_most_10_000_members():
    """Empty members hold no content and cost time."""
    member = gzip.compress(b"")
    assert decompress(member * 10_000, "gzip", MAX_BODY) == b""
    with pytest.raises(ParseError, match="10000"):
        decompress(member * 10_001, "gzip", MAX_BODY)


def test_fault_17_accept_encoding_lists_only_codings_that_can_be_undone():
    """gzip and deflate are always among them."""
    listed = accept_encoding().split(", ")
    assert listed[:2] == ["gzip", "deflate"]
    compressors = dict(CODINGS.values())
    for coding in listed:
        assert decompress(compressors[coding](b"rows"), coding, MAX_BODY) == b"rows"


def test_fault_17_without_libraries_br_and_zstd_are_not_listed(monkeypatch):
    """The error for such a body names the library."""
    for name in ("brotli", "brotlicffi", "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    available_codings.cache_clear()
    try:
        assert accept_encoding() == "gzip, deflate"
        with pytest.raises(ParseError, match=r"brotli>=1\.2"):
            decompress(b"x", "br", MAX_BODY)
    finally:
        available_codings.cache_clear()


def test_fault_17_a_brotli_that_cannot_limit_its_output_is_not_used(monkeypatch):
    """A decompression bomb would exhaust the memory."""

    class Unbounded:
        class Decompressor:
            pass

    monkeypatch.setitem(sys.modules, "brotli", Unbounded)
    available_codings.cache_clear()
    try:
        assert "br" not in accept_encoding().split(", ")
    finally:
        available_codings.cache_clear()


@each_coding
def test_fault_18_a_bomb_stops_at_max_body(coding, compress):
    """A small body that decodes to a hundred times max_body costs a bounded peak of memory."""
    skip_unless_supported(coding)
    max_body = 1 << 20
    bomb = compress(bytes(100 * max_body))
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError, match=f"max_body={max_body}") as caught:
            decompress(bomb, coding, max_body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * max_body + (1 << 20)
    assert not caught.value.transient


def test_fault_18_a_bomb_in_a_bomb_stops_at_max_body():
    """Each layer is limited, so the memory between layers is, too."""
    bomb = bytes(1 << 27)
    for _ in range(3):
        bomb = gzip.compress(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError):
            decompress(bomb, "gzip, gzip, gzip", 1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 << 20


@pytest.mark.parametrize("coding", [None, "", "identity", "gzip"])
def test_fault_18_a_body_of_exactly_max_body_is_accepted(coding):
    """Coded or plain; one more byte is refused."""
    pack = gzip.compress if coding == "gzip" else bytes
    assert decompress(pack(b"x" * 1000), coding, 1000) == b"x" * 1000
    with pytest.raises(BodyTooLargeError):
        decompress(pack(b"x" * 1001), coding, 1000)


def test_fault_18_max_body_limits_the_sum_of_all_chunks():
    """A body that arrives in pieces is one body."""
    with pytest.raises(BodyTooLargeError):
        decompress_in_chunks(b"x" * 1001, None, 10, max_body=1000)


def test_security_s9_a_coded_body_far_above_max_body_is_refused():
    """Input that decodes to almost nothing is limited, too: it costs time."""
    compressor = zlib.compressobj(wbits=-15)
    empty = compressor.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(BodyTooLargeError):
        decompress(empty * 20_000, "deflate", 10)


def test_security_s9_at_most_five_codings_are_undone():
    """A sixth is refused."""
    body = b"rows"
    for _ in range(5):
        body = gzip.compress(body)
    assert decompress(body, "gzip, identity, GZIP,gzip , x-gzip, gzip", MAX_BODY) == b"rows"
    with pytest.raises(ParseError, match="6 codings"):
        decompress(gzip.compress(body), ", ".join(["gzip"] * 6), MAX_BODY)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_chained_codings_are_undone_right_to_left(size):
    """The coding named last was applied last."""
    body = zlib.compress(gzip.compress(b"rows" * 100))
    assert decompress_in_chunks(body, "gzip, deflate", size) == b"rows" * 100
    with pytest.raises(ParseError):
        decompress_in_chunks(body, "deflate, gzip", size)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "no-such-coding", "a, b, c, d, e, f", None])
def test_fault_26_an_empty_body_is_empty_in_any_coding(coding):
    """HEAD, 204 and 304 announce a coding and send no byte: that is not an error."""
    assert decompress(b"", coding, MAX_BODY) == b""
    Decompressor(coding, MAX_BODY).finish()


def test_zstd_windows_above_8_mib_are_refused():
    """RFC 9659 limits the window: otherwise a header of a few bytes reserves gigabytes."""
    skip_unless_supported("zstd")
    header = b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3])  # a frame whose window is 2 ** 27 bytes
    with pytest.raises(ParseError, match="zstd"):
        decompress(header + b"\x01\x00\x00", "zstd", MAX_BODY)
