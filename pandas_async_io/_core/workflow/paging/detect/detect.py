"""``pages="auto"``: which paginator a first page shows, with what confidence, and why.

Invariant: no silent guess. An unsure case is an error that lists the candidates, and a page that
announces more is never taken for the only one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.errors import AttemptError, PlanError
from pandas_async_io._core.workflow.paging.detect.by_api import known_api_candidates
from pandas_async_io._core.workflow.paging.detect.by_count import (
    offset_candidates,
    page_number_candidates,
    record_total_candidates,
)
from pandas_async_io._core.workflow.paging.detect.by_link import header_candidates, url_candidates
from pandas_async_io._core.workflow.paging.detect.by_token import page_info_candidates, token_candidates
from pandas_async_io._core.workflow.paging.detect.page_evidence import collect_evidence
from pandas_async_io._core.workflow.paging.paginators.extracted_page import ExtractedPage
from pandas_async_io._core.workflow.paging.paginators.paginators import next_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.json_path import Key
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator

_MIN_CONFIDENCE = 0.8
"""From this confidence on a candidate is used without asking the user."""

_MAX_SINGLE_RECORD_CONFIDENCE = 0.7
"""Paging from a single record to others needs the user's word."""

_MAX_LISTED_CANDIDATES = 4

_DETECTORS = (
    header_candidates,
    known_api_candidates,
    url_candidates,
    token_candidates,
    offset_candidates,
    page_number_candidates,
    record_total_candidates,
)


class Detection(NamedTuple):
    """The paginator that a first page shows, None if the page is the only one."""

    paginator: Paginator | None
    confidence: float
    reason: str


def choose_paginator(
    page: Page, record_path: Sequence[Key] | None = None, records: Sequence[Any] | None = None
) -> Detection:
    """Return the paginator that a first page shows.

    Parameters
    ----------
    record_path, records
        As in `collect_evidence`.

    Raises
    ------
    PlanError
        No candidate is sure. The message lists them.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"items": [{}], "nextPageToken": "x"})
    >>> choose_paginator(page)
    Traceback (most recent call last):
        ...
    pandas_async_io._core.errors.PlanError: pages="auto" is not sure. Choose one of: ...
    """
    candidates = rank_candidates(collect_evidence(page, record_path, records))
    if not candidates:
        return Detection(None, 1.0, "the first page shows no other pages")
    best = candidates[0]
    if best.confidence >= _MIN_CONFIDENCE:
        return Detection(best.paginator, best.confidence, best.reason)
    choices = ", or ".join(map(str, candidates[:_MAX_LISTED_CANDIDATES]))
    raise PlanError(f'pages="auto" is not sure. Choose one of: {choices}; or None, if there is only one page')


def rank_candidates(evidence: PageEvidence) -> list[Candidate]:
    """Return the paginators that a first page may need, the likeliest first.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"value": [], "@odata.nextLink": "/2"})
    >>> rank_candidates(collect_evidence(page))
    [Candidate(confidence=0.98, paginator=NextUrl(path='@odata.nextLink'), reason="'@odata.nextLink' holds a URL")]
    """
    found = [candidate for detector in _DETECTORS for candidate in detector(evidence)]
    if evidence.may_be_record and isinstance(evidence.page.payload, dict):
        limit = _MAX_SINGLE_RECORD_CONFIDENCE
        found = [each._replace(confidence=min(each.confidence, limit)) for each in found]
    found = [*page_info_candidates(evidence), *found]
    ranked = [
        (each.confidence >= _MIN_CONFIDENCE and _finds_next_page(evidence, each.paginator), each) for each in found
    ]
    if evidence.announces_more:
        ranked = [(goes_on, each) for goes_on, each in ranked if goes_on or each.confidence < _MIN_CONFIDENCE]
    ranked.sort(key=lambda pair: (-pair[0], -pair[1].confidence))
    best: dict[Paginator, Candidate] = {}
    for _, each in ranked:
        best.setdefault(each.paginator, each)  # several detectors may find the same paginator
    return list(best.values())


def _finds_next_page(evidence: PageEvidence, paginator: Paginator) -> bool:
    """Whether a paginator finds a next page, or an error, which the chain will raise."""
    try:
        extracted = ExtractedPage(evidence.page, evidence.records, evidence.record_count or 0)
        return next_request(paginator, extracted) is not None
    except AttemptError:
        return True


class FurtherPage(NamedTuple):
    """The request of the next page, and what in the first page leads to it."""

    request: Request
    reason: str


def find_further_page(
    page: Page, record_path: Sequence[Key] | None = None, records: Sequence[Any] | None = None
) -> FurtherPage | None:
    """Return the next page if a first page surely has one.

    Parameters
    ----------
    record_path, records
        As in `collect_evidence`.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> response = Response(200, {}, b"", "")
    >>> find_further_page(Page(Request("http://e.com/"), response, {"items": [{}], "next": "/2"})).reason
    "'next' holds a URL"
    >>> find_further_page(Page(Request("http://e.com/"), response, {"id": 1, "next": "/2"}))
    """
    evidence = collect_evidence(page, record_path, records)
    for candidate in rank_candidates(evidence):
        if candidate.confidence < _MIN_CONFIDENCE:
            continue
        try:
            extracted = ExtractedPage(page, evidence.records, evidence.record_count or 0)
            following = next_request(candidate.paginator, extracted)
        except AttemptError:
            continue
        if following is not None and following != page.request:
            return FurtherPage(following, candidate.reason)
    return None


def describe_overlooked(
    paginator: Paginator, extracted: ExtractedPage, record_path: Sequence[Key] | None = None
) -> str | None:
    """Return a finding if a paginator finds no next page where another one surely does: a misspelt path.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"items": [{}], "links": {"next": "/2"}})
    >>> describe_overlooked(NextUrl("link.next"), ExtractedPage(page, [{}], 1))
    "NextUrl(path='link.next') finds no next page; NextUrl(path='links.next') does"
    """
    if next_request(paginator, extracted) is not None:
        return None
    for candidate in rank_candidates(collect_evidence(extracted.page, record_path, extracted.records)):
        if candidate.confidence >= _MIN_CONFIDENCE and next_request(candidate.paginator, extracted) is not None:
            return f"{paginator!r} finds no next page; {candidate.paginator!r} does"
    return None
