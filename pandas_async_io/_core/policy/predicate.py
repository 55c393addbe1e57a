"""The user's conditions on a response: statuses, a path of its payload, or a function of it.

``empty_when``, ``Retry(when=...)`` and ``error_when`` are such conditions. They take precedence in this order: an
answer without records is neither repeated nor an error, and one that is repeated is an error only at its last attempt.

Invariant: an exception of the user's own function fails one row, never the run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import as_path, find_values, is_false_text
from pandas_async_io._core.models import Response
from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.option_values import is_plain_function, list_members
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.server_message import describe_exception, find_message
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.json_path import Path
    from pandas_async_io._core.models import Request

Condition = int | str | Collection[int] | Sequence[str | int] | Callable[..., Any]
"""What the user gives: statuses, a path, or a function."""

ReadPayload = Callable[[Response], Any]
"""Returns the payload of a response; called for a path only."""


def no_payload(response: Response) -> Any:  # noqa: ARG001 - called with a response, as every `ReadPayload`
    """Return None: the payload of a response that is not to be read."""
    return None


_CONDITIONAL_HEADERS = frozenset({"if-none-match", "if-modified-since"})


@dataclass(frozen=True, slots=True, repr=False)
class Predicate:
    """A condition that was checked; see `compile_predicate`.

    Attributes
    ----------
    label : str
        How messages call it when its function raises.
    given : object
        What the user gave.
    statuses : frozenset of int
        The statuses that it names.
    path : path or None
        Where a value that is not null, false, 0 or empty meets it: in the payload, or in a record of a list.
    function : callable or None
        A function of the `Response`.
    takes_error : bool
        Whether the function takes the response and the error, either of which may be None.
    may_take_payload : bool
        Whether a function that cannot use the `Response` gets the payload, as in version 0.1.
    """

    label: str
    given: Condition
    statuses: frozenset[int] = frozenset()
    path: Path | None = None
    function: Callable[..., Any] | None = None
    takes_error: bool = False
    may_take_payload: bool = False

    def __repr__(self) -> str:
        return show_value(self.given)

    def __call__(self, response: Response, read_payload: ReadPayload) -> Any:
        """Return what meets the condition: what is at the path, what the function returns, True; else None or False.

        Raises
        ------
        ParseError
            The function raised, or returned what is neither true nor false.
        """
        if self.path is not None:
            return find_in_records(read_payload(response), self.path)
        if self.function is None:
            return response.status in self.statuses
        returned = self.call(response, read_payload=read_payload)
        try:
            return returned or None
        except BaseException as error:  # noqa: BLE001 - the bool() of a user's value may raise anything; only this row fails
            raise ParseError(describe_exception(self.label, error)) from None

    def call(self, *arguments: Any, read_payload: ReadPayload | None = None) -> Any:
        """Call the function.

        Raises
        ------
        ParseError
            It raised, or must be awaited.
        """
        if self.function is None:
            raise TypeError("statuses and paths are not called")
        try:
            returned = self._call_with_response_or_payload(self.function, arguments, read_payload)
        except BaseException as error:  # noqa: BLE001 - a user's function may raise CancelledError; only this row fails
            raise ParseError(describe_exception(self.label, error)) from None
        if inspect.iscoroutine(returned):
            returned.close()  # avoids the warning "was never awaited"
            raise ParseError(f"{self.label} returned a coroutine: return True, False or None")
        return returned

    def describe(self, verdict: Any, response: Response, read_payload: ReadPayload) -> str:
        """Return the message of what was found: a text, the value at the path, or what the payload says; "" if none."""
        if self.path is not None:
            return redact_line(find_message(verdict) or str(verdict))
        if isinstance(verdict, str):
            return redact_line(verdict)
        payload = read_payload(response)
        last = payload[-1] if isinstance(payload, list) and payload else payload  # a stream ends with its error
        return redact_line(find_message(last))

    def _call_with_response_or_payload(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], read_payload: ReadPayload | None
    ) -> Any:
        try:
            return function(*arguments)
        except (AttributeError, TypeError) as error:
            if not self.may_take_payload or read_payload is None or "'Response'" not in str(error):
                raise
        return function(read_payload(*arguments))


def compile_predicate(
    option: str, given: Condition, *, may_take_payload: bool = False, may_take_error: bool = False
) -> Predicate:
    """Check a condition and compile it.

    Parameters
    ----------
    option : str
        Its name, as ``"error_when"`` or ``"Retry: when"``.
    given : int, collection of int, str, sequence of str or callable
        Statuses, a path (``"error.message"``), or a function of a `Response`.
    may_take_payload : bool
        As in `Predicate`.
    may_take_error : bool
        Whether the function may take two arguments: the response and the error.

    Raises
    ------
    PlanError
        It is none of them.

    Examples
    --------
    >>> missing = compile_predicate("empty_when", {404, 410})
    >>> [missing(Response(status, {}, b"", ""), no_payload) for status in (200, 404)]
    [False, True]
    >>> failed = compile_predicate("error_when", "error.message")
    >>> failed(Response(200, {}, b"", ""), lambda response: [{"id": 1}, {"error": {"message": "cut"}}])
    'cut'
    """
    owner, _, name = option.rpartition(": ")
    label = f"{owner}({name}=...)" if owner else f"{name}="
    if callable(given) and is_plain_function(given):
        arguments = _count_arguments(given)
        if arguments:
            takes_error = may_take_error and arguments > 1
            return Predicate(label, given, function=given, takes_error=takes_error, may_take_payload=may_take_payload)
    elif isinstance(given, str) and not given:
        raise PlanError(f'{option}="" is not a path: write {name}="error.message"')
    else:
        statuses = [as_integer(member) for member in list_members(given) or [given]]
        if all(status is not None and 100 <= status <= 999 for status in statuses):
            return Predicate(label, given, statuses=frozenset(filter(None, statuses)))
        if (path := as_path(given)) is not None:
            return Predicate(label, given, path=path)
    wanted = "must be a function of a response and an error, or" if may_take_error else "is not a function"
    raise PlanError(
        f"{option}={show_value(given)} {wanted} of a Response, not a coroutine; or a path, as 'error.message'; or "
        "statuses, as {404}"
    )


def find_in_records(payload: Any, path: Path) -> Any:
    """Return a value at a path that is not null, false, 0 or empty, in a payload or in a record of a list; else None.

    A stream of records may end with an object that says why it ends.

    Examples
    --------
    >>> find_in_records({"error": {"code": 7}}, "error.code"), find_in_records([{"id": 1}, {"error": "x"}], "error")
    (7, 'x')
    >>> find_in_records([{"id": 1, "error": None}], "error")
    """
    places = [payload, *payload] if isinstance(payload, list) else [payload]
    return next((value for place in places for value in find_values(place, path) if _is_set(value)), None)


def _is_set(value: Any) -> bool:
    """Whether a value is neither null, false, 0 nor empty; a text of XML, whose class is its own, may be false too."""
    return bool(value) and not (type(value) is not str and is_false_text(value))


def ask_retry(
    when: Predicate, response: Response | None, error: AttemptError | None, read_payload: ReadPayload
) -> bool | None:
    """Return whether ``Retry(when=...)`` has a request repeated; None if it leaves that to the other rules.

    Raises
    ------
    ParseError
        The function raised, or returned something else. Only this row fails.

    Examples
    --------
    >>> when = compile_predicate("Retry: when", lambda response, error: "404", may_take_error=True)
    >>> ask_retry(when, None, None, print)
    Traceback (most recent call last):
    pandas_async_io._core.errors.ParseError: Retry(when=...) returned a str: return True, False or None
    """
    if response is None and not when.takes_error:
        return None
    if when.function is None and response is not None:
        return bool(when(response, read_payload)) or None
    returned = when.call(response, error) if when.takes_error else when.call(response)
    if returned is None or isinstance(returned, bool | np.bool_):
        return None if returned is None else bool(returned)
    raise ParseError(f"{when.label} returned a {type(returned).__name__}: return True, False or None")


def is_not_modified(request: Request, response: Response) -> bool:
    """Whether a response is the 304 to a conditional request of the user's: an answer without records.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> conditional = Request("https://e.com", headers={"if-none-match": '"v1"'})
    >>> not_modified = Response(304, {}, b"", "")
    >>> is_not_modified(conditional, not_modified), is_not_modified(Request("https://e.com"), not_modified)
    (True, False)
    """
    return response.status == 304 and any(name.lower() in _CONDITIONAL_HEADERS for name in request.headers)


def _count_arguments(function: Callable[..., Any]) -> int:
    """Return whether a function takes two arguments, one, or neither: 2, 1 or 0."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C
        return 1
    for count in (2, 1):
        try:
            signature.bind(*[None] * count)
        except TypeError:
            continue
        return count
    return 0
