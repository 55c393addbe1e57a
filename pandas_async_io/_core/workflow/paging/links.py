"""Links to other pages: the ``Link`` header (RFC 8288), relative references (RFC 3986), where they may lead."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urljoin

from pandas_async_io._core.errors import ParseError, UnsafeUrlError
from pandas_async_io._core.json_path import Path, find
from pandas_async_io._core.models import EMPTY
from pandas_async_io._core.request.query import numbered, param, with_params
from pandas_async_io._core.request.template import Template
from pandas_async_io._core.security.origins import allows, home_of, origin_of, same_origin
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import forbidden_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page, Request, Response

_TARGET = re.compile(r"[\s,]*<([^<>]*)>\s*")
_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))\s*)?')
_NEXT_LINK = re.compile(r"\s*(?:,|$)")
_TARGETS = ("href", "url", "link")
_WHOLE = Template.compile("{+url}")
_SIZE = re.compile(r"_?limit|per_?page|page_?size|page\[size\]|size|count|maxResults", re.IGNORECASE)
_NUMBER = re.compile(r"pg?|(?!.*(?:size|token|per_?page)).*page.*", re.IGNORECASE)
_OFFSET = re.compile(r"[_$]?(?:offset|start|skip)|startAt|from", re.IGNORECASE)


def parse_links(header: str) -> dict[str, str]:
    """Return the targets of a ``Link`` header by relation, as they are written.

    Of several links with one relation the first counts; what is malformed is
    left out, and so is what has an ``anchor``: it is about another resource.

    Examples
    --------
    >>> parse_links('</2>; rel=next, <https://e.com/1>; rel="prev start"; title="a, b"')
    {'next': '/2', 'prev': 'https://e.com/1', 'start': 'https://e.com/1'}
    """
    found: dict[str, str] = {}
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
        follows = _NEXT_LINK.match(header, end)
        if link and follows and "anchor" not in parameters:
            for relation in parameters.get("rel", "").lower().split():
                found.setdefault(relation, link[1].strip())
        comma = header.find(",", end)
        at = follows.end() if link and follows else comma + 1 if comma >= 0 else len(header)
    return found


def links_of(response: Response) -> dict[str, str]:
    """Return the targets of all ``Link`` headers of a response by relation.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> links_of(Response(200, {"link": "</2>; rel=next"}, b"", ""))
    {'next': '/2'}
    """
    lines = [value for name, value in response.headers.items() if name.lower() == "link"]
    return parse_links(", ".join(lines))


def follow(page: Page, reference: str) -> Request:
    """Return the page's request with the URL that a link on it means.

    Raises
    ------
    UnsafeUrlError
        If it is none that is ever sent.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("https://e.com/a/b?x=1"), Response(200, {}, b"", "https://e.com/a/b?x=1"), None)
    >>> follow(page, "?page=2 3").url, follow(page, "http://e.com/c").url
    ('https://e.com/a/b?page=2%203', 'https://e.com/c')
    """
    base = page.response.url or page.request.url
    reference = reference.strip()
    try:
        url = urljoin(base, reference).partition("#")[0]
    except ValueError:
        url = ""
    if forbidden_value(reference) or not url:
        raise UnsafeUrlError(f"the next page is {redact_url(reference)!r}, which is not a URL")
    old, new = origin_of(base), origin_of(url)
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


def admitted(home: Request, request: Request, allow_hosts: Sequence[str]) -> Request:
    """Return what may be sent of a request that a server chose: at home with the first one's headers.

    Raises
    ------
    UnsafeUrlError
        If it leaves the first request's origin and no allowed host is meant, or would take a body there.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> first = Request("https://e.com/", headers={"Authorization": "Bearer x"})
    >>> admitted(first, Request("https://cdn.com/2"), ["cdn.com"])
    Request(url='https://cdn.com/2', method='GET', headers=mappingproxy({}), body=None)
    """
    near = home_of(home.url)
    if near and request.url.startswith(near):
        return request if request.headers else replace(request, headers=home.headers)
    old, new = origin_of(home.url), origin_of(request.url)
    if same_origin(old, new):
        return replace(request, headers=request.headers or home.headers)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise UnsafeUrlError(f"the next page leads from https to {new}: it would be sent in the clear")
    if not allows(allow_hosts, new):
        raise UnsafeUrlError(f"the next page leads from {old} to {new}: name it in the client's allow_hosts")
    if request.body is not None:
        raise UnsafeUrlError(f"the next page would hand the body for {old} to {new}")
    return replace(request, headers=EMPTY)


def signed(first: Request, request: Request, keys: Sequence[str]) -> Request:
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
    >>> signed(first, Request("http://e.com/jobs/7"), ["key"]).url
    'http://e.com/jobs/7?key=k'
    >>> signed(first, Request("http://cdn.com/7"), ["key"]).url
    'http://cdn.com/7'
    """
    given = {name: text for name in keys if (text := param(first, name)) is not None}
    lacking = {name: text for name, text in given.items() if param(request, name) is None}
    if not lacking or not same_origin(origin_of(first.url), origin_of(request.url)):
        return request
    return with_params(request, lacking)


