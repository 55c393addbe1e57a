"""Candidates for APIs that are known by the path of their URL: a full page of theirs need not announce the next."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pandas_async_io._core.json_path import find_count, parse_count
from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset
from pandas_async_io._core.workflow.paging.paging_vocabulary import KNOWN_APIS

if TYPE_CHECKING:
    from collections.abc import Iterator


def known_api_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for a page of a known API that has a total, or is as long as a page can be."""
    path = urlsplit(evidence.page.request.url).path
    api = next((each for each in KNOWN_APIS if each.url_path.search(path)), None)
    if api is None or not evidence.record_count:
        return
    requested, in_body = evidence.find_param(api.size_param)
    size = parse_count(requested) or api.default_size
    page_size = None if size is None else (api.size_param, size)
    if find_count(evidence.page, api.total) is not None:
        paginator = Offset(api.offset_param, page_size, api.total, body=in_body)
        yield Candidate(0.99, paginator, f"{api.total!r} counts the records of {api.name}")
    elif evidence.announces_more or size == evidence.record_count:
        reason = f"{evidence.record_count} records are a full page of {api.name}"
        yield Candidate(0.9, Offset(api.offset_param, page_size, body=in_body), reason)
