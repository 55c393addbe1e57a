"""The fields of the public paginators: their check, their repr, and their old names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from pandas_async_io._core.errors import PlanError

P = TypeVar("P")


class _FieldKind(NamedTuple):
    is_valid: Callable[[Any], bool]
    description: str


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_whole_number(value: Any, least: int = 0) -> bool:
    return type(value) is int and value >= least  # True is an int too


def _is_path(value: Any) -> bool:
    return _is_name(value) or (isinstance(value, Sequence) and bool(value) and all(map(_is_name, value)))


def _is_size(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and _is_name(value[0]) and _is_whole_number(value[1], 1)


_KIND_BY_ANNOTATION = {
    "str": _FieldKind(_is_name, "a name, as 'page'"),
    "bool": _FieldKind(lambda value: isinstance(value, bool), "True or False"),
    "int": _FieldKind(_is_whole_number, "a whole number from 0"),
    "tuple[str, int]": _FieldKind(_is_size, "a parameter and a whole number from 1, as ('per_page', 100)"),
    "Path": _FieldKind(_is_path, "a path, as 'meta.total' or ['meta', 'total']"),
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
        if not (kind.is_valid(value) or (optional and value is None)):
            raise PlanError(f"{type(paginator).__name__}({each.name}={value!r}): pass {kind.description}")


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
                        f"{paginator.__name__}({name}={value!r}): this option was renamed: pass {hints[name]}"
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
