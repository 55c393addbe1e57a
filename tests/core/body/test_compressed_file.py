"""Files that are compressed by themselves: unpacked within ``max_body``, or kept as they are."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from importlib import import_module

import pytest

from pandas_async_io._core.body.coding.coding_libraries import available_codings
from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, TransportError
from pandas_async_io._core.models import Response
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS

CSV = b"a,b\n1,2\n"


def zip_files(files, method=zipfile.ZIP_DEFLATED):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return sink.getvalue()


def compress_zstd(body):
    try:
        return import_module("compression.zstd").compress(body)
    except ImportError:
        return import_module("backports.zstd").compress(body)


PACK = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": compress_zstd,
    "zip": lambda body: zip_files({"inside.bin": body}),
}


def read(url, body, content_type=None, **options):
    headers = {} if content_type is None else {"Content-Type": content_type}
    payload = decode(Response(200, headers, body, url), readers=TABULAR_READERS, **options)
    return payload.to_dict("records") if hasattr(payload, "to_dict") else payload


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize(
    ("url", "content_type", "options"),
    [
        ("https://e.com/a.csv.{0}", None, {}),
        ("https://e.com/a.csv.{0}?v=1", "application/octet-stream", {}),
        ("https://e.com/a.csv.{0}", "application/gzip", {}),
        ("https://e.com/a.csv", "application/x-zip-compressed", {}),
        ("https://e.com/export", "text/csv", {}),
        ("https://e.com/export", "application/zip", {"format": "csv"}),
        ("https://e.com/a.{0}", "application/zip", {"format": "csv"}),
    ],
)
def test_a_file_whose_format_is_named_is_unpacked(suffix, url, content_type, options):
    """By the suffix, the media type or format=; the first bytes name the compression. "bytes" keeps it."""
    packed = PACK[suffix](CSV)
    assert read(url.format(suffix), packed, content_type, **options) == [{"a": 1, "b": 2}]
    assert read(url.format(suffix), packed, content_type, format="bytes") == packed


@pytest.mark.parametrize("suffix", PACK)
def test_json_is_recognised_in_a_file_without_a_name(suffix):
    """Its integers stay exact; `Response.json` and `Response.text` unpack, too."""
    body = b'[{"id": 18446744073709551617}]'
    packed = PACK[suffix](body)
    response = Response(200, {"Content-Type": "application/octet-stream"}, packed, f"https://e.com/export.{suffix}")
    assert decode(response) == [{"id": 2**64 + 1}]
    assert response.json() == [{"id": 2**64 + 1}]
    assert response.text == body.decode()
    assert read("https://e.com/", packed, "application/json") == [{"id": 2**64 + 1}]


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_of_text_is_text(suffix):
    """Its bytes are no text in any charset."""
    assert read(f"https://e.com/a.txt.{suffix}", PACK[suffix](b"a log"), "text/plain") == "a log"


@pytest.mark.parametrize(
    ("url", "content_type", "body"),
    [
        ("https://e.com/a.tar.gz", "application/gzip", gzip.compress(b"any\x00thing", mtime=0)),
        ("https://e.com/a.gz", "application/gzip", gzip.compress(b"a log", mtime=0)),
        ("https://e.com/a.gz", "application/gzip", gzip.compress(b"a log", mtime=0)[:-4]),
        ("https://e.com/a.xlsx", "application/octet-stream", zip_files({"a.xml": b"<a/>", "b.xml": b"<b/>"})),
        ("https://e.com/a.docx", "application/vnd.openxmlformats", zip_files({"a.xml": b"<a/>"})),
        ("https://e.com/a.png", "image/png", gzip.compress(b"[1]", mtime=0)),
        ("https://e.com/a", None, b"BZh is a text, and PK"),
    ],
)
def test_a_file_that_nothing_names_is_kept(url, content_type, body):
    """An archive, a spreadsheet, an image and a text stay what was sent."""
    assert read(url, body, content_type) in {body, body.decode(errors="ignore")}


def test_the_file_in_a_zip_names_the_format():
    """Beside directories and what macOS adds."""
    body = zip_files({"data/": b"", "data/a.csv": CSV, "__MACOSX/data/._a.csv": b"x"})
    assert read("https://e.com/download?id=7", body, "application/zip") == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("suffix", PACK)
def test_security_s9_a_file_beyond_max_body_is_refused(suffix):
    """Its decoded bytes are counted before they are kept."""
    packed = PACK[suffix](b"a\n" + b"1\n" * 500_000)
    with pytest.raises(BodyTooLargeError, match="max_body=100000"):
        read(f"https://e.com/a.csv.{suffix}", packed, max_body=100_000)
    assert len(read(f"https://e.com/a.csv.{suffix}", packed, max_body=2_000_000)) == 500_000


@pytest.mark.parametrize("suffix", PACK)
def test_fault_16_a_file_that_ends_early_may_be_sent_again(suffix):
    with pytest.raises((ParseError, TransportError)) as caught:
        read(f"https://e.com/a.csv.{suffix}", PACK[suffix](CSV * 100)[:-6])
    assert caught.value.transient


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "holds 0 files"),
        ({"a.csv": CSV, "b.csv": CSV}, "holds 2 files, one is read: 'a.csv', 'b.csv'; format='bytes' keeps it"),
        ({f"{at}.csv": b"" for at in range(1001)}, "more than 1000 files"),
    ],
    ids=["none", "two", "many"],
)
def test_a_zip_of_several_files_is_refused(files, words):
    """The message names them."""
    body = zip_files(files) if files else zip_files({"d/": b""})
    with pytest.raises(ParseError, match=words):
        read("https://e.com/a.csv.zip", body)


def test_an_encrypted_or_rare_zip_is_refused():
    body = bytearray(zip_files({"a.csv": CSV}))
    body[body.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ParseError, match="encrypted"):
        read("https://e.com/a.csv.zip", bytes(body))
    with pytest.raises(ParseError, match="rare"):
        read("https://e.com/a.csv.zip", zip_files({"a.csv": CSV}, zipfile.ZIP_LZMA))


def test_a_damaged_zip_is_refused():
    """Its checksum is compared."""
    body = zip_files({"a.csv": CSV}, zipfile.ZIP_STORED).replace(b"1,2", b"1,3")
    with pytest.raises(ParseError, match="the zip is broken"):
        read("https://e.com/a.csv.zip", body)


def test_bzip2_is_no_content_coding_that_is_asked_for():
    assert [name for name, coding in available_codings().items() if not coding.is_for_http] == ["bzip2"]
