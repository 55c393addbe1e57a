"""Many keys, one request: blocks of distinct keys, and each answer back to its key.

A frame of keys becomes a frame of blocks, whose cells are lists, and is expanded as any other;
each key then has an answer of its own, as if it had been asked for alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.keys import factorise, group, resolve
from pandas_async_io._core.places import find
from pandas_async_io._core.safety import forbidden_value, lone_surrogate
from pandas_async_io._core.values import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.keys import Positions

TOO_MUCH = frozenset({400, 413, 414, 422})
"""Statuses that may be one key's fault, or the block's length's."""

_EXPLODED = re.compile(r"\{([^{}*]+)\*\}")
_LONE_REFUSALS = 4


def batch_field(fields: Sequence[str], json: Any) -> str:
    """Return the one field whose values go together into a request: ``{id*}``.

    Parameters
    ----------
    fields : sequence of str
        The URL template's exploded fields.
    json : object
        The body's.

    Raises
    ------
    PlanError
        If there is none, or more than one.

    Examples
    --------
    >>> batch_field(["id"], None), batch_field([], {"ids": "{id*}"})
    ('id', 'id')
    """
    found = dict.fromkeys([*fields, *(match[1] for text in _leaves(json) if (match := _EXPLODED.fullmatch(text)))])
    if len(found) != 1:
        several = ", ".join(map(repr, found)) or "none"
        raise PlanError(
            f"batch=: one field takes the keys, as {{?id*}}, ?ids={{id*}} or json={{'ids': '{{id*}}'}}; found {several}"
        )
    return str(next(iter(found)))


def unexploded(json: Any) -> Any:
    """Return a body in which ``"{id*}"`` is the plain field that a list fills.

    Examples
    --------
    >>> unexploded({"ids": "{id*}", "sort": "{a}"})
    {'ids': '{id}', 'sort': '{a}'}
    """
    if isinstance(json, str):
        match = _EXPLODED.fullmatch(json)
        return f"{{{match[1]}}}" if match else json
    if isinstance(json, Mapping):
        return {key: unexploded(value) for key, value in json.items()}
    return [unexploded(value) for value in json] if isinstance(json, list | tuple) else json


def _leaves(json: Any) -> Iterator[str]:
    if isinstance(json, str):
        yield json
    elif isinstance(json, Mapping | list | tuple):
        for part in json.values() if isinstance(json, Mapping) else json:
            yield from _leaves(part)


@dataclass(frozen=True, slots=True)
class Batches:
    """A frame's distinct keys, in blocks.

    Attributes
    ----------
    field : str
        The key's column or index level.
    columns : dict of str to array
        The distinct keys, numbered in the order of their first rows, and what goes beside them.
    row_to_key : array of int64
        For each row its key's number, -1 if it has none.
    unsafe : dict of int to str
        The rows whose keys must not be sent, and why; all others without a key are null.
    blocks : list of array of int64
        The numbers of the keys that go together.
    """

    field: str
    columns: dict[str, Any]
    row_to_key: Positions
    unsafe: dict[int, str]
    blocks: list[Positions]

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        field: str,
        size: int,
        *,
        beside: Sequence[str] = (),
        in_body: bool = False,
        in_path: bool = False,
    ) -> Batches:
        """Put a frame's keys into blocks, in the order of their first rows.

        Parameters
        ----------
        frame : DataFrame
            The rows.
        field : str
            The key's column or index level.
        size : int
            Keys in a block at most.
        beside : sequence of str
            Other fields of the request: keys go together only where these agree.
        in_body : bool
            Whether the keys stand in the body alone, where control characters do no harm.
        in_path : bool
            Whether they stand in the URL's path, where one may be a segment by itself.

        Examples
        --------
        >>> batches = Batches.of(pd.DataFrame({"id": ["a", "b", None, "a", "c"]}), "id", 2)
        >>> batches.row_to_key.tolist(), [block.tolist() for block in batches.blocks]
        ([0, 1, -1, 0, 2], [[0, 1], [2]])
        >>> batches.requests(batches.blocks)["id"].tolist()
        [['a', 'b'], ['c']]
        """
        if type(size) is not int or size < 1:
            raise PlanError(f"batch={size!r} is the number of keys in a request, from 1")
        arrays = {name: resolve(frame, name) for name in (field, *beside)}
        try:
            keys = [factorise(array) for array in arrays.values()]
        except TypeError as exc:
            raise PlanError(f"batch=: {exc}") from None
        wrong = keys[0].holding(lone_surrogate if in_body else forbidden_value)
        if in_path:  # here, and not in its URL, so that it takes no other key with it
            wrong = wrong | keys[0].has_text(".") | keys[0].has_text("..")
        # In a list in a URL nothing between two commas is no key.
        empty = np.zeros(len(frame), dtype=bool) if in_body else keys[0].has_text("")
        usable = np.flatnonzero((keys[0].codes >= 0) & ~wrong & ~empty)
        first, numbers = group(keys, usable)
        row_to_key = np.full(len(frame), -1, dtype=np.int64)
        row_to_key[usable] = numbers
        _, home = group(keys[1:], first) if beside else (None, np.zeros(len(first), dtype=np.int64))
        order = np.argsort(home, kind="stable")
        bounds = np.flatnonzero(np.diff(home[order])) + 1
        blocks = [part[start : start + size] for part in np.split(order, bounds) for start in range(0, len(part), size)]
        unsafe = dict.fromkeys(np.flatnonzero(wrong).tolist(), f"field {{{field}}} holds characters that are not sent")
        return cls(field, {name: array.take(first) for name, array in arrays.items()}, row_to_key, unsafe, blocks)

    def requests(self, blocks: Sequence[Positions]) -> pd.DataFrame:
        """Return a frame with one row per block: a list of keys, and what goes beside them."""
        heads = [block[0] for block in blocks]
        beside = {name: array.take(heads) for name, array in self.columns.items() if name != self.field}
        cells = np.empty(len(blocks), dtype=object)
        cells[:] = [self._keys(block) for block in blocks]
        return pd.DataFrame({self.field: cells, **beside})

    def texts(self, block: Positions) -> list[str]:
        """Return a block's keys as they are written in a request.

        Examples
        --------
        >>> batches = Batches.of(pd.DataFrame({"id": [7.0, 8.5]}), "id", 50)
        >>> batches.texts(batches.blocks[0])
        ['7', '8.5']
        """
        return [scalar(key) or "" for key in self._keys(block)]

    def _keys(self, block: Positions) -> list[Any]:
        keys: list[Any] = self.columns[self.field].take(block).tolist()
        return keys


