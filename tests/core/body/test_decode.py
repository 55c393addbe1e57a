"""Bytes to payload: exact or refused, with an error that shows where and keeps secrets."""

from __future__ import annotations

import codecs
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import FORMATS, Response

SUITE = Path(__file__).parents[4] / "shared" / "data" / "JSONTestSuite" / "test_parsing"
JSON = "application/json"

NOT_A_NUMBER = {"n_number_NaN.json", "n_number_infinity.json", "n_number_minus_infinity.json"}
"""Refused by strict_json; floats without it (fault 22)."""

ZERO_RECORDS = {"n_single_space.json", "n_structure_no_data.json", "n_structure_UTF8_BOM_no_data.json"}
"""Blank bodies hold zero records (fault 26)."""


def read(body, content_type=JSON, **options):
    headers = {} if content_type is None else {"Content-Type": content_type}
    return decode(Response(200, headers, body, "https://api.example.com/"), **options)


def refusal(body, content_type=JSON, **options):
    with pytest.raises(ParseError) as caught:
        read(body, content_type, **options)
    return caught.value


def suite(prefix):
    return [pytest.param(path, id=path.stem) for path in sorted(SUITE.glob(f"{prefix}_*.json"))]


@pytest.mark.parametrize("path", suite("y"))
def test_every_valid_body_of_the_suite_is_parsed(path):
    """What must parse parses to what the standard library reads."""
    body = path.read_bytes()
    assert read(body) == read(body, strict_json=True) == json.loads(body)


@pytest.mark.parametrize("path", suite("n"))
def test_every_invalid_body_of_the_suite_is_refused(path):
    """What must not parse is a ParseError; blank is zero records, and NaN needs strict_json."""
    body = path.read_bytes()
    if path.name in ZERO_RECORDS:
        assert read(body) is None
        return
    assert refusal(body, strict_json=True).args
    if path.name in NOT_A_NUMBER:
        assert not math.isfinite(read(body)[0])
    else:
        assert refusal(body).args


@pytest.mark.parametrize("path", suite("i"))
def test_the_open_cases_of_the_suite_are_decided(path):
    """Where parsers may differ, the body is read as the standard library reads it, or refused."""
    body = path.read_bytes()
    refused = False
    try:
        value = read(body)
    except ParseError:
        refused = True
    assert refused or value == json.loads(body)


def test_the_suite_is_complete_where_it_is_there():
    """All 318 bodies are looked at."""
    if not SUITE.is_dir():
        pytest.skip("no JSONTestSuite here")
    assert sum(len(suite(prefix)) for prefix in "yni") == 318


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": 1,\n "b": nope}', "line 2, column 7 (character 15)"),
        (b"[1, 2, 3}", "line 1, column 9 (character 8)"),
        (b'{"a": 1} {"a": 2}', "format='ndjson'"),
        (b"OK", "«OK»"),
        (b'["\\ud83d"]', "lone surrogate"),
        (b"[" + b"9" * 5000 + b"]", "too long"),
    ],
)
def test_fault_19_invalid_json_says_where_and_shows_it(body, message):
    """The message has line, column, position and an excerpt; the error is for good."""
    error = refusal(body)
    assert message in str(error)
    assert not error.transient
    assert error.__context__ is None, "a context would carry the body along"


@pytest.mark.parametrize("position", [0, 50, 5000, 9990])
def test_fault_19_the_excerpt_is_at_most_200_characters(position):
    """However long the body is, 200 characters around the place are shown, and no line break."""
    filler = b'"abc\\n",\n' * 1200
    text = b"[" + filler[:position] + b"!here!" + filler
    message = str(refusal(text))
    excerpt = message[message.index("«") + 1 : message.rindex("»")]
    assert len(excerpt) <= 200
    assert "\n" not in message


