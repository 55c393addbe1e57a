"""The records that a chain has had: whether a page, or a record, comes a second time."""

from __future__ import annotations

from collections import Counter
from copy import copy
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.request.cells import dump_json
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("id", "_id", "uuid", "guid", "key")
"""Fields that tell records apart, by custom."""
_ALIKE = 10
"""So many pages with the records of others, where nothing tells how many there are, are a loop."""


class DuplicateTracker:
    """What came, in whatever order; `findings` says which records came twice.

    Examples
    --------
    >>> seen = DuplicateTracker()
    >>> seen.add(1, [{"id": 1}, {"id": 2}], b"")
    >>> seen.add(2, [{"id": 2}, {"id": 3}], b"")
    >>> seen.findings()
    ['page 2 repeats 1 record of page 1']
    """

    def __init__(self) -> None:
        self._pages: dict[int, tuple[int, int]] = {}
        self._key: str | None = None
        self._ids: dict[Any, int] = {}
        self._edges: dict[int, Sequence[Any]] = {}
        self._repeats: Counter[tuple[int, int]] = Counter()
        self._equal: dict[int, int] = {}

    def add(self, number: int, records: Sequence[Any], body: bytes, *, bounded: bool = False) -> None:
        """Take the records of a page.

        Parameters
        ----------
        records : sequence
            At least one.
        body : bytes
            The page's: an envelope may tell pages apart whose records are equal.
        bounded : bool
            Whether the number of pages is known, so that no loop can be endless.

        Raises
        ------
        ParseError
            If the page was there before.
        """
        if self._key is None:
            self._key = find_key_field(records)
        whole = hash(body)
        before, other = self._pages.setdefault(hash(_content(records) or body), (number, whole))
        if before != number:
            endless = not bounded and len(self._equal) >= _ALIKE
            if self._key or whole == other or endless:
                raise ParseError(f"page loop: the records are those of page {before} again")
            self._equal[number] = before
        elif self._key:
            self._look_up(number, records, self._key)
        else:
            self._compare_edges(number, records)

    def findings(self) -> list[str]:
        """Return what came twice, in words."""
        return [
            *(
                f"page {later} repeats {format_count(count, 'record')} of page {earlier}"
                for (later, earlier), count in sorted(self._repeats.items())
            ),
            *(f"page {at} has the records of page {other}" for at, other in sorted(self._equal.items())),
        ]

    def twin(self) -> DuplicateTracker:
        """Return a copy that goes its own way."""
        twin = copy(self)
        for name, value in vars(self).items():
            setattr(twin, name, copy(value))
        return twin

    def _look_up(self, number: int, records: Sequence[Any], key: str) -> None:
        found = {value for record in records if isinstance(value := _field(record, key), int | str)}
        for value in found & self._ids.keys():
            other = self._ids[value]
            self._repeats[max(number, other), min(number, other)] += 1
        self._ids.update(dict.fromkeys(found, number))

    def _compare_edges(self, number: int, records: Sequence[Any]) -> None:
        """Count the records at the end of a page that the next one begins with: what an insertion moves."""
        for edge in (number - 1, number):
            other = self._edges.pop(edge, None)
            if other is None:
                self._edges[edge] = records
                continue
            left, right = (other, records) if edge < number else (records, other)
            if again := count_overlap(left, right):
                self._repeats[edge + 1, edge] = again


def find_key_field(records: Sequence[Any]) -> str:
    """Return the field that tells records apart, "" if none is known to.

    Examples
    --------
    >>> find_key_field([{"id": 1, "v": 0}, {"id": 2, "v": 0}]), find_key_field([{"v": 0}]), find_key_field(["a", "b"])
    ('id', '', '')
    """
    for key in _KEYS:
        values = [_field(record, key) for record in records]
        if all(isinstance(value, int | str) for value in values) and len(set(values)) == len(values):
            return key
    return ""


def count_overlap(left: Sequence[Any], right: Sequence[Any]) -> int:
    """Return how many records one page ends and the next one begins with; only those with fields tell.

    Examples
    --------
    >>> count_overlap([{"a": 1}, {"a": 2}, {"a": 3}], [{"a": 2}, {"a": 3}, {"a": 4}]), count_overlap([0, 0], [0, 0])
    (2, 0)
    """
    head = _content(right[:1])
    for start in range(len(left)):
        if head and isinstance(left[start], dict) and _content(left[start : start + 1]) == head:
            count = len(left) - start
            if _content(left[start:]) == _content(right[:count]):
                return count
    return 0


def _field(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _content(records: Sequence[Any]) -> bytes:
    """Return records as bytes; none for what is no JSON, such as a parser may return."""
    try:
        return dump_json(records)
    except (TypeError, ValueError):
        return b""
