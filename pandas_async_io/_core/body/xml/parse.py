"""XML → payload: the objects, lists and texts that JSON would have.

Invariant: no element, attribute or text is lost, and nothing outside of the body is read: a document type, which may
define entities, is refused.

===============================================  =====================================================
XML                                              payload of the element around it
===============================================  =====================================================
``<a>1</a>``, ``<a/>``                           ``{"a": "1"}``, ``{"a": None}``
``<a><b>1</b></a>``, ``<a b="1"/>``              ``{"a": {"b": "1"}}``
``<a>1</a><a>2</a>``                             ``{"a": ["1", "2"]}``
``<a b="1">2</a>``                               ``{"a": "2", "a.b": "1"}``
``<a b="1">2</a><a>3</a>``                       ``{"a": [{"b": "1", "a": "2"}, {"a": "3"}]}``
``<a b="1"><b>2</b></a>``                        ``{"a": {"@b": "1", "b": "2"}}``
===============================================  =====================================================

A name is without its namespace, unless the document has it in several: then with the prefix, if it has one.
What occurs several times in an element is a list in every element of that name in the document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn
from xml.etree import ElementTree as ET

from pandas_async_io._core.body.xml.document import XmlDocument, XmlText
from pandas_async_io._core.body.xml.name_keys import NameKeys
from pandas_async_io._core.body.xml.record_path import find_xml_records
from pandas_async_io._core.errors import BodyTooLargeError, ParseError
from pandas_async_io._core.security.secrets import redact_text

if TYPE_CHECKING:
    from types import ModuleType

    Element = ET.Element

_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
"""An attribute that says that an element is null, which it is without a text."""

_BLANKS = " \t\r\n"
_MAX_DEPTH = 200
_MAX_TAGS = 10_000_000
"""An element takes many times the bytes of its tags."""

_MAX_MESSAGE_LENGTH = 200
_TRUNCATION_MESSAGES = re.compile("no element found|unclosed token|unclosed CDATA section")


def strip_declaration(text: str) -> str:
    """Return an XML text without its declaration, whose encoding is no longer its own.

    Raises
    ------
    ParseError
        It has a document type, which may define entities that grow or that name files.
    """
    body = _DECLARATION.sub("", text, count=1)
    if _DOCTYPE.match(body):
        raise ParseError("the XML has a document type, which may define entities and is not read")
    return body


def parse_xml(text: str) -> XmlDocument | None:
    """Parse an XML text; None if its root is empty.

    Raises
    ------
    ParseError
        It is not XML, has a document type, or is nested too deeply; ``transient`` if it ends early.
    BodyTooLargeError
        It has more than 10 000 000 tags.

    Examples
    --------
    >>> parse_xml("<user id='7'><name>Ada</name><tag>a</tag><tag>b</tag></user>")
    {'id': '7', 'name': 'Ada', 'tag': ['a', 'b']}
    """
    body = strip_declaration(text)
    if (tags := body.count("<")) > _MAX_TAGS:
        raise BodyTooLargeError(f"the XML has {tags} tags, more than {_MAX_TAGS}")
    root = _parse_tree(body)
    rules = _Rules(NameKeys(body), NameKeys(body))
    known = -1
    while known < rules.size():  # another pass where one has found a rule for the elements before it
        known = rules.size()
        fields = _Reading(rules, root).read_root()
    if fields is None:
        return None
    document = XmlDocument(fields)
    document.record_path = find_xml_records(root, document, rules.tags.key)
    return document


def import_lxml() -> ModuleType | None:
    """Import lxml's parser; None if it is not installed."""
    try:
        return import_module("lxml.etree")
    except ImportError:
        return None


def _parse_tree(body: str) -> Element:
    etree = import_lxml()
    if etree is None:
        return _parse_with_stdlib(body)
    try:
        root: Element = etree.fromstring(body.encode(), _make_lxml_parser())
    except (etree.XMLSyntaxError, ValueError):
        return _parse_with_stdlib(body)  # or explained: errors do not depend on what is installed
    return root


@cache
def _make_lxml_parser() -> Any:
    """Return a parser without limits, which are those of this module: a text may have more than 10 MB."""
    options = {"resolve_entities": False, "no_network": True, "remove_comments": True, "remove_pis": True}
    return import_module("lxml.etree").XMLParser(encoding="utf-8", huge_tree=True, **options)


def _parse_with_stdlib(body: str) -> Element:
    try:
        return ET.fromstring(body)  # noqa: S314 - entities need a document type, and those were refused above
    except (ET.ParseError, ValueError) as error:
        problem = _describe_error(error)
    raise problem


def _describe_error(error: Exception) -> ParseError:
    message = " ".join(str(error).split()).replace("unclosed token:", "unclosed token at")  # or it names a secret
    truncated = _TRUNCATION_MESSAGES.search(message) is not None
    return ParseError(f"not XML: {redact_text(message)[:_MAX_MESSAGE_LENGTH]}", transient=truncated)


