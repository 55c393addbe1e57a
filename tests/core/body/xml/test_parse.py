"""XML as the objects, lists and texts that JSON would have, read by lxml and by the standard library alone."""

from __future__ import annotations

import sys
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.body.xml import parse
from pandas_async_io._core.body.xml.parse import parse_xml
from pandas_async_io._core.errors import BodyTooLargeError, ParseError

XSI = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
TWO = "xmlns:a='urn:a' xmlns:b='urn:b'"


@pytest.fixture(params=["lxml", "stdlib"], autouse=True)
def parser(request, monkeypatch):
    """Read with lxml, and as if it were not installed."""
    if request.param == "stdlib":
        monkeypatch.setitem(sys.modules, "lxml.etree", None)
    else:
        pytest.importorskip("lxml.etree")


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("<r><a>1</a><b/><c> </c></r>", {"a": "1", "b": None, "c": None}),
        ("<r><a> x </a></r>", {"a": " x "}),
        ("<r x='1'><a y=''>1</a><b/></r>", {"x": "1", "a": "1", "a.y": None, "b": None}),
        ("<r><a><b>1</b></a><c d='2'/></r>", {"a": {"b": "1"}, "c": {"d": "2"}}),
        ("<r><a>1</a><a>2</a><b/></r>", {"a": ["1", "2"], "b": None}),
        ("<r><a b='1'>2</a><a>3</a><a/><c/></r>", {"a": [{"b": "1", "a": "2"}, {"a": "3"}, None], "c": None}),
        ("<r><a b='1'><b>2</b></a><c/></r>", {"a": {"@b": "1", "b": "2"}, "c": None}),
        ("<r><a a='1'>2</a><c/></r>", {"a": "2", "a.@a": "1", "c": None}),
        ("<r><p>one <b>two</b> three</p><c/></r>", {"p": {"b": "two", "p": "one  three"}, "c": None}),
        ("<p>one <p>two</p></p>", {"p": "two", "#text": "one"}),
        ("<r>1</r>", {"r": "1"}),
        ("<r u='m'>1</r>", {"u": "m", "r": "1"}),
        ("<r u='m'/>", {"u": "m"}),
        ("<r><![CDATA[<b>]]> &amp; &#233;<!-- no --> end</r>", {"r": "<b> & é end"}),
        (f"<r {XSI}><v xsi:nil='true'/><w xsi:type='int'>1</w></r>", {"v": None, "w": "1", "w.type": "int"}),
        ("<?xml version='1.0' encoding='klingon'?><!-- x --><?pi?><r><a>1</a><b/></r>", {"a": "1", "b": None}),
        ("<r/>", None),
        ("<r> </r>", None),
    ],
)
def test_fault_88_elements_attributes_and_texts_become_what_json_would_have(text, payload):
    """Nothing is lost; an attribute is beside the text of its element."""
    assert parse_xml(text) == payload


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("<r><i><t>1</t></i><i><t>1</t><t>2</t></i></r>", {"i": [{"t": ["1"]}, {"t": ["1", "2"]}]}),
        ("<r><i><t>1</t><t>2</t></i><j><t>3</t></j></r>", {"i": {"t": ["1", "2"]}, "j": {"t": "3"}}),
        ("<r><i><t/></i><i><t/><t>2</t></i></r>", {"i": [{"t": [None]}, {"t": [None, "2"]}]}),
        (
            "<r><i><t k='1'>x</t></i><i><t>1</t><t>2</t></i></r>",
            {"i": [{"t": [{"k": "1", "t": "x"}]}, {"t": ["1", "2"]}]},
        ),
        ("<r><i k='1'/><i k='2'><k>3</k></i></r>", {"i": [{"@k": "1"}, {"@k": "2", "k": "3"}]}),
    ],
)
def test_fault_88_what_one_element_has_several_times_is_a_list_in_all_of_its_name(text, payload):
    """A record with one tag has a list as the records with two have."""
    assert parse_xml(text) == payload


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("<r xmlns='urn:d'><a>1</a><b/></r>", {"a": "1", "b": None}),
        (f"<a:r {TWO}><a:x>1</a:x><b:y>2</b:y></a:r>", {"x": "1", "y": "2"}),
        (f"<r {TWO}><a:x>1</a:x><b:x>2</b:x></r>", {"a:x": "1", "b:x": "2"}),
        (f"<r {TWO}><x>1</x><y><b:x>2</b:x></y></r>", {"x": "1", "y": {"b:x": "2"}}),
        ("<r><x xmlns='urn:1'>1</x><x xmlns='urn:2'>2</x></r>", {"{urn:1}x": "1", "x": "2"}),
        (f"<r {TWO}><i x='1' b:x='2' b:y='3'/><j/></r>", {"i": {"x": "1", "b:x": "2", "y": "3"}, "j": None}),
        ("<r><i xml:lang='de'>x</i><j/></r>", {"i": "x", "i.lang": "de", "j": None}),
    ],
)
def test_fault_88_a_name_has_its_prefix_where_the_document_has_it_in_several_namespaces(text, payload):
    """Else it is the local name, as in pandas.read_xml."""
    assert parse_xml(text) == payload


