"""Links to other pages: the ``Link`` header (RFC 8288), relative references (RFC 3986), where they may lead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pandas_async_io._core.errors import ParseError, UnsafeUrlError
from pandas_async_io._core.json_path import Path, find_value
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.query import get_param, set_params
from pandas_async_io._core.request.url_template import UrlTemplate
from pandas_async_io._core.security.origins import is_allowed_host, is_same_origin, origin_prefix, parse_origin
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page, Request

_TARGETS = ("href", "url", "link")
_WHOLE = UrlTemplate.compile("{+url}")


def follow_link(page: Page, reference: str) -> Request:
    """Return the page's request with the URL that a link on it means.

    Raises
    ------
    UnsafeUrlError
        If it is none that is ever sent.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("https://e.com/a/b?x=1"), Response(200, {}, b"", "https://e.com/a/b?x=1"), None)
    >>> follow_link(page, "?page=2 3").url, follow_link(page, "http://e.com/c").url
    ('https://e.com/a/b?page=2%203', 'https://e.com/c')
    """
    base = page.response.url or page.request.url
    reference = reference.strip()
    try:
        url = urljoin(base, reference).partition("#")[0]
    except ValueError:
        url = ""
    if is_forbidden_in_url(reference) or not url:
        raise UnsafeUrlError(f"the next page is {redact_url(reference)!r}, which is not a URL")
    old, new = parse_origin(base), parse_origin(url)
    # A server behind a proxy that ends TLS often does not know that it is https.
    if (old.scheme, old.host, old.port) == ("https", new.host, 443) and new.port == 80:
        new = old
    rest = url.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    user, mark, _ = rest[:cut].rpartition("@")
    if new == old and not mark:
        user, mark, _ = base.partition("://")[2].partition("/")[0].rpartition("@")
    target = _WHOLE.expand({"url": rest[cut:]})
    slash = "" if target.startswith("/") else "/"
    return replace(page.request, url=f"{new.scheme}://{user}{mark}{str(new).partition('://')[2]}{slash}{target}")


def restrict_to_origin(home: Request, request: Request, allow_hosts: Sequence[str]) -> Request:
    """Return what may be sent of a request that a server chose: at home with the first one's headers.

    Raises
    ------
    UnsafeUrlError
        If it leaves the first request's origin and no allowed host is meant, or would take a body there.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> first = Request("https://e.com/", headers={"Authorization": "Bearer x"})
    >>> restrict_to_origin(first, Request("https://cdn.com/2"), ["cdn.com"])
    Request(url='https://cdn.com/2', method='GET', headers=mappingproxy({}), body=None)
    """
    near = origin_prefix(home.url)
    if near and request.url.startswith(near):
        return request if request.headers else replace(request, headers=home.headers)
    old, new = parse_origin(home.url), parse_origin(request.url)
    if is_same_origin(old, new):
        return replace(request, headers=request.headers or home.headers)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise UnsafeUrlError(f"the next page leads from https to {new}: it would be sent in the clear")
    if not is_allowed_host(allow_hosts, new):
        raise UnsafeUrlError(f"the next page leads from {old} to {new}: name it in the client's allow_hosts")
    if request.body is not None:
        raise UnsafeUrlError(f"the next page would hand the body for {old} to {new}")
    return replace(request, headers=NO_HEADERS)


def add_credential_params(first: Request, request: Request, keys: Sequence[str]) -> Request:
    """Return a request with the keys that its URL was given without: an API may keep them out of its links.

    Parameters
    ----------
    first : Request
        Whose query holds them; on another origin they are not given away.
    keys : sequence of str
        The query's parameters that hold credentials.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> first = Request("http://e.com/jobs?key=k")
    >>> add_credential_params(first, Request("http://e.com/jobs/7"), ["key"]).url
    'http://e.com/jobs/7?key=k'
    >>> add_credential_params(first, Request("http://cdn.com/7"), ["key"]).url
    'http://cdn.com/7'
    """
    given = {name: text for name in keys if (text := get_param(first, name)) is not None}
    lacking = {name: text for name, text in given.items() if get_param(request, name) is None}
    if not lacking or not is_same_origin(parse_origin(first.url), parse_origin(request.url)):
        return request
    return set_params(request, lacking)


def find_next_link(payload: Any, path: Path) -> Any:
    """Return the link at a path, out of a list the next one's; None if there is none.

    Raises
    ------
    ParseError
        If the links of a list have no relation, and the path does not say what they are.

    Examples
    --------
    >>> find_next_link({"links": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}]}, "links")
    {'rel': 'next', 'href': '/2'}
    >>> find_next_link({"_links": {"next": [{"href": "/2"}]}}, "_links.next")
    {'href': '/2'}
    """
    link = find_value(payload, path)
    if not isinstance(link, list) or not link:
        return link
    relations = [_relation(each) for each in link]
    if any(relations):
        return next((each for each, relation in zip(link, relations, strict=True) if "next" in relation), None)
    if "next" in (path.split(".") if isinstance(path, str) else path)[-1].lower():
        return link[0]
    raise ParseError(f"the links at {path!r} do not say which of them is the next page's: none has a rel")


def link_url(link: Any) -> Any:
    """Return where a link leads: its URL, or what it holds in the place of one.

    Examples
    --------
    >>> link_url({"href": "/2"}), link_url("/2"), link_url({"after": "x"}), link_url({"href": None})
    ('/2', '/2', {'after': 'x'}, None)
    """
    if not isinstance(link, dict) or not link.keys() & set(_TARGETS):
        return link
    return next((link[key] for key in _TARGETS if link.get(key)), None)


def _relation(link: Any) -> list[str]:
    relation = link.get("rel", link.get("relation")) if isinstance(link, dict) else None
    return relation.split() if isinstance(relation, str) else relation if isinstance(relation, list) else []
