"""What may be sent where, and what may be said of it: origins, forbidden values, redaction.

The law of this file: a row's value never decides which host is asked, no
credential follows a request to another origin, and no secret reaches a text
that someone may read.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from pandas_async_io._core.errors import PlanError, RedirectError, UnsafeUrlError
from pandas_async_io._core.models import EMPTY, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
FOLLOW = ("none", "same_origin", "any")

_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HEADER_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SLASH = r"(?:/|%(?:25)*(?:2[fF]|5[cC]))"  # whoever decodes once more than we encode sees a slash
_DOT = r"(?:\.|%(?:25)*2[eE])"
_ENCODED_DOTS = re.compile(r"%(?:25)*(?:2[eE]|(?:2[fF]|5[cC])\.)")
_DOT_SEGMENT = re.compile(rf"^[^?#]*{_SLASH}{_DOT}{{1,2}}(?:{_SLASH}|[?#]|$)")
_DEVIATION = re.compile("[ßς\u200c\u200d]")
_HOST = re.compile(r"[\w.\-]+|[0-9a-f:.]+", re.ASCII)
_NETLOC = re.compile(r"(?:[^\[\]\\]*@)?(?:\[[^\[\]@]+\]|[^\[\]\\@:]+)(?::[0-9]*)?")
_CREDENTIAL = (
    r"(?:[\w.\-]*(?:token|secret|passw(?:or)?d|passphrase|credential|signature|api[_\-]?key|apikey)[\w.\-]*"
    r"|auth|authorization|bearer|code|key|pwd|sid|session|sessionid|sig|jwt)"
)
_SECRET_QUERY = re.compile(rf"([?&;]{_CREDENTIAL}=)[^&#;\s\"'<>]+", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"(?:x-)?{_CREDENTIAL}|cookie|proxy-authorization|x-.*auth.*", re.IGNORECASE)
_ANY_USERINFO = re.compile(r"(?<=//).*@")
"""What stands between ``//`` and the last ``@``: a password may hold a slash where it must not."""
_USERINFO = re.compile(r"(\w{1,30}://)[^/?#\s@\"'<>]*@")
_SECRET_PAIR = re.compile(  # a KeyError names no key of anyone's
    r"""((?:(?:token|key|secret|passw(?:or)?d|passphrase|authorization|cookie|session|credential|signature|jwt)
        (?!error)[\w-]{0,30}|(?<![a-z])(?:auth|bearer|pwd|sid|sig)(?![a-z])|code(?=\s{0,9}=))\\?["']?\s{0,9}[:=]\s{0,9}
        |\b(?:bearer|basic)\s{1,9})
        ((?:(?:bearer|basic|token)\s{1,9})?
        (?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[\[{][^\]}]*[\]}]?|[^\s"\[{,;&}]+))""",
    re.IGNORECASE | re.VERBOSE,
)


class Origin(NamedTuple):
    """Scheme, host and port: what a credential belongs to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return the origin as it opens a URL, default ports left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if _PORTS[self.scheme] == self.port else f":{self.port}")


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute http or https URL.

    Raises
    ------
    UnsafeUrlError
        If it has another scheme, no host or an impossible port.

    Examples
    --------
    >>> origin_of("HTTPS://Api.Example.com/users?id=1")
    Origin(scheme='https', host='api.example.com', port=443)
    >>> print(origin_of("http://[::1]:8000/"))
    http://[::1]:8000
    """
    found: tuple[str, str, int | None] | str
    try:
        parts = urlsplit(url)
        found = parts.scheme.lower(), ascii_host(parts.hostname or ""), parts.port
    except ValueError as exc:
        found = str(exc) if "IDNA" in str(exc) else "its host or port can't be read"
    if isinstance(found, str):  # raised out here: the first error has the URL in it, userinfo and all
        raise UnsafeUrlError(f"{redact_url(_ANY_USERINFO.sub('', url))!r} is not a URL: {found}")
    scheme, host, port = found
    if scheme not in _PORTS:
        raise UnsafeUrlError(f"{redact_url(url)!r}: only http and https are sent, not {scheme or 'a relative URL'!r}")
    if _NETLOC.fullmatch(parts.netloc) is None or _HOST.fullmatch(host) is None:
        raise UnsafeUrlError(f"{redact_url(url)!r} names no host, or one in characters that no host has")
    return Origin(scheme, host, _PORTS[scheme] if port is None else port)


def home_of(url: str) -> str:
    """Return a URL up to its path: what two URLs share that certainly have one origin.

    Examples
    --------
    >>> home_of("https://e.com:8443/users?page=2")
    'https://e.com:8443/'
    """
    return url[: url.find("/", url.find("://") + 3) + 1]


