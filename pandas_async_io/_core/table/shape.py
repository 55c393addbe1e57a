"""Where the records of a payload are, and what their fields are called: compiled once per run.

A string is a dotted path (``"data.items"``), a list is one of literal keys (``["a.b"]``), for
``record_path`` and each ``meta`` alike. Column names join the keys with ``sep``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pandas_async_io._core.errors import PlanError

Path = tuple[str, ...]


def compile_shape(
    *,
    record_path: str | Sequence[str] | None = None,
    meta: str | Sequence[str | Sequence[str]] | None = None,
    sep: str = ".",
    max_level: int | None = None,
    columns: Sequence[str] | Mapping[str, str] | None = None,
) -> Shape:
    """Check the options and compile them.

    Parameters
    ----------
    record_path, meta, sep, max_level
        As in `pandas.json_normalize`; a string with dots is a path.
    columns : sequence of str, mapping of str to str, or None
        The flat names to keep, in this order, or a mapping of them to the names they get.

    Raises
    ------
    PlanError
        If an option has the wrong type, or a name comes twice.

    Examples
    --------
    >>> compile_shape(record_path="data.items", columns=["id"]).path
    ('data', 'items')
    """
    if not isinstance(sep, str):
        raise PlanError(f"sep is {sep!r}; give a string, as sep='.'")
    if max_level is not None and (type(max_level) is not int or max_level < 0):
        raise PlanError(f"max_level is {max_level!r}; give a whole number from 0, or None for all levels")
    path = None if record_path is None else _path("record_path", record_path)
    each = [] if meta is None else [meta] if isinstance(meta, str) else list(meta)
    paths = tuple(_path("meta", item) for item in each)
    _distinct("meta", [sep.join(keys) for keys in paths])
    return Shape(path, paths, sep, max_level, _selection(columns))


def _path(option: str, value: str | Sequence[str]) -> Path:
    keys = value.split(".") if isinstance(value, str) else list(value)
    if not keys or not all(isinstance(key, str) for key in keys) or value == "":
        raise PlanError(f'{option}={value!r}: give a path as "data.items" or keys as ["data", "items"]')
    return tuple(keys)


def _selection(columns: Sequence[str] | Mapping[str, str] | None) -> Mapping[str, str] | None:
    if columns is None:
        return None
    if isinstance(columns, str):
        raise PlanError(f"columns={columns!r}: give a list, as columns=[{columns!r}]")
    pairs = list(columns.items() if isinstance(columns, Mapping) else zip(columns, columns, strict=True))
    if not all(isinstance(name, str) for pair in pairs for name in pair):
        raise PlanError(f"columns={columns!r}: give names as strings")
    _distinct("columns", [source for source, _ in pairs])
    _distinct("columns", [name for _, name in pairs])
    return dict(pairs)


def _distinct(option: str, names: list[str]) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise PlanError(f"{option} names {name!r} twice")


@dataclass(frozen=True, slots=True)
class Shape:
    """The compiled options; see `compile_shape`.

    Attributes
    ----------
    path : tuple of str, or None
        The keys down to the records; None: the payload is the record, or the list of them.
    meta : tuple of tuple of str
        The keys down to each field of the envelope. Without a path there is no envelope.
    sep, max_level
        As given.
    columns : mapping of str to str, or None
        Flat name to the name in the result; None: all, as they are called.
    """

    path: Path | None = None
    meta: tuple[Path, ...] = ()
    sep: str = "."
    max_level: int | None = None
    columns: Mapping[str, str] | None = None

    def prefix(self, parent: str, level: int) -> str:
        """Return what the names of a dict's fields begin with, as json_normalize has it.

        Examples
        --------
        >>> Shape().prefix("a", 1)
        'a.'
        """
        # json_normalize's path without options writes {"": {"a": 1}} as "a", its other one as ".a".
        bare = not parent and self.path is None and self.max_level is None
        return "" if level == 0 or bare else parent + self.sep

    def opens(self, cell: Any, level: int) -> bool:
        """Tell whether a cell at this level becomes columns of its own.

        Examples
        --------
        >>> Shape(max_level=0).opens({"a": 1}, 0)
        False
        """
        return isinstance(cell, dict) and (self.max_level is None or level < self.max_level)

    def envelope(self) -> list[str]:
        """Return the names of the envelope's fields; without a path there is no envelope.

        Examples
        --------
        >>> Shape(path=("items",), meta=(("page", "number"),)).envelope()
        ['page.number']
        """
        return [] if self.path is None else [self.sep.join(keys) for keys in self.meta]

    def selected(self) -> Mapping[str, str] | None:
        """Return the part of ``columns`` that names the records' own fields.

        Examples
        --------
        >>> Shape(path=("items",), meta=(("page",),), columns={"page": "page", "id": "key"}).selected()
        {'id': 'key'}
        """
        if self.columns is None:
            return None
        envelope = self.envelope()
        return {source: name for source, name in self.columns.items() if source not in envelope}
