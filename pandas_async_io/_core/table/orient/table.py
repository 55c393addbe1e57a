"""One value in one of pandas' forms (``orient=``) → its columns.

Invariant: every cell of the value is in a column; a value that would leave cells without a place is a `ParseError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.words import format_count, show_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Record = dict[str, Any]
Names = Sequence[Any] | int | None

KEY_COLUMN = "key"
"""The column of the keys of ``orient="index"``, and of the row labels of the other forms."""

VALUE_COLUMN = "value"
"""The column of records that are not objects."""

_WRAPPERS = ("v", "value")
"""The one field of a cell that is an object around its value: BigQuery's, Google Analytics'."""

_MAX_SHOWN = 5
"""Names that a message lists."""


@dataclass(frozen=True, slots=True)
class Table:
    """Some records.

    Attributes
    ----------
    size : int
        How many.
    columns : mapping of str to list, shape (size,)
        Their cells.
    objects : list of dict, shape (size,), or None
        The records' other fields, of ``orient="index"``.
    """

    size: int
    columns: Mapping[str, list[Any]]
    objects: list[Record] | None = None

    def __len__(self) -> int:
        return self.size


def read_tables(value: Any, orient: str, names: Names = None, *, sep: str = ".") -> list[Table]:
    """Return the tables that a value holds: one, or one per element of a list where the form is an object.

    Parameters
    ----------
    value : object
        Parsed JSON. Null holds one table without records.
    orient : {"columns", "index", "values", "split"}
        As in `pandas.read_json`.
    names : sequence, int or None
        Names of the columns, or the position of the row that holds them. A list is one of a payload.
    sep : str
        Joins the levels of a name that is a list.

    Raises
    ------
    ParseError
        The value does not have this form, or its arrays are not equally long.

    Examples
    --------
    >>> read_tables({"a": [1, 2], "b": [3, 4]}, "columns")[0].columns
    {'a': [1, 2], 'b': [3, 4]}
    >>> read_tables([[1, 3], [2, 4]], "values", ["a", "b"])[0].columns
    {'a': [1, 2], 'b': [3, 4]}
    >>> read_tables({"x": 1, "y": 2}, "index")[0].columns
    {'key': ['x', 'y'], 'value': [1, 2]}
    >>> read_tables({"columns": ["a"], "data": [[1], [2]]}, "split")[0].columns
    {'a': [1, 2]}
    """
    if value is None:
        return [Table(0, {})]
    names = clean_names(names, sep) if isinstance(names, list) else names
    try:
        if orient == "values":
            return [_read_values(value, names, sep)]
        values = value if isinstance(value, list) else [value]
        return [_read_object(each, orient, names, sep) for each in values if each is not None] or [Table(0, {})]
    except ParseError as error:
        raise ParseError(f"orient={orient!r}: {error}") from None


def _read_object(value: Any, orient: str, names: Names, sep: str) -> Table:
    if not isinstance(value, dict):
        raise ParseError(f"found {_type_name(value)}, not an object")
    given = names if isinstance(names, Sequence) else ()
    if orient == "columns":
        return _read_columns(value, *given)
    return _read_index(value, given) if orient == "index" else _read_split(value, sep, *given)


def _read_columns(value: Record, key_column: str | None = None) -> Table:
    """Read an object of equally long arrays, or of objects with the same keys; scalars are repeated, as in pandas."""
    if not value:
        return Table(0, {})
    arrays = {name: cells for name, cells in value.items() if isinstance(cells, list)}
    if not arrays:
        return _read_keyed_columns(value, key_column)
    lengths: dict[int, list[str]] = {}
    for name, cells in arrays.items():
        lengths.setdefault(len(cells), []).append(name)
    if len(lengths) > 1:
        shown = "; ".join(f"{format_count(n, 'value')} in {_show_names(each)}" for n, each in lengths.items())
        raise ParseError(f"the arrays are not equally long: {shown}")
    (size,) = lengths
    if len(arrays) < len(value):
        nested = [name for name, cells in value.items() if isinstance(cells, dict)]
        if nested:
            raise ParseError(f"{_show_names(nested)} holds an object, beside arrays")
        arrays = {name: arrays.get(name, [cells] * size) for name, cells in value.items()}
    return _add_keys(Table(size, _unwrap_cells(arrays)), list(map(str, range(size))), key_column)


def _read_keyed_columns(value: Record, key_column: str | None) -> Table:
    objects = {name: cells for name, cells in value.items() if isinstance(cells, dict)}
    if not objects:
        raise ParseError(f"no field holds an array or an object; there is {_show_names(value)}")
    keys = list(dict.fromkeys(chain.from_iterable(objects.values())))
    cells = {
        name: [objects[name].get(key) for key in keys] if name in objects else [scalar] * len(keys)
        for name, scalar in value.items()
    }
    return _add_keys(Table(len(keys), _unwrap_cells(cells)), keys, key_column)


def _read_index(value: Record, names: Sequence[str]) -> Table:
    """Read an object with one record per key."""
    if not value:
        return Table(0, {name: [] for name in names})
    keys, cells = list(value), list(value.values())
    kinds = set(map(type, cells)) - {type(None)}
    key_column, others = (names[0] if names else KEY_COLUMN), names[1:]
    if dict in kinds:
        if others:
            raise ParseError(f"names= has {_show_names(others)} for fields that have names of their own")
        objects = [cell if isinstance(cell, dict) else {} if cell is None else {VALUE_COLUMN: cell} for cell in cells]
        if any(key_column in each for each in objects):
            raise ParseError(_describe_taken_name(key_column))
        return Table(len(keys), {key_column: keys}, objects)
    if kinds == {list}:
        table = _read_rows(cells, others or None)
    else:
        if len(others) > 1:
            raise ParseError(f"names= has {len(names)} names for keys and values that are no arrays")
        table = Table(len(keys), {others[0] if others else VALUE_COLUMN: cells})
    return _add_keys(table, keys, key_column)


def _read_split(value: Record, sep: str, key_column: str | None = None) -> Table:
    """Read an object with the names in ``columns``, the rows in ``data`` and maybe their labels in ``index``."""
    if not {"columns", "data"} <= value.keys():
        text = "orient='values' with record_path= for the rows and names= for their names takes other keys"
        raise ParseError(f"no keys 'columns' and 'data'; there is {_show_names(value)}: {text}")
    columns, data, labels = value["columns"], value["data"], value.get("index")
    if not isinstance(columns, list) or not isinstance(data, list | None):
        raise ParseError("'columns' and 'data' must hold lists")
    table = _read_rows(data or [], clean_names(columns, sep))
    if not isinstance(labels, list):
        return _add_keys(table, list(map(str, range(table.size))), key_column)
    if len(labels) != table.size:
        raise ParseError(f"'index' has {format_count(len(labels), 'value')}, 'data' has {table.size}")
    return _add_keys(
        table, [sep.join(map(str, each)) if isinstance(each, list) else each for each in labels], key_column
    )


def _read_values(value: Any, names: Names, sep: str) -> Table:
    """Read a list of rows, or one row: a list of wrapped cells, or of scalars if there are several names."""
    if not isinstance(value, list):
        lists = [name for name, cell in value.items() if isinstance(cell, list)] if isinstance(value, dict) else []
        where = f"; record_path= is where they are: {_show_names(lists)}" if lists else ""
        raise ParseError(f"found {_type_name(value)}, not a list of rows{where}")
    if isinstance(names, int):
        if not value:
            return Table(0, {})
        header = value[names] if names < len(value) else None
        if not isinstance(header, list):
            raise ParseError(f"names={names} is no row of names; the answer has {format_count(len(value), 'row')}")
        return _read_rows(value[names + 1 :], clean_names(header, sep))
    kinds = set(map(type, value)) - {type(None)}
    if value and kinds <= {dict} and kinds and _find_wrapper(value):
        return _read_rows([value], names)
    if value and not kinds & {list, dict}:
        value = [value] if names and len(names) > 1 else [[cell] for cell in value]
    return _read_rows(value, names)


def _read_rows(rows: list[Any], names: Sequence[str] | None) -> Table:
    """Read lists of cells; a null row has null cells."""
    if not set(map(type, rows)) <= {list, type(None)}:
        at, row = next((at, row) for at, row in enumerate(rows, 1) if not isinstance(row, list | None))
        raise ParseError(f"row {at} is {_type_name(row)}, not a list")
    lists = [row for row in rows if row is not None]
    widths = set(map(len, lists))
    if len(widths) > 1:
        first_rows = {len(row): at for at, row in reversed(list(enumerate(rows, 1))) if row is not None}
        shown = (
            f"{format_count(n, 'value')} in row {at}" for n, at in sorted(first_rows.items(), key=lambda each: each[1])
        )
        raise ParseError(f"the rows are not equally long: {', '.join(list(shown)[:_MAX_SHOWN])}")
    width = next(iter(widths), len(names or ()))
    if names is not None and len(names) != width:
        raise ParseError(f"{format_count(len(names), 'name')} for rows of {format_count(width, 'value')}")
    if len(lists) < len(rows):
        rows = [[None] * width if row is None else row for row in rows]
    cells = list(chain.from_iterable(rows))
    labels = list(map(str, range(width))) if names is None else names
    return Table(len(rows), _unwrap_cells({name: cells[at::width] for at, name in enumerate(labels)}))


def clean_names(labels: Sequence[Any], sep: str) -> list[str]:
    """Return column names of a payload as texts that differ, as `pandas.read_csv` does.

    Examples
    --------
    >>> clean_names(["id", "id", {"name": "x", "type": "int"}, None, ["a", 1]], ".")
    ['id', 'id.1', 'x', '3', 'a.1']
    """
    names: dict[str, None] = {}
    for at, label in enumerate(labels):
        text = name = _label_text(label, at, sep)
        repeats = 0
        while name in names:
            repeats += 1
            name = f"{text}.{repeats}"
        names[name] = None
    return list(names)


def _label_text(label: Any, at: int, sep: str) -> str:
    if isinstance(label, dict):
        label = next((label[key] for key in ("name", *_WRAPPERS) if key in label), None)
    if isinstance(label, list):
        return sep.join(map(str, label))
    return str(at) if label is None else str(label)


def _add_keys(table: Table, keys: list[Any], name: str | None) -> Table:
    """Add the keys of the records as the first column; row labels 0, 1, … only if they have a name."""
    if name is None and list(map(str, keys)) == list(map(str, range(len(keys)))):
        return table
    name = KEY_COLUMN if name is None else name
    if name in table.columns:
        raise ParseError(_describe_taken_name(name))
    return Table(table.size, {name: keys, **table.columns})


def _describe_taken_name(name: str) -> str:
    return f"the records have a field {show_value(name)} of their own: name the column of the keys, as names=['row']"


def _unwrap_cells(columns: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
    """Return the values of cells that are all objects around one value."""
    wrapper = _find_wrapper(chain.from_iterable(columns.values()))
    if wrapper is None:
        return columns
    return {name: [cell and cell[wrapper] for cell in cells] for name, cells in columns.items()}


def _find_wrapper(cells: Any) -> str | None:
    """Return the one field that all cells but nulls have, if it is a wrapper's."""
    wrapper = None
    for cell in cells:
        if cell is None:
            continue
        if type(cell) is not dict or len(cell) != 1 or (wrapper or next(iter(cell))) not in cell:
            return None
        wrapper = wrapper or next(iter(cell))
        if wrapper not in _WRAPPERS:
            return None
    return wrapper


def _show_names(names: Collection[str]) -> str:
    shown = ", ".join(map(show_value, list(names)[:_MAX_SHOWN]))
    return (shown or "nothing") + (", …" if len(names) > _MAX_SHOWN else "")


def _type_name(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else show_value(value)
