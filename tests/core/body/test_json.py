"""JSON and NDJSON: exact, or refused with an error."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from tests.core.body.bodies import decode_body, decode_error

SUITE = Path(__file__).parents[4] / "shared" / "data" / "JSONTestSuite" / "test_parsing"

NUMBERS_ONLY_STRICT_REFUSES = {"n_number_NaN.json", "n_number_infinity.json", "n_number_minus_infinity.json"}
"""Refused by strict_json; floats without it (fault 22)."""

BLANK_BODIES = {"n_single_space.json", "n_structure_no_data.json", "n_structure_UTF8_BOM_no_data.json"}
"""Blank bodies hold no record (fault 26)."""


DUPLICATE_KEYS = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}
"""Valid, and refused by strict_json only (fault 93)."""


KEYS = st.text(alphabet='a":\\é')
FINITE_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


def suite_files(prefix):
    return [pytest.param(path, id=path.stem) for path in sorted(SUITE.glob(f"{prefix}_*.json"))]


@pytest.mark.parametrize("path", suite_files("y"))
def test_every_valid_body_of_the_suite_is_parsed(path):
    """The result is that of the standard library."""
    body = path.read_bytes()
    assert decode_body(body) == json.loads(body)
    if path.stem in DUPLICATE_KEYS:
        assert "strict_json refuses an object that has the key 'a' twice" in str(decode_error(body, strict_json=True))
    else:
        assert decode_body(body, strict_json=True) == json.loads(body)


@pytest.mark.parametrize("path", suite_files("n"))
def test_every_invalid_body_of_the_suite_is_refused(path):
    """A blank body holds no record instead, and NaN is refused by strict_json only."""
    body = path.read_bytes()
    if path.name in BLANK_BODIES:
        assert decode_body(body) is None
        return
    assert decode_error(body, strict_json=True).args
    if path.name in NUMBERS_ONLY_STRICT_REFUSES:
        assert not math.isfinite(decode_body(body)[0])
    else:
        assert decode_error(body).args


@pytest.mark.parametrize("path", suite_files("i"))
def test_an_open_case_of_the_suite_is_parsed_as_by_the_standard_library_or_refused(path):
    """Parsers may differ in these cases."""
    body = path.read_bytes()
    refused = False
    try:
        value = decode_body(body)
    except ParseError:
        refused = True
    assert refused or value == json.loads(body)


def test_the_suite_has_all_its_318_bodies():
    """The suite is not part of the package: without it the test is skipped."""
    if not SUITE.is_dir():
        pytest.skip("no JSONTestSuite here")
    assert sum(len(suite_files(prefix)) for prefix in "yni") == 318


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
def test_fault_19_an_error_names_line_column_and_position(body, message):
    """The message has an excerpt, and the request is not repeated."""
    error = decode_error(body)
    assert message in str(error)
    assert not error.transient
    assert error.__context__ is None, "a context would carry the body along"


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 1100 + b"]" * 1100, b"[NaN," + b"[" * 200_000]
)
def test_fault_19_deep_nesting_is_refused_without_a_crash(body):
    """orjson bounds the depth; in the standard library, Python's recursion limit does."""
    assert "nested too deeply" in str(decode_error(body))


def test_fault_22_nan_is_a_float_unless_strict():
    """strict_json refuses NaN and Infinity and names the position, but not inside a string."""
    body = b'{"NaN": "NaN \\" Infinity", "a": [NaN, Infinity, -Infinity]}'
    value = decode_body(body)
    assert value["NaN"] == 'NaN " Infinity'
    assert math.isnan(value["a"][0])
    assert value["a"][1:] == [math.inf, -math.inf]
    assert "refuses NaN at line 1, column 34 (character 33)" in str(decode_error(body, strict_json=True))
    assert decode_body(b'["NaN"]', strict_json=True) == ["NaN"]


@pytest.mark.parametrize(
    "number", [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -(2**63), -(2**63) - 1, -(10**40)]
)
@pytest.mark.parametrize("form", ["%d", "[%d]", '{"id":%d}', '{"id": %d, "x": 1.5}', "[1,%d ]", '["a",\n%d]'])
@pytest.mark.parametrize("pad", range(4))
def test_fault_23_an_integer_of_any_size_stays_exact(number, form, pad):
    """At any position in the body."""
    assert repr(decode_body(b" " * pad + (form % number).encode())) == repr(json.loads(form % number))


