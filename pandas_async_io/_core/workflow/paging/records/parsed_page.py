"""A page that ``parser=`` has read: how many records it holds, and where that differs from the envelope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.paging.envelope import (
    find_record_path,
    is_single_record,
    page_records,
)
from pandas_async_io._core.workflow.paging.page_fields import holds_nothing
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paging_vocabulary import RECORD_LISTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.json_path import Key
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page that the user's parser has read.

    Attributes
    ----------
    envelope : object
        The payload without the parser: links, tokens, flags and totals are in it.
    payload : object
        What the parser made of it.
    record_path : sequence of str or int, optional
        The call's ``record_path``: where the records are in what the parser made.
    """

    envelope: Any
    payload: Any
    record_path: Sequence[Key] | None = None


def count_records(parsed: ParsedPage, own_path: Sequence[Key] | None, paginator: Paginator | None) -> list[Any]:
    """Return the records that decide how long a page is, and whether it is empty: those that the parser returned.

    A parser may drop and repeat records. Where the envelope has a list of objects under a usual name, which is no
    longer than the page's size, that list decides.

    Parameters
    ----------
    own_path : sequence of str, optional
        Where the envelope's own records are.

    Examples
    --------
    >>> page = ParsedPage({"items": [{"a": 1}, {"a": 2}]}, [{"a": 2}])
    >>> count_records(page, ("items",), PageNumber())
    [{'a': 1}, {'a': 2}]
    >>> count_records(page, ("items",), PageNumber(size=("limit", 1)))
    [{'a': 2}]
    """
    if own_path and RECORD_LISTS.fullmatch(str(own_path[-1])):
        own = page_records(parsed.envelope, own_path)
        size = getattr(paginator, "size", None)
        if all(isinstance(each, dict) for each in own) and (size is None or len(own) <= size[1]):
            return own
    return parsed_records(parsed.payload, parsed.record_path)


def parsed_records(payload: Any, path: Sequence[Key] | None) -> list[Any]:
    """Return the records of what a parser returned.

    Parameters
    ----------
    path : sequence of str, optional
        The call's ``record_path``. Without it an object is one record, unless it is the envelope of a page.

    Examples
    --------
    >>> [parsed_records(each, None) for each in ([{"a": 1}], {"a": 1}, {"page": 3, "items": []}, {"data": {}}, None)]
    [[{'a': 1}], [{'a': 1}], [], [], []]
    """
    if path is None and isinstance(payload, dict):
        try:
            path = find_record_path(payload)
        except PlanError:
            path = ()
        path = () if is_single_record(payload, path) else path
        if not path and holds_nothing(payload):
            return []
    return page_records(payload, path or ())


def describe_difference(
    number: int,
    paginator: Paginator | None,
    records: Sequence[Any],
    envelope: Any,
    own_path: Sequence[Key],
    *,
    ended: bool,
) -> str | None:
    """Return a finding if a paginator counts the records of a parser, and the envelope has others.

    One more may be a header or a summary.

    Parameters
    ----------
    records : sequence
        As `count_records` returns them.
    own_path : sequence of str
        Where the envelope's own records are.
    ended : bool
        Whether no page follows.

    Examples
    --------
    >>> page = [{"a": 1}, {"a": 2}]
    >>> describe_difference(2, PageNumber(), [], page, (), ended=True)
    'page 2: paging ended because parser= returned no record of 2'
    >>> describe_difference(1, Offset(), [{}] * 4, page, (), ended=False)
    'page 1: parser= returned 4 records of 2: Offset() counts those that parser= returned'
    """
    own = envelope if isinstance(envelope, list) else page_records(envelope, own_path) if own_path else []
    if not all(isinstance(each, dict) for each in own) or len(own) - len(records) in {0, 1} or not own:
        return None
    if not records:
        counts = isinstance(paginator, PageNumber | Offset) or getattr(paginator, "after", None) is not None
        text = f"page {number}: paging ended because parser= returned no record of {len(own)}"
        return text if ended and counts else None
    if not isinstance(paginator, Offset):
        return None
    returned = f"parser= returned {format_count(len(records), 'record')} of {len(own)}"
    return f"page {number}: {returned}: {paginator!r} counts those that parser= returned"
