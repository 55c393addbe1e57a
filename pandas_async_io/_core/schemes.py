"""``pages="auto"``: which way of paging a first answer shows, how surely, and by what.

The law of this file: it never guesses silently. What is not sure is a
question to the user, with the candidates to choose from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.links import links_of
from pandas_async_io._core.numbered import Offset, PageNumber
from pandas_async_io._core.pages import Cursor, GraphQLCursor, LinkHeader, NextUrl, Paginator, next_request
from pandas_async_io._core.places import announced, find, json_body, open_records, paged_records, param

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.opened import Opened

SURE = 0.8  # from here on a scheme is taken without a question

_URL = re.compile(r"(?:https?://|[/?]).*", re.DOTALL)
_TOKEN = re.compile("next|cursor|continuation|marker|scroll", re.IGNORECASE)
_URL_NAMES = ("next", "next_url", "next_page_url", "nextPageUrl", "next_href", "next_page", "nextLink")
_URL_HOMES = ("", "_links.", "links.", "paging.", "pagination.", "pagination.links.", "meta.", "meta.pagination.links.")
_URL_PATHS = (
    *("@odata.nextLink", "odata.nextLink", "nextRecordsUrl", "info.next", "links", "link"),
    *(home + name for home in _URL_HOMES for name in _URL_NAMES),
)
_TOKENS = (  # where the token is, the parameter that takes it, a companion that names the API, how sure
    ("response_metadata.next_cursor", "cursor", None, 0.95),
    ("next_cursor", "start_cursor", "object", 0.95),
    ("nextPageToken", "nextPageToken", "isLast", 0.95),
    ("nextPageToken", "pageToken", None, 0.6),
    ("LastEvaluatedKey", "ExclusiveStartKey", None, 0.95),
    ("NextToken", "NextToken", None, 0.9),
    ("paging.next.after", "after", None, 0.95),
    ("paging.cursors.after", "after", None, 0.9),
    ("meta.next_token", "pagination_token", None, 0.85),
    ("meta.next_cursor", "cursor", None, 0.85),
    ("next_cursor", "cursor", None, 0.85),
    ("nextCursor", "cursor", None, 0.85),
    ("meta.nextCursor", "cursor", None, 0.85),
    ("pagination.next_cursor", "cursor", None, 0.85),
    ("cursor", "cursor", None, 0.6),
    ("next_page_token", "page_token", None, 0.7),
    ("next_page", "page", "object", 0.9),
    ("next_page", "page", None, 0.7),
    ("next", "cursor", None, 0.4),
)
_PARAMS = ("page", "_page", "p", "pageNumber", "page_number", "pageIndex")
_SIZES = ("per_page", "_limit", "limit", "page_size", "pageSize", "size")
_TOTALS = ("total_pages", "totalPages", "last_page", "lastPage", "page_count", "pageCount", "pages")
_ENVELOPES = ("", "meta.", "pagination.", "meta.pagination.", "page.", "paging.", "info.")
_OFFSETS = (("startAt", "maxResults"), ("offset", "limit"), ("skip", "limit"), ("start", "limit"), ("from", "size"))


class Candidate(NamedTuple):
    """One way in which the pages may go on."""

    confidence: float
    paginator: Paginator
    why: str

    def __str__(self) -> str:
        return f"pages={self.paginator!r} ({self.why})"


@dataclass(frozen=True, slots=True)
class Detected:
    """What a first answer shows.

    Attributes
    ----------
    paginator : Paginator or None
        The likeliest; None if the answer shows nothing of pages.
    confidence : float
        From 0 to 1.
    why : str
        What it was recognised by.
    candidates : tuple of Candidate
        All of them, the likeliest first.
    """

    paginator: Paginator | None
    confidence: float
    why: str
    candidates: tuple[Candidate, ...] = ()


def choose(page: Page) -> Detected:
    """Return what a first answer surely shows.

    Raises
    ------
    PlanError
        If it is not sure; it lists what to choose from.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"items": [{}], "nextPageToken": "x"})
    >>> choose(page)
    Traceback (most recent call last):
        ...
    pandas_async_io._core.errors.PlanError: pages="auto" is not sure. Choose one of: ...
    """
    detected = detect(page)
    if detected.paginator is None or detected.confidence >= SURE:
        return detected
    several = ", or ".join(map(str, detected.candidates[:4]))
    raise PlanError(f'pages="auto" is not sure. Choose one of: {several}; or None, if one page is all there is')


def detect(page: Page) -> Detected:
    """Recognise the scheme of a first answer.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"value": [], "@odata.nextLink": "/2"})
    >>> found = detect(page)
    >>> found.paginator, found.confidence, found.why
    (NextUrl(path='@odata.nextLink'), 0.98, "'@odata.nextLink' holds a URL")
    """
    found = sorted((each for way in _WAYS for each in way(page)), key=lambda each: -each.confidence)
    if not found:
        return Detected(None, 1.0, "the answer shows nothing of other pages: it was taken as the only one")
    return Detected(found[0].paginator, found[0].confidence, found[0].why, tuple(found))


def overlooked(paginator: Paginator, opened: Opened) -> str | None:
    """Return what a first answer surely shows of other pages where a paginator finds none: a misspelt path.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> from pandas_async_io._core.opened import Opened
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"items": [{}], "links": {"next": "/2"}})
    >>> overlooked(NextUrl("link.next"), Opened(page, [{}], 1))
    "NextUrl(path='link.next') finds no next page; NextUrl(path='links.next') does"
    """
    if next_request(paginator, opened) is not None:
        return None
    for _, other, _ in (each for each in detect(opened.page).candidates if each.confidence >= SURE):
        if next_request(other, opened) is not None:
            return f"{paginator!r} finds no next page; {other!r} does"
    return None


def _graphql(page: Page) -> Iterator[Candidate]:
    path = _page_info(page.payload, ())
    if path is None:
        return
    query = str((_body(page.request) or {}).get("query"))
    variable = re.search(r"\bafter\s*:\s*\$(\w+)", query)
    way = GraphQLCursor(".".join(path), variable[1]) if variable else GraphQLCursor(".".join(path))
    why = f"pageInfo, after: ${way.variable}" if variable else "pageInfo; the query lacks after: $cursor"
    yield Candidate(0.99 if variable else 0.7, way, why)


def _page_info(payload: Any, way: tuple[str, ...]) -> tuple[str, ...] | None:
    if not isinstance(payload, dict) or len(way) > 6:
        return None
    if isinstance(info := payload.get("pageInfo"), dict) and "hasNextPage" in info:
        return (*way, "pageInfo")
    deeper = (_page_info(value, (*way, key)) for key, value in payload.items())
    return next((found for found in deeper if found), None)


def _headers(page: Page) -> Iterator[Candidate]:
    links = links_of(page.response)
    if "next" in links or (links.keys() & {"last", "first", "prev"}):
        yield Candidate(0.99, LinkHeader(), f"the Link header has {', '.join(links)}")
    if page.response.header("Next-Page"):
        yield Candidate(0.95, NextUrl(header="Next-Page"), "the header Next-Page")
    if page.response.header("Sforce-Locator"):
        yield Candidate(0.95, Cursor(header="Sforce-Locator", param="locator"), "the header Sforce-Locator")


def _urls(page: Page) -> Iterator[Candidate]:
    for path in _URL_PATHS:
        link = find(page.payload, path)
        if isinstance(link, list) and not any(
            isinstance(each, dict) and {"rel", "relation"} & each.keys() for each in link
        ):
            continue
        target = link.get("href") or link.get("url") or link.get("link") if isinstance(link, dict) else link
        if isinstance(link, list):
            yield Candidate(0.9, NextUrl(path), f"{path!r} holds links with their relation")
        elif isinstance(target, str) and _URL.fullmatch(target):
            counted = isinstance(find(page.payload, "count"), int) and path == "next"
            way = NextUrl(path, count="count") if counted else NextUrl(path)
            yield Candidate(0.98, way, f"{path!r} holds a URL")
        elif link is None and _has(page.payload, path) and {"previous", "prev", "count"} & page.payload.keys():
            yield Candidate(0.9, NextUrl(path), f"{path!r} is null: this is the last page")


def _tokens(page: Page) -> Iterator[Candidate]:
    posted = _body(page.request) is not None
    more = next((flag for flag in ("has_more", "hasMore") if _has(page.payload, flag)), None)
    for path, name, companion, confidence in _TOKENS:
        token = find(page.payload, path)
        if companion is not None and not _has(page.payload, companion):
            continue
        # These hold numbers and URLs as often as tokens.
        if path in {"next_page", "next", "cursor"} and (not isinstance(token, str) or _URL.fullmatch(token)):
            continue
        if not _has(page.payload, path) or isinstance(token, bool):
            continue
        named = param(page.request, name, body=posted) is not None
        way = Cursor(path, name, body=posted, more=more)
        yield Candidate(0.97 if named else confidence, way, f"{path!r} holds a token for {name!r}")
    if more and find(page.payload, "object") == "list":
        if find(page.payload, "last_id"):
            yield Candidate(0.95, Cursor("last_id", "after", more=more), "last_id and has_more")
        elif isinstance(find(page.payload, "url"), str):
            why = "object: list, url and has_more"
            yield Candidate(0.95, Cursor(after="id", param="starting_after", more=more), why)
    elif more and not any(_has(page.payload, path) for path, *_ in _TOKENS):
        yield Candidate(0.5, Cursor(after="id", param="starting_after", more=more), f"{more!r} without a token")


def _unknown(page: Page) -> Iterator[Candidate]:
    """Find what is called like a token, and that no table knows."""
    for envelope in _ENVELOPES:
        fields = find(page.payload, envelope[:-1]) if envelope else page.payload
        for key, value in fields.items() if isinstance(fields, dict) else ():
            if _TOKEN.search(key) and value and isinstance(value, str | int) and not isinstance(value, bool):
                yield Candidate(0.3, Cursor(envelope + key, key), f"{envelope + key!r} may be a token")


def _numbers(page: Page) -> Iterator[Candidate]:
    asked = next((name for name in _PARAMS if param(page.request, name) is not None), None)
    for envelope in _ENVELOPES:
        total = next((name for name in _TOTALS if type(find(page.payload, envelope + name)) is int), None)
        if total is None:
            continue
        zero = find(page.payload, f"{envelope}number") == 0 and asked is None
        echoed = any(_has(page.payload, envelope + name) for name in ("page", "current_page", "currentPage", "number"))
        way = PageNumber(asked or "page", 0 if zero else 1, total=envelope + total)
        yield Candidate(0.95 if asked else 0.85 if echoed else 0.6, way, f"{envelope + total!r} counts the pages")
        return
    for header in ("X-Total-Pages", "X-WP-TotalPages"):
        if page.response.header(header):
            yield Candidate(0.9, PageNumber(asked or "page", total=header), f"the header {header} counts the pages")
    count = next((name for name in ("X-Total-Count", "X-Total") if page.response.header(name)), None)
    if asked:
        size = next(
            ((name, int(text)) for name in _SIZES if (text := str(param(page.request, name))).isdecimal()), None
        )
        why = f"the request names {asked!r}" + (f", {count} counts the records" if count else "")
        yield Candidate(0.85 if count else 0.6, PageNumber(asked, size=size, count=count), why)
    elif _lacking(page):
        yield Candidate(0.5, PageNumber(count=count), "there are more records than came")
        yield Candidate(0.5, Offset(count=count), "there are more records than came")


def _offsets(page: Page) -> Iterator[Candidate]:
    posted = _body(page.request) is not None
    for envelope in _ENVELOPES:
        for name, size in _OFFSETS:
            numbers = [find(page.payload, envelope + each) for each in (name, size, "total")]
            if all(type(number) is int for number in numbers):
                way = Offset(name, (size, numbers[1]), f"{envelope}total", body=posted)
                yield Candidate(0.9, way, f"{name}, {size} and total")
                return


def _lacking(page: Page) -> bool:
    """Whether an answer says that there are more records than it holds."""
    try:
        path: Sequence[str] = open_records(page.payload)
    except PlanError:
        return False
    total = announced(page, path)
    return total is not None and total > len(paged_records(page.payload, path)) > 0


def _has(payload: Any, path: str) -> bool:
    """Whether a path leads to something, if only to null."""
    if not isinstance(payload, dict):
        return False
    head, _, rest = path.partition(".")
    return path in payload or (bool(rest) and _has(payload.get(head), rest))


def _body(request: Request) -> dict[str, Any] | None:
    try:
        return json_body(request)
    except ParseError:
        return None


_WAYS = (_graphql, _headers, _urls, _tokens, _offsets, _numbers, _unknown)
