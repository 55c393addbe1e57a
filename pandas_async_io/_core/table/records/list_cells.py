"""What lists inside records become: rows, by ``explode=``, or the cells at their positions, by ``columns=``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import as_position, find_values
from pandas_async_io._core.security.secrets import redact_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Record = dict[str, Any]


def explode_records(records: Iterable[Record], names: Sequence[str], sep: str = ".") -> list[Record]:
    """Return a record for each element of the lists in some columns, as `pandas.DataFrame.explode`.

    Several lists are taken side by side. Null, no list and an empty list give one record; beside a list, null and an
    empty list give no values.

    Raises
    ------
    ParseError
        Lists of one record have different lengths.

    Examples
    --------
    >>> explode_records([{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}], ["tags"])
    [{'id': 1, 'tags': 'a'}, {'id': 1, 'tags': 'b'}, {'id': 2, 'tags': None}]
    >>> explode_records([{"a": {"b": [{"x": 1}, {"x": 2}]}}], ["a.b"])
    [{'a': {'b': {'x': 1}}}, {'a': {'b': {'x': 2}}}]
    """
    exploded: list[Record] = []
    for record in records:
        lists: list[tuple[tuple[str, ...], list[Any]]] = []
        for name in names:
            keys = find_keys(record, name, sep)
            cell: Any = record
            for key in keys:
                cell = cell[key]
            if keys and isinstance(cell, list):
                lists.append((keys, cell))
        lengths = {len(cell) for _, cell in lists if cell}
        if len(lengths) > 1:
            shown = ", ".join(f"{sep.join(keys)!r} {len(cell)}" for keys, cell in lists)
            raise ParseError(redact_line(f"explode: a record has lists of different lengths: {shown}"))
        for at in range(max(lengths, default=1)):
            row = record
            for keys, cell in lists:
                row = _replace_cell(row, keys, cell[at] if cell else None)
            exploded.append(row)
    return exploded


def find_keys(record: Any, name: str, sep: str = ".") -> tuple[str, ...]:
    """Return the keys down to a column, which a record has under a flat name; () if it has not.

    Examples
    --------
    >>> find_keys({"a": {"b.c": 1}}, "a.b.c"), find_keys({"a": [1]}, "a.b")
    (('a', 'b.c'), ())
    """
    if not isinstance(record, dict):
        return ()
    if name in record:
        return (name,)
    keys = name.split(sep) if sep else [name]
    for cut in range(len(keys) - 1, 0, -1):
        head = sep.join(keys[:cut])
        inner = find_keys(record[head], sep.join(keys[cut:]), sep) if head in record else ()
        if inner:
            return (head, *inner)
    return ()


def has_positions(name: str, sep: str = ".") -> bool:
    """Whether a name in ``columns=`` may lead into a list: it has a number after its first key, or a star.

    Examples
    --------
    >>> has_positions("choices.0.text"), has_positions("lines.*.sku"), has_positions("2024"), has_positions("a.b")
    (True, True, False, False)
    """
    first, *keys = name.split(sep) if sep else [name]
    return bool(keys) and (first == "*" or any(key == "*" or as_position(key) is not None for key in keys))


def find_cells(records: Iterable[Record], name: str, sep: str, default: Any) -> list[Any]:
    """Return the cell of each record at a name with positions; with a star, the list of all values.

    Parameters
    ----------
    default : object
        The cell of a record that has no such place.

    Examples
    --------
    >>> find_cells([{"a": [{"b": 1}, {"b": 2}]}, {"a": []}], "a.0.b", ".", None)
    [1, None]
    >>> find_cells([{"a": [{"b": 1}, {"b": 2}]}], "a.*.b", ".", None)
    [[1, 2]]
    """
    found = (find_values(record, name, sep) for record in records)
    if "*" in name.split(sep):
        return [values or default for values in found]
    return [values[0] if values else default for values in found]


def _replace_cell(record: Record, keys: Sequence[str], cell: Any) -> Record:
    """Return a copy of a record with another cell; the objects around it are copied too."""
    key, *inner = keys
    return {**record, key: _replace_cell(record[key], inner, cell) if inner else cell}
