"""The format of a body: by its media type, its URL's suffix, or its first bytes."""

import pytest

from pandas_async_io._core.body.content_type import (
    find_suffix_format,
    is_generic,
    parse_content_type,
    sniff_format,
)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("application/json", "json"),
        ("Application/JSON; charset=utf-8", "json"),
        ("application/vnd.api+json", "json"),
        ("text/json", "json"),
        ("application/x-ndjson", "ndjson"),
        ("application/jsonl", "ndjson"),
        ("application/stream+json", "ndjson"),
        ("text/csv", "csv"),
        ("text/tab-separated-values", "tsv"),
        ("application/atom+xml", "xml"),
        ("application/xhtml+xml", None),
        ("application/vnd.apache.parquet", "parquet"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("text/plain", None),
        ("application/jsonp", None),
        ("", None),
    ],
)
def test_the_media_type_names_the_format(header, named):
    assert parse_content_type(header).format == named


@pytest.mark.parametrize(
    ("header", "charset"),
    [
        ("text/csv", None),
        ("text/csv; charset=utf-8", None),
        ("text/csv; charset=UTF8", None),
        ("text/csv;charset=ISO-8859-1", "iso-8859-1"),
        ("text/csv; header=present; charset='cp1252'", "cp1252"),
        ('text/csv; Charset = "utf-16"; x=y', "utf-16"),
    ],
)
def test_the_charset_is_a_parameter_in_any_case_and_quotes(header, charset):
    """None is UTF-8."""
    assert parse_content_type(header).charset == charset


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("", True),
        ("text/plain", True),
        ("application/octet-stream", True),
        ("binary/octet-stream", True),
        ("application/gzip", True),
        ("application/force-download", True),
        ("application/json", False),
        ("text/html", False),
    ],
)
def test_a_generic_media_type_names_no_format(media_type, expected):
    assert is_generic(media_type) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://e.com/a.csv", "csv"),
        ("https://e.com/a.JSONL?v=1.2", "ndjson"),
        ("https://e.com/a.geojson#x", "json"),
        ("https://e.com/a.parquet.gz", "parquet"),
        ("https://e.com/a.csv.ZIP?v=2", "csv"),
        ("https://e.com/a.tsv.bz2", "tsv"),
        ("https://e.com/a.json.zst", "json"),
        ("https://e.com/a.tar.gz", None),
        ("https://e.com/a.csv/b", None),
        ("https://e.com/?file=a.csv", None),
        ("https://e.com/.gz", None),
        ("https://e.com/a.zip", None),
    ],
)
def test_the_suffix_of_the_path_names_the_format(url, expected):
    assert find_suffix_format(url) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"PAR1\x15", "parquet"),
        (b"ARROW1\x00", "arrow"),
        (b"\xff\xff\xff\xff\x00", "arrow"),
        (b"<?xml version", "xml"),
        (b"{}", None),
        (b"", None),
    ],
)
def test_the_first_bytes_name_the_format(body, expected):
    assert sniff_format(body) == expected
