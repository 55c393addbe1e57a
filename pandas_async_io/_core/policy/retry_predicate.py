"""The user's own say about another attempt: ``Retry(when=...)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from pandas_async_io._core.errors import AttemptError, ParseError
from pandas_async_io._core.models import Response
from pandas_async_io._core.server_message import describe_exception

RetryPredicate = Callable[[Response | None, AttemptError | None], bool | None]
"""True: worth another attempt. False: never. None: as without a predicate."""


def is_predicate(when: object) -> bool:
    """Return whether something can be called and need not be awaited.

    Examples
    --------
    >>> async def later(response, error): ...
    >>> is_predicate(lambda response, error: None), is_predicate(later), is_predicate(True)
    (True, False, False)
    """
    called = when if inspect.isroutine(when) else getattr(type(when), "__call__", None)  # noqa: B004 - its kind counts
    return callable(when) and not any(map(inspect.iscoroutinefunction, (when, called)))


def call_predicate(when: RetryPredicate, response: Response | None, error: AttemptError | None) -> bool | None:
    """Return what a predicate says, numpy's bools included.

    Raises
    ------
    ParseError
        It raised, or says something else: the failure of that one row.

    Examples
    --------
    >>> call_predicate(lambda response, error: response.status == 404, Response(404, {}, b"", ""), None)
    True
    >>> call_predicate(lambda response, error: "404", None, None)
    Traceback (most recent call last):
    pandas_async_io._core.errors.ParseError: Retry(when=...) returned a str: return True, False or None
    """
    try:
        said: object = when(response, error)
    except Exception as exc:  # noqa: BLE001 - the user's own function; the other rows go on
        raise ParseError(describe_exception("Retry(when=...)", exc)) from None
    if said is None or isinstance(said, bool | np.bool_):
        return None if said is None else bool(said)
    if inspect.iscoroutine(said):
        said.close()  # nobody will await it
    raise ParseError(f"Retry(when=...) returned a {type(said).__name__}: return True, False or None")
