"""The course of requests whose answers are pages: one chain per position.

The law of this file: the pages that came are kept, and a chain that lacks some
can go on later from where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

import pandas as pd

from pandas_async_io._core.errors import AttemptError, ParseError, PlanError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.table.records import extract_records
from pandas_async_io._core.table.shape import Shape
from pandas_async_io._core.workflow.base import Step, StepResults, Workflow
from pandas_async_io._core.workflow.paging.chain import Chain
from pandas_async_io._core.workflow.paging.detect.detect import describe_overlooked
from pandas_async_io._core.workflow.paging.envelope import is_single_record, page_records
from pandas_async_io._core.workflow.paging.extracted_page import ExtractedPage
from pandas_async_io._core.workflow.paging.page_failure import describe_page_failure, may_be_expired_cursor
from pandas_async_io._core.workflow.paging.paginators import PAGINATOR_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Response
    from pandas_async_io._core.table.collectors import PageCollector
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.paging.paginators import Paginator

    Start = Callable[[Request], Chain]


_UNCLEAR = 3
"""First answers that are unclear, one after the other, after which more of them would be asked for in vain."""


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page of which a function of the user's made records: what pages by it looks at what it says by itself."""

    envelope: Any
    payload: Any


class PagingWorkflow(Workflow):
    """Reads every page of every position.

    Parameters
    ----------
    paginator : Paginator or None
        None is ``pages="auto"``.
    answers : PagedAnswers
        Takes the pages.
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each position.
    allow_hosts : sequence of str
        As in `Chain`.
    max_pages : int, optional
        As in `Chain`.
    keys : sequence of str
        As in `Chain`.
    idempotency_key : str, optional
        The header whose value tells a request that changes something from any other.
    unfinished : mapping of int to Chain
        Positions that go on where an earlier run stopped.
    known : (tuple of str, Paginator), optional
        Of an earlier run: the path of the records, and what ``"auto"`` was sure of.
    """

    def __init__(
        self,
        paginator: Paginator | None,
        answers: PageCollector,
        decode: Interpreter,
        deliver: Deliver,
        *,
        allow_hosts: Sequence[str] = (),
        max_pages: int | None = None,
        keys: Sequence[str] = (),
        idempotency_key: str | None = None,
        unfinished: Mapping[int, Chain] | None = None,
        known: tuple[tuple[str, ...] | None, Paginator | None] | None = None,
    ) -> None:
        super().__init__(decode)
        self._paginator, self._answers, self._deliver = paginator, answers, deliver
        self._allow_hosts, self._max_pages, self._keys, self._key = allow_hosts, max_pages, keys, idempotency_key
        self._earlier = dict(unfinished or {})
        self._chains: dict[int, tuple[Chain, StepResults]] = {}
        self._path, self._sure = known or (None, None)
        self._looked = not isinstance(paginator, PAGINATOR_TYPES)  # a function of the user's knows what it does
        self._begun = known is not None
        self._unclear = 0
        self.came = self.asked = 0

    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return the first page's request, or those of the pages that an earlier run lacks."""
        chain = self._earlier.pop(position, None)
        if chain is None:
            chain = Chain(
                self._paginator,
                request,
                record_path=None if self._decode.parser else self._answers.shape.record_path,
                allow_hosts=self._allow_hosts,
                max_pages=self._max_pages,
                keys=self._keys,
            )
        else:
            chain = chain.again(request)
            self._answers.resume_at(position, min(chain.pending))
        self._chains[position] = chain, StepResults(len(chain.pending))
        self.asked += len(chain.pending)
        return [Step(number, pending) for number, pending in sorted(chain.pending.items())]

    def decode(self, position: int, number: int, response: Response) -> Any:
        """Return what a page holds; where a function of the user's reads it, also what it says by itself."""
        payload = self._decode(response)
        if self._decode.parser is not None:
            return ParsedPage(self._decode.decode_envelope(response), payload)
        first = self._chains[position][0].columns
        if number > 1 and isinstance(payload, pd.DataFrame) and lacks_header(list(payload.columns), first):
            return self._decode.without_header(first)(response)
        return payload

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - a chain needs no clock
        """Take a page and return the requests of those that can be asked for now."""
        chain, whole = self._chains[position]
        held = page.payload
        parsed: tuple[Any, ...] = ()
        if isinstance(held, ParsedPage):
            page, held, parsed = replace(page, payload=held.envelope), held.payload, (held.payload,)
        if number == 1 and isinstance(held, pd.DataFrame):
            chain.columns = tuple(held.columns)
        if chain.record_path is None and self._path and self._fits(page.payload, self._path):
            chain.record_path = self._path
        try:
            following = self._take(position, chain, number, page, *parsed)
        except AttemptError:
            if chain.sound == number:
                self._keep(position, number, chain, held)
            raise
        self._keep(position, number, chain, held)
        if number == 1 and self._paginator is not None and not self._looked:
            self._look(self._paginator, position, chain, page)
        whole.open_steps += len(following)
        self.asked += len(following)
        return [Step(at, self._keyed(chain, at, request)) for at, request in following]

    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Take what became of a page; with the last one the chain is over."""
        chain, whole = self._chains[position]
        self.came += 1
        if result.outcome is not Outcome.OK and (number > 1 or chain.pages):
            text = describe_page_failure(
                number, result.error or str(result.outcome), status=result.status, paginator=chain.paginator
            )
            asked = chain.pending.get(number)
            result = replace(result, error=text, url=result.url or (asked.url if asked else None))
        whole.add(number, result)
        if not whole.open_steps:
            self._close(position)
            self._deliver(position, replace(whole.combine(), payload=None))  # the pages are kept elsewhere

    def close(self) -> None:
        """Close what was cut short."""
        for position in list(self._chains):
            self._close(position)
        self.learnt = self._path, self._sure

    def forget(self, positions: Iterable[int]) -> None:
        """Let positions whose pages could not be opened start again."""
        for position in positions:
            self.unfinished.pop(position, None)

    def _close(self, position: int) -> None:
        chain, whole = self._chains.pop(position)
        self._answers.complete(position)
        if chain.pages and (findings := chain.findings()):
            self.findings.setdefault(position, []).extend(findings)
        lost = whole.failed is not None and may_be_expired_cursor(
            whole.failed[0], whole.failed[1].status, chain.paginator
        )
        if chain.pages and chain.pending and not (lost or chain.broken):
            self.unfinished[position] = chain

    def _fits(self, payload: Any, path: Sequence[str]) -> bool:
        """Whether a path that other positions' records have leads somewhere here too, and not into a record."""
        parent = find_value(payload, path[:-1])
        leads = isinstance(parent, dict) and path[-1] in parent
        return leads and (self._paginator is not None or not is_single_record(payload, path))

    def _take(self, position: int, chain: Chain, number: int, page: Page, *parsed: Any) -> list[tuple[int, Request]]:
        try:
            following = chain.take(number, page, *parsed)
        except PlanError as exc:
            if self._sure is None:
                self._unclear += 1
                alone = self._answers.requests == 1 or self._unclear == _UNCLEAR
                if alone and not self._begun:
                    raise
                raise ParseError(str(exc)) from None  # what other positions have is not thrown away
            chain.paginator = self._sure  # what another position's answer showed
            following = chain.take(number, page, *parsed)
            if not following:
                self.findings.setdefault(position, []).append(
                    f"{exc} here; {self._sure!r}, taken as for other rows, finds no next page"
                )
        if chain.detected is not None and self._sure is None:
            self._sure = chain.detected.paginator
            shown = "none" if self._sure is None else f"pages={self._sure!r}"
            if self.detected is None or self._sure is not None:
                self.detected = f"{shown} was taken: {redact_text(chain.detected.why)}"
        return following

    def _keep(self, position: int, number: int, chain: Chain, held: Any) -> None:
        if self._decode.parser is not None:
            pass  # it has made records already
        elif chain.omits(number, held):
            held = None
        elif self._answers.shape.record_path is None and chain.record_path:
            try:
                held = extract_records(held, Shape(record_path=chain.record_path))
            except ParseError:
                chain.broken = True
                raise
            self._path = self._path or chain.record_path
        self._begun = True
        self._answers.add(position, number, held)

    def _look(self, paginator: Paginator, position: int, chain: Chain, page: Page) -> None:
        """Look once whether the first answer shows pages that the paginator does not see."""
        self._looked = True
        opened = ExtractedPage(page, page_records(page.payload, chain.record_path or ()), chain.seen)
        try:
            found = describe_overlooked(paginator, opened)
        except AttemptError:
            return  # it is said elsewhere
        if found is not None:
            self.findings.setdefault(position, []).append(found)

    def _keyed(self, chain: Chain, number: int, request: Request) -> Request:
        """Give a page that is posted a key of its own: with the first one's the server would answer as before."""
        given = None if self._key is None else chain.first.headers.get(self._key)
        if self._key is None or given is None or self._key not in request.headers:
            return request
        own = str(uuid5(uuid5(NAMESPACE_OID, given), str(number)))
        keyed = replace(request, headers={**request.headers, self._key: own})
        chain.pending[number] = keyed
        return keyed


def lacks_header(columns: Sequence[Any], first: Sequence[Any]) -> bool:
    """Whether a table's names are no names: some APIs write a header into the first page only.

    Raises
    ------
    ParseError
        If it is neither a header that fits nor the first line of the same table.

    Examples
    --------
    >>> lacks_header(["20", "Ada"], ["id", "name"]), lacks_header(["name", "id"], ["id", "name"])
    (True, False)
    >>> lacks_header(["2", "name"], ["id", "name"])
    True
    """
    names, before = set(columns), set(first)
    if not first or names >= before or names <= before:
        return False
    if len(columns) == len(first):
        return True
    raise ParseError(f"this page's columns, {list(columns)[:10]}, are not those of page 1, {list(first)[:10]}")
