"""Where the records of a payload are, and how their fields are named: options, compiled once per call.

In ``record_path`` and in each ``meta``, a string is a dotted path (``"data.items"``), a list holds literal keys
(``["a.b"]``) and positions (``[1]``). Column names join the keys with ``sep``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.json_path import Key, as_key
from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.option_values import check_choice, check_text, is_text, list_members
from pandas_async_io._core.table.orient.table import KEY_COLUMN
from pandas_async_io._core.words import show_value

Path = tuple[Key, ...]

ORIENTS = ("records", "columns", "index", "values", "split")


def compile_shape(
    *,
    record_path: str | Sequence[Key] | None = None,
    orient: str = "records",
    names: str | int | Sequence[str] | None = None,
    meta: str | Sequence[str | Sequence[Key]] | None = None,
    sep: str = ".",
    max_level: int | None = None,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    explode: str | Sequence[str] | None = None,
) -> Shape:
    """Check the options and compile them.

    Parameters
    ----------
    record_path, meta, sep, max_level
        As in `pandas.json_normalize`; a string with dots is a path.
    orient : str
        One of `ORIENTS`: the form of the records, as in `pandas.read_json`.
    names : sequence of str, int, str or None
        Names of the columns, the row that holds them, or the path of a list of them.
    columns : sequence of str, mapping of str to str, or None
        The flat names to keep, in this order, or a mapping of flat names to new names.
    explode : str or sequence of str, optional
        The flat names of lists that become rows.

    Raises
    ------
    PlanError
        An option has the wrong type, or a name occurs twice.

    Examples
    --------
    >>> compile_shape(record_path="data.items", columns=["id"]).record_path
    ('data', 'items')
    """
    check_text("sep", sep)
    check_choice("orient", orient, ORIENTS)
    level = None if max_level is None else as_integer(max_level)
    if max_level is not None and (level is None or level < 0):
        raise PlanError(f"max_level={show_value(max_level)}: give a whole number from 0, or None for all levels")
    path = None if record_path is None else _compile_path("record_path", record_path)
    given = [] if meta is None else [meta] if isinstance(meta, str) else list_members(meta)
    if given is None:
        raise PlanError(f"meta={show_value(meta)}: give a path, or a list of paths")
    meta_paths = tuple(_compile_path("meta", item) for item in given)
    _check_distinct("meta", [sep.join(map(str, keys)) for keys in meta_paths])
    given_names, names_path = _compile_names(names, orient)
    return Shape(
        path,
        meta_paths,
        sep,
        level,
        _compile_columns(columns),
        explode=_compile_explode(explode),
        orient=orient,
        names=given_names,
        names_path=names_path,
    )


def check_separator(sep: str, format: str, read_options: Mapping[str, Any] | None) -> None:  # noqa: A002 - the option's name
    """Refuse a ``sep`` that is meant as the delimiter of a table; several header lines have names to join.

    Raises
    ------
    PlanError
        The format has no nested fields.

    Examples
    --------
    >>> check_separator(";", "csv", None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: sep=';' joins the names ...: the delimiter is read_options={'sep': ';'}
    """
    if format not in {"csv", "tsv"} or sep == "." or isinstance((read_options or {}).get("header"), list | tuple):
        return
    raise PlanError(
        f"sep={sep!r} joins the names of nested fields, and format={format!r} has none: the delimiter is "
        f"read_options={{'sep': {sep!r}}}"
    )


def _compile_path(option: str, value: str | Sequence[Key]) -> Path:
    members = value.split(".") if isinstance(value, str) else list_members(value)
    keys = [key if is_text(key) else as_key(key) for key in members or ()]
    if not keys or None in keys or keys == [""] or isinstance(value, AbstractSet):
        raise PlanError(f'{option}={show_value(value)}: give a path as "data.items" or keys as ["data", "items"]')
    return tuple(key for key in keys if key is not None)


def _compile_names(
    names: str | int | Sequence[str] | None, orient: str
) -> tuple[tuple[str, ...] | int | None, Path | None]:
    """Return the names of the columns or the position of their row, and the path of a list of them."""
    if names is None:
        return None, None
    shown, position = show_value(names), as_integer(names)
    if orient == "records":
        raise PlanError(f"names={shown} needs orient='values' or 'index': records have names, columns= maps them")
    if position is not None:
        if orient != "values" or position < 0:
            raise PlanError(f"names={shown} is the row of the names, from 0, and needs orient='values'")
        return position, None
    members = None if isinstance(names, AbstractSet) else list_members(names)
    if not isinstance(names, str) and not (members and all(map(is_text, members)) and all(members)):
        raise PlanError(f"names={shown}: give a list of names, the row of the names as names=0, or a path")
    if orient in {"columns", "split"} and (members is None or len(members) > 1):
        raise PlanError(
            f"names={shown}: orient={orient!r} has names; names= takes the one of the row labels, as ['key']"
        )
    if members is None:
        return None, _compile_path("names", names)  # type: ignore[arg-type]
    _check_distinct("names", members)
    return tuple(members), None


def _compile_columns(columns: Sequence[str] | Mapping[str, str] | None) -> Mapping[str, str] | None:
    if columns is None:
        return None
    if isinstance(columns, str):
        raise PlanError(f"columns={show_value(columns)}: give a list, as columns=[{show_value(columns)}]")
    names = list_members(columns)
    pairs = list(columns.items()) if isinstance(columns, Mapping) else [(name, name) for name in names or ()]
    if not (isinstance(columns, Mapping) or names is not None) or not all(map(is_text, chain.from_iterable(pairs))):
        raise PlanError(f"columns={show_value(columns)}: give a list or a mapping of names as strings")
    _check_distinct("columns", [source for source, _ in pairs])
    _check_distinct("columns", [name for _, name in pairs])
    return dict(pairs)


def _compile_explode(explode: str | Sequence[str] | None) -> tuple[str, ...]:
    names = [] if explode is None else [explode] if isinstance(explode, str) else list_members(explode)
    is_empty = explode is not None and not names
    if (
        names is None
        or is_empty
        or isinstance(explode, AbstractSet)
        or not all(is_text(name) and name for name in names)
    ):
        raise PlanError(f"explode={show_value(explode)}: give the name of a column, or a list of names")
    _check_distinct("explode", names)
    return tuple(names)


def _check_distinct(option: str, names: list[str]) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise PlanError(f"{option} names {show_value(name)} twice")


@dataclass(frozen=True, slots=True)
class Shape:
    """The compiled options; see `compile_shape`.

    Attributes
    ----------
    record_path : tuple of str or int, or None
        The keys and positions down to the records; None: the payload is the record, or the list of records.
    meta : tuple of tuple of str or int
        The keys down to each ``meta`` field; ignored without a record path.
    sep, max_level
        As given.
    columns : mapping of str to str, or None
        Flat name to name in the result; None: all, under their flat names.
    keeps_meta : bool
        Whether a payload without records has its ``meta`` fields in one record without other fields.
    explode : tuple of str
        The flat names of lists that become rows.
    orient : str
        As given.
    names : tuple of str, int or None
        The names of the columns, or the position of the row that holds them.
    names_path : tuple of str or None
        The keys down to a list of the names.
    """

    record_path: Path | None = None
    meta: tuple[Path, ...] = ()
    sep: str = "."
    max_level: int | None = None
    columns: Mapping[str, str] | None = None
    keeps_meta: bool = False
    explode: tuple[str, ...] = ()
    orient: str = "records"
    names: tuple[str, ...] | int | None = None
    names_path: Path | None = None

    def name_prefix(self, parent: str, level: int) -> str:
        """Return the prefix of the names of a dict's fields, as in json_normalize.

        Examples
        --------
        >>> Shape().name_prefix("a", 1)
        'a.'
        """
        # json_normalize writes {"": {"a": 1}} as "a" without record_path and max_level, else as ".a".
        drops_empty_key = not parent and self.record_path is None and self.max_level is None
        return "" if level == 0 or drops_empty_key else parent + self.sep

    def flattens(self, cell: Any, level: int) -> bool:
        """Whether a cell at this level becomes columns of its own.

        Examples
        --------
        >>> Shape(max_level=0).flattens({"a": 1}, 0)
        False
        """
        return isinstance(cell, dict) and (self.max_level is None or level < self.max_level)

    @property
    def is_tabular(self) -> bool:
        """Whether the records have another form than a list of objects."""
        return self.orient != "records"

    @property
    def key_column(self) -> str | None:
        """The column of the keys of ``orient="index"``; None for another form.

        Examples
        --------
        >>> Shape(orient="index").key_column, Shape(orient="index", names=("day",)).key_column
        ('key', 'day')
        """
        if self.orient != "index":
            return None
        return self.names[0] if isinstance(self.names, tuple) else KEY_COLUMN

    def of_records(self) -> Shape:
        """Return the options for records that have been taken out of their payload.

        Examples
        --------
        >>> Shape(("items",), sep="_", orient="values").of_records() == Shape(sep="_")
        True
        """
        return replace(self, record_path=None, meta=(), orient="records", names=None, names_path=None)

    def meta_names(self) -> list[str]:
        """Return the names of the ``meta`` fields; none without a record path.

        Examples
        --------
        >>> Shape(record_path=("items",), meta=(("page", "number"),)).meta_names()
        ['page.number']
        """
        return [] if self.record_path is None else [self.sep.join(map(str, keys)) for keys in self.meta]

    def record_columns(self) -> Mapping[str, str] | None:
        """Return the part of ``columns`` that is not ``meta``; None: all.

        Examples
        --------
        >>> Shape(("items",), (("page",),), columns={"page": "page", "id": "key"}).record_columns()
        {'id': 'key'}
        """
        if self.columns is None:
            return None
        meta_names = self.meta_names()
        return {source: name for source, name in self.columns.items() if source not in meta_names}
