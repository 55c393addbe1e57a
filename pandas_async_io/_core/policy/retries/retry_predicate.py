"""The user's own decision about another attempt: ``Retry(when=...)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from pandas_async_io._core.errors import AttemptError, ParseError
from pandas_async_io._core.models import Response
from pandas_async_io._core.server_message import describe_exception

RetryPredicate = Callable[[Response | None, AttemptError | None], bool | None]
"""Returns True to repeat, False to stop, None to apply the other rules."""


def call_predicate(when: RetryPredicate, response: Response | None, error: AttemptError | None) -> bool | None:
    """Return what a predicate returns; numpy's bools become Python's.

    Raises
    ------
    ParseError
        The predicate raised, or returned something else. Only this row fails.

    Examples
    --------
    >>> call_predicate(lambda response, error: response.status == 404, Response(404, {}, b"", ""), None)
    True
    >>> call_predicate(lambda response, error: "404", None, None)
    Traceback (most recent call last):
    pandas_async_io._core.errors.ParseError: Retry(when=...) returned a str: return True, False or None
    """
    try:
        returned: object = when(response, error)
    except BaseException as exc:  # noqa: BLE001 - when= may raise CancelledError; only this row fails
        raise ParseError(describe_exception("Retry(when=...)", exc)) from None
    if returned is None or isinstance(returned, bool | np.bool_):
        return None if returned is None else bool(returned)
    if inspect.iscoroutine(returned):
        returned.close()  # avoids the warning "was never awaited"
    raise ParseError(f"Retry(when=...) returned a {type(returned).__name__}: return True, False or None")
