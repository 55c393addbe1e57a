"""Structured field values (RFC 9651), as far as the RateLimit fields use them.

Parses lists and dictionaries of items with parameters. Inner lists and display strings,
which no rate limit uses, count as malformed. A token becomes its text, a date its
number.
"""

from __future__ import annotations

import base64
import binascii
import re

Value = str | int | float | bool | bytes
Parameters = dict[str, Value]
Item = tuple[Value, Parameters]

_BARE_ITEM = re.compile(
    r"(?P<float>-?[0-9]{1,12}\.[0-9]{1,3})(?![0-9.])"
    r"|@?(?P<int>-?[0-9]{1,15})(?![0-9.])"
    r'|"(?P<string>(?:[ !#-\[\]-~]|\\["\\])*)"'
    r"|(?P<token>[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*)"
    r"|:(?P<bytes>[A-Za-z0-9+/]*={0,2}):"
    r"|\?(?P<bool>[01])"
)
_KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_PARAMETER = re.compile(r"; *([a-z*][a-z0-9_\-.*]*)(=?)")
_COMMA = re.compile(r"[ \t]*,[ \t]*(?!$)")
_ESCAPE = re.compile(r"\\(.)")


def parse_list(field: str) -> list[Item]:
    r"""Parse a list of items (RFC 9651, 4.2.1).

    Raises
    ------
    ValueError
        The field is malformed; the RFC requires to ignore all of it.

    Examples
    --------
    >>> parse_list('"burst";r=0;t=7, "daily";r=900')
    [('burst', {'r': 0, 't': 7}), ('daily', {'r': 900})]
    """
    text, at, items = field.strip(" "), 0, []
    while at < len(text):
        item, at = _parse_item(text, at)
        items.append(item)
        at = _parse_separator(text, at)
    return items


def parse_dictionary(field: str) -> dict[str, Item]:
    """Parse a dictionary of items (RFC 9651, 4.2.2).

    Raises
    ------
    ValueError
        The field is malformed; the RFC requires to ignore all of it.

    Examples
    --------
    >>> parse_dictionary("limit=100, remaining=3;a, on")
    {'limit': (100, {}), 'remaining': (3, {'a': True}), 'on': (True, {})}
    """
    text, at, members = field.strip(" "), 0, dict[str, Item]()
    while at < len(text):
        if (key := _KEY.match(text, at)) is None:
            raise ValueError(f"expected a key at {at}")
        at = key.end()
        if text.startswith("=", at):
            members[key[0]], at = _parse_item(text, at + 1)
        else:
            parameters, at = _parse_parameters(text, at)
            members[key[0]] = (True, parameters)
        at = _parse_separator(text, at)
    return members


def _parse_separator(text: str, at: int) -> int:
    if at == len(text):
        return at
    if (comma := _COMMA.match(text, at)) is None:
        raise ValueError(f"expected a comma and another member at {at}")
    return comma.end()


def _parse_item(text: str, at: int) -> tuple[Item, int]:
    value, at = _parse_bare_item(text, at)
    parameters, at = _parse_parameters(text, at)
    return (value, parameters), at


def _parse_parameters(text: str, at: int) -> tuple[Parameters, int]:
    parameters: Parameters = {}
    while (found := _PARAMETER.match(text, at)) is not None:
        at = found.end()
        parameters[found[1]], at = _parse_bare_item(text, at) if found[2] else (True, at)
    return parameters, at


def _parse_bare_item(text: str, at: int) -> tuple[Value, int]:
    found = _BARE_ITEM.match(text, at)
    if found is None:
        raise ValueError(f"expected a value at {at}")
    return _convert(str(found.lastgroup), str(found[str(found.lastgroup)])), found.end()


def _convert(kind: str, text: str) -> Value:
    match kind:
        case "float":
            return float(text)
        case "int":
            return int(text)
        case "bool":
            return text == "1"
        case "bytes":
            try:
                return base64.b64decode(text + "=" * (-len(text) % 4))
            except binascii.Error as error:
                raise ValueError("expected base64 in a byte sequence") from error
        case "string":
            return _ESCAPE.sub(r"\1", text)
        case _:
            return text
