"""Values that are never sent: control characters, lone surrogates, dot segments.

Invariant: no value of a row ends a line of a request or moves its URL to another path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_XML_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HEADER_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# %25 repeats: a server that decodes once more than we encode must not see a slash or a dot either.
_SLASH = r"(?:/|%(?:25)*(?:2[fF]|5[cC]))"
_DOT = r"(?:\.|%(?:25)*2[eE])"
_ENCODED_DOTS = re.compile(r"%(?:25)*(?:2[eE]|(?:2[fF]|5[cC])\.)")
_SEMICOLON = r"(?:;|%(?:25)*3[bB])"  # Java servers remove ";…" from a segment (RFC 3986, 3.3) before they read its dots
_DOT_SEGMENT = re.compile(rf"^[^?#]*{_SLASH}{_DOT}{{1,2}}(?:{_SLASH}|{_SEMICOLON}|[?#]|$)")

DOT_SEGMENT_REASON = "a path segment is '.' or '..', which is not sent"
"""Why a URL that `find_dot_segments` finds is not sent."""


def is_forbidden_in_url(value: str) -> bool:
    r"""Whether a value cannot stand in a URL at all: it holds control characters or lone surrogates.

    Examples
    --------
    >>> is_forbidden_in_url("a\r\nHost: evil"), is_forbidden_in_url("a b/ü")
    (True, False)
    """
    return _CONTROL.search(value) is not None


def has_lone_surrogate(value: str) -> bool:
    r"""Whether a value cannot be encoded as UTF-8.

    Examples
    --------
    >>> has_lone_surrogate("\ud800"), has_lone_surrogate("a\n\U0001f600")
    (True, False)
    """
    return _SURROGATE.search(value) is not None


def is_forbidden_in_xml(value: str) -> bool:
    r"""Whether XML cannot hold a value, not even escaped (XML 1.0, 2.2).

    Examples
    --------
    >>> is_forbidden_in_xml("a\x0b"), is_forbidden_in_xml("<a>\r\n")
    (True, False)
    """
    return _XML_CONTROL.search(value) is not None


def is_forbidden_header(name: str, value: str) -> bool:
    r"""Whether a header's name is not a token or its value holds control characters (RFC 9110, 5).

    Examples
    --------
    >>> is_forbidden_header("X-Key", "a\nb"), is_forbidden_header("X Key", "a"), is_forbidden_header("X-Key", "a b")
    (True, True, False)
    """
    return _TOKEN.fullmatch(name) is None or _HEADER_CONTROL.search(value) is not None


def find_dot_segments(urls: Sequence[str]) -> list[int]:
    """Return the positions of the URLs whose path holds ``.`` or ``..`` as a segment, encoded or with a parameter.

    Examples
    --------
    >>> find_dot_segments(["http://e.com/a/../b", "http://e.com/a/b.c", "http://e.com/%2E%2e", "http://e.com/?q=/../"])
    [0, 2]
    >>> find_dot_segments(["http://e.com/a/..;/b", "http://e.com/a..;/b"])
    [0]
    """
    # Usually no URL has one: two searches over all URLs at once show that.
    text = "\n".join(urls)
    if "/." not in text and _ENCODED_DOTS.search(text) is None:
        return []
    return [i for i, url in enumerate(urls) if _DOT_SEGMENT.search(url)]
