"""The header fields of a request or response that an HTTP cache reads (RFC 9111, section 5), parsed once.

Invariant: invalid freshness information counts as stale (RFC 9111, 4.2.1), other invalid fields as absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.server_limits.header_times import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DIRECTIVE = re.compile(
    r"""[\s,]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[^,]*""", re.ASCII
)
_ESCAPE = re.compile(r"\\(.)")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_MAX_SECONDS = 2**31
"""A larger number means this one (RFC 9111, 1.2.2)."""

Directives = dict[str, list[str | None]]
"""The arguments of each directive of ``Cache-Control``, None for one without, by its name in lower case."""

_NO_DIRECTIVES: Directives = {}


@dataclass(frozen=True, slots=True)
class CacheFields:
    """What a cache reads of a response's header fields, or of a request's.

    Attributes
    ----------
    directives : dict
        Of ``Cache-Control``.
    age : float
        Seconds, from ``Age``; 0 without one.
    date, last_modified : float or None
        Seconds since the epoch.
    expires : float or None
        Seconds since the epoch; -infinity if the field is not a date, None if it is absent.
    etag, last_modified_text : str or None
        The validators as they came.
    vary : frozenset of str
        Names in lower case.
    """

    directives: Directives = field(default_factory=lambda: _NO_DIRECTIVES)
    age: float = 0.0
    date: float | None = None
    last_modified: float | None = None
    expires: float | None = None
    etag: str | None = None
    last_modified_text: str | None = None
    vary: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Whether a directive is there without an argument, so that it is about the whole response."""
        return None in self.directives.get(name, ())

    def seconds(self, name: str) -> int | None:
        """Return the seconds of a directive: the least of several, 0 if one is no number; None if it is absent.

        Examples
        --------
        >>> fields = read_cache_fields({"Cache-Control": 'max-age="60", max-age=30, stale-if-error=soon'})
        >>> fields.seconds("max-age"), fields.seconds("stale-if-error"), fields.seconds("min-fresh")
        (30, 0, None)
        """
        return min(map(_parse_seconds, self.directives[name])) if name in self.directives else None

    def fields_of(self, name: str) -> frozenset[str]:
        """Return the header fields that a directive names, in lower case.

        Examples
        --------
        >>> sorted(read_cache_fields({"Cache-Control": 'no-cache="Set-Cookie, X-User"'}).fields_of("no-cache"))
        ['set-cookie', 'x-user']
        """
        texts = filter(None, self.directives.get(name, ()))
        return frozenset(each.strip().lower() for text in texts for each in text.split(",") if each.strip())


_NO_FIELDS = CacheFields()


def read_cache_fields(headers: Mapping[str, str]) -> CacheFields:
    """Return what a cache reads of header fields; a multidict has one item per line.

    Examples
    --------
    >>> fields = read_cache_fields({"cache-control": "private, max-age=60", "Age": "5", "Expires": "0"})
    >>> fields.has("private"), fields.seconds("max-age"), fields.age, fields.expires
    (True, 60, 5.0, -inf)
    """
    lines: dict[str, list[str]] = {}
    for name, value in headers.items():
        folded = name.lower()
        if folded in _READ_FIELDS:
            lines.setdefault(folded, []).append(value)
    if not lines:
        return _NO_FIELDS
    expires = [parse_http_date(value) for value in lines.get("expires", ())]
    dates = [-float("inf") if value is None else value for value in expires]
    first = {name: values[0].strip() for name, values in lines.items()}
    return CacheFields(
        directives=parse_cache_control(lines.get("cache-control", ())),
        age=parse_age(first.get("age", "")),
        date=parse_http_date(first.get("date")),
        last_modified=parse_http_date(first.get("last-modified")),
        expires=min(dates, default=None),
        etag=_as_validator(first.get("etag")),
        last_modified_text=_as_validator(first.get("last-modified")),
        vary=frozenset(name.strip().lower() for line in lines.get("vary", ()) for name in line.split(",")) - {""},
    )


def parse_cache_control(lines: Iterable[str]) -> Directives:
    """Return the directives of ``Cache-Control`` (RFC 9111, 5.2); unknown ones are kept.

    Examples
    --------
    >>> parse_cache_control(['No-Cache, private="a, b"', "max-age=5,"])
    {'no-cache': [None], 'private': ['a, b'], 'max-age': ['5']}
    """
    directives: Directives = {}
    for line in lines:
        for match in _DIRECTIVE.finditer(line):
            quoted = match[2]
            value = match[3] if quoted is None else _ESCAPE.sub(r"\1", quoted)
            directives.setdefault(match[1].lower(), []).append(value)
    return directives


def parse_age(text: str) -> float:
    """Return the seconds of ``Age``; 0 if it is invalid (RFC 9111, 5.1).

    Examples
    --------
    >>> parse_age(" 5"), parse_age("soon")
    (5.0, 0.0)
    """
    return float(text) if _DIGITS.fullmatch(text.strip()) else 0.0


def _as_validator(text: str | None) -> str | None:
    """Return a validator that can be sent back, else None."""
    return text if text and text.isascii() and text.isprintable() else None


def _parse_seconds(text: str | None) -> int:
    if text is None or not _DIGITS.fullmatch(text):
        return 0
    return _MAX_SECONDS if len(text.lstrip("0")) > len(str(_MAX_SECONDS)) else min(int(text), _MAX_SECONDS)


_READ_FIELDS = frozenset({"age", "cache-control", "date", "etag", "expires", "last-modified", "vary"})