def by_key(keys: Sequence[str], whole: Any) -> list[list[Any] | None] | None:
    """Return what an object that has the keys for names says of each; None if it is no such object.

    Examples
    --------
    >>> by_key(["1", "2", "3"], {"2": {"x": "b"}, "3": [{"x": "c"}, {"x": "d"}]})
    [None, [{'x': 'b'}], [{'x': 'c'}, {'x': 'd'}]]
    """
    if not isinstance(whole, dict) or whole.keys().isdisjoint(keys):
        return None
    found = (whole.get(key) for key in keys)
    return [(each or None) if isinstance(each, list) else None if each is None else [each] for each in found]


def scatter(
    keys: Sequence[str], whole: Any, records: Sequence[Any], on: str, *, keep: bool = False
) -> list[list[Any] | None]:
    """Return the records of each key, None where there are none.

    Parameters
    ----------
    keys : sequence of str
        The block's keys, as texts.
    whole : object
        What may be an object with the keys for names, if no record is of any of them.
    records : sequence
        The answer's.
    on : str
        The path of the key in a record.
    keep : bool
        Whether that field is wanted: the row has it already.

    Raises
    ------
    ParseError
        If no record holds a key at ``on``.

    Examples
    --------
    >>> records = [{"id": 2, "x": "b"}, {"id": 1, "x": "a"}, {"id": 2, "x": "c"}]
    >>> scatter(["1", "2", "3"], records, records, "id")
    [[{'x': 'a'}], [{'x': 'b'}, {'x': 'c'}], None]
    """
    homes: dict[str, list[Any]] = {key: [] for key in keys}
    known = False
    for record in records:
        key = find(record, on)
        if key is None or isinstance(key, dict | list):
            continue
        known = True
        home = homes.get(scalar(key) or "")
        if home is not None:
            home.append({name: value for name, value in record.items() if keep or name != on})
    if not any(homes.values()) and (found := by_key(keys, whole)) is not None:
        return found
    if records and not known:
        held = ", ".join(map(repr, list(records[0])[:10]))
        raise ParseError(
            f"batch=: no record holds a key at {on!r}: pass on=, the key's name in the answer; there is {held}"
        )
    return [homes[key] or None for key in keys]


class Halving:
    """Which refused blocks are worth halving: two requests per level lead to the one bad key.

    While nothing has been accepted, it may be the call that is wrong and not a key: then ever shorter
    parts of one block are taken apart and the others must wait, until a few keys were refused alone.

    Examples
    --------
    >>> halving = Halving()
    >>> [half.tolist() for half in halving.refused(np.arange(5), 400)]
    [[0, 1, 2], [3, 4]]
    >>> halving.refused(np.arange(5), 400), halving.refused(np.arange(2), 404)
    ((), ())
    """

    __slots__ = ("_accepted", "_alone", "_shortest")

    def __init__(self) -> None:
        self._accepted = False
        self._alone = 0
        self._shortest = math.inf

    def accepted(self) -> None:
        """Note that a block was answered."""
        self._accepted = True

    def refused(self, block: Positions, status: int | None) -> tuple[Positions, ...]:
        """Return the halves to send in place of a refused block; none if it must wait, or fail."""
        if status not in TOO_MUCH:
            return ()
        if len(block) == 1:
            self._alone += 1
            self._shortest = math.inf if self._alone < _LONE_REFUSALS else self._shortest
            return ()
        if len(block) >= self._shortest and not self._accepted:
            return ()
        self._shortest, middle = len(block), (len(block) + 1) // 2
        return block[:middle], block[middle:]
