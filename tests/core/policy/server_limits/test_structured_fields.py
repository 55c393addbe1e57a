"""Structured field values, against the public test vectors of RFC 9651."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.server_limits.structured_fields import parse_dictionary, parse_list

FOLDER = Path("../shared/data/structured-field-tests")
FILES = sorted(FOLDER.glob("*.json"))


def plain(value):
    """Return a vector's value as the parser returns it; raise LookupError for a type that it does not read."""
    if not isinstance(value, dict):
        return value
    decode = {"token": str, "date": int, "binary": base64.b32decode}
    return decode[value["__type"]](value["value"])


def item(pair):
    value, parameters = pair
    if isinstance(value, list):
        raise LookupError("an inner list")  # noqa: TRY004 - as for any other unread type
    return plain(value), {key: plain(one) for key, one in parameters}


def expected(case):
    if case["header_type"] == "item":
        return [item(case["expected"])]
    if case["header_type"] == "list":
        return [item(pair) for pair in case["expected"]]
    return {key: item(pair) for key, pair in case["expected"]}


def cases():
    """Return each vector with its meaning, None if it must fail; leave out types that the parser does not read."""
    found = []
    for file in FILES:
        for case in json.loads(file.read_text()):
            try:
                meaning = None if case.get("must_fail") else expected(case)
            except LookupError:
                continue
            found.append(pytest.param(case, meaning, id=f"{file.stem}: {case['name']}"))
    return found


@pytest.mark.parametrize(("case", "meaning"), cases())
def test_structured_field_vectors(case, meaning):
    """The public vectors of RFC 9651 are read as they say."""
    field = ", ".join(case["raw"])
    parse = parse_dictionary if case["header_type"] == "dictionary" else parse_list
    try:
        found = parse(field)
    except ValueError:
        found = None
    if case["header_type"] == "item" and found is not None and len(found) != 1:
        found = None  # an item is a list of one
    if case.get("can_fail") and found is None:
        return
    assert found == meaning


@given(st.text(alphabet='"\\;,= \tabc01.:?@-()*%'))
def test_a_malformed_field_raises_only_value_error(text):
    """Any other text is read."""
    for parse in (parse_list, parse_dictionary):
        try:
            found = parse(text)
        except ValueError:
            continue
        assert bool(found) == bool(text.strip(" "))
