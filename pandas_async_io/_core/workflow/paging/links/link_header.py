"""The grammar of the ``Link`` header (RFC 8288): targets by relation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response


_TARGET = re.compile(r"[\s,]*<([^<>]*)>\s*")
_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))\s*)?')
_SEPARATOR = re.compile(r"\s*(?:,|$)")


def parse_link_header(header: str) -> dict[str, str]:
    """Return the targets of a ``Link`` header by relation, as the server wrote them.

    The first link with a relation counts. A malformed link is skipped, and so is one with an
    ``anchor``: it describes another resource.

    Examples
    --------
    >>> parse_link_header('</2>; rel=next, <https://e.com/1>; rel="prev start"; title="a, b"')
    {'next': '/2', 'prev': 'https://e.com/1', 'start': 'https://e.com/1'}
    """
    targets: dict[str, str] = {}
    at = 0
    while at < len(header):
        link = _TARGET.match(header, at)
        parameters: dict[str, str] = {}
        end = link.end() if link else at
        while link and (parameter := _PARAMETER.match(header, end)):
            name, quoted, token = parameter.groups()
            text = token or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault(name.lower(), text)
            end = parameter.end()
        follows = _SEPARATOR.match(header, end)
        if link and follows and "anchor" not in parameters:
            for relation in parameters.get("rel", "").lower().split():
                targets.setdefault(relation, link[1].strip())
        comma = header.find(",", end)
        at = follows.end() if link and follows else comma + 1 if comma >= 0 else len(header)
    return targets


def link_targets(response: Response) -> dict[str, str]:
    """Return the targets of all ``Link`` headers of a response by relation.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> link_targets(Response(200, {"link": "</2>; rel=next"}, b"", ""))
    {'next': '/2'}
    """
    lines = [value for name, value in response.headers.items() if name.lower() == "link"]
    return parse_link_header(", ".join(lines))
