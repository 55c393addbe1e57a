"""Candidates whose next page follows from a number: offsets, page numbers, totals, and bare flags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pandas_async_io._core.json_path import find_value, parse_count
from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.envelope import find_total_path
from pandas_async_io._core.workflow.paging.page_fields import announces_pages
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    MORE_FLAGS,
    OFFSET_PARAM_BY_TOTAL,
    OFFSET_PARAMS,
    OFFSET_TOTALS,
    PAGE_NUMBERS,
    PAGE_PARAMS,
    PAGE_TOTAL_HEADERS,
    PAGE_TOTALS,
    SIZE_PARAMS,
    snake_case,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from pandas_async_io._core.json_path import Path


def offset_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for an envelope with an offset, a page size and a total."""
    if evidence.record_count is None and not _numbers_pages(evidence):
        return
    for prefix, fields in evidence.envelopes:
        total = _offset_total(evidence, fields)
        for param, size_param in OFFSET_PARAMS:
            offset, size = parse_count(fields.get(param)), parse_count(fields.get(size_param))
            if offset is None or not size or evidence.announces_end:
                continue
            _, in_body = evidence.find_param(param)
            start = 1 if offset == 1 else 0  # of a first page; where records count from 0 the total tells
            if total:
                paginator = Offset(param, (size_param, size), f"{prefix}{total}", start, in_body)
                yield Candidate(0.9, paginator, f"{param}, {size_param} and {total}")
            elif size == evidence.record_count and evidence.total is None:
                paginator = Offset(param, (size_param, size), None, start, in_body)
                yield Candidate(0.85, paginator, f"{size} records are a full page by {size_param!r}")
            else:
                continue
            return


def _numbers_pages(evidence: PageEvidence) -> bool:
    """Whether a page's number and the number of pages, or an offset and a total, say that there are more pages."""
    return not evidence.announces_end and any(announces_pages(fields) for _, fields in evidence.envelopes)


def _offset_total(evidence: PageEvidence, fields: Mapping[str, Any]) -> str | None:
    """Return the field that holds the number of all records; a ``count`` may be the page's length."""
    total = _first_number_field(fields, OFFSET_TOTALS)
    if total is None and (parse_count(fields.get("count")) or 0) > (evidence.record_count or 0):
        return "count"
    return total


def page_number_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for the number of pages, or else for the page's number in the request."""
    if evidence.record_count is None and not _numbers_pages(evidence):
        return
    counted = [*_by_page_total(evidence), *_by_page_total_header(evidence)]
    yield from counted
    page_param = evidence.page_param
    if page_param is None or counted or _is_complete(evidence):
        return
    total = _exact_total_path(evidence)
    total_is_sure = isinstance(total, str) and total.startswith("X-Total")
    reason = f"the request names {page_param.name!r}" + (f", {total!r} counts the records" if total else "")
    paginator = PageNumber(
        page_param.name,
        _start_number(page_param.number, None),
        _requested_size(evidence),
        total_records=total,
        body=page_param.in_body,
    )
    yield Candidate(0.85 if total_is_sure else 0.6, paginator, reason)