@given(st.lists(st.integers() | st.floats(allow_nan=False) | st.text(), min_size=1), st.sampled_from([None, 1]))
def test_fault_23_dumped_values_come_back_equal_and_of_the_same_type(values, indent):
    """Integers, floats and texts."""
    body = json.dumps({"values": values}, indent=indent, ensure_ascii=False).encode()
    assert repr(decode_body(body)) == repr({"values": values})


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
def test_fault_23_long_fractions_and_exponents_are_floats(body, value):
    """A float beyond the range is inf; digits in a string stay a string."""
    assert decode_body(body) == value


def test_fault_24_the_last_of_equal_keys_wins():
    """As in Python's own parser, with orjson and without."""
    assert decode_body(b'{"a": 1, "a": 2}') == {"a": 2}
    assert decode_body(b'{"a": NaN, "a": 2}') == {"a": 2}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    value=st.lists(JSON_VALUES) | st.dictionaries(st.text(), JSON_VALUES),
    share=st.floats(0, 1, exclude_max=True),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
@pytest.mark.slow
def test_fault_74_a_document_that_ends_early_is_transient(value, share, ascii_only, indent):
    """It may have been cut, at any byte: another attempt may get the rest."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    error = decode_error(body[: max(1, int(len(body) * share))])
    assert error.transient


@pytest.mark.parametrize("body", [b"[1, 2}", b'{"a" 1}', b"[1] 2", b"[nope]", b'["\xff"]', b'["\x01"]', b"OK"])
def test_fault_74_an_error_before_the_end_is_permanent(body):
    """The server sends the same body again."""
    assert not decode_error(body).transient


def test_fault_74_only_the_last_line_of_ndjson_is_transient():
    """A broken line with lines after it was not cut by the network."""
    last = decode_error(b'{"a": 1}\n{"a": ', "application/x-ndjson")
    middle = decode_error(b'{"a": \n{"a": 1}\n', "application/x-ndjson")
    assert "line 2 of NDJSON: the JSON ends early" in str(last)
    assert last.transient
    assert "line 1 of NDJSON" in str(middle)
    assert not middle.transient


def test_lines_of_ndjson_are_parsed_one_by_one():
    """Two broken lines never make one record."""
    assert "line 1 of NDJSON" in str(decode_error(b'{"a": 1,\n"b": 2}', "application/x-ndjson"))


@pytest.mark.parametrize(
    ("number", "refused"),
    [
        ("1e400", True),
        ("-1E+400", True),
        ("0.1e0400", True),
        ("9" * 400 + ".5", True),
        ("1e308", False),
        ("1e-400", False),
        ("17976931348623157" + "0" * 292, False),
    ],
)
@pytest.mark.parametrize(
    "text", ['{"a": %s}', '[1, {"b": [%s]}]', '{"x": "1e400", "n": 18446744073709551616, "y": %s}']
)
def test_fault_93_a_number_beyond_the_range_of_a_float_is_refused_if_strict(number, refused, text):
    """The message shows the number and where it is; without strict_json the float is infinite."""
    body = (text % number).encode()
    assert decode_body(body) == json.loads(body)
    if not refused:
        assert decode_body(body, strict_json=True) == json.loads(body)
        return
    message = str(decode_error(body, strict_json=True))
    assert f"strict_json refuses {number[:20]}" in message
    assert f"(character {text.index('%s')})" in message


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"a":1,"b":2,"a":1}', "'a'"),
        (b'[{"x": {"id" : 1, "id" : 2}}]', "'id'"),
        (b'{"a": "\\u0022", "k": 1, "k": "x"}', "'k'"),
        (b'{"a": 1, "\\u0061": 2}', "'a'"),
        ('{"é": 1, "é": 18446744073709551616}'.encode("utf-16"), "'é'"),
    ],
)
def test_fault_93_a_key_twice_in_one_object_is_refused_if_strict(body, name):
    """Otherwise the last value counts."""
    assert decode_body(body) == json.loads(body.decode(json.detect_encoding(body)))
    assert f"has the key {name} twice" in str(decode_error(body, strict_json=True))


@given(FINITE_VALUES)
def test_fault_93_strict_json_accepts_every_value_that_has_neither(value):
    """Its notation does not matter."""
    for options in ({}, {"ensure_ascii": False, "indent": 1}, {"separators": (",", ":")}):
        assert decode_body(json.dumps(value, **options).encode(), strict_json=True) == value


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e400"])
def test_what_strict_json_refuses_is_not_requested_again(number):
    """It may end the document like the start of a number that was cut off."""
    assert not decode_error(number.encode(), strict_json=True).transient
