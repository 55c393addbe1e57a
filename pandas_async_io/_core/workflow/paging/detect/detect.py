"""``pages="auto"``: which way of paging a first answer shows, how surely, and by what.

The law of this file: it never guesses silently. What is not sure is a question
to the user, with the candidates to choose from, and an answer that says there
is more is never taken for the only page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pandas_async_io._core.errors import AttemptError, PlanError
from pandas_async_io._core.workflow.paging.detect.by_count import (
    offset_candidates,
    page_number_candidates,
    record_total_candidates,
)
from pandas_async_io._core.workflow.paging.detect.by_link import header_candidates, page_info_candidates, url_candidates
from pandas_async_io._core.workflow.paging.detect.by_token import token_candidates
from pandas_async_io._core.workflow.paging.detect.page_evidence import collect_evidence
from pandas_async_io._core.workflow.paging.extracted_page import ExtractedPage
from pandas_async_io._core.workflow.paging.paginators import next_request

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page
    from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
    from pandas_async_io._core.workflow.paging.paginators import Paginator

MIN_CONFIDENCE = 0.8  # from here on a scheme is taken without a question

_ALONE = "the answer shows nothing of other pages: it was taken as the only one"


class Detection(NamedTuple):
    """What a first answer surely shows: the paginator, None if nothing of pages; how surely, and by what."""

    paginator: Paginator | None
    confidence: float
    why: str


def choose_paginator(page: Page) -> Detection:
    """Return what a first answer surely shows.

    Raises
    ------
    PlanError
        If it is not sure; it lists what to choose from.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"items": [{}], "nextPageToken": "x"})
    >>> choose_paginator(page)
    Traceback (most recent call last):
        ...
    pandas_async_io._core.errors.PlanError: pages="auto" is not sure. Choose one of: ...
    """
    found = rank_candidates(page)
    if not found:
        return Detection(None, 1.0, _ALONE)
    if found[0].confidence >= MIN_CONFIDENCE:
        return Detection(found[0].paginator, found[0].confidence, found[0].why)
    several = ", or ".join(map(str, found[:4]))
    raise PlanError(f'pages="auto" is not sure. Choose one of: {several}; or None, if one page is all there is')


def rank_candidates(page: Page) -> list[Candidate]:
    """Return the schemes that a first answer may be of, the likeliest first.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"value": [], "@odata.nextLink": "/2"})
    >>> rank_candidates(page)
    [Candidate(confidence=0.98, paginator=NextUrl(path='@odata.nextLink'), why="'@odata.nextLink' holds a URL")]
    """
    answer = collect_evidence(page)
    ways = (
        header_candidates,
        url_candidates,
        token_candidates,
        offset_candidates,
        page_number_candidates,
        record_total_candidates,
    )
    shown = [each for way in ways for each in way(answer)]
    if answer.held is None and isinstance(page.payload, dict):  # a record is read on only if the user says so
        shown = [each._replace(confidence=min(each.confidence, 0.7)) for each in shown]
    found = [*page_info_candidates(answer), *shown]
    ranked = [(each.confidence >= MIN_CONFIDENCE and _goes_on(answer, each.paginator), each) for each in found]
    if answer.says_more:
        ranked = [(on, each) for on, each in ranked if on or each.confidence < MIN_CONFIDENCE]
    ranked.sort(key=lambda pair: (-pair[0], -pair[1].confidence))
    best: dict[Paginator, Candidate] = {}
    for _, each in ranked:
        best.setdefault(each.paginator, each)  # several ways may find the same
    return list(best.values())


def _goes_on(answer: PageEvidence, paginator: Paginator) -> bool:
    """Whether a paginator finds a next page; what it complains of is for the chain to say."""
    try:
        return next_request(paginator, ExtractedPage(answer.page, answer.records, answer.held or 0)) is not None
    except AttemptError:
        return True


def describe_overlooked(paginator: Paginator, opened: ExtractedPage) -> str | None:
    """Return what a first answer surely shows of other pages where a paginator finds none: a misspelt path.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> from pandas_async_io._core.workflow.paging.extracted_page import ExtractedPage
    >>> from pandas_async_io._core.workflow.paging.next_url import NextUrl
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"items": [{}], "links": {"next": "/2"}})
    >>> describe_overlooked(NextUrl("link.next"), ExtractedPage(page, [{}], 1))
    "NextUrl(path='link.next') finds no next page; NextUrl(path='links.next') does"
    """
    if next_request(paginator, opened) is not None:
        return None
    for _, other, _ in (each for each in rank_candidates(opened.page) if each.confidence >= MIN_CONFIDENCE):
        if next_request(other, opened) is not None:
            return f"{paginator!r} finds no next page; {other!r} does"
    return None
