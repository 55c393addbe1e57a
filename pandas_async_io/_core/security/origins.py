"""Origins: the scheme, host and port of a URL, and which hosts are allowed.

Invariant: a URL whose host two parsers may read differently has no origin, and is not sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pandas_async_io._core.errors import PlanError, UnsafeUrlError
from pandas_async_io._core.option_values import is_text, list_members
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT_PORTS = {"http": 80, "https": 443}
_IDNA_DEVIATION = re.compile("[ßς\u200c\u200d]")
_HOST = re.compile(r"[\w.\-]+|[0-9a-f:.]+", re.ASCII)
_NETLOC = re.compile(r"(?:[^\[\]\\]*@)?(?:\[[^\[\]@]+\]|[^\[\]\\@:]+)(?::[0-9]*)?")
_USERINFO = re.compile(r"(?<=//).*@")  # up to the last "@": a password may hold an unencoded slash


class Origin(NamedTuple):
    """Scheme, host and port: the unit that a credential belongs to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return the origin as a URL starts with it, without a default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if _DEFAULT_PORTS[self.scheme] == self.port else f":{self.port}")


def parse_origin(url: str) -> Origin:
    """Return the origin of an absolute http or https URL.

    Raises
    ------
    UnsafeUrlError
        The URL has another scheme, no host or an invalid port.

    Examples
    --------
    >>> parse_origin("HTTPS://Api.Example.com/users?id=1")
    Origin(scheme='https', host='api.example.com', port=443)
    >>> print(parse_origin("http://[::1]:8000/"))
    http://[::1]:8000
    """
    found: tuple[str, str, int | None] | str
    try:
        parts = urlsplit(url)
        found = parts.scheme.lower(), to_ascii_host(parts.hostname or ""), parts.port
    except ValueError as exc:
        found = str(exc) if "IDNA" in str(exc) else "its host or port can't be read"
    if isinstance(found, str):  # not raised in the except block: the first error holds the URL with its userinfo
        raise UnsafeUrlError(f"{redact_url(strip_userinfo(url))!r} is not a URL: {found}")
    scheme, host, port = found
    if scheme not in _DEFAULT_PORTS:
        raise UnsafeUrlError(f"{redact_url(url)!r}: only http and https are sent, not {scheme or 'a relative URL'!r}")
    if _NETLOC.fullmatch(parts.netloc) is None or _HOST.fullmatch(host) is None:
        raise UnsafeUrlError(f"{redact_url(url)!r} has no host, or one with characters that a host cannot have")
    return Origin(scheme, host, _DEFAULT_PORTS[scheme] if port is None else port)


def origin_prefix(url: str) -> str:
    """Return a URL up to its path. Two URLs with the same prefix have the same origin.

    It is cheaper than `parse_origin`; URLs with different prefixes may still have one origin.

    Examples
    --------
    >>> origin_prefix("https://e.com:8443/users?page=2")
    'https://e.com:8443/'
    """
    return url[: url.find("/", url.find("://") + 3) + 1]


def strip_userinfo(url: str) -> str:
    """Return a URL without what stands between ``//`` and the last ``@``.

    Examples
    --------
    >>> strip_userinfo("https://me:pass/word@e.com/")
    'https://e.com/'
    """
    return _USERINFO.sub("", url)


def to_ascii_host(host: str) -> str:
    """Return a host name in lower case and in its ASCII form (IDNA).

    Raises
    ------
    ValueError
        IDNA cannot encode the host, or its versions of 2003 and 2008 encode it differently.

    Examples
    --------
    >>> to_ascii_host("Bücher.example")
    'xn--bcher-kva.example'
    """
    if _IDNA_DEVIATION.search(host):
        raise ValueError(f"IDNA 2003 and 2008 read {host!r} differently: write the host as xn--…")
    return host.lower() if host.isascii() else host.encode("idna").decode().lower()


def is_allowed_host(allow_hosts: Sequence[str], origin: Origin) -> bool:
    """Whether one of the allowed hosts matches this origin's host.

    A pattern is a host (``"api.example.com"``), a host with a port, or
    ``"*.example.com"`` for every host below it; ``"*"`` allows all.

    Examples
    --------
    >>> is_allowed_host(["*.example.com"], parse_origin("https://eu.example.com/"))
    True
    >>> is_allowed_host(["*.example.com"], parse_origin("https://badexample.com/"))
    False
    """
    names = (origin.host, f"{origin.host}:{origin.port}")
    for pattern in allow_hosts:
        folded = pattern.lower() if pattern.isascii() else to_ascii_host(pattern)
        if folded == "*" or folded in names or (folded.startswith("*.") and origin.host.endswith(folded[1:])):
            return True
    return False


def check_allow_hosts(hosts: object) -> tuple[str, ...]:
    """Return the option ``allow_hosts``: patterns as `is_allowed_host` reads them.

    Raises
    ------
    PlanError
        It is not a list, or a pattern would match no host.

    Examples
    --------
    >>> check_allow_hosts(["api.example.com:8443", "*.example.com"])
    ('api.example.com:8443', '*.example.com')
    >>> check_allow_hosts(["https://e.com"])
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: allow_hosts: 'https://e.com' is not a host: write 'e.com', '*.e.com' or '*'
    """
    patterns = list_members(hosts)
    if patterns is None:
        hint = f"write [{show_value(hosts)}]" if isinstance(hosts, str) else "write ['api.example.com']"
        raise PlanError(f"allow_hosts={show_value(hosts)} must be a list of hosts: {hint}")
    for pattern in patterns:
        if not isinstance(pattern, str) or not _is_host_pattern(pattern):
            raise PlanError(f"allow_hosts: {show_value(pattern)} is not a host: write 'e.com', '*.e.com' or '*'")
    return tuple(patterns)


def _is_host_pattern(pattern: str) -> bool:
    host = pattern.removeprefix("*.")
    if pattern == "*":
        return True
    if not is_text(host) or any(character in "/?#@[]" or character.isspace() for character in host):
        return False
    try:
        parse_origin(f"http://[{host}]" if host.count(":") > 1 else f"http://{host}")
    except UnsafeUrlError:
        return False
    return True


def is_same_origin(old: Origin, new: Origin) -> bool:
    """Whether a request may move from ``old`` to ``new`` with its credentials.

    The upgrade from http to https on the same host counts as the same origin.

    Examples
    --------
    >>> is_same_origin(parse_origin("http://e.com/"), parse_origin("https://e.com/"))
    True
    >>> is_same_origin(parse_origin("https://e.com/"), parse_origin("http://e.com/"))
    False
    """
    return old == new or (old.host == new.host and (old.scheme, new.scheme) == ("http", "https"))
