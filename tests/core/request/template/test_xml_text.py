"""Values in XML bodies."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.request.template.xml_text import fill_xml, is_xml_type

URL = "https://api.example.com"
XML_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cc"])
    | st.sampled_from("\t\n\r")
)


@given(XML_TEXTS)
@example("B&C <x>")
@example("]]>")
@example("</a><b>")
@example("\" onload='")
@example("\r\n")
def test_a_parser_reads_every_value_as_it_was_written(value):
    """As the text of an element, in an attribute and in a CDATA section, and no element is added."""
    body = TextTemplate.compile("<a q=\"{v}\" s='{v}'><t>{v}</t><c><![CDATA[x{v}y]]></c><t>{v}</t></a>")
    root = ET.fromstring(fill_xml(body, {"v": value}))
    in_cdata = value.replace("\r\n", "\n").replace("\r", "\n")  # XML 1.0, 2.11
    assert [child.tag for child in root.iter()] == ["a", "t", "c", "t"]
    assert (root.attrib["q"], root.attrib["s"]) == (value, value)
    assert [child.text or "" for child in root] == [value, f"x{in_cdata}y", value]


@pytest.mark.parametrize(
    ("content_type", "is_xml"),
    [
        ("text/xml", True),
        ("Application/XML; charset=utf-8", True),
        ("application/soap+xml;action=a", True),
        ("application/vnd.api+json", False),
        ("text/plain; note=text/xml", False),
        ("", False),
    ],
)
def test_the_content_type_says_what_is_xml(content_type, is_xml):
    """Its parameters do not matter."""
    assert is_xml_type(content_type) == is_xml


@pytest.mark.parametrize(
    ("body", "options", "sent"),
    [
        ("<n>{n}</n>", {"headers": {"content-type": "text/xml"}}, b"<n>B&amp;C &lt;x&gt;</n>"),
        ("<n>{n}</n>", {"text_type": "application/soap+xml"}, b"<n>B&amp;C &lt;x&gt;</n>"),
        ("<n>{n}</n>", {"headers": {"Content-Type": "text/plain"}, "text_type": "text/xml"}, b"<n>B&C <x></n>"),
        ("<n>{n}</n>", {}, b"<n>B&C <x></n>"),
        ("{n}", {"headers": {"Content-Type": "text/xml"}}, b"B&C <x>"),
    ],
)
def test_values_are_escaped_where_the_content_type_is_xml(body, options, sent):
    """The call's or else the client's. A field that is the whole body is a document."""
    template = compile_request_template(URL, method="POST", data=body, **options)
    assert expand(pd.DataFrame({"n": ["B&C <x>"]}), template).request(0, {}).body == sent


@pytest.mark.parametrize("value", ["a\x00", "\x0b", "\ufffe", "\ud800"])
def test_a_row_whose_value_no_xml_can_hold_is_not_sent(value):
    """Escaping does not help, so the other rows are sent without it."""
    template = compile_request_template(URL, method="POST", data="<n>{n}</n>", headers={"Content-Type": "text/xml"})
    expansion = expand(pd.DataFrame({"n": pd.Series([value, "\t\n fine"], dtype=object)}), template)
    assert (list(expansion.unsafe), expansion.row_to_request.tolist()) == ([0], [-1, 0])