@pytest.mark.parametrize(
    "hidden",
    [
        '"access_token": "CANARY"',
        '"api_key":"CANARY"',
        '"X-Api-Key" : "CANARY"',
        '"clientSecret": "a \\" CANARY"',
        '"password": "CANARY',
        '"Authorization": "Bearer CANARY"',
        '"tokens": ["CANARY", "CANARY"]',
        '"credentials": {"user": "CANARY", "x": "CANARY"}',
        '"next": "https://x/?sig=CANARY&page=2"',
        '"said": "bearer CANARY"',
        '"session_id": CANARY',
    ],
)
@pytest.mark.parametrize("gap", [0, 60])
def test_fault_19_the_excerpt_keeps_secrets(hidden, gap):
    """Values that look like secrets are stars, before and behind the place, even where they begin outside."""
    before = "{" + hidden + "," * (gap + 1) + " }"
    behind = '{"id": nope,' + " " * gap + hidden + "}"
    long = "{" + hidden.replace("CANARY", "CANARY" * 300)
    for text in (before, behind, long):
        error = refusal(text.encode())
        assert "CANARY" not in str(error)
        assert len(str(error)) < 400


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 1100 + b"]" * 1100, b"[NaN," + b"[" * 200_000]
)
def test_fault_19_deep_nesting_is_refused_and_crashes_nothing(body):
    """Depth is bounded by orjson, and where the standard library reads, by its recursion limit."""
    assert "nested too deeply" in str(refusal(body))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (codecs.BOM_UTF8 + '{"a": "é"}'.encode(), JSON),
        ('{"a": "é"}'.encode("utf-16"), JSON),
        ('{"a": "é"}'.encode("utf-32"), JSON),
        (codecs.BOM_UTF16_BE + '{"a": "é"}'.encode("utf-16-be"), None),
        ('{"a": "é"}'.encode("utf-16-le"), JSON),
        ('{"a": "é"}'.encode("utf-16-be"), f"{JSON}; charset=UTF-16BE"),
        (codecs.BOM_UTF8 + '{"a": "é"}'.encode(), f"{JSON}; charset=latin-1"),
    ],
)
def test_fault_20_a_byte_order_mark_is_read_and_dropped(body, content_type):
    """A mark, or UTF-16's zeros, says the encoding, before the header does."""
    assert read(body, content_type) == {"a": "é"}
    assert read(body, content_type, format="text") == '{"a": "é"}'
    assert read(body, content_type, format="ndjson") == [{"a": "é"}]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Grüße"),
        ('"ISO-8859-1"', "Grüße"),
        ("windows-1252", "10 €"),
        ("Shift_JIS", "日本"),
        ("gbk", "模"),
        ("UTF8", "Grüße"),
        ("utf-8; profile=x", "Grüße"),
    ],
)
def test_fault_21_the_charset_of_the_header_is_used(charset, text):
    """JSON and text are read in the charset that the header names."""
    codec = charset.partition(";")[0].strip('"')
    body = json.dumps({"a": text}, ensure_ascii=False).encode(codec)
    assert read(body, f"{JSON};charset={charset}") == {"a": text}
    assert read(text.encode(codec), f"text/plain; Charset = {charset}") == text


@pytest.mark.parametrize("format", ["json", "ndjson", "text"])
@pytest.mark.parametrize(
    ("body", "charset", "words"),
    [
        (b'["caf\xe9!"]', None, ["utf-8", "position 5", "0xe9"]),
        (b'["caf\xe9!"]', "ascii", ["ascii", "position 5"]),
        (b'["\x81!"]', "windows-1252", ["windows-1252", "position 2"]),
        (b"[1]", "no-such-charset", ["no-such-charset", "position 0"]),
        (b"[1]", "binary", ["binary"]),
        (b"[1]", "hex", ["hex"]),
        (b"[1]", "punycode", ["punycode"]),
        (b"[1]", "idna", ["idna"]),
        (b"[1]", "unicode_escape", ["unicode_escape"]),
        (b"[1]", "undefined", ["undefined"]),
        (b"[1]", "x" * 9000, ["xxx"]),
    ],
)
def test_fault_21_undecodable_bytes_are_refused(format, body, charset, words):  # noqa: A002 - the option's name
    """Bytes that are not in the charset, or a charset nobody knows, end as an error that names both."""
    error = refusal(body, JSON if charset is None else f"{JSON}; charset={charset}", format=format)
    assert all(word in str(error) for word in words)
    assert not error.transient
    assert len(str(error)) < 300


