"""What a first page shows: its records, its total, its flags, and the request's own paging parameters.

Invariant: an object without a list, or with a list beside fields of its own, is a record. The names of
its fields are no evidence; only the envelope of a page is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find_count, find_value, parse_count
from pandas_async_io._core.request.query import get_param, parse_json_body
from pandas_async_io._core.workflow.paging.detect.flags import find_flag
from pandas_async_io._core.workflow.paging.envelope import (
    candidate_lists,
    find_record_path,
    find_total_path,
    has_only_page_fields,
    is_single_record,
    page_records,
)
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    ENVELOPES,
    PAGE_PARAMS,
    VAGUE_ENVELOPES,
)

if TYPE_CHECKING:
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
    record_count : int or None
        Records of the page; None if the payload is a single record, or holds none.
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
    record_path: tuple[str, ...]
    record_count: int | None
    envelopes: tuple[tuple[str, dict[str, Any]], ...]
    body: dict[str, Any] | None
    flag: tuple[str, bool] | None
    total_path: Path | None
    total: int | None

    @property
    def records(self) -> list[Any]:
        """The records."""
        return page_records(self.page.payload, self.record_path)

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


def collect_evidence(page: Page) -> PageEvidence:
    """Return what a first page shows.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> payload = {"meta": {"total": 35, "has_more": True}, "data": [{"id": 1}]}
    >>> found = collect_evidence(Page(Request("http://e.com/"), Response(200, {}, b"", ""), payload))
    >>> found.record_path, found.record_count, found.total, found.flag, found.is_below_total
    (('data',), 1, 35, ('meta.has_more', True), True)
    """
    record_path, record_count = _find_records(page.payload)
    parents = (record_path[:depth] for depth in range(1, len(record_path)))
    paths = dict.fromkeys([(), *parents, *ENVELOPES, *VAGUE_ENVELOPES])
    objects = ((path, find_value(page.payload, path)) for path in paths)
    envelopes = tuple(
        ("".join(f"{key}." for key in path), fields) for path, fields in objects if isinstance(fields, dict)
    )
    total_path = None
    if record_count is not None:
        total_path = find_total_path(page, record_path or ("",), allow_minimum=True)
    return PageEvidence(
        page,
        record_path,
        record_count,
        envelopes,
        _request_body(page),
        find_flag(envelopes, single_record=record_count is None),
        total_path,
        find_count(page, total_path),
    )


def _find_records(payload: Any) -> tuple[tuple[str, ...], int | None]:
    """Return the path of the records and their number; where several lists may be meant, the longest one's."""
    if isinstance(payload, list | pd.DataFrame):
        return (), len(payload)
    if not isinstance(payload, dict):
        return (), None
    try:
        path = find_record_path(payload)
    except PlanError:
        lengths = [
            len(values)
            for path, values in candidate_lists(payload)
            if values and (isinstance(values[0], dict) or has_only_page_fields(payload, path))
        ]
        return (), max(lengths, default=None)
    if not path or is_single_record(payload, path):
        return (), None
    return path, len(page_records(payload, path))


def _request_body(page: Page) -> dict[str, Any] | None:
    try:
        return parse_json_body(page.request)
    except ParseError:
        return None
