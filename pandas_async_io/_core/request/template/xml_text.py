"""Values in XML bodies: escaped, so that a value is text of its element or attribute and nothing else.

Invariant: no value starts or ends an element, an attribute or a CDATA section.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pandas_async_io._core.request.template.text_template import FieldReference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.request.template.text_template import TextTemplate

_XML_TYPE = re.compile(r"[^;,\s]+[/+]xml\s*(?:;|$)", re.IGNORECASE)
_TEXT_ESCAPES = {"\r": "&#13;"}
"""Beside ``&``, ``<`` and ``>``: a parser would make a line feed of it."""

_ATTRIBUTE_ESCAPES = {'"': "&quot;", "'": "&#39;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
"""Beside ``&``, ``<`` and ``>``: a quote ends an attribute, and a parser would make a space of a line end or a tab."""

_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"


def is_xml_type(content_type: str) -> bool:
    """Whether a Content-Type is that of XML (RFC 7303).

    Examples
    --------
    >>> is_xml_type("text/xml; charset=utf-8"), is_xml_type("application/soap+xml"), is_xml_type("text/plain")
    (True, True, False)
    """
    return _XML_TYPE.match(content_type.strip()) is not None


def fill_xml(text: TextTemplate, cells: Mapping[str, str]) -> str:
    """Return an XML text with the fields' texts inserted: escaped, in a CDATA section as they are.

    Examples
    --------
    >>> from pandas_async_io._core.request.template.text_template import TextTemplate
    >>> fill_xml(TextTemplate.compile("<a b='{v}'><![CDATA[{v}]]>{v}</a>"), {"v": "R&D ]]>"})
    "<a b='R&amp;D ]]&gt;'><![CDATA[R&D ]]]]><![CDATA[>]]>R&amp;D ]]&gt;</a>"
    """
    filled: list[str] = []
    in_cdata = in_tag = False
    for part in text.parts:
        if not isinstance(part, FieldReference):
            in_cdata = _is_open(part, _CDATA_START, _CDATA_END, in_cdata)
            in_tag = _is_open(part, "<", ">", in_tag) and not in_cdata
            filled.append(part)
        elif in_cdata:  # a section that ends within the value goes on in a second one
            filled.append(cells[part.name].replace(_CDATA_END, f"]]{_CDATA_END}{_CDATA_START}>"))
        else:
            filled.append(escape(cells[part.name], _ATTRIBUTE_ESCAPES if in_tag else _TEXT_ESCAPES))
    return "".join(filled)


def _is_open(literal: str, start: str, end: str, before: bool) -> bool:
    started, ended = literal.rfind(start), literal.rfind(end)
    return before if started == ended else started > ended
