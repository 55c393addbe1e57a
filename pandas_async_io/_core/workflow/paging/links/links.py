"""Links to other pages: which one is the next page's, its URL (RFC 3986), and where it may lead.

Invariant: the headers and the body of a request never go to another origin by a link that a server wrote.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pandas_async_io._core.errors import ParseError, UnsafeUrlError
from pandas_async_io._core.json_path import Path, find_value
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.query import get_param, refresh_params, set_params
from pandas_async_io._core.request.template.url_template import UrlTemplate
from pandas_async_io._core.security.origins import is_allowed_host, is_same_origin, origin_prefix, parse_origin
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page, Request

_URL_KEYS = ("href", "url", "link")
_URL_TEMPLATE = UrlTemplate.compile("{+url}")


def follow_link(page: Page, reference: str) -> Request:
    """Return the page's request with the URL of a link on the page.

    Raises
    ------
    UnsafeUrlError
        The link is not a URL.

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
    # Behind a proxy that terminates TLS a server often writes http links to itself.
    if (old.scheme, old.host, old.port) == ("https", new.host, 443) and new.port == 80:
        new = old
    rest = url.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    user, mark, _ = rest[:cut].rpartition("@")
    if new == old and not mark:
        user, mark, _ = base.partition("://")[2].partition("/")[0].rpartition("@")
    target = _URL_TEMPLATE.expand({"url": rest[cut:]})
    slash = "" if target.startswith("/") else "/"
    return replace(page.request, url=f"{new.scheme}://{user}{mark}{str(new).partition('://')[2]}{slash}{target}")


def complete_link(
    first: Request, request: Request, allow_hosts: Sequence[str], credential_params: Sequence[str]
) -> Request:
    """Return the request of a further page as `restrict_to_origin` allows it, with the credentials of the query."""
    return add_credential_params(first, restrict_to_origin(first, request, allow_hosts), credential_params)


def restrict_to_origin(first: Request, request: Request, allow_hosts: Sequence[str]) -> Request:
    """Return a request to a URL that a server chose, with the first request's headers on its origin only.

    Parameters
    ----------
    first : Request
        The row's own request.
    allow_hosts : sequence of str
        Other hosts that a link may lead to; the request goes there without headers.

    Raises
    ------
    UnsafeUrlError
        The URL leads to a host that is not allowed, from https to http, or would take a body to another origin.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> first = Request("https://e.com/", headers={"Authorization": "Bearer x"})
    >>> restrict_to_origin(first, Request("https://cdn.com/2"), ["cdn.com"])
    Request(url='https://cdn.com/2', method='GET', headers=mappingproxy({}), body=None)
    """
    prefix = origin_prefix(first.url)  # the usual case, without parsing
    if prefix and request.url.startswith(prefix):
        return request if request.headers else replace(request, headers=first.headers)
    old, new = parse_origin(first.url), parse_origin(request.url)
    if is_same_origin(old, new):
        return replace(request, headers=request.headers or first.headers)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise UnsafeUrlError(f"the next page leads from https to {new}, which is not encrypted")
    if not is_allowed_host(allow_hosts, new):
        raise UnsafeUrlError(f"the next page leads from {old} to {new}: name it in the client's allow_hosts")
    if request.body is not None:
        raise UnsafeUrlError(f"the next page would send the request body for {old} to {new}")
    return replace(request, headers=NO_HEADERS)


def add_credential_params(first: Request, request: Request, names: Sequence[str]) -> Request:
    """Return a request with the first request's credentials in its query: an API may leave them out of its links.

    Parameters
    ----------
    first : Request
        The request whose query holds them. Another origin does not get them.
    names : sequence of str
        The query parameters that hold credentials.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> first = Request("http://e.com/jobs?key=k")
    >>> add_credential_params(first, Request("http://e.com/jobs/7"), ["key"]).url
    'http://e.com/jobs/7?key=k'
    >>> add_credential_params(first, Request("http://cdn.com/7"), ["key"]).url
    'http://cdn.com/7'
    """
    given = {name: text for name in names if (text := get_param(first, name)) is not None}
    lacking = {name: text for name, text in given.items() if get_param(request, name) is None}
    if not lacking or not is_same_origin(parse_origin(first.url), parse_origin(request.url)):
        return request
    return set_params(request, lacking)


def refresh_credentials(request: Request, first: Request, fresh: Request) -> Request:
    """Return a request of an earlier run with the credentials of a fresh first request, on its origin only.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> first, fresh = Request("http://e.com/?key=a"), Request("http://e.com/?key=b", headers={"A": "t"})
    >>> found = refresh_credentials(Request("http://e.com/?key=a&page=2"), first, fresh)
    >>> found.url, dict(found.headers)
    ('http://e.com/?key=b&page=2', {'A': 't'})
    """
    if not is_same_origin(parse_origin(first.url), parse_origin(request.url)):
        return request
    own = {name: text for name, text in request.headers.items() if first.headers.get(name) != text}
    return replace(refresh_params(request, first, fresh), headers={**fresh.headers, **own})


def find_next_link(payload: Any, path: Path) -> Any:
    """Return the link at a path, of a list the next page's; None if there is none.

    Raises
    ------
    ParseError
        The links of a list have no relation, and the path does not say which one is the next page's.

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
    if "next" in str((path.split(".") if isinstance(path, str) else path)[-1]).lower():
        return link[0]
    raise ParseError(f"the links at {path!r} have no rel, which would say which one is the next page's")


def link_url(link: Any) -> Any:
    """Return the URL of a link, or the value that it holds in place of a URL.

    Examples
    --------
    >>> link_url({"href": "/2"}), link_url("/2"), link_url({"after": "x"}), link_url({"href": None})
    ('/2', '/2', {'after': 'x'}, None)
    """
    if not isinstance(link, dict) or not link.keys() & set(_URL_KEYS):
        return link
    return next((link[key] for key in _URL_KEYS if link.get(key)), None)


def _relation(link: Any) -> list[str]:
    relation = link.get("rel", link.get("relation")) if isinstance(link, dict) else None
    return relation.split() if isinstance(relation, str) else relation if isinstance(relation, list) else []
