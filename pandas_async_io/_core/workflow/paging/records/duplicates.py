"""Duplicates among the pages of a chain: pages that come twice, and records that come twice."""

from __future__ import annotations

from collections import Counter
from copy import copy
from itertools import islice
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.request.cell_values.cells import dump_json
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY_FIELDS = ("id", "_id", "uuid", "guid", "key")
"""Fields that usually identify a record."""

_MAX_EQUAL_PAGES = 10
"""Pages with the records of other pages after which paging stops as a loop, if the number of pages is unknown."""


class DuplicateTracker:
    """Compares the pages of a chain, in whatever order they come.

    Parameters
    ----------
    max_keys : int, optional
        Keys of the last records that are compared with new ones. All by default.

    Examples
    --------
    >>> tracker = DuplicateTracker()
    >>> tracker.add(1, [{"id": 1}, {"id": 2}], b"")
    >>> tracker.add(2, [{"id": 2}, {"id": 3}], b"")
    >>> tracker.findings()
    ['page 2 repeats 1 record of page 1']
    """

    def __init__(self, max_keys: int | None = None) -> None:
        self._max_keys = max_keys
        self._pages: dict[int, tuple[int, int]] = {}
        self._key_field: str | None = None
        self._page_by_key: dict[Any, int] = {}
        self._unpaired: dict[int, Sequence[Any]] = {}
        self._repeats: Counter[tuple[int, int]] = Counter()
        self._equal_pages: dict[int, int] = {}

    def add(self, number: int, records: Sequence[Any], body: bytes, *, is_bounded: bool = False) -> None:
        """Add the records of a page.

        Parameters
        ----------
        records : sequence
            At least one.
        body : bytes
            The response's body: the envelope may differ where the records are equal.
        is_bounded : bool
            Whether the number of pages is known, so that paging must end.

        Raises
        ------
        ParseError
            The page came before.
        """
        if self._key_field is None:
            self._key_field = find_key_field(records)
        body_hash = hash(body)
        earlier, earlier_hash = self._pages.setdefault(hash(_dump_records(records) or body), (number, body_hash))
        if earlier != number:
            is_endless = not is_bounded and len(self._equal_pages) >= _MAX_EQUAL_PAGES
            if self._key_field or body_hash == earlier_hash or is_endless:
                raise ParseError(f"page loop: the records are those of page {earlier} again")
            self._equal_pages[number] = earlier
        elif self._key_field:
            self._compare_keys(number, records, self._key_field)
        else:
            self._compare_neighbours(number, records)

    def findings(self) -> list[str]:
        """Return which records came twice, in words."""
        return [
            *(
                f"page {later} repeats {format_count(count, 'record')} of page {earlier}"
                for (later, earlier), count in sorted(self._repeats.items())
            ),
            *(f"page {number} has the records of page {other}" for number, other in sorted(self._equal_pages.items())),
        ]

    def copy(self) -> DuplicateTracker:
        """Return an independent copy."""
        other = copy(self)
        for name, value in vars(self).items():
            setattr(other, name, copy(value))
        return other

    def _compare_keys(self, number: int, records: Sequence[Any], key_field: str) -> None:
        keys = {value for record in records if isinstance(value := _get_field(record, key_field), int | str)}
        for key in keys & self._page_by_key.keys():
            other = self._page_by_key[key]
            self._repeats[max(number, other), min(number, other)] += 1
        self._page_by_key.update(dict.fromkeys(keys, number))
        if self._max_keys is not None and len(self._page_by_key) > self._max_keys:
            for key in list(islice(self._page_by_key, len(self._page_by_key) - self._max_keys)):
                del self._page_by_key[key]

    def _compare_neighbours(self, number: int, records: Sequence[Any]) -> None:
        """Count the records that end one page and begin the next: an insertion moves them there."""
        for boundary in (number - 1, number):  # boundary n lies between pages n and n + 1
            neighbour = self._unpaired.pop(boundary, None)
            if neighbour is None:
                self._unpaired[boundary] = records
                continue
            left, right = (neighbour, records) if boundary < number else (records, neighbour)
            if count := count_overlap(left, right):
                self._repeats[boundary + 1, boundary] = count


def find_key_field(records: Sequence[Any]) -> str:
    """Return the field that identifies the records, "" if there is none.

    Examples
    --------
    >>> find_key_field([{"id": 1, "v": 0}, {"id": 2, "v": 0}]), find_key_field([{"v": 0}]), find_key_field(["a", "b"])
    ('id', '', '')
    """
    for name in _KEY_FIELDS:
        values = [_get_field(record, name) for record in records]
        if all(isinstance(value, int | str) for value in values) and len(set(values)) == len(values):
            return name
    return ""


def count_overlap(left: Sequence[Any], right: Sequence[Any]) -> int:
    """Return how many records end one page and begin the next. Only objects count.

    Examples
    --------
    >>> count_overlap([{"a": 1}, {"a": 2}, {"a": 3}], [{"a": 2}, {"a": 3}, {"a": 4}]), count_overlap([0, 0], [0, 0])
    (2, 0)
    """
    head = _dump_records(right[:1])
    for start in range(len(left)):
        if head and isinstance(left[start], dict) and _dump_records(left[start : start + 1]) == head:
            count = len(left) - start
            if _dump_records(left[start:]) == _dump_records(right[:count]):
                return count
    return 0


def _get_field(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def _dump_records(records: Sequence[Any]) -> bytes:
    """Return records as bytes; b"" for what is not JSON, which a parser may return."""
    try:
        return dump_json(records)
    except (TypeError, ValueError):
        return b""
