"""Where a first answer counts: pages, records, or only says that there are more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pandas_async_io._core.json_path import find_value, parse_count
from pandas_async_io._core.workflow.paging import paging_vocabulary as names
from pandas_async_io._core.workflow.paging.cursor import Cursor
from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.envelope import find_total_path
from pandas_async_io._core.workflow.paging.page_number import Offset, PageNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.json_path import Path


def offset_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Find an offset, the page's size and a total in one envelope."""
    if answer.held is None:
        return
    for home, fields in answer.envelopes:
        total = next((name for name in names.TOTALS if parse_count(fields.get(name)) is not None), None)
        for name, size in names.OFFSETS if total else ():
            begin, length = parse_count(fields.get(name)), parse_count(fields.get(size))
            if begin is not None and length:
                value, body = answer.placed(name)
                start = 1 if value is None and begin == 1 else 0
                way = Offset(name, (size, length), f"{home}{total}", start, body)
                yield Candidate(0.9, way, f"{name}, {size} and {total}")
                return


def page_number_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Find the number of pages, or a page's number in the request."""
    if answer.held is None:
        return
    counted = [*_paged(answer), *_paged_by_header(answer)]
    yield from counted
    if answer.asked and not counted and not _complete(answer):
        name, number, body = answer.asked
        where = _counted(answer)
        sure = isinstance(where, str) and where.startswith("X-Total")
        why = f"the request names {name!r}" + (f", {where!r} counts the records" if where else "")
        way = PageNumber(name, _start(number, None), _size(answer), count=where, body=body)
        yield Candidate(0.85 if sure else 0.6, way, why)


def record_total_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Ask, where an answer says that there is more and not how to go on."""
    if not (answer.says_more or answer.lacking):
        return
    why = "there are more records than came"
    if answer.flag is not None and answer.says_more:
        flag = answer.flag[0]
        why = f"{flag!r} says that there is more"
        if answer.last_has("id"):
            more = flag if names.snake(flag.rpartition(".")[2]) in names.MORE else None
            way = Cursor(after="id", param="starting_after", more=more, body=answer.placed("starting_after")[1])
            yield Candidate(0.25, way, why)
    where = _counted(answer)
    if not answer.asked:
        yield Candidate(0.2, PageNumber(count=where, body=answer.placed("page")[1]), why)
    name = _offset(answer)
    yield Candidate(0.2, Offset(name, count=where, body=answer.placed(name)[1]), why)


def _paged(answer: PageEvidence) -> Iterator[Candidate]:
    for home, fields in answer.envelopes:
        total = next((name for name in names.PAGES if parse_count(fields.get(name)) is not None), None)
        echoed = next((name for name in names.ECHOES if parse_count(fields.get(name)) is not None), None)
        if total:
            yield _numbered(answer, echoed, parse_count(fields.get(echoed or "")), home + total)
            return
        if echoed == "number" and fields.get("last") is False:  # Spring's slice does not count
            name, number, body = answer.asked or ("page", None, answer.placed("page")[1])
            way = PageNumber(name, _start(number, parse_count(fields[echoed])), body=body)
            yield Candidate(0.9, way, f"{home + 'last'!r} is false, and the page has a number")
            return


def _paged_by_header(answer: PageEvidence) -> Iterator[Candidate]:
    header = answer.page.response.header
    name, number, body = answer.asked or ("page", None, answer.placed("page")[1])
    for total in names.PAGES_HEADERS:
        if parse_count(header(total)) is not None:
            way = PageNumber(name, _start(number, parse_count(header("X-Page"))), total=total, body=body)
            yield Candidate(0.9, way, f"the header {total} counts the pages")
    if answer.held and _several(header("X-Pagination")):
        way = PageNumber(name, _start(number, None), body=body)
        yield Candidate(0.6, way, "the header X-Pagination tells of several pages")


def _numbered(answer: PageEvidence, echoed: str | None, echo: int | None, total: str) -> Candidate:
    name = echoed if echoed in names.PARAMS else "page"
    name, number, body = answer.asked or (name, None, answer.placed(name)[1])
    if number is None:
        confidence = 0.85 if echo in {0, 1} else 0.6
    else:
        confidence = 0.95 if echo is None or abs(echo - number) <= 1 else 0.6
    way = PageNumber(name, _start(number, echo), total=total, body=body)
    return Candidate(confidence, way, f"{total!r} counts the pages")


def _start(asked: int | None, echo: int | None) -> int:
    """Return the first page's number: no page may be left out, so it is 0 only where something says so.

    Examples
    --------
    >>> [_start(*each) for each in [(None, None), (None, 0), (None, 1), (0, 0), (0, 1), (1, 1), (1, 0), (1, 2)]]
    [1, 0, 1, 0, 0, 1, 1, 0]
    """
    if asked is None:
        return 0 if echo == 0 else 1
    return 0 if asked == 0 or echo == asked + 1 else 1


def _several(header: str | None) -> bool:
    """Whether the header X-Pagination tells of several pages, or cannot be read.

    Examples
    --------
    >>> [_several(each) for each in (None, "x", '{"TotalPages": 4}', '{"total_pages": 1}', '{"HasNext": false}')]
    [False, True, True, False, False]
    """
    try:
        told = json.loads(header or "{}")
    except ValueError:
        return True
    fields = {names.snake(key): value for key, value in told.items()} if isinstance(told, dict) else {}
    pages = next((fields[name] for name in ("total_pages", "last_page") if type(fields.get(name)) is int), 2)
    return bool(fields) and pages > 1 and fields.get("has_next") is not False


def _complete(answer: PageEvidence) -> bool:
    """Whether an answer says that its records are all there are; a full page's own length says nothing."""
    if not answer.held or answer.says_none:
        return True
    size, counted = _size(answer), answer.counted or ("count",)
    full = counted[-1] == "count" or (size is not None and size[1] <= answer.held)
    return answer.total == answer.held and not full


def _size(answer: PageEvidence) -> tuple[str, int] | None:
    sizes = ((name, parse_count(answer.placed(name)[0])) for name in names.SIZES)
    return next(((name, size) for name, size in sizes if size), None)


def _counted(answer: PageEvidence) -> Path | None:
    """Return where the exact number of records is, as one writes it."""
    where = find_total_path(answer.page, answer.path or ("",))
    if where is None or isinstance(where, str):
        return where
    dotted = ".".join(where)
    return dotted if find_value(answer.page.payload, dotted) is find_value(answer.page.payload, where) else where


def _offset(answer: PageEvidence) -> str:
    """Return what the parameter of the first record's number may be called."""
    where = answer.counted
    if where is None or isinstance(where, str):
        return "offset"
    echoes = find_value(answer.page.payload, where[:-1])
    named = (
        name for name, _ in names.OFFSETS if isinstance(echoes, dict) and parse_count(echoes.get(name)) is not None
    )
    return names.OFFSET_OF.get(where[-1]) or next(named, "offset")
