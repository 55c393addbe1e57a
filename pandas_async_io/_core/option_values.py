"""Options that are a flag, a choice, a text, a collection or hooks: checked when they are given.

Invariant: no check compares, sorts or formats a value of an unchecked type, because an array compares by element
and a user's object may raise anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import name_type, show_value

_MAX_MEMBERS = 10**9
"""Members of a collection: a longer range would fill the memory."""


class NotGiven(Enum):
    """The default of an option that says something also by None."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


def check_flag(name: str, value: object) -> bool:
    """Return an option that is True or False; numpy's bools become Python's.

    Raises
    ------
    PlanError
        The value is not a bool.

    Examples
    --------
    >>> check_flag("join", np.False_)
    False
    >>> check_flag("join", "inner")
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: join='inner': pass True or False
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise PlanError(f"{name}={show_value(value)}: pass True or False")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Check an option that is one of some texts.

    Raises
    ------
    PlanError
        The value is none of them.

    Examples
    --------
    >>> check_choice("how", "outer", ("left", "inner"))
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: how='outer': choose one of 'left', 'inner'
    """
    if not isinstance(value, str) or value not in choices:
        raise PlanError(f"{name}={show_value(value)}: choose one of {', '.join(map(repr, choices))}")


def check_mapping(name: str, value: object, example: Mapping[str, Any]) -> None:
    """Check an option that maps names to values, or is None.

    Raises
    ------
    PlanError
        The value is neither.

    Examples
    --------
    >>> check_mapping("params", "q=1", {"q": 1})
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: params='q=1': pass a mapping of names to values, as {'q': 1}, not a str
    """
    if value is not None and not isinstance(value, Mapping):
        raise PlanError(
            f"{name}={show_value(value)}: pass a mapping of names to values, as {example}, not {name_type(value)}"
        )


def is_text(value: object) -> bool:
    r"""Whether a value is a str that UTF-8 can encode: it has no lone surrogate.

    Examples
    --------
    >>> is_text("ü"), is_text(""), is_text("\ud800"), is_text(b"a")
    (True, True, False, False)
    """
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(name: str, value: object) -> None:
    """Check an option that is a text; it may be empty.

    Raises
    ------
    PlanError
        The value is not a str, or it holds a lone surrogate.

    Examples
    --------
    >>> check_text("prefix", None)
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: prefix=None must be a str that UTF-8 can encode
    """
    if not is_text(value):
        raise PlanError(f"{name}={show_value(value)} must be a str that UTF-8 can encode")


def is_plain_function(value: object) -> bool:
    """Whether a value is callable and its result need not be awaited.

    Examples
    --------
    >>> async def later(response, error): ...
    >>> is_plain_function(lambda response, error: None), is_plain_function(later), is_plain_function(True)
    (True, False, False)
    """
    called = value if inspect.isroutine(value) else getattr(type(value), "__call__", None)  # noqa: B004 - the method itself is wanted: it may be a coroutine function
    return callable(value) and not any(map(inspect.iscoroutinefunction, (value, called)))


def list_members(value: object) -> list[Any] | None:
    """Return the members of a collection; None for a text, bytes, a mapping, a frame and anything else.

    Examples
    --------
    >>> list_members((1, 2)), list_members(range(2)), list_members("ab"), list_members({"a": 1})
    ([1, 2], [0, 1], None, None)
    """
    if isinstance(value, str | bytes | bytearray | memoryview | Mapping) or not isinstance(value, Collection):
        return None
    try:
        return list(value) if getattr(value, "ndim", 1) == 1 and len(value) <= _MAX_MEMBERS else None
    except OverflowError:  # the length of a range beyond 64 bits
        return None


def check_hooks(value: object) -> tuple[Callable[[Any], object], ...]:
    """Return the hooks of the option ``hooks``: one callable, or several.

    Raises
    ------
    PlanError
        The value is neither, or a coroutine function.

    Examples
    --------
    >>> check_hooks([print]) == check_hooks(print) == (print,)
    True
    """
    if isinstance(value, type):
        members = None
    elif callable(value):
        members = [value]
    else:
        members = list_members(value)
    for hook in members or ():
        if isinstance(hook, type) or not is_plain_function(hook):
            members = None
    if members is None:
        raise PlanError(
            f"hooks={show_value(value)}: pass a function of an event, or a list of them; they are called, not awaited"
        )
    return tuple(members)