def _refuse_depth() -> NoReturn:
    raise ParseError(f"the XML is nested too deeply: more than {_MAX_DEPTH} elements")


@dataclass(frozen=True, slots=True)
class _Rules:
    """How the names of one document become keys; what is found anywhere holds for the whole document.

    Attributes
    ----------
    tags, attributes : NameKeys
        Their keys.
    repeated, shadowed : set of (str, str)
        The tag of an element, and a key inside: several elements have it; an attribute and an element have it.
    """

    tags: NameKeys
    attributes: NameKeys
    repeated: set[tuple[str, str]] = field(default_factory=set)
    shadowed: set[tuple[str, str]] = field(default_factory=set)

    def size(self) -> int:
        return len(self.repeated) + len(self.shadowed) + len(self.tags.ambiguous) + len(self.attributes.ambiguous)


class _Reading:
    """One pass through a document."""

    def __init__(self, rules: _Rules, root: Element) -> None:
        self._rules = rules
        self._root = root

    def read_root(self) -> dict[str, Any] | None:
        """Return the content of the root, None if it is empty."""
        root = self._root
        return self._read_fields(root, 1) if len(root) else self._read_leaf(root, self._rules.tags.key(root.tag))

    def _read_fields(self, element: Element, depth: int) -> dict[str, Any]:
        """Return the content of an element that has children."""
        rules, tag = self._rules, element.tag
        fields = self._read_attributes(element, "") if element.keys() else {}
        attributes = frozenset(fields)
        lists: dict[str, list[Any]] = {}
        leaves: set[str] = set()
        texts = [element.text]
        keys = rules.tags.keys
        for child in element:
            value: Any
            key = keys.get(child.tag) or rules.tags.key(child.tag)
            texts.append(child.tail)
            if len(child):
                value = self._read_fields(child, depth + 1 if depth < _MAX_DEPTH - 1 else _refuse_depth())
            elif child.keys():
                value = self._read_leaf(child, key)
                leaves.add(key)
            else:
                text = child.text
                value = XmlText(text) if text and text.strip(_BLANKS) else None
            if key in lists:
                lists[key].append(value)
            elif key in fields:
                self._add_second(element, fields, lists, key, value, is_attribute=key in attributes)
            else:
                fields[key] = value
        if rules.repeated:
            single = [key for key in fields if (tag, key) in rules.repeated and not (key in lists or key in attributes)]
            lists.update((key, [fields[key]]) for key in single)
            fields.update(lists)
        if leaves:
            fields = _arrange_leaves(fields, lists, leaves)
        own_text = "".join(filter(None, texts)).strip(_BLANKS)
        if own_text:
            key = rules.tags.key(tag)
            fields["#text" if key in fields else key] = XmlText(own_text)
        return fields

    def _add_second(
        self,
        element: Element,
        fields: dict[str, Any],
        lists: dict[str, list[Any]],
        key: str,
        value: Any,
        *,
        is_attribute: bool,
    ) -> None:
        """Add the value of a key that the fields of an element have."""
        if is_attribute:
            self._rules.shadowed.add((element.tag, key))
            return
        fields[key] = lists[key] = [fields[key], value]
        if element is not self._root:  # there is one root: nothing to find elsewhere
            self._rules.repeated.add((element.tag, key))

    def _read_attributes(self, element: Element, text_key: str) -> dict[str, Any]:
        rules, tag = self._rules, element.tag
        fields: dict[str, Any] = {}
        for name, value in element.items():
            key = rules.attributes.key(name)
            if name != _NIL:
                is_taken = key == text_key or (tag, key) in rules.shadowed
                fields[f"@{key}" if is_taken else key] = XmlText(value) if value else None
        return fields

    def _read_leaf(self, element: Element, key: str) -> dict[str, Any] | None:
        """Return attributes, and a text under the element's own key; None if there is neither."""
        fields = self._read_attributes(element, key)
        text = element.text
        if text and text.strip(_BLANKS):
            fields[key] = XmlText(text)
        return fields or None


def _arrange_leaves(fields: dict[str, Any], lists: dict[str, list[Any]], leaves: set[str]) -> dict[str, Any]:
    """Put the text of a leaf under its key, and its attributes beside; in a list, texts become objects like it."""
    arranged: dict[str, Any] = {}
    for key, value in fields.items():
        if key in lists and any(isinstance(each, dict) for each in value):
            arranged[key] = [{key: each} if isinstance(each, XmlText) else each for each in value]
        elif key in leaves and key not in lists and value is not None and key in value:
            arranged[key] = value[key]
            arranged.update((f"{key}.{name}", inner) for name, inner in value.items() if name != key)
        else:
            arranged[key] = value
    return arranged