def test_fault_22_nan_is_a_float_unless_strict():
    """NaN and Infinity are floats; strict_json refuses them and says where, but not inside a string."""
    body = b'{"NaN": "NaN \\" Infinity", "a": [NaN, Infinity, -Infinity]}'
    value = read(body)
    assert value["NaN"] == 'NaN " Infinity'
    assert math.isnan(value["a"][0])
    assert value["a"][1:] == [math.inf, -math.inf]
    assert "refuses NaN at line 1, column 34 (character 33)" in str(refusal(body, strict_json=True))
    assert read(b'["NaN"]', strict_json=True) == ["NaN"]


@pytest.mark.parametrize(
    "number", [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -(2**63), -(2**63) - 1, -(10**40)]
)
@pytest.mark.parametrize("form", ["%d", "[%d]", '{"id":%d}', '{"id": %d, "x": 1.5}', "[1,%d ]", '["a",\n%d]'])
@pytest.mark.parametrize("pad", range(4))
def test_fault_23_integers_stay_exact(number, form, pad):
    """An integer of any size is that int, wherever in the body it stands."""
    assert repr(read(b" " * pad + (form % number).encode())) == repr(json.loads(form % number))


@given(st.lists(st.integers() | st.floats(allow_nan=False) | st.text(), min_size=1), st.sampled_from([None, 1]))
def test_fault_23_what_was_dumped_comes_back(values, indent):
    """Integers, floats and texts come back equal and of the same type."""
    body = json.dumps({"values": values}, indent=indent, ensure_ascii=False).encode()
    assert repr(read(body)) == repr({"values": values})


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[1e400]", [math.inf]),
        (b"[-1e400]", [-math.inf]),
        (
            b'["12345678901234567890123", 0.12345678901234567890123]',
            ["12345678901234567890123", 0.12345678901234568],
        ),
    ],
)
def test_fault_23_other_long_numbers_are_as_the_parser_gives_them(body, value):
    """A float beyond the doubles is inf; digits in strings and fractions change nothing."""
    assert read(body) == value


