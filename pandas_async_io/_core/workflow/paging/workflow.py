"""Paging: one chain of pages per position.

Invariant: the pages that came are kept, and a chain that lacks some can be resumed by a later run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

import pandas as pd

from pandas_async_io._core.errors import AttemptError
from pandas_async_io._core.models import NO_RECORDS, Outcome, Result
from pandas_async_io._core.workflow.base import Step, StepResults, Workflow
from pandas_async_io._core.workflow.paging.chain import Chain
from pandas_async_io._core.workflow.paging.learnt_paging import LearntPaging, PagingLearner
from pandas_async_io._core.workflow.paging.page_failure import (
    describe_page_failure,
    describe_restart,
    may_be_expired_cursor,
)
from pandas_async_io._core.workflow.paging.records.parsed_page import ParsedPage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Response
    from pandas_async_io._core.table.columns.collectors import PageCollector
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator
    from pandas_async_io._core.workflow.paging.paging_options import PagingOptions


class EarlierRun(NamedTuple):
    """What an earlier run of the same call left.

    Attributes
    ----------
    unfinished : mapping of int to Chain
        The chains to resume, by position.
    learnt : LearntPaging or None
        What it learnt about the API's pages.
    """

    unfinished: Mapping[int, Chain]
    learnt: LearntPaging | None = None


class PagingWorkflow(Workflow):
    """Reads every page of every position.

    Parameters
    ----------
    paginator : Paginator or None
        None is ``pages="auto"``.
    pages : PageCollector
        Takes the payload of each page.
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each position.
    options : PagingOptions
        What all chains have in common.
    earlier : EarlierRun, optional
        The run that this one continues.

    Attributes
    ----------
    pages_requested, pages_done : int
        Pages that were requested, and pages that came or failed.
    """

    reads_pages = True
    empty_label = "series of pages that ended with an answer taken for no records"

    def __init__(
        self,
        paginator: Paginator | None,
        pages: PageCollector,
        decode: Interpreter,
        deliver: Deliver,
        *,
        options: PagingOptions,
        earlier: EarlierRun | None = None,
    ) -> None:
        super().__init__(decode)
        earlier = earlier or EarlierRun({})
        self._paginator, self._pages, self._deliver, self._options = paginator, pages, deliver, options
        self._earlier_chains = dict(earlier.unfinished)
        self._learner = PagingLearner(paginator, pages.requests, self.findings, earlier.learnt)
        self._chains: dict[int, tuple[Chain, StepResults]] = {}
        self._stopped: dict[int, Chain] = {}
        self.pages_done = self.pages_requested = 0

    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return the first page's request, or the requests that an earlier run left pending."""
        earlier = self._earlier_chains.pop(position, None)
        if earlier is None:
            record_path = None if self._decode.parser else self._pages.shape.record_path
            chain = Chain(self._paginator, request, record_path=record_path, options=self._options)
        else:
            chain = earlier.resume(request)
            self._pages.resume_at(position, min(chain.pending))
        self._chains[position] = chain, StepResults(len(chain.pending))
        self.pages_requested += len(chain.pending)
        return [Step(number, pending) for number, pending in sorted(chain.pending.items())]

    def decode(self, position: int, number: int, response: Response) -> Any:
        """Return the payload of a page; a `ParsedPage` if the call has a parser."""
        payload = self._decode(response, position)
        if payload is NO_RECORDS:
            return payload
        if self._decode.parser is not None:
            return ParsedPage(self._decode.decode_envelope(response), payload, self._pages.shape.record_path)
        locator = self._chains[position][0].locator
        if number > 1 and isinstance(payload, pd.DataFrame) and locator.lacks_header(list(payload.columns)):
            return self._decode.without_header(locator.columns)(response, position)
        return payload

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - paging needs no clock
        """Take a page and return the requests of the pages that can be requested now."""
        try:
            return self._take_page(position, number, page)
        except Exception:
            raise
        except BaseException:  # Ctrl-C: the chain may be past a page that was not kept
            self._chains[position][0].is_broken = True
            raise

    def _follow_empty(self, position: int, number: int) -> Sequence[Step]:
        """End a chain: no page follows one that ``empty_when`` takes for no records."""
        self._chains[position][0].end(number)
        self._pages.add(position, number, None)
        return ()

    def _take_page(self, position: int, number: int, page: Page) -> Sequence[Step]:
        chain, results = self._chains[position]
        payload, parsed = page.payload, None
        if isinstance(payload, ParsedPage):
            parsed = payload
            page, payload = replace(page, payload=parsed.envelope), parsed.payload
        if number == 1 and isinstance(payload, pd.DataFrame):
            chain.locator.columns = tuple(payload.columns)
        try:
            following = self._learner.add_page(position, chain, number, page, parsed)
        except AttemptError:
            if chain.last_sound_page == number:
                self._keep_page(position, number, chain, payload)
            raise
        self.detected = self._learner.detected
        self._keep_page(position, number, chain, payload)
        if number == 1:
            self._learner.check_paginator(position, chain)
        results.open_steps += len(following)
        self.pages_requested += len(following)
        return [Step(new_number, self._with_own_key(chain, new_number, request)) for new_number, request in following]

    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Take the result of a page; the last one ends the chain."""
        chain, results = self._chains[position]
        self.pages_done += 1
        if result.outcome is not Outcome.OK and (number > 1 or chain.page_count):
            restart = None
            if may_be_expired_cursor(number, result.status, chain.paginator):
                is_kept = results.last is not None and results.from_store and not result.from_store
                restart = describe_restart(chain.first.url, is_kept=is_kept, is_in_parts=chain.is_continued)
            text = describe_page_failure(number, result.error or str(result.outcome), restart=restart)
            pending = chain.pending.get(number)
            result = replace(result, error=text, url=result.url or (pending.url if pending else None))
        results.add(number, result)
        if not results.open_steps:
            self._close_chain(position)
            self._deliver(position, replace(results.combine(), payload=None))  # the collector has the pages

    def close(self) -> None:
        """End the run: close the chains that are still open."""
        for position in list(self._chains):
            self._close_chain(position)
        self.learnt = self._learner.learnt

    def find_chain(self, position: int) -> Chain | None:
        """Return the chain of a position that lacks pages."""
        return self._chains[position][0] if position in self._chains else self._stopped.get(position)

    def discard_unfinished(self, positions: Iterable[int]) -> None:
        """Let positions start again from page 1: their pages could not be made into columns."""
        for position in positions:
            self.unfinished.pop(position, None)

    def _close_chain(self, position: int) -> None:
        chain, results = self._chains.pop(position)
        if chain.pending or chain.is_broken:
            self._stopped[position] = chain
        self._pages.complete(position)
        if chain.page_count and (findings := chain.findings()):
            self.findings.setdefault(position, []).extend(findings)
        has_expired = results.failed is not None and may_be_expired_cursor(
            results.failed[0], results.failed[1].status, chain.paginator
        )
        if chain.page_count and chain.pending and not (has_expired or chain.is_broken):
            self.unfinished[position] = chain

    def _keep_page(self, position: int, number: int, chain: Chain, payload: Any) -> None:
        """Give a page's records to the collector."""
        record_path = None
        is_parsed = self._decode.parser is not None
        if chain.locator.is_empty_page(number, payload, is_parsed=is_parsed):
            payload = None
        elif is_parsed:
            pass  # the parser returned records
        elif self._pages.shape.record_path is None and chain.record_path:
            payload = chain.extract_records(payload)
            record_path = chain.record_path
        self._learner.note_kept_page(record_path)
        self._pages.add(position, number, payload)

    def _with_own_key(self, chain: Chain, number: int, request: Request) -> Request:
        """Give a page that is posted its own idempotency key: with the first page's the server repeats that page."""
        header = self._options.idempotency_header
        first_key = None if header is None else chain.first.headers.get(header)
        if header is None or first_key is None or header not in request.headers:
            return request
        own_key = str(uuid5(uuid5(NAMESPACE_OID, first_key), str(number)))
        keyed = replace(request, headers={**request.headers, header: own_key})
        chain.pending[number] = keyed
        return keyed