def ascii_host(host: str) -> str:
    """Return a host name in lower case and in its ASCII form (IDNA).

    Raises
    ------
    ValueError
        If it has none, or one that depends on whom one asks.

    Examples
    --------
    >>> ascii_host("Bücher.example")
    'xn--bcher-kva.example'
    """
    if _DEVIATION.search(host):
        raise ValueError(f"IDNA 2003 and 2008 read {host!r} differently: write the host as xn--…")
    return host.lower() if host.isascii() else host.encode("idna").decode().lower()


def allows(allow_hosts: Sequence[str], origin: Origin) -> bool:
    """Whether one of the allowed hosts names this origin's host.

    A pattern is a host (``"api.example.com"``), a host with a port, or
    ``"*.example.com"`` for every host below it; ``"*"`` allows all.

    Examples
    --------
    >>> allows(["*.example.com"], origin_of("https://eu.example.com/"))
    True
    >>> allows(["*.example.com"], origin_of("https://badexample.com/"))
    False
    """
    names = (origin.host, f"{origin.host}:{origin.port}")
    for pattern in allow_hosts:
        folded = pattern.lower() if pattern.isascii() else ascii_host(pattern)
        if folded == "*" or folded in names or (folded.startswith("*.") and origin.host.endswith(folded[1:])):
            return True
    return False


def same_origin(old: Origin, new: Origin) -> bool:
    """Whether a request may move from ``old`` to ``new`` with its credentials.

    The step up from http to https on the same host counts as the same origin.

    Examples
    --------
    >>> same_origin(origin_of("http://e.com/"), origin_of("https://e.com/"))
    True
    >>> same_origin(origin_of("https://e.com/"), origin_of("http://e.com/"))
    False
    """
    return old == new or (old.host == new.host and (old.scheme, new.scheme) == ("http", "https"))


def is_public(address: str) -> bool:
    """Whether an IP address is reachable by all, v4-mapped ones unmapped.

    Examples
    --------
    >>> is_public("93.184.215.14"), is_public("::ffff:10.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_global)


def redirect(
    request: Request,
    status: int,
    location: str | None,
    *,
    follow: str,
    allow_hosts: Sequence[str] = (),
    hops: int,
) -> Request | None:
    """Return the request that a redirect asks for, or None if the response is the answer.

    Parameters
    ----------
    request : Request
        What was sent.
    status, location
        Of the response.
    follow : {"none", "same_origin", "any"}
        Where a redirect may lead. ``"any"`` drops every header and the body on another origin.
    hops : int
        Redirects followed so far.

    Raises
    ------
    UnsafeUrlError
        If it leads to another origin (unless allowed), from https to http, or to something else than HTTP.
    RedirectError
        After five redirects.

    Examples
    --------
    >>> redirect(Request("https://e.com/a/b"), 302, "c?d=1", follow="same_origin", hops=0).url
    'https://e.com/a/c?d=1'
    """
    if status not in REDIRECTS or not location or follow == "none":
        return None
    if hops >= MAX_REDIRECTS:
        raise RedirectError(f"redirect loop: {redact_url(request.url)} after {hops} redirects")
    location = _ANY_USERINFO.sub("", location.partition("?")[0]) + "".join(location.partition("?")[1:])
    url = urljoin(request.url, location).partition("#")[0]
    if _CONTROL.search(url) or not url.isascii() or " " in url:
        raise UnsafeUrlError(f"redirect to {redact_url(url)!r}: the server sent characters that no URL has")
    old, new = origin_of(request.url), origin_of(url)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise UnsafeUrlError(f"redirect from https to {new} is not followed: it would send the request in the clear")
    request = _next_method(request, status)
    if same_origin(old, new):
        return replace(request, url=url)
    if follow != "any" and not allows(allow_hosts, new):
        raise UnsafeUrlError(
            f"redirect from {old} to another origin, {new}, is not followed: name it in the client's "
            "allow_hosts, or pass follow='any' to follow without headers and credentials"
        )
    if request.body is not None:
        raise UnsafeUrlError(f"redirect from {old} to {new} would hand the body to another origin")
    return replace(request, url=url, headers=EMPTY)


def _next_method(request: Request, status: int) -> Request:
    """303 asks with GET; so do 301 and 302 after POST, as every browser does (RFC 9110, 15.4)."""
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        headers = {k: v for k, v in request.headers.items() if k.lower() != "content-type"}
        return replace(request, method="GET", headers=headers, body=None)
    return request


def forbidden_value(value: str) -> bool:
    r"""Whether a value can't stand in a URL at all: control characters, lone surrogates.

    Examples
    --------
    >>> forbidden_value("a\r\nHost: evil"), forbidden_value("a b/ü")
    (True, False)
    """
    return _CONTROL.search(value) is not None


def lone_surrogate(value: str) -> bool:
    r"""Whether a value has no UTF-8.

    Examples
    --------
    >>> lone_surrogate("\ud800"), lone_surrogate("a\n\U0001f600")
    (True, False)
    """
    return _SURROGATE.search(value) is not None


def forbidden_header(name: str, value: str) -> bool:
    r"""Whether a header's name is no token or its value holds control characters (RFC 9110, 5).

    Examples
    --------
    >>> forbidden_header("X-Key", "a\nb"), forbidden_header("X Key", "a"), forbidden_header("X-Key", "a b")
    (True, True, False)
    """
    return _TOKEN.fullmatch(name) is None or _HEADER_CONTROL.search(value) is not None


def check_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers that may be sent.

    Raises
    ------
    PlanError
        If a name is no token, or a value is no text or holds control characters.

    Examples
    --------
    >>> check_headers({"Accept": "application/json"})
    {'Accept': 'application/json'}
    """
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not isinstance(value, str) or forbidden_header(name, value):
            raise PlanError(f"header {name!r}: a name is a token, a value is text without line breaks")
    return dict(headers or {})


