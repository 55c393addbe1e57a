"""What the first answers of a call show: a wrong ``record_path``, further pages, a shape that needs options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import NO_HEADERS, Outcome
from pandas_async_io._core.option_values import NOT_GIVEN
from pandas_async_io._core.policy.retries.retry import Stop
from pandas_async_io._core.report.look.first_answer import FirstAnswers
from pandas_async_io._core.table.records.nearest_path import write_path
from pandas_async_io._core.table.records.records import NOT_FOUND, walk_path
from pandas_async_io._core.table.records.shape import Shape
from pandas_async_io._core.workflow.paging.envelope import candidate_lists
from pandas_async_io._core.workflow.paging.further_pages import FurtherPages
from pandas_async_io._core.workflow.paging.records.record_locator import RecordLocator

if TYPE_CHECKING:
    from pandas_async_io._core.table.records.shape import Path
    from pandas_async_io._core.workflow.plain import AnswerCheck
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


def stop_at_wrong_path(payload: Any, path: Path) -> Stop | None:
    """Return how the other rows end, if an answer has records elsewhere than at the record path; else None.

    An answer that leaves the path out and has no records at all may have found nothing.

    Examples
    --------
    >>> stop_at_wrong_path({"items": [{"id": 1}]}, ("itmes",)).error
    "not sent: the first answer has no record_path='itmes'"
    >>> stop_at_wrong_path({"totalItems": 0}, ("items",))
    """
    try:
        found = walk_path(payload, path)
    except ParseError:
        return None
    if not found or any(value is not NOT_FOUND for _, value in found):
        return None
    if isinstance(payload, dict) and not any(_are_records(values) for _, values in candidate_lists(payload)):
        return None
    return Stop(Outcome.NOT_ATTEMPTED, f"not sent: the first answer has no record_path={write_path(path)}")


def _are_records(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


def first_answer_checks(call: PreparedCall) -> list[AnswerCheck]:
    """Return what looks at the first answers of a call: further pages, and a shape of which nothing was said."""
    options, sent = call.options, call.requests.sent
    checks: list[AnswerCheck] = []
    if options.pages is NOT_GIVEN:
        locator = RecordLocator(call.shape.record_path, call.shape if call.shape.is_tabular else None)
        checks.append(FurtherPages(lambda position: sent.request(position, NO_HEADERS), len(sent), locator))
    if options.parser is None and call.shape == Shape(sep=call.shape.sep, max_level=call.shape.max_level):
        checks.append(FirstAnswers())
    return checks
