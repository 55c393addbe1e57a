"""The fields of the public paginators: checked when a paginator is made, left out of its repr at their default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from pandas_async_io._core.errors import PlanError


class _Kind(NamedTuple):
    fits: Callable[[Any], bool]
    said: str


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _number(value: Any, least: int = 0) -> bool:
    return type(value) is int and value >= least  # True is an int too


def _path(value: Any) -> bool:
    return _text(value) or (isinstance(value, Sequence) and bool(value) and all(map(_text, value)))


def _size(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and _text(value[0]) and _number(value[1], 1)


_KINDS = {
    "str": _Kind(_text, "a name, as 'page'"),
    "bool": _Kind(lambda value: isinstance(value, bool), "True or False"),
    "int": _Kind(_number, "a whole number from 0"),
    "tuple[str, int]": _Kind(_size, "a parameter and a whole number from 1, as ('per_page', 100)"),
    "Path": _Kind(_path, "a path, as 'meta.total' or ['meta', 'total']"),
}


def check_fields(paginator: Any) -> None:
    """Look at each field of a paginator: its annotation is the law.

    Raises
    ------
    PlanError
        If a field holds something else; it says what is expected.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Marked:
    ...     start: int = 1
    ...     __post_init__ = check_fields
    >>> Marked(start=True)
    Traceback (most recent call last):
        ...
    pandas_async_io._core.errors.PlanError: Marked: start=True is to be a whole number from 0
    """
    for each in fields(paginator):
        kind, _, optional = str(each.type).partition(" | ")
        value = getattr(paginator, each.name)
        if not (_KINDS[kind].fits(value) or (optional and value is None)):
            raise PlanError(f"{type(paginator).__name__}: {each.name}={value!r} is to be {_KINDS[kind].said}")


def repr_fields(paginator: Any) -> str:
    """Return a paginator as it is written: what is as by default is left out.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Marked:
    ...     param: str = "cursor"
    ...     body: bool = False
    >>> repr_fields(Marked(body=True))
    'Marked(body=True)'
    """
    said = [
        f"{each.name}={getattr(paginator, each.name)!r}"
        for each in fields(paginator)
        if each.default is MISSING or getattr(paginator, each.name) != each.default
    ]
    return f"{type(paginator).__name__}({', '.join(said)})"
