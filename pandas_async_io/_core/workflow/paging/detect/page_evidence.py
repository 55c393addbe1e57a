"""What a first page shows: its records, its total, its flags, and the request's own paging parameters.

Invariant: an object without a list, or with a list beside fields of its own, is a record. The names of
its fields are no evidence; only the envelope of a page is, or its numbers: page 1 of 3, a total above
the length of its list. Without a list they are asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Key, Path, find_count, find_value, parse_count
from pandas_async_io._core.request.query import get_param, parse_json_body
from pandas_async_io._core.workflow.paging.detect.flags import find_flag
from pandas_async_io._core.workflow.paging.envelope import (
    candidate_lists,
    find_record_path,
    find_total_path,
    is_single_record,
    page_records,
)
from pandas_async_io._core.workflow.paging.page_fields import described_paths, has_only_page_fields
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    ENVELOPES,
    PAGE_PARAMS,
    VAGUE_ENVELOPES,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator


class Candidate(NamedTuple):
    """A paginator that may read the other pages."""

    confidence: float
    paginator: Paginator
    reason: str

    def __str__(self) -> str:
        return f"pages={self.paginator!r} ({self.reason})"


class PageParam(NamedTuple):
    """The parameter of the request that holds the page's number."""

    name: str
    number: int
    in_body: bool


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """A first page, examined once.

    Attributes
    ----------
    record_path : tuple of str
        Where the records are; ``()`` if they are the payload itself, or unknown.
    records : sequence
        The records; empty if they are unknown.
    record_count : int or None
        Records of the page; None if the payload is a single record, or holds none.
    may_be_record : bool
        Whether the payload may be a single record.
    envelopes : tuple of (str, dict)
        The objects that may describe the page, each with its path's prefix: ``""``, ``"meta."``.
    body : dict or None
        The JSON object of the request.
    flag : (str, bool) or None
        The path of a flag, and whether it says that there are more pages.
    total_path : path, header or None
        Where the number of all records is.
    total : int or None
        That number.
    """

    page: Page
    record_path: tuple[Key, ...]
    records: Sequence[Any]
    record_count: int | None
    may_be_record: bool
    envelopes: tuple[tuple[str, dict[str, Any]], ...]
    body: dict[str, Any] | None
    flag: tuple[str, bool] | None
    total_path: Path | None
    total: int | None

    @property
    def announces_more(self) -> bool:
        """Whether a flag says that there are more pages."""
        return self.flag is not None and self.flag[1]

    @property
    def announces_end(self) -> bool:
        """Whether a flag says that there are no more pages."""
        return self.flag is not None and not self.flag[1]

    @property
    def is_below_total(self) -> bool:
        """Whether there are more records than the page holds."""
        return self.total is not None and self.total > (self.record_count or 0) > 0

    @property
    def page_param(self) -> PageParam | None:
        """The page's number in the request, None if it has none."""
        for name in PAGE_PARAMS:
            value, in_body = self.find_param(name)
            number = parse_count(value)
            if number is not None:
                return PageParam(name, number, in_body)
        return None

    def last_record_has(self, field: str) -> bool:
        """Whether the last record is an object with a field."""
        last = self.records[-1:] if self.record_count else []
        return bool(last) and isinstance(last[0], dict) and field in last[0]

    def find_param(self, name: str) -> tuple[Any, bool]:
        """Return a parameter of the request, None if it has none, and whether it belongs in the JSON body."""
        if self.body is not None and (value := find_value(self.body, name)) is not None:
            return value, True
        value = get_param(self.page.request, name)
        return value, self.body is not None and value is None


class _Records(NamedTuple):
    """Where the records of a page are; see `PageEvidence`."""

    path: tuple[Key, ...]
    records: Sequence[Any]
    length: int | None
    may_be_record: bool = False


def collect_evidence(
    page: Page, record_path: Sequence[Key] | None = None, records: Sequence[Any] | None = None
) -> PageEvidence:
    """Return what a first page shows.

    Parameters
    ----------
    record_path : sequence of str, optional
        The call's ``record_path``.
    records : sequence, optional
        The records that the call's parser made of the page.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> payload = {"meta": {"total": 35, "has_more": True}, "data": [{"id": 1}]}
    >>> found = collect_evidence(Page(Request("http://e.com/"), Response(200, {}, b"", ""), payload))
    >>> found.record_path, found.record_count, found.total, found.flag, found.is_below_total
    (('data',), 1, 35, ('meta.has_more', True), True)
    """
    found = _find_records(page, None if record_path is None else tuple(record_path))
    if records is not None:
        found = _Records(found.path, records, len(records))
    parents = (found.path[:depth] for depth in range(1, len(found.path)))
    paths = dict.fromkeys([(), *parents, *ENVELOPES, *VAGUE_ENVELOPES, *described_paths(page.payload)])
    objects = ((path, find_value(page.payload, path)) for path in paths)
    envelopes = tuple(
        ("".join(f"{key}." for key in path), fields) for path, fields in objects if isinstance(fields, dict)
    )
    total_path = None
    if found.length is not None:
        total_path = find_total_path(page, found.path or ("",), allow_minimum=True)
    is_record = found.length is None
    return PageEvidence(
        page,
        found.path,
        found.records,
        found.length,
        is_record or found.may_be_record,
        envelopes,
        _request_body(page),
        find_flag(envelopes, single_record=is_record),
        total_path,
        find_count(page, total_path),
    )


def _find_records(page: Page, given: tuple[Key, ...] | None) -> _Records:
    """Return the records of a page; where several lists may be meant, only the length of the longest one."""
    payload = page.payload
    if given is not None or isinstance(payload, list | pd.DataFrame):
        path = find_record_path(payload) if given is None else given
        records = page_records(payload, path)
        return _Records(path, records, len(records))
    if not isinstance(payload, dict):
        return _Records((), [], None)
    try:
        path = find_record_path(payload)
    except PlanError:
        lengths = [
            len(values)
            for path, values in candidate_lists(payload)
            if values and (isinstance(values[0], dict) or has_only_page_fields(payload, path))
        ]
        return _Records((), [payload], max(lengths, default=None))
    records = page_records(payload, path)
    if not path or (is_single_record(payload, path) and not _is_below_total(page, path, len(records))):
        return _Records((), [payload], None)
    return _Records(path, records, len(records), is_single_record(payload, path))


def _is_below_total(page: Page, path: tuple[Key, ...], count: int) -> bool:
    """Whether an object without an id has a list that is shorter than the total beside it."""
    total = find_count(page, find_total_path(page, path))
    return total is not None and total > count > 0 and "id" not in page.payload


def _request_body(page: Page) -> dict[str, Any] | None:
    try:
        return parse_json_body(page.request)
    except ParseError:
        return None