def merged_headers(*several: Mapping[str, str]) -> dict[str, str]:
    """Return headers together: the same name in any case is one header, and the last one holds.

    Examples
    --------
    >>> merged_headers({"Accept": "a", "X": "1"}, {"accept": "b"})
    {'X': '1', 'accept': 'b'}
    """
    merged: dict[str, tuple[str, str]] = {}
    for headers in several:
        for name, value in headers.items():
            merged.pop(name.lower(), None)
            merged[name.lower()] = name, value
    return dict(merged.values())


def dot_segments(urls: Sequence[str]) -> list[int]:
    """Return the positions of the URLs whose path holds ``.`` or ``..`` as a segment, encoded or not.

    Examples
    --------
    >>> dot_segments(["http://e.com/a/../b", "http://e.com/a/b.c", "http://e.com/%2E%2e", "http://e.com/?q=/../"])
    [0, 2]
    """
    # Nearly always there is none, which two searches in all of them together tell.
    text = "\n".join(urls)
    if "/." not in text and _ENCODED_DOTS.search(text) is None:
        return []
    return [i for i, url in enumerate(urls) if _DOT_SEGMENT.search(url)]


def redact_url(url: str) -> str:
    """Return a URL without userinfo and without the values of secret query keys.

    Examples
    --------
    >>> redact_url("https://u:p@e.com/a?page=2&api_key=s3cret")
    'https://e.com/a?page=2&api_key=***'
    """
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub(r"\1", url))


def redact_urls(urls: Sequence[str]) -> list[str]:
    """Redact many URLs; as good as free where none holds a secret.

    Examples
    --------
    >>> redact_urls(["http://e.com/?sig=1", "http://e.com/?page=1"])
    ['http://e.com/?sig=***', 'http://e.com/?page=1']
    """
    text = "\n".join(urls)
    if _SECRET_QUERY.search(text) is None and _USERINFO.search(text) is None:
        return list(urls)
    return [redact_url(url) for url in urls]


def redact_text(text: str) -> str:
    """Return a text without what looks like a secret: ``key: value`` pairs, URLs' queries, userinfo.

    Examples
    --------
    >>> redact_text('{"access_token": "abc", "name": "x"} Authorization: Bearer zzz')
    '{"access_token": ***, "name": "x"} Authorization: ***'
    """
    return _SECRET_PAIR.sub(r"\1***", redact_url(text))


def mask(text: str) -> str:
    """Return a text of the same length with stars where `redact_text` has three.

    Examples
    --------
    >>> mask("https://u:p@e.com/?sig=1234 page=2")
    'https://****e.com/?sig=**** page=2'
    """
    text = _USERINFO.sub(lambda match: match[1] + "*" * (len(match[0]) - len(match[1])), text)
    return _SECRET_PAIR.sub(lambda match: match[1] + "*" * len(match[2]), text)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers whose values may be shown: those that carry no credential.

    Examples
    --------
    >>> redact_headers({"Authorization": "Bearer x", "X-API-Key": "y", "Accept": "*/*"})
    {'Authorization': '***', 'X-API-Key': '***', 'Accept': '*/*'}
    """
    return {name: "***" if secret_name(name) else value for name, value in headers.items()}


def secret_name(name: str) -> bool:
    """Whether what goes by this name, in a header, a query or a body, is a credential.

    Examples
    --------
    >>> secret_name("X-API-Key"), secret_name("access_token"), secret_name("Accept")
    (True, True, False)
    """
    return _SECRET_NAME.fullmatch(name) is not None