def record_total_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield guesses for a page that announces more and does not show how to get it."""
    if not (evidence.announces_more or evidence.is_below_total):
        return
    reason = "there are more records than came"
    if evidence.flag is not None and evidence.announces_more:
        flag = evidence.flag[0]
        reason = f"{flag!r} says that there is more"
        if evidence.last_record_has("id"):
            more = flag if snake_case(flag.rpartition(".")[2]) in MORE_FLAGS else None
            in_body = evidence.find_param("starting_after")[1]
            yield Candidate(0.25, Cursor(after="id", param="starting_after", more=more, body=in_body), reason)
    total = _exact_total_path(evidence)
    if evidence.page_param is None:
        yield Candidate(0.2, PageNumber(total_records=total, body=evidence.find_param("page")[1]), reason)
    param = _guess_offset_param(evidence)
    yield Candidate(0.2, Offset(param, total_records=total, body=evidence.find_param(param)[1]), reason)


def _by_page_total(evidence: PageEvidence) -> Iterator[Candidate]:
    for prefix, fields in evidence.envelopes:
        total = _first_number_field(fields, PAGE_TOTALS)
        echo_field = _first_number_field(fields, PAGE_NUMBERS)
        echo = None if echo_field is None else parse_count(fields[echo_field])
        if total:
            yield _page_total_candidate(evidence, prefix + total, echo_field, echo)
            return
        if echo_field == "number" and fields.get("last") is False:  # Spring's slice has no total
            name, number, in_body = _page_param_or(evidence, "page")
            paginator = PageNumber(name, _start_number(number, echo), body=in_body)
            yield Candidate(0.9, paginator, f"{prefix + 'last'!r} is false, and the page has a number")
            return


def _page_total_candidate(evidence: PageEvidence, total: str, echo_field: str | None, echo: int | None) -> Candidate:
    default = echo_field if echo_field is not None and echo_field in PAGE_PARAMS else "page"
    name, number, in_body = _page_param_or(evidence, default)
    if number is None:
        confidence = 0.85 if echo in {0, 1} else 0.6
    else:
        confidence = 0.95 if echo is None or abs(echo - number) <= 1 else 0.6
    paginator = PageNumber(name, _start_number(number, echo), total_pages=total, body=in_body)
    return Candidate(confidence, paginator, f"{total!r} counts the pages")


def _by_page_total_header(evidence: PageEvidence) -> Iterator[Candidate]:
    header = evidence.page.response.header
    name, number, in_body = _page_param_or(evidence, "page")
    for total in PAGE_TOTAL_HEADERS:
        if parse_count(header(total)) is not None:
            paginator = PageNumber(
                name, _start_number(number, parse_count(header("X-Page"))), total_pages=total, body=in_body
            )
            yield Candidate(0.9, paginator, f"the header {total} counts the pages")
    if evidence.record_count and _has_several_pages(header("X-Pagination")):
        paginator = PageNumber(name, _start_number(number, None), body=in_body)
        yield Candidate(0.6, paginator, "the header X-Pagination announces several pages")


def _page_param_or(evidence: PageEvidence, default: str) -> tuple[str, int | None, bool]:
    """Return the name of the page's parameter, its number in the request, and whether it belongs in the body."""
    return evidence.page_param or (default, None, evidence.find_param(default)[1])


def _first_number_field(fields: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if parse_count(fields.get(name)) is not None), None)


def _start_number(requested: int | None, echo: int | None) -> int:
    """Return the first page's number: 0 only where request or response say so, so that no page is left out.

    Examples
    --------
    >>> [_start_number(*each) for each in [(None, None), (None, 0), (None, 1), (0, 0), (0, 1), (1, 1), (1, 0), (1, 2)]]
    [1, 0, 1, 0, 0, 1, 1, 0]
    """
    if requested is None:
        return 0 if echo == 0 else 1
    return 0 if requested == 0 or echo == requested + 1 else 1


def _has_several_pages(header: str | None) -> bool:
    """Whether the header X-Pagination announces several pages, or is not JSON.

    Examples
    --------
    >>> [_has_several_pages(each) for each in (None, "x", '{"TotalPages": 4}', '{"HasNext": false}')]
    [False, True, True, False]
    """
    try:
        value = json.loads(header or "{}")
    except ValueError:
        return True
    fields = {snake_case(key): each for key, each in value.items()} if isinstance(value, dict) else {}
    pages = next((fields[name] for name in ("total_pages", "last_page") if type(fields.get(name)) is int), 2)
    return bool(fields) and pages > 1 and fields.get("has_next") is not False


def _is_complete(evidence: PageEvidence) -> bool:
    """Whether the page holds all records. That a full page is as long as its total proves nothing."""
    if not evidence.record_count or evidence.announces_end:
        return True
    size, total_path = _requested_size(evidence), evidence.total_path or ("count",)
    is_full = total_path[-1] == "count" or (size is not None and size[1] <= evidence.record_count)
    return evidence.total == evidence.record_count and not is_full


def _requested_size(evidence: PageEvidence) -> tuple[str, int] | None:
    sizes = ((name, parse_count(evidence.find_param(name)[0])) for name in SIZE_PARAMS)
    return next(((name, size) for name, size in sizes if size), None)


def _exact_total_path(evidence: PageEvidence) -> Path | None:
    """Return where the exact number of records is, as a dotted path if that leads to the same place."""
    path = find_total_path(evidence.page, evidence.record_path or ("",))
    if path is None or isinstance(path, str):
        return path
    dotted = ".".join(map(str, path))
    return dotted if find_value(evidence.page.payload, dotted) is find_value(evidence.page.payload, path) else path


def _guess_offset_param(evidence: PageEvidence) -> str:
    path = evidence.total_path
    if path is None or isinstance(path, str):
        return "offset"
    if path[-1] in OFFSET_PARAM_BY_TOTAL:
        return OFFSET_PARAM_BY_TOTAL[path[-1]]
    fields = find_value(evidence.page.payload, path[:-1])
    names = [name for name, _ in OFFSET_PARAMS]
    return (_first_number_field(fields, names) if isinstance(fields, dict) else None) or "offset"
