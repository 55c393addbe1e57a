"""Candidates whose next page is shown by a link: the ``Link`` header, other headers, URLs in the payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.links.link_header import link_targets
from pandas_async_io._core.workflow.paging.links.links import find_next_link, link_url
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor
from pandas_async_io._core.workflow.paging.paginators.extracted_page import is_end
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    AMBIGUOUS_TOKENS,
    LINK_OBJECTS,
    NEXT_LINK_SIBLINGS,
    NEXT_LINKS,
    TOKEN_HEADER_LIKE,
    TOKEN_HEADERS,
    URL,
    snake_case,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def header_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for each header that holds a link or a token."""
    response = evidence.page.response
    links = link_targets(response)
    if "next" in links or (links.keys() & {"last", "first", "prev"}):
        yield Candidate(0.99, LinkHeader(), f"the Link header has {', '.join(links)}")
    for header, param, confidence in TOKEN_HEADERS:
        value = response.header(header)
        if value and (param is None or URL.fullmatch(value)):
            yield Candidate(confidence, NextUrl(header=header), f"the header {header}")
        elif value is not None and param is not None:
            page_param = evidence.page_param if param == "page" else None
            name, in_body = param, evidence.find_param(param)[1]
            if page_param is not None:
                name, in_body = page_param.name, page_param.in_body
            yield Candidate(confidence, Cursor(header=header, param=name, body=in_body), f"the header {header}")
    yield from _token_like_candidates(evidence)


def _token_like_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a guess for each header that is in no table but named like a token's."""
    known = {header.lower() for header, *_ in TOKEN_HEADERS}
    for header, value in evidence.page.response.headers.items():
        if header.lower() in known or is_end(value) or not TOKEN_HEADER_LIKE.fullmatch(header):
            continue
        if URL.fullmatch(value):
            yield Candidate(0.7, NextUrl(header=header), f"the header {header} may be the next page's URL")
        else:
            param = _guess_param(header)
            paginator = Cursor(header=header, param=param, body=evidence.find_param(param)[1])
            yield Candidate(0.6, paginator, f"the header {header} may be a token; which parameter takes it?")


def _guess_param(header: str) -> str:
    """Return the parameter that may take a header's token.

    Examples
    --------
    >>> [_guess_param(each) for each in ("NextPageToken", "X-Next-Cursor", "X-Continuation-Token", "Next")]
    ['pageToken', 'cursor', 'continuationToken', 'next']
    """
    words = snake_case(header.replace("-", "_")).replace("__", "_").split("_")
    kept = [word for word in words if word not in {"x", "next"}] or ["next"]
    return kept[0] + "".join(map(str.capitalize, kept[1:]))


def url_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for each field that holds the next page's URL, or null in its place."""
    yield from _link_list_candidates(evidence)
    for prefix, fields in (*evidence.envelopes, *_link_objects(evidence)):
        for name in (name for name in NEXT_LINKS if name in fields):
            yield from _next_link_candidate(evidence, prefix, fields, name)


def _link_list_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    for prefix, fields in evidence.envelopes:
        for name in ("links", "link"):
            links = fields.get(name)
            link = _next_by_relation(links) if isinstance(links, list) else None
            if link is not None and (link or evidence.record_count is not None):
                yield Candidate(0.9, NextUrl(prefix + name), f"{prefix + name!r} holds links with their relation")


def _next_link_candidate(evidence: PageEvidence, prefix: str, fields: dict[str, Any], name: str) -> Iterator[Candidate]:
    path, link = prefix + name, find_next_link(fields, (name,))
    target, among_links = link_url(link), "link" in prefix
    is_link = among_links or isinstance(link, dict) or name not in AMBIGUOUS_TOKENS
    if isinstance(target, str) and not is_end(target) and (is_link or URL.fullmatch(target)):
        counted = path == "next" and type(fields.get("count")) is int
        paginator = NextUrl(path, count="count") if counted else NextUrl(path)
        yield Candidate(0.98, paginator, f"{path!r} holds a URL")
        return
    has_sibling = bool(NEXT_LINK_SIBLINGS & (fields.keys() | evidence.page.payload.keys()))
    if is_end(target) and evidence.record_count is not None and (among_links or has_sibling):
        yield Candidate(0.9, NextUrl(path), f"{path!r} is null: this is the last page")


def _link_objects(evidence: PageEvidence) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of the envelopes that hold links."""
    for prefix, fields in evidence.envelopes:
        for name in LINK_OBJECTS:
            if isinstance(links := fields.get(name), dict):
                yield f"{prefix}{name}.", links


def _next_by_relation(links: list[Any]) -> Any:
    """Return the next page's link, {} if there is none; None if the links have no relation."""
    if not any(isinstance(each, dict) and {"rel", "relation"} & each.keys() for each in links):
        return None
    return find_next_link({"links": links}, "links") or {}
