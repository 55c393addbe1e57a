"""TODO."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pandas_async_io._core.errors import RedirectError, UnsafeUrlError
from pandas_async_io._core.models import NO_HEADERS, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

from pandas_async_io._core.security.origins import is_allowed_host, is_same_origin, parse_origin
from pandas_async_io._core.security.secrets import _ANY_USERINFO, redact_url
from pandas_async_io._core.security.unsafe_values import _CONTROL

MAX_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
FOLLOW_CHOICES = ("none", "same_origin", "any")


def follow_redirect(
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
    >>> follow_redirect(Request("https://e.com/a/b"), 302, "c?d=1", follow="same_origin", hops=0).url
    'https://e.com/a/c?d=1'
    """
    if status not in _REDIRECT_STATUSES or not location or follow == "none":
        return None
    if hops >= MAX_REDIRECTS:
        raise RedirectError(f"redirect loop: {redact_url(request.url)} after {hops} redirects")
    location = _ANY_USERINFO.sub("", location.partition("?")[0]) + "".join(location.partition("?")[1:])
    url = urljoin(request.url, location).partition("#")[0]
    if _CONTROL.search(url) or not url.isascii() or " " in url:
        raise UnsafeUrlError(f"redirect to {redact_url(url)!r}: the server sent characters that no URL has")
    old, new = parse_origin(request.url), parse_origin(url)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise UnsafeUrlError(f"redirect from https to {new} is not followed: it would send the request in the clear")
    request = _next_method(request, status)
    if is_same_origin(old, new):
        return replace(request, url=url)
    if follow != "any" and not is_allowed_host(allow_hosts, new):
        raise UnsafeUrlError(
            f"redirect from {old} to another origin, {new}, is not followed: name it in the client's "
            "allow_hosts, or pass follow='any' to follow without headers and credentials"
        )
    if request.body is not None:
        raise UnsafeUrlError(f"redirect from {old} to {new} would hand the body to another origin")
    return replace(request, url=url, headers=NO_HEADERS)


def _next_method(request: Request, status: int) -> Request:
    """303 asks with GET; so do 301 and 302 after POST, as every browser does (RFC 9110, 15.4)."""
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        headers = {k: v for k, v in request.headers.items() if k.lower() != "content-type"}
        return replace(request, method="GET", headers=headers, body=None)
    return request
