"""What the first pages of a run show about the API, for the rows whose own page shows less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.errors import AttemptError, ParseError, PlanError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.workflow.paging.detect.detect import describe_overlooked
from pandas_async_io._core.workflow.paging.envelope import is_single_record
from pandas_async_io._core.workflow.paging.paginators.paginators import PAGINATOR_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.json_path import Key
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.workflow.paging.chain import Chain
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator
    from pandas_async_io._core.workflow.paging.records.parsed_page import ParsedPage

_MAX_UNRECOGNISED_PAGES = 3
"""Unrecognised first pages after which the run stops, if no row has a page yet: the next rows would fail alike."""


class LearntPaging(NamedTuple):
    """Facts about the API that a later run of the same call need not detect again.

    Attributes
    ----------
    record_path : tuple of str or int, or None
        The path of the records.
    paginator : Paginator or None
        What ``pages="auto"`` detected.
    """

    record_path: tuple[Key, ...] | None = None
    paginator: Paginator | None = None


class PagingLearner:
    """Adds pages to chains with what other rows showed.

    Parameters
    ----------
    paginator : Paginator or None
        None is ``pages="auto"``.
    positions : int
        How many requests the run has.
    findings : dict of int to list of str
        Takes notes about positions.
    earlier : LearntPaging, optional
        What an earlier run learnt.

    Attributes
    ----------
    detected : str or None
        How paging was detected, for the report.
    """

    def __init__(
        self,
        paginator: Paginator | None,
        positions: int,
        findings: dict[int, list[str]],
        earlier: LearntPaging | None = None,
    ) -> None:
        self.detected: str | None = None
        self._given, self._positions, self._findings = paginator, positions, findings
        self._record_path, self._paginator = earlier or LearntPaging()
        self._must_check_paginator = isinstance(paginator, PAGINATOR_TYPES)  # a user's function is not second-guessed
        self._has_pages = earlier is not None
        self._unrecognised_pages = 0

    @property
    def learnt(self) -> LearntPaging:
        """What a later run may use."""
        return LearntPaging(self._record_path, self._paginator)

    def add_page(
        self, position: int, chain: Chain, number: int, page: Page, parsed: ParsedPage | None
    ) -> list[tuple[int, Request]]:
        """Add a page to its chain, as `Chain.add_page`; use what other rows showed where the page shows less.

        Raises
        ------
        PlanError
            No row's page shows the paginator or the records, so the run ends.
        AttemptError
            The page ends its row.
        """
        if chain.record_path is None and self._record_path and self._fits(page.payload, self._record_path):
            chain.locator.path = self._record_path
        try:
            following = chain.add_page(number, page, parsed)
        except PlanError as error:
            if self._paginator is None:
                self._unrecognised_pages += 1
                is_last_chance = self._positions == 1 or self._unrecognised_pages == _MAX_UNRECOGNISED_PAGES
                if is_last_chance and not self._has_pages:
                    raise
                raise ParseError(str(error)) from None  # the pages of other rows are kept
            chain.paginator = self._paginator
            following = chain.add_page(number, page, parsed)
            if not following:
                note = f"{error} here; {self._paginator!r}, which other rows use, finds no next page"
                self._findings.setdefault(position, []).append(note)
        if chain.detected is not None and self._paginator is None:
            self._paginator = chain.detected.paginator
            choice = "none" if self._paginator is None else f"pages={self._paginator!r}"
            if self.detected is None or self._paginator is not None:
                self.detected = f"{choice} was taken: {redact_text(chain.detected.reason)}"
        return following

    def note_kept_page(self, record_path: tuple[Key, ...] | None) -> None:
        """Note that a row has a page, and where its records are."""
        self._has_pages = True
        self._record_path = self._record_path or record_path

    def check_paginator(self, position: int, chain: Chain) -> None:
        """Note, for the run's first page, if it shows other pages that the given paginator does not find."""
        if not self._must_check_paginator or self._given is None:
            return
        self._must_check_paginator = False
        if chain.last_page is None:
            return
        try:
            finding = describe_overlooked(self._given, chain.last_page, chain.record_path or None)
        except AttemptError:
            return  # the chain raises it
        if finding is not None:
            self._findings.setdefault(position, []).append(finding)

    def _fits(self, payload: Any, path: Sequence[Key]) -> bool:
        """Whether other rows' record path exists in a payload, and not inside a record."""
        parent = find_value(payload, path[:-1])
        exists = isinstance(parent, dict) and path[-1] in parent
        return exists and (self._given is not None or not is_single_record(payload, path))
