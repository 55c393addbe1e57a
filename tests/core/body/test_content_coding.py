"""Content codings: bounded, complete, and only those that can be undone here."""

from __future__ import annotations

import gzip
import importlib
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.body.content_coding import Decompressor, accept_encoding, decompress
from pandas_async_io._core.body.decompressors import available_codings
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, TransportError

ENOUGH = 1 << 20


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


def needs(coding):
    if coding.removeprefix("x-") not in accept_encoding():
        pytest.skip(f"{coding} cannot be undone here")


def in_chunks(body, coding, size, max_body=ENOUGH):
    stream = Decompressor(coding, max_body)
    parts = [stream.feed(body[i : i + size]) for i in range(0, len(body), size)]
    stream.finish()
    return b"".join(parts)


@each_coding
@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=2000), times=st.sampled_from([1, 1, 100]), size=st.integers(1, 3000))
def test_any_bytes_come_back_in_any_chunks(coding, compress, data, times, size):
    """What was compressed comes back, whole or in chunks of any size."""
    needs(coding)
    body = compress(data * times)
    assert decompress(body, coding, ENOUGH) == data * times
    assert in_chunks(body, coding, size) == data * times


@each_coding
@settings(deadline=None, max_examples=50)
@given(data=st.binary(min_size=1, max_size=300), share=st.floats(0, 1, exclude_max=True))
def test_fault_16_every_proper_prefix_is_truncated(coding, compress, data, share):
    """A stream that ends anywhere before its end is an error that passes, however good the framing."""
    needs(coding)
    body = compress(data)
    prefix = body[: max(1, int(len(body) * share))]
    with pytest.raises(TransportError, match="truncated") as caught:
        decompress(prefix, coding, ENOUGH)
    assert caught.value.transient


@each_coding
def test_fault_16_each_cut_of_one_body_is_truncated(coding, compress):
    """No length of a real body but the full one is taken for the whole."""
    needs(coding)
    body = compress(b'[{"id": 1, "name": "Leanne"}, {"id": 2, "name": "Ervin"}]')
    for length in range(1, len(body)):
        with pytest.raises(TransportError, match="truncated"):
            in_chunks(body[:length], coding, 7)


@each_coding
@pytest.mark.parametrize("body", [b'{"id": 1, "name": "plain JSON"}', b"\xff" * 40, b"<html></html>"])
def test_fault_15_bytes_in_another_coding_are_refused_for_good(coding, compress, body):
    """A body that is not in the coding it announces names that coding and is not asked for again."""
    needs(coding)
    with pytest.raises(ParseError, match=repr(coding.removeprefix("x-"))) as caught:
        decompress(body, coding, ENOUGH)
    assert not caught.value.transient


def test_fault_15_a_wrong_checksum_is_refused():
    """A gzip body whose content changed on the way is no content."""
    body = bytearray(gzip.compress(b"rows"))
    body[-8] ^= 1
    with pytest.raises(ParseError, match="gzip"):
        decompress(bytes(body), "gzip", ENOUGH)


@pytest.mark.parametrize("announced", ["sdch", "gzip, compress", "aws-chunked"])
def test_fault_15_an_unknown_coding_is_named(announced):
    """The message names the coding and what is known instead."""
    with pytest.raises(ParseError, match=f"{announced.split()[-1]}.*gzip, deflate") as caught:
        decompress(b"x", announced, ENOUGH)
    assert not caught.value.transient


@each_coding
def test_bytes_behind_the_end_are_refused(coding, compress):
    """Trailing garbage is an error, whether it comes with the last chunk or after it."""
    needs(coding)
    body = compress(b"rows")
    for size in (1, len(body), len(body) + 10):
        with pytest.raises(ParseError):
            in_chunks(body + b"garbage!", coding, size)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstd_compress)])
def test_members_follow_one_another(coding, compress, size):
    """gzip members and zstd frames in one body are one content."""
    needs(coding)
    assert in_chunks(compress(b"first ") + compress(b"") + compress(b"second"), coding, size) == b"first second"


