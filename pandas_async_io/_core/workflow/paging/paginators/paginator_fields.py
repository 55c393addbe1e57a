"""The fields of the public paginators: their check, their repr, and their old names."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.json_path import as_path
from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.option_values import is_text
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Callable

P = TypeVar("P")


class _FieldKind(NamedTuple):
    read: Callable[[Any], Any]
    """Returns the value, numpy's numbers and bools as Python's; None if it is not valid."""
    description: str


def _read_name(value: Any) -> str | None:
    return value if is_text(value) and value else None


def _read_bool(value: Any) -> bool | None:
    return bool(value) if isinstance(value, bool | np.bool_) else None


def _read_whole_number(value: Any, least: int = 0) -> int | None:
    number = as_integer(value)
    return number if number is not None and number >= least else None


def _read_size(value: Any) -> tuple[str, int] | None:
    if not isinstance(value, tuple | list) or len(value) != 2:
        return None
    name, number = _read_name(value[0]), _read_whole_number(value[1], 1)
    return None if name is None or number is None else (name, number)


_KIND_BY_ANNOTATION = {
    "str": _FieldKind(_read_name, "a name, as 'page'"),
    "bool": _FieldKind(_read_bool, "True or False"),
    "int": _FieldKind(_read_whole_number, "a whole number from 0"),
    "tuple[str, int]": _FieldKind(_read_size, "a parameter and a whole number from 1, as ('per_page', 100)"),
    "Path": _FieldKind(as_path, "a path, as 'meta.total' or ['meta', 'total']"),
}


def check_fields(paginator: Any) -> None:
    """Check that each field of a paginator holds what its annotation says.

    Raises
    ------
    PlanError
        A field holds something else. The message says what to pass.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Example:
    ...     start: int = 1
    ...     __post_init__ = check_fields
    >>> Example(start=True)
    Traceback (most recent call last):
        ...
    pandas_async_io._core.errors.PlanError: Example(start=True): pass a whole number from 0
    """
    for each in fields(paginator):
        annotation, _, optional = str(each.type).partition(" | ")
        kind, value = _KIND_BY_ANNOTATION[annotation], getattr(paginator, each.name)
        if optional and value is None:
            continue
        read = kind.read(value)
        if read is None:
            raise PlanError(f"{type(paginator).__name__}({each.name}={show_value(value)}): pass {kind.description}")
        object.__setattr__(paginator, each.name, read)


def reject_old_names(**hints: str) -> Callable[[type[P]], type[P]]:
    """Return a class decorator: an option under its old name raises PlanError with a hint.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @reject_old_names(number="start=")
    ... @dataclass
    ... class Example:
    ...     start: int = 1
    >>> Example(number=2)
    Traceback (most recent call last):
        ...
    pandas_async_io._core.errors.PlanError: Example(number=2): this option was renamed: pass start=
    """

    def decorate(paginator: type[P]) -> type[P]:
        init = paginator.__init__

        @wraps(init)  # keeps the signature for Shift-Tab
        def init_or_reject(self: P, *args: Any, **options: Any) -> None:
            for name, value in options.items():
                if name in hints:
                    raise PlanError(
                        f"{paginator.__name__}({name}={show_value(value)}): this option was renamed: pass {hints[name]}"
                    )
            init(self, *args, **options)

        setattr(paginator, "__init__", init_or_reject)  # noqa: B010 - mypy does not allow the assignment
        return paginator

    return decorate


def repr_fields(paginator: Any) -> str:
    """Return the call that makes an equal paginator, without the fields that have their default.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Example:
    ...     param: str = "cursor"
    ...     body: bool = False
    >>> repr_fields(Example(body=True))
    'Example(body=True)'
    """
    options = [
        f"{each.name}={getattr(paginator, each.name)!r}"
        for each in fields(paginator)
        if each.default is MISSING or getattr(paginator, each.name) != each.default
    ]
    return f"{type(paginator).__name__}({', '.join(options)})"
