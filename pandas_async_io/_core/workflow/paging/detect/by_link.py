"""Where a first answer shows the next page itself: by ``pageInfo``, by a link, by a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.workflow.paging import paging_vocabulary as names
from pandas_async_io._core.workflow.paging.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.extracted_page import is_end
from pandas_async_io._core.workflow.paging.link_header import link_targets
from pandas_async_io._core.workflow.paging.links import find_next_link, link_url
from pandas_async_io._core.workflow.paging.next_url import LinkHeader, NextUrl

if TYPE_CHECKING:
    from collections.abc import Iterator


def page_info_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Find the ``pageInfo`` of a connection."""
    path = _page_info(answer.page.payload, ())
    if path is None:
        return
    more, query = find_value(answer.page.payload, (*path, "hasNextPage")), (answer.body or {}).get("query")
    where = ".".join(path)
    variables = list(dict.fromkeys(re.findall(r"\bafter\s*:\s*\$(\w+)", str(query))))
    if variables:
        sure = 0.99 if len(variables) == 1 else 0.7  # which of them is this connection's?
        yield from (Candidate(sure, GraphQLCursor(where, name), f"pageInfo, after: ${name}") for name in variables)
    elif more and query is None:
        way = Cursor(f"{where}.endCursor", "after", more=f"{where}.hasNextPage", body=answer.placed("after")[1])
        yield Candidate(0.6, way, "pageInfo, and no query in the request")
    elif more:
        yield Candidate(0.7, GraphQLCursor(where), "pageInfo; the query lacks after: $cursor")


def _page_info(payload: Any, way: tuple[str, ...]) -> tuple[str, ...] | None:
    if not isinstance(payload, dict) or len(way) > 6:
        return None
    if isinstance(info := payload.get("pageInfo"), dict) and "hasNextPage" in info:
        return (*way, "pageInfo")
    deeper = (_page_info(value, (*way, key)) for key, value in payload.items())
    return next((found for found in deeper if found), None)


def header_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Find a link, or a token, in a header."""
    links = link_targets(answer.page.response)
    if "next" in links or (links.keys() & {"last", "first", "prev"}):
        yield Candidate(0.99, LinkHeader(), f"the Link header has {', '.join(links)}")
    for header, name, confidence in names.TOKEN_HEADERS:
        token = answer.page.response.header(header)
        if token and (name is None or names.URL.fullmatch(token)):
            yield Candidate(confidence, NextUrl(header=header), f"the header {header}")
        elif token is not None and name is not None:
            asked = answer.asked if name == "page" else None
            place, _, body = asked or (name, None, answer.placed(name)[1])
            yield Candidate(confidence, Cursor(header=header, param=place, body=body), f"the header {header}")


def url_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Find the URL of the next page, or a null in its place."""
    payload, single = answer.page.payload, answer.held is None
    for home, fields in answer.envelopes:
        for name in ("links", "link"):
            links = fields.get(name)
            if isinstance(links, list) and (link := _related(links)) is not None and (link or not single):
                yield Candidate(0.9, NextUrl(home + name), f"{home + name!r} holds links with their relation")
    for home, fields in (*answer.envelopes, *_inner(answer)):
        for name in (name for name in names.NEXT if name in fields):
            path, link = home + name, find_next_link(fields, (name,))
            target, linked = link_url(link), "link" in home
            plain = linked or isinstance(link, dict) or name not in names.VAGUE
            if isinstance(target, str) and not is_end(target) and (plain or names.URL.fullmatch(target)):
                counted = path == "next" and type(fields.get("count")) is int
                way = NextUrl(path, count="count") if counted else NextUrl(path)
                yield Candidate(0.98, way, f"{path!r} holds a URL")
            elif is_end(target) and not single and (linked or names.BEFORE & (fields.keys() | payload.keys())):
                yield Candidate(0.9, NextUrl(path), f"{path!r} is null: this is the last page")


def _inner(answer: PageEvidence) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the objects in the envelopes that hold links."""
    for home, fields in answer.envelopes:
        for name in names.LINKS:
            if isinstance(links := fields.get(name), dict):
                yield f"{home}{name}.", links


def _related(links: list[Any]) -> Any:
    """Return the next page's of some links, {} if there is none; None if they have no relation."""
    if not any(isinstance(each, dict) and {"rel", "relation"} & each.keys() for each in links):
        return None
    return find_next_link({"links": links}, "links") or {}