def next_link(payload: Any, path: Path) -> Any:
    """Return the link at a path, out of a list the next one's; None if there is none.

    Raises
    ------
    ParseError
        If the links of a list have no relation, and the path does not say what they are.

    Examples
    --------
    >>> next_link({"links": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}]}, "links")
    {'rel': 'next', 'href': '/2'}
    >>> next_link({"_links": {"next": [{"href": "/2"}]}}, "_links.next")
    {'href': '/2'}
    """
    link = find(payload, path)
    if not isinstance(link, list) or not link:
        return link
    relations = [_relation(each) for each in link]
    if any(relations):
        return next((each for each, relation in zip(link, relations, strict=True) if "next" in relation), None)
    if "next" in (path.split(".") if isinstance(path, str) else path)[-1].lower():
        return link[0]
    raise ParseError(f"the links at {path!r} do not say which of them is the next page's: none has a rel")


def target_of(link: Any) -> Any:
    """Return where a link leads: its URL, or what it holds in the place of one.

    Examples
    --------
    >>> target_of({"href": "/2"}), target_of("/2"), target_of({"after": "x"}), target_of({"href": None})
    ('/2', '/2', {'after': 'x'}, None)
    """
    if not isinstance(link, dict) or not link.keys() & set(_TARGETS):
        return link
    return next((link[key] for key in _TARGETS if link.get(key)), None)


def _relation(link: Any) -> list[str]:
    relation = link.get("rel", link.get("relation")) if isinstance(link, dict) else None
    return relation.split() if isinstance(relation, str) else relation if isinstance(relation, list) else []


class Steps(NamedTuple):
    """The one number by which the URL of the next page differs from this page's."""

    name: str
    value: int
    step: int


def steps(url: str, following: str) -> Steps | None:
    """Return how a page number or an offset goes on in the links; None if anything else changes too.

    Examples
    --------
    >>> steps("http://e.com/?a=1", "http://e.com/?a=1&page=2")
    Steps(name='page', value=2, step=1)
    >>> steps("http://e.com/?offset=10", "http://e.com/?offset=20")
    Steps(name='offset', value=20, step=10)
    >>> steps("http://e.com/", "http://e.com/?cursor=2")
    """
    old, new = _query(url), _query(following)
    changed = {name: text for name, text in new.items() if old.get(name) != text}
    known = {name: text for name, text in changed.items() if name in old or _SIZE.fullmatch(name) is None}
    if len(known) != 1 or old.keys() - new.keys():
        return None
    (name, text), *_ = known.items()
    if not re.fullmatch("[0-9]{1,15}", text) or not re.fullmatch("[0-9]{1,15}", old.get(name, "0")):
        return None
    value, page = int(text), _NUMBER.fullmatch(name)
    if not page and not _OFFSET.fullmatch(name):
        return None
    step = value - int(old[name]) if name in old else value if not page else 1 if value <= 2 else 0
    return Steps(name, value, step) if step > 0 else None


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))


def last_of(following: str, last: str, way: Steps) -> int | None:
    """Return the number of the last page, if its URL is that of the next one but for the number.

    Examples
    --------
    >>> last_of("http://e.com/?page=2", "http://e.com/?page=9", Steps("page", 2, 1))
    9
    """
    old, new = _query(following), _query(last)
    text = new.get(way.name, "")
    same = {**old, way.name: text} == new and following.partition("?")[0] == last.partition("?")[0]
    return int(text) if same and re.fullmatch("[0-9]{1,15}", text) else None


def ladder(request: Request, way: Steps, count: int) -> list[Request]:
    """Return so many requests from the next page on.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> [each.url for each in ladder(Request("http://e.com/?page=2"), Steps("page", 2, 1), 2)]
    ['http://e.com/?page=2', 'http://e.com/?page=3']
    """
    return numbered(request, way.name, (way.value + at * way.step for at in range(max(count, 0))))