def test_fault_24_the_last_of_equal_keys_wins():
    """As in every parser of Python, also where the slower one reads."""
    assert read(b'{"a": 1, "a": 2}') == {"a": 2}
    assert read(b'{"a": NaN, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("format", ["auto", "json", "ndjson"])
@pytest.mark.parametrize("content_type", [JSON, "text/html; charset=utf-8", "text/plain", None])
@pytest.mark.parametrize("start", ["", "\n ", "\ufeff"])
def test_fault_25_html_is_called_html(format, content_type, start):  # noqa: A002 - the option's name
    """A login page behind a 200 is named by its title, whatever it says it is."""
    page = f"{start}<!DOCTYPE html><html><head><title>\n Sign in &amp; go</title></head></html>"
    error = refusal(page.encode(), content_type, format=format)
    assert "looks like HTML («Sign in & go»)" in str(error)
    assert not error.transient


def test_fault_25_a_media_type_of_html_is_enough():
    """A fragment without a head is HTML if its media type says so, and the title is no place for secrets."""
    assert "looks like HTML," in str(refusal(b"<div>Please log in</div>", "text/html"))
    assert "CANARY" not in str(refusal(b"<html><title>token=CANARY</title>", "text/html"))


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream", "image/png", None])
def test_fault_25_json_under_a_wrong_media_type_is_json(content_type):
    """The first byte that is not blank decides where the media type does not."""
    assert read(b' {"a": 1}', content_type) == {"a": 1}
    assert "not JSON" in str(refusal(b'{"a" 1}', content_type))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("content_type", [JSON, "application/x-ndjson", "text/plain", "text/html", None])
@pytest.mark.parametrize("body", [b"", b"  ", b"\r\n\t "])
def test_fault_26_a_blank_body_holds_nothing(format, content_type, body):  # noqa: A002 - the option's name
    """An empty body or white space is None in every format."""
    assert read(body, content_type, format=format) is None


@pytest.mark.parametrize("content_type", [JSON, "application/x-ndjson", "text/plain"])
@pytest.mark.parametrize("body", [codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n", " ".encode("utf-16")])
def test_fault_26_a_byte_order_mark_alone_holds_nothing(content_type, body):
    """A mark is no record."""
    assert read(body, content_type) is None


@pytest.mark.parametrize(("body", "value"), [(b"null", None), (b"[]", []), (b"{}", {})])
def test_fault_26_empty_json_is_itself(body, value):
    """What to make of them is for the one who flattens."""
    assert read(body) == value


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    value=st.lists(JSON_VALUES) | st.dictionaries(st.text(), JSON_VALUES),
    share=st.floats(0, 1, exclude_max=True),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_fault_74_every_proper_prefix_of_a_document_passes(value, share, ascii_only, indent):
    """A JSON document that ends early, at any byte, may have been cut and is worth another try."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    error = refusal(body[: max(1, int(len(body) * share))])
    assert error.transient


@pytest.mark.parametrize("body", [b"[1, 2}", b'{"a" 1}', b"[1] 2", b"[nope]", b'["\xff"]', b'["\x01"]', b"OK"])
def test_fault_74_what_is_wrong_in_its_middle_does_not_pass(body):
    """An error before the end is the server's own and stays."""
    assert not refusal(body).transient


def test_fault_74_only_the_last_line_of_ndjson_can_be_cut():
    """A broken line with lines behind it was not cut by the network."""
    last = refusal(b'{"a": 1}\n{"a": ', "application/x-ndjson")
    middle = refusal(b'{"a": \n{"a": 1}\n', "application/x-ndjson")
    assert "line 2 of NDJSON: the JSON ends early" in str(last)
    assert last.transient
    assert "line 1 of NDJSON" in str(middle)
    assert not middle.transient


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b"[1]", [1]),
        ("Application/JSON; charset=utf-8", b'"a"', "a"),
        ("application/vnd.api+json", b"true", True),
        ("application/geo+json;charset=UTF-8", b"12", 12),
        ("text/json", b"12", 12),
        ("application/x-ndjson", b'{"a":1}\r\n\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("application/ndjson", b"1\n18446744073709551616", [1, 2**64]),
        ("application/jsonl", b"[]\nnull", [[], None]),
        ("application/x-jsonlines", b"1", [1]),
        ("application/json-lines", b"1", [1]),
        ("application/stream+json", b"1\n2", [1, 2]),
        ("text/plain", b"12", "12"),
        ("text/plain", b"Gr\xc3\xbc\xc3\x9fe\n", "Grüße\n"),
        (None, b"OK", "OK"),
        ("", b"[1]", [1]),
        ("application/octet-stream", b"\x00\x01\xff", b"\x00\x01\xff"),
        ("image/png", b"\x89PNG", b"\x89PNG"),
    ],
)
def test_auto_goes_by_the_media_type_then_by_the_first_byte(content_type, body, value):
    """JSON and NDJSON say what they are; what says nothing is JSON if it begins so, else text or bytes."""
    assert read(body, content_type) == value


@pytest.mark.parametrize(
    ("format", "value"),
    [("json", {"a": 1}), ("ndjson", [{"a": 1}]), ("text", '{"a": 1}'), ("bytes", b'{"a": 1}')],
)
@pytest.mark.parametrize("content_type", [JSON, "text/html", "image/png", None])
def test_a_format_that_is_named_beats_the_media_type(format, value, content_type):  # noqa: A002 - the option's name
    """The caller knows better than the server."""
    assert read(b'{"a": 1}', content_type, format=format) == value


def test_html_is_text_for_whoever_asks_for_text():
    """The error's own advice works."""
    assert read(b"<html></html>", "text/html", format="text") == "<html></html>"


def test_lines_of_ndjson_are_parsed_one_by_one():
    """Two broken lines never make one good record."""
    assert "line 1 of NDJSON" in str(refusal(b'{"a": 1,\n"b": 2}', "application/x-ndjson"))


def test_an_unknown_format_raises_with_the_known_ones():
    """A programming error is no row's failure, not even for an empty body."""
    with pytest.raises(PlanError, match="'yaml' is not one of auto, json, ndjson, csv"):
        read(b"", format="yaml")
