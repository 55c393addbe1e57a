"""Redirects: whether one is followed, and with what (RFC 9110, 15.4).

Invariant: headers and body of a request never reach another origin.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pandas_async_io._core.errors import RedirectError, UnsafeUrlError
from pandas_async_io._core.models import NO_HEADERS, Request
from pandas_async_io._core.security.origins import is_allowed_host, is_same_origin, parse_origin, strip_userinfo
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLLOW_CHOICES = ("none", "same_origin", "any")
"""Values of the option ``follow``."""

_MAX_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


def follow_redirect(
    request: Request,
    status: int,
    location: str | None,
    *,
    follow: str,
    allow_hosts: Sequence[str] = (),
    hops: int,
) -> Request | None:
    """Return the request that follows a redirect, or None if the response is the answer.

    Parameters
    ----------
    request : Request
        The request that was sent.
    status : int
        Of the response.
    location : str or None
        The response's ``Location`` header.
    follow : {"none", "same_origin", "any"}
        Where a redirect may lead. On another origin every header is dropped.
    allow_hosts : sequence of str
        Other hosts that ``"same_origin"`` lets a redirect lead to.
    hops : int
        Redirects followed so far.

    Raises
    ------
    UnsafeUrlError
        The redirect leads from https to http, to a URL that is not HTTP, to another origin that is not
        allowed, or to another origin with a body.
    RedirectError
        Five redirects were followed already.

    Examples
    --------
    >>> follow_redirect(Request("https://e.com/a/b"), 302, "c?d=1", follow="same_origin", hops=0).url
    'https://e.com/a/c?d=1'
    """
    if status not in _REDIRECT_STATUSES or not location or follow == "none":
        return None
    if hops >= _MAX_REDIRECTS:
        raise RedirectError(f"redirect loop: {redact_url(request.url)} after {hops} redirects")
    url = _join_location(request.url, location)
    if is_forbidden_in_url(url) or not url.isascii() or " " in url:
        raise UnsafeUrlError(f"redirect to {redact_url(url)!r}: the server sent characters that a URL cannot hold")
    old, new = parse_origin(request.url), parse_origin(url)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise UnsafeUrlError(f"redirect from https to {new} is not followed: it would send the request unencrypted")
    request = _apply_method_rules(request, status)
    if is_same_origin(old, new):
        return replace(request, url=url)
    if follow != "any" and not is_allowed_host(allow_hosts, new):
        raise UnsafeUrlError(
            f"redirect from {old} to another origin, {new}, is not followed: name it in the client's "
            "allow_hosts, or pass follow='any' to follow without headers and credentials"
        )
    if request.body is not None:
        raise UnsafeUrlError(f"redirect from {old} to {new} is not followed: it would send the body to another origin")
    return replace(request, url=url, headers=NO_HEADERS)


def _join_location(base: str, location: str) -> str:
    """Return the absolute URL of a ``Location`` header, without userinfo and fragment."""
    address, mark, query = location.partition("?")
    reference = strip_userinfo(address) + mark + query
    try:
        return urljoin(base, reference).partition("#")[0]
    except ValueError:  # such as 'http://[::1': brackets that do not close
        pass
    # not raised in the except block: a traceback would print the first error too
    raise UnsafeUrlError(f"redirect to {redact_url(reference)!r}, which is not a URL")


def _apply_method_rules(request: Request, status: int) -> Request:
    """Change the method to GET after a 303, and after a 301 or 302 to a POST, as browsers do (RFC 9110, 15.4)."""
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        headers = {k: v for k, v in request.headers.items() if k.lower() != "content-type"}
        return replace(request, method="GET", headers=headers, body=None)
    return request
