"""Where a first answer shows the next page itself: by ``pageInfo``, by a link, by a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.json_path import find, has
from pandas_async_io._core.workflow.paging import paging_vocabulary as names
from pandas_async_io._core.workflow.paging.detect.page_evidence import Answer, Candidate
from pandas_async_io._core.workflow.paging.links import links_of, next_link, target_of
from pandas_async_io._core.workflow.paging.opened import ended
from pandas_async_io._core.workflow.paging.paginators import Cursor, GraphQLCursor, LinkHeader, NextUrl

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL = re.compile(r"(?:https?://|[/?]).*", re.DOTALL)


def by_page_info(answer: Answer) -> Iterator[Candidate]:
    """Find the ``pageInfo`` of a connection."""
    path = _page_info(answer.page.payload, ())
    if path is None:
        return
    more, query = find(answer.page.payload, (*path, "hasNextPage")), (answer.body or {}).get("query")
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


def by_header(answer: Answer) -> Iterator[Candidate]:
    """Find a link, or a token, in a header."""
    links = links_of(answer.page.response)
    if "next" in links or (links.keys() & {"last", "first", "prev"}):
        yield Candidate(0.99, LinkHeader(), f"the Link header has {', '.join(links)}")
    for header, name, confidence in names.TOKEN_HEADERS:
        token = answer.page.response.header(header)
        if token and (name is None or _URL.fullmatch(token)):
            yield Candidate(confidence, NextUrl(header=header), f"the header {header}")
        elif token is not None and name is not None:
            asked = answer.asked if name == "page" else None
            place, _, body = asked or (name, None, answer.placed(name)[1])
            yield Candidate(confidence, Cursor(header=header, param=place, body=body), f"the header {header}")


def by_url(answer: Answer) -> Iterator[Candidate]:
    """Find the URL of the next page, or a null in its place."""
    payload, single = answer.page.payload, answer.held is None
    for home, fields in answer.envelopes:
        for name in ("links", "link"):
            links = fields.get(name)
            if isinstance(links, list) and (link := _related(links)) is not None and (link or not single):
                yield Candidate(0.9, NextUrl(home + name), f"{home + name!r} holds links with their relation")
    for home, fields in (*answer.envelopes, *_inner(answer)):
        for name in (name for name in names.NEXT if name in fields):
            path, link = home + name, next_link(fields, (name,))
            target, linked = target_of(link), "link" in home
            plain = linked or isinstance(link, dict) or name not in names.VAGUE
            if isinstance(target, str) and not ended(target) and (plain or _URL.fullmatch(target)):
                counted = path == "next" and type(fields.get("count")) is int
                way = NextUrl(path, count="count") if counted else NextUrl(path)
                yield Candidate(0.98, way, f"{path!r} holds a URL")
            elif ended(target) and not single and (linked or names.BEFORE & (fields.keys() | payload.keys())):
                yield Candidate(0.9, NextUrl(path), f"{path!r} is null: this is the last page")


def _inner(answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the objects in the envelopes that hold links."""
    for home, fields in answer.envelopes:
        for name in names.LINKS:
            if isinstance(links := fields.get(name), dict):
                yield f"{home}{name}.", links


def _related(links: list[Any]) -> Any:
    """Return the next page's of some links, {} if there is none; None if they have no relation."""
    if not any(isinstance(each, dict) and {"rel", "relation"} & each.keys() for each in links):
        return None
    return next_link({"links": links}, "links") or {}


def by_token(answer: Answer) -> Iterator[Candidate]:
    """Find a token for the next page, or a null in its place."""
    payload = answer.page.payload
    if not isinstance(payload, dict):
        return
    more = next((name for name in ("has_more", "hasMore") if isinstance(payload.get(name), bool | str)), None)
    anywhere = [
        (home + key, name, None, confidence)
        for home, fields in answer.envelopes
        for key, name, confidence in names.TOKENS_ANYWHERE
        if key in fields
    ]
    known = [row for row in (*names.TOKENS, *anywhere) if _is_token(answer, *row[:3:2])]
    for path, name, _, confidence in known:
        value, body = answer.placed(name)
        place = name.replace("[", ".").replace("]", "") if body else name
        sure = confidence if value is None else 0.97
        yield Candidate(sure, Cursor(path, place, body=body, more=more), f"{path!r} holds a token for {place!r}")
    if more and payload.get("object") == "list" and not known:
        yield from _after(answer, more)
    continued = payload.get("continue")
    for key in continued if isinstance(continued, dict) else ():
        if key not in {"", "continue"}:
            yield Candidate(0.6, Cursor(f"continue.{key}", key), f"'continue' holds {key!r}")
    yield from _unknown(answer)


def _is_token(answer: Answer, path: str, companion: str | None) -> bool:
    """Whether there is a token at a path, if only null for none."""
    payload, (*_, key) = answer.page.payload, path.split(".")
    token = find(payload, path)
    if not has(payload, path) or isinstance(token, bool) or not (companion is None or has(payload, companion)):
        return False
    text = isinstance(token, str) and _URL.fullmatch(token) is None
    if answer.held is None and (not token or key in names.VAGUE):
        return False
    if key in {"next_page", "nextPage"}:  # these hold numbers and URLs as often as tokens
        return text or (type(token) is int and token > 0)
    return key not in names.VAGUE or (text and not (key == "offset" and token.isdecimal()))


def _after(answer: Answer, more: str) -> Iterator[Candidate]:
    """Find the field of a list of objects, as OpenAI and Stripe call it, that is the token."""
    payload, body = answer.page.payload, answer.placed("after")[1]
    if payload.get("last_id"):
        yield Candidate(0.95, Cursor("last_id", "after", more=more, body=body), f"last_id and {more}")
    elif isinstance(payload.get("url"), str):
        way = Cursor(after="id", param="starting_after", more=more, body=body)
        yield Candidate(0.95, way, f"object: list, url and {more}")
    elif answer.last_has("id"):
        yield Candidate(0.85, Cursor(after="id", param="after", more=more, body=body), f"object: list and {more}")


def _unknown(answer: Answer) -> Iterator[Candidate]:
    """Find what is called like a token, or lies in an object that is, and that no table knows."""
    if answer.held is None or answer.says_none:
        return
    for home, fields in answer.envelopes:
        for key, value in fields.items():
            if names.TOKEN.search(key):
                inner = value.items() if isinstance(value, dict) else ()
                for path, name, token in ((key, key, value), *((f"{key}.{name}", name, each) for name, each in inner)):
                    yield from _guess(answer, home + path, name, token)


def _guess(answer: Answer, path: str, name: str, token: Any) -> Iterator[Candidate]:
    if isinstance(token, bool) or not isinstance(token, str | int) or not (token and name):
        return
    if isinstance(token, str) and _URL.fullmatch(token):
        yield Candidate(0.5, NextUrl(path), f"{path!r} may be the next page's URL")
    else:
        yield Candidate(0.3, Cursor(path, name, body=answer.placed(name)[1]), f"{path!r} may be a token")
