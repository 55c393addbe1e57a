"""What a first answer says of itself: how many records it holds, and whether there are more.

The law of this file: an object without a list, or with one among fields of its own, is a
record, and what its fields are called says nothing. Only a page's envelope tells of pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find_count, find_value, parse_count
from pandas_async_io._core.request.query import get_param, parse_json_body
from pandas_async_io._core.workflow.paging.envelope import (
    candidate_lists,
    find_record_path,
    find_total_path,
    has_only_page_fields,
    is_single_record,
    page_records,
)
from pandas_async_io._core.workflow.paging.paging_vocabulary import DONE, ENVELOPES, MORE, PARAMS, TOLD, snake

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page
    from pandas_async_io._core.workflow.paging.paginators import Paginator

_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


class Candidate(NamedTuple):
    """One way in which the pages may go on."""

    confidence: float
    paginator: Paginator
    why: str

    def __str__(self) -> str:
        return f"pages={self.paginator!r} ({self.why})"


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """A first answer, looked at once.

    Attributes
    ----------
    path : tuple of str
        Of its records; ``()`` if they are the answer itself, or cannot be told.
    held : int or None
        How many it holds; None if it is a record itself, or nothing at all.
    envelopes : tuple of (str, dict)
        The objects that may tell of pages, each with its path's beginning: ``""``, ``"meta."``.
    body : dict or None
        The JSON object that was posted.
    flag : (str, bool) or None
        The path of a flag, and whether it says that there are more.
    counted : path, header or None
        Of the number of records there are.
    total : int or None
        That number.
    """

    page: Page
    path: tuple[str, ...]
    held: int | None
    envelopes: tuple[tuple[str, dict[str, Any]], ...]
    body: dict[str, Any] | None
    flag: tuple[str, bool] | None
    counted: Path | None
    total: int | None

    @property
    def records(self) -> list[Any]:
        """The records."""
        return page_records(self.page.payload, self.path)

    @property
    def says_more(self) -> bool:
        """Whether a flag says that there is more."""
        return self.flag is not None and self.flag[1]

    @property
    def says_none(self) -> bool:
        """Whether a flag says that there is no more."""
        return self.flag is not None and not self.flag[1]

    @property
    def lacking(self) -> bool:
        """Whether there are more records than it holds."""
        return self.total is not None and self.total > (self.held or 0) > 0

    @property
    def asked(self) -> tuple[str, int, bool] | None:
        """The page's parameter in the request, its number, and whether it is in the body."""
        placed = ((name, *self.placed(name)) for name in PARAMS)
        return next(
            ((name, number, body) for name, value, body in placed if (number := parse_count(value)) is not None), None
        )

    def last_has(self, field: str) -> bool:
        """Whether the last record is an object with a field."""
        last = self.records[-1:] if self.held else []
        return bool(last) and isinstance(last[0], dict) and field in last[0]

    def placed(self, name: str) -> tuple[Any, bool]:
        """Return a parameter of the request, None if it has none, and whether its place is in the JSON body."""
        if self.body is not None and (value := find_value(self.body, name)) is not None:
            return value, True
        value = get_param(self.page.request, name)
        return value, self.body is not None and value is None


def collect_evidence(page: Page) -> PageEvidence:
    """Return what a first answer says of itself.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> payload = {"meta": {"total": 35, "has_more": True}, "data": [{"id": 1}]}
    >>> found = collect_evidence(Page(Request("http://e.com/"), Response(200, {}, b"", ""), payload))
    >>> found.path, found.held, found.total, found.flag, found.lacking
    (('data',), 1, 35, ('meta.has_more', True), True)
    """
    path, held = _records(page.payload)
    ways = dict.fromkeys([(), *(path[:depth] for depth in range(1, len(path))), *ENVELOPES, *TOLD])
    told = ((way, find_value(page.payload, way)) for way in ways)
    envelopes = tuple(("".join(f"{key}." for key in way), fields) for way, fields in told if isinstance(fields, dict))
    counted = None if held is None else find_total_path(page, path or ("",), least=True)
    return PageEvidence(
        page,
        path,
        held,
        envelopes,
        _body(page),
        _flag(envelopes, single=held is None),
        counted,
        find_count(page, counted),
    )


def _records(payload: Any) -> tuple[tuple[str, ...], int | None]:
    """Return the path of the records and their number; of several lists that may be meant, the longest one's."""
    if isinstance(payload, list | pd.DataFrame):
        return (), len(payload)
    if not isinstance(payload, dict):
        return (), None
    try:
        path = find_record_path(payload)
    except PlanError:
        every = ((path, found) for path, found in candidate_lists(payload) if found)
        meant = [
            len(found) for path, found in every if isinstance(found[0], dict) or has_only_page_fields(payload, path)
        ]
        return (), max(meant, default=None)
    if not path or is_single_record(payload, path):
        return (), None
    return path, len(page_records(payload, path))


def _flag(envelopes: tuple[tuple[str, dict[str, Any]], ...], *, single: bool) -> tuple[str, bool] | None:
    """Return a flag that says there is more, or else one that says there is none.

    Of a single record only what can be meant of nothing else.
    """
    flags = [
        (home + key, says)
        for home, fields in envelopes
        for key, value in fields.items()
        if (says := _says(snake(key), value)) is not None and not (single and not key.startswith("has"))
    ]
    return next((each for each in flags if each[1]), flags[0] if flags else None)


def _says(name: str, value: Any) -> bool | None:
    """Return whether a field says that there is more; None if it is no flag."""
    truth = value if isinstance(value, bool) else None
    if isinstance(value, str):
        truth = _TRUTH.get(value.strip().lower())
    if name in DONE:
        return None if truth is None else not truth
    if name not in MORE:
        return None
    return truth if truth is not None or str(value) not in {"0", "1"} else str(value) == "1"


def _body(page: Page) -> dict[str, Any] | None:
    try:
        return parse_json_body(page.request)
    except ParseError:
        return None