def test_security_s9_members_are_counted():
    """Ten thousand empty members are no content but work, and one more is refused."""
    member = gzip.compress(b"")
    assert decompress(member * 10_000, "gzip", ENOUGH) == b""
    with pytest.raises(ParseError, match="10000"):
        decompress(member * 10_001, "gzip", ENOUGH)


def test_fault_17_only_what_can_be_undone_is_asked_for():
    """Accept-Encoding lists gzip and deflate always, and every coding in it works."""
    listed = accept_encoding().split(", ")
    assert listed[:2] == ["gzip", "deflate"]
    compressors = dict(CODINGS.values())
    for coding in listed:
        assert decompress(compressors[coding](b"rows"), coding, ENOUGH) == b"rows"


def test_fault_17_without_libraries_br_and_zstd_are_not_asked_for(monkeypatch):
    """Where no library is installed the two are neither listed nor undone, and the message helps."""
    for name in ("brotli", "brotlicffi", "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    available_codings.cache_clear()
    try:
        assert accept_encoding() == "gzip, deflate"
        with pytest.raises(ParseError, match=r"brotli>=1\.2"):
            decompress(b"x", "br", ENOUGH)
    finally:
        available_codings.cache_clear()


def test_fault_17_a_brotli_without_bounds_is_not_used(monkeypatch):
    """A brotli that cannot limit its output would let a bomb off, so it does not count."""

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
    """A hundred times max_body in a small body ends as body_too_large, at a bounded peak of memory."""
    needs(coding)
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
    """Layers are limited one by one, so what explodes between them stays small as well."""
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
def test_fault_18_max_body_itself_still_fits(coding):
    """Exactly max_body decoded bytes are accepted, one more is not, coded or plain."""
    pack = gzip.compress if coding == "gzip" else bytes
    assert decompress(pack(b"x" * 1000), coding, 1000) == b"x" * 1000
    with pytest.raises(BodyTooLargeError):
        decompress(pack(b"x" * 1001), coding, 1000)


def test_fault_18_max_body_counts_over_all_chunks():
    """A body that comes in pieces is counted as one."""
    with pytest.raises(BodyTooLargeError):
        in_chunks(b"x" * 1001, None, 10, max_body=1000)


def test_security_s9_a_coded_body_far_above_max_body_is_refused():
    """Input that decodes to next to nothing is counted too, so it cannot burn time for ever."""
    compressor = zlib.compressobj(wbits=-15)
    empty = compressor.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(BodyTooLargeError):
        decompress(empty * 20_000, "deflate", 10)


def test_security_s9_five_codings_are_undone_and_six_are_not():
    """Chained codings are undone right to left, at most five of them."""
    body = b"rows"
    for _ in range(5):
        body = gzip.compress(body)
    assert decompress(body, "gzip, identity, GZIP,gzip , x-gzip, gzip", ENOUGH) == b"rows"
    with pytest.raises(ParseError, match="6 codings"):
        decompress(gzip.compress(body), ", ".join(["gzip"] * 6), ENOUGH)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_chained_codings_are_undone_right_to_left(size):
    """The coding named last was applied last and comes off first."""
    body = zlib.compress(gzip.compress(b"rows" * 100))
    assert in_chunks(body, "gzip, deflate", size) == b"rows" * 100
    with pytest.raises(ParseError):
        in_chunks(body, "deflate, gzip", size)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "no-such-coding", "a, b, c, d, e, f", None])
def test_fault_26_an_empty_body_is_empty_in_any_coding(coding):
    """HEAD, 204 and 304 announce a coding and send no byte: that is no error."""
    assert decompress(b"", coding, ENOUGH) == b""
    Decompressor(coding, ENOUGH).finish()


def test_zstd_windows_above_8_mib_are_refused():
    """RFC 9659 limits the window, so no header of a few bytes reserves gigabytes."""
    needs("zstd")
    header = b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3])  # a frame whose window is 2 ** 27 bytes
    with pytest.raises(ParseError, match="zstd"):
        decompress(header + b"\x01\x00\x00", "zstd", ENOUGH)