@pytest.mark.parametrize(
    ("text", "words", "transient"),
    [
        ("<r><i>", "not XML: no element found: line 1, column 6", True),
        ("<r><i", "not XML: unclosed token at line 1, column 3", True),
        ("<r><![CDATA[x", "not XML: unclosed CDATA section", True),
        ("<r><i></r>", "not XML: mismatched tag", False),
        ("<r>&who;</r>", "not XML: undefined entity", False),
        ("<r>\x01</r>", "not XML: not well-formed", False),
        ("<r/><r/>", "not XML: junk after document element", False),
        ("no XML", "not XML: syntax error", False),
    ],
)
def test_broken_xml_is_a_parse_error_with_the_place(text, words, transient):
    """The same one with either parser; transient if the text ends early."""
    with pytest.raises(ParseError, match=words) as caught:
        parse_xml(text)
    assert caught.value.transient is transient


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><i>&b;</i></r>',
        '<?xml version="1.0"?><!-- > --><?pi ?>\n<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r>&f;</r>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1/r.dtd"><r/>',
    ],
)
def test_fault_88_security_s9_a_document_type_is_refused(text):
    """It may define entities that grow, or that name files and hosts."""
    with pytest.raises(ParseError, match="document type"):
        parse_xml(text)


@pytest.mark.parametrize("depth", [201, 300, 3_000, 100_000])
def test_fault_88_security_s9_deep_nesting_is_refused(depth):
    """No stack overflows."""
    with pytest.raises(ParseError, match="nested too deeply: more than 200 elements"):
        parse_xml("<a>" * depth + "</a>" * depth)


def test_nesting_up_to_the_limit_is_read():
    """Two hundred elements."""
    assert parse_xml("<a>" * 200 + "</a>" * 200) is not None


def test_fault_88_security_s9_too_many_tags_are_refused(monkeypatch):
    """A body of the largest size may not become a hundred times its size."""
    monkeypatch.setattr(parse, "_MAX_TAGS", 100)
    with pytest.raises(BodyTooLargeError, match="102 tags"):
        parse_xml(f"<r>{'<i/>' * 100}</r>")


NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=5)
VALUES = st.recursive(
    TEXTS, lambda inner: st.dictionaries(NAMES, inner | st.lists(inner, min_size=2, max_size=3), min_size=1)
)


def write(name, value):
    """Return the elements of a name that a value stands for."""
    if isinstance(value, list):
        return "".join(write(name, each) for each in value)
    if isinstance(value, str):
        return f"<{name}>{escape(value)}</{name}>"
    return f"<{name}>{''.join(write(key, inner) for key, inner in value.items())}</{name}>"


def as_lists(value):
    """Return a value with every field in a list: whether a single element is one depends on the others."""
    if isinstance(value, dict):
        return {key: as_lists(inner if isinstance(inner, list) else [inner]) for key, inner in value.items()}
    return [as_lists(each) for each in value] if isinstance(value, list) else value


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_fault_88_no_element_is_lost(value):
    """Any nested value, written as elements, comes back."""
    assert as_lists(parse_xml(write("root", value))) == as_lists(value)


@given(st.dictionaries(NAMES, TEXTS, min_size=1))
def test_fault_88_no_attribute_is_lost(attributes):
    """In the order in which they are written."""
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    assert list(parse_xml(f"<root><i {written}/></root>")["i"][0].items()) == list(attributes.items())
