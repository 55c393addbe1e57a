"""A response → its payload, or the error that it is: ``format``, ``parser`` and ``error_when``.

What the user's own functions raise is the failure of that one row.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.body.decode import Payload, decode
from pandas_async_io._core.errors import ParseError, PayloadError, PlanError
from pandas_async_io._core.json_path import find
from pandas_async_io._core.models import EMPTY, Response
from pandas_async_io._core.server_message import message_of, raised
from pandas_async_io._core.table.tabular import check_read_options, from_arrow, need_pyarrow
from pandas_async_io._core.words import line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pandas_async_io._core.errors import AttemptError

Parser = Callable[[Response], Any]
ErrorWhen = str | Callable[[Payload], Any]


def interpreter(
    *,
    format: str = "auto",  # noqa: A002 - the public option's name
    strict_json: bool = False,
    read_options: Mapping[str, Any] | None = None,
    as_text: Collection[str] = (),
    parser: Parser | None = None,
    error_when: ErrorWhen | None = None,
    refusal: Callable[[Payload], AttemptError | None] | None = None,
) -> Interpreter:
    """Check the options and compile them.

    Parameters
    ----------
    format, strict_json, read_options, as_text
        As in `decode`.
    parser : callable, optional
        Takes a `Response` and returns records (a list or a dict), a DataFrame, an Arrow table or None.
    error_when : str or callable, optional
        Where in the payload an error stands (``"error.message"``), or a function of the payload that returns
        a message, or True, if it is one.
    refusal : callable, optional
        Returns the error that a body is, whatever its format and parser: of GraphQL's.

    Raises
    ------
    PlanError
        One of them can't be right, or pyarrow is missing.

    Examples
    --------
    >>> read = interpreter(error_when="error")
    >>> read(Response(200, {}, b'{"error": "quota exceeded"}', ""))
    Traceback (most recent call last):
    pandas_async_io._core.errors.PayloadError: HTTP 200, but error_when says: quota exceeded
    """
    if parser is not None and (format != "auto" or read_options):
        raise PlanError("parser= reads the response itself: format= and read_options= would have no say")
    if error_when == "":
        raise PlanError('error_when="" is no path: write error_when="error.message"')
    for name, given in {"parser": parser, "error_when": error_when}.items():
        fitting = given is None or callable(given) or (name == "error_when" and isinstance(given, str))
        if not fitting or inspect.iscoroutinefunction(given):
            raise PlanError(f"{name}={given!r} is not a function, or one that must be awaited")
    if format in {"parquet", "arrow"}:
        need_pyarrow()
    options = check_read_options(format, read_options)
    return Interpreter(format, strict_json, options, frozenset(as_text), parser, error_when, refusal)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Takes a response and returns its payload; see `interpreter`.

    Raises
    ------
    ParseError
        The body is not what it should be, or a function of the user's raised.
    PayloadError
        ``error_when`` calls it an error.
    """

    format: str = "auto"
    strict_json: bool = False
    read_options: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    as_text: Collection[str] = ()
    parser: Parser | None = None
    error_when: ErrorWhen | None = None
    refusal: Callable[[Payload], AttemptError | None] | None = None

    def __call__(self, response: Response) -> Payload:
        plain = self.parser is None and self.format in {"auto", "json"}
        payload = self._decoded(response) if self.parser is None else None
        if self.refusal is not None:
            error = self.refusal(payload if plain else self.envelope(response))
            if error is not None:
                raise error
        if self.parser is not None:
            payload = _parsed(self.parser, response)
        message = "" if self.error_when is None else _error(payload, self.error_when)
        if message:
            raise PayloadError(f"HTTP {response.status}, but error_when says: {message}")
        return payload

    def envelope(self, response: Response) -> Payload:
        """Return what a body says by itself, whatever is made of it; None if that can't be told.

        Raises
        ------
        ParseError
            If the body was cut: another attempt may bring the whole.
        """
        try:
            return decode(response, strict_json=self.strict_json)
        except ParseError as error:
            if error.passing:
                raise
            return None

    def headless(self, columns: Sequence[str]) -> Interpreter:
        """Return one for tables whose first line is no header."""
        return replace(self, read_options={**self.read_options, "names": list(columns), "header": None})

    def _decoded(self, response: Response) -> Payload:
        return decode(
            response,
            format=self.format,
            strict_json=self.strict_json,
            read_options=self.read_options,
            as_text=self.as_text,
        )


def _parsed(parser: Parser, response: Response) -> Payload:
    try:
        return _payload(parser(response))
    except ParseError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's own function; the other rows go on
        raise ParseError(raised("parser=", error)) from None


def _error(payload: Payload, error_when: ErrorWhen) -> str:
    """Return the message of the error that the payload is, "" if it is none."""
    if isinstance(error_when, str):
        found = find(payload, error_when)
        return line(message_of(found) or str(found)) if found else ""
    try:
        verdict = error_when(payload)
        if not verdict:
            return ""
    except Exception as error:  # noqa: BLE001 - as above
        raise ParseError(raised("error_when=", error)) from None
    return line(verdict if isinstance(verdict, str) else message_of(payload)) or "this is an error"


def _payload(returned: Any) -> Payload:
    """Return what a parser gave as the flattener takes it."""
    if returned is None or isinstance(returned, dict | list | pd.DataFrame):
        return returned
    if isinstance(returned, Mapping):
        return dict(returned)
    if isinstance(returned, tuple | Iterator):
        return list(returned)
    if isinstance(returned, pd.Series):
        return returned.to_frame("value" if returned.name is None else returned.name)
    if hasattr(returned, "__arrow_c_stream__") or hasattr(returned, "__arrow_c_array__"):
        return from_arrow(returned)
    raise ParseError(
        f"parser= returned {type(returned).__name__}: return a list of records, a dict, a DataFrame, an Arrow table "
        "or None"
    )
