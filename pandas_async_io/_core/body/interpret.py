"""Response → payload, or that it has no records, or the error that it is.

``empty_when`` is asked first, then whether the body is an error (GraphQL, ``error_when``), at last ``parser``.

Invariant: an exception of the user's own function fails one row, never the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.body.decode import DEFAULT_MAX_BODY, Payload, decode
from pandas_async_io._core.body.hints import SAMPLED_BODIES, DuplicateKeySample
from pandas_async_io._core.body.self_reference import holds_itself
from pandas_async_io._core.body.tabular_readers import NO_OPTIONS, NO_TABULAR_READERS, TabularReaders
from pandas_async_io._core.errors import ParseError, PayloadError, PlanError
from pandas_async_io._core.models import NO_RECORDS, Response
from pandas_async_io._core.option_values import is_plain_function
from pandas_async_io._core.policy.predicate import compile_predicate
from pandas_async_io._core.server_message import describe_exception
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.policy.predicate import Condition, Predicate

Parser = Callable[[Response], Any]


def compile_interpreter(
    *,
    format: str = "auto",  # noqa: A002 - the public option's name
    strict_json: bool = False,
    read_options: Mapping[str, Any] | None = None,
    text_columns: Collection[str] = (),
    columns: Collection[str] = (),
    parser: Parser | None = None,
    empty_when: Condition | None = None,
    error_when: Condition | None = None,
    find_error: Callable[[Payload], AttemptError | None] | None = None,
    readers: TabularReaders = NO_TABULAR_READERS,
    max_body: int = DEFAULT_MAX_BODY,
) -> Interpreter:
    """Check the options and compile them.

    Parameters
    ----------
    format, strict_json, read_options, text_columns, readers, max_body
        As in `decode`.
    columns : collection of str
        Names of fields that the call wants; a text that has none of them, in place of a table, is an error.
    parser : callable, optional
        Takes a `Response` and returns records (a list or a dict), a DataFrame, an Arrow table or None.
    empty_when : collection of int, path or callable, optional
        Which responses are answers without records, whatever their status.
    error_when : collection of int, path or callable, optional
        Which successes are errors: the path of an error in the body (``"error.message"``), or a function of the
        `Response` that returns a message or True.
    find_error : callable, optional
        Takes the body as JSON, whatever its format and parser, and returns the error that it is, as `graphql_error`.

    Raises
    ------
    PlanError
        An option is invalid, or pyarrow is missing.

    Examples
    --------
    >>> read = compile_interpreter(error_when="error")
    >>> read(Response(200, {}, b'{"error": "quota exceeded"}', ""))
    Traceback (most recent call last):
    pandas_async_io._core.errors.PayloadError: HTTP 200, but error_when says: quota exceeded
    """
    if parser is not None and (format != "auto" or read_options is not None):
        raise PlanError("parser= reads the response itself: remove format= and read_options=, which it ignores")
    if parser is not None and not is_plain_function(parser):
        raise PlanError(f"parser={show_value(parser)} is not a function, or one that must be awaited")
    options = readers.check_options(format, read_options)
    return Interpreter(
        format,
        strict_json,
        options,
        frozenset(text_columns),
        parser,
        empty_when,
        error_when,
        find_error,
        readers,
        max_body,
        columns=frozenset(columns),
        _duplicate_keys=DuplicateKeySample(bodies=0 if strict_json else SAMPLED_BODIES),
    )


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Takes a response, and the position that its hints belong to, and returns its payload; see `compile_interpreter`.

    The payload is `NO_RECORDS` if ``empty_when`` says that there are none.

    Attributes
    ----------
    findings : dict of int to list of str
        By position, hints that the data of a body are not complete or not what they seem.

    Raises
    ------
    ParseError
        The body is not in its format, or a function of the user's raised.
    PayloadError
        ``error_when`` calls it an error.
    """

    format: str = "auto"
    strict_json: bool = False
    read_options: Mapping[str, Any] = field(default_factory=lambda: NO_OPTIONS)
    text_columns: Collection[str] = ()
    parser: Parser | None = None
    empty_when: Condition | None = None
    error_when: Condition | None = None
    find_error: Callable[[Payload], AttemptError | None] | None = None
    readers: TabularReaders = NO_TABULAR_READERS
    max_body: int = DEFAULT_MAX_BODY
    columns: Collection[str] = ()
    findings: dict[int, list[str]] = field(default_factory=dict)
    _duplicate_keys: DuplicateKeySample = field(default_factory=DuplicateKeySample)
    _empty: Predicate | None = field(default=None, init=False)
    _error: Predicate | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.empty_when is not None:
            object.__setattr__(self, "_empty", compile_predicate("empty_when", self.empty_when))
        if self.error_when is not None:
            error = compile_predicate("error_when", self.error_when, may_take_payload=True)
            object.__setattr__(self, "_error", error)

    def __call__(self, response: Response, position: int = 0) -> Payload:
        if self._only_decodes:
            return self._decode(response, position)
        decoded: list[Payload] = []

        def read_payload(response: Response) -> Payload:
            if not decoded:
                whole = self.parser is None
                decoded.append(self._decode(response, position) if whole else self.decode_envelope(response))
            return decoded[0]

        if self._empty is not None and self._empty(response, read_payload):
            return NO_RECORDS
        self._refuse_error(response, read_payload)
        return read_payload(response) if self.parser is None else self._parse(self.parser, response)

    @property
    def _only_decodes(self) -> bool:
        return self.parser is None and self._empty is None and self.find_error is None and self._error is None

    def is_empty(self, response: Response) -> bool:
        """Whether ``empty_when`` takes a response that is not decoded, as a 404, for an answer without records."""
        return self._empty is not None and bool(self._empty(response, self.read_error_body))

    def read_error_body(self, response: Response) -> Payload:
        """Return the payload of a response that is not a success; None if it cannot be decoded."""
        try:
            return self.decode_envelope(response)
        except ParseError:
            return None

    def _refuse_error(self, response: Response, read_payload: Callable[[Response], Payload]) -> None:
        """Raise the error that a body reports."""
        if self.find_error is not None:
            is_read = self.parser is not None or self.format in {"auto", "json"}
            error = self.find_error(read_payload(response) if is_read else self.decode_envelope(response))
            if error is not None:
                raise error
        if self._error is not None and (verdict := self._error(response, read_payload)):
            message = self._error.describe(verdict, response, read_payload) or "this is an error"
            raise PayloadError(f"HTTP {response.status}, but error_when says: {message}")

    def decode_envelope(self, response: Response) -> Payload:
        """Decode a body without the user's ``format`` and ``parser``; None if that fails.

        Raises
        ------
        ParseError
            The body was cut: another attempt may bring the whole.
        """
        try:
            return decode(response, strict_json=self.strict_json, readers=self.readers, max_body=self.max_body)
        except ParseError as error:
            if error.transient:
                raise
            return None

    def without_header(self, columns: Sequence[str]) -> Interpreter:
        """Return an interpreter for tables without a header line."""
        return replace(self, read_options={**self.read_options, "names": list(columns), "header": None})

    def _decode(self, response: Response, position: int) -> Payload:
        hints: list[str] = []
        payload = decode(
            response,
            format=self.format,
            strict_json=self.strict_json,
            read_options=self.read_options,
            text_columns=self.text_columns,
            readers=self.readers,
            max_body=self.max_body,
            columns=self.columns,
            hints=hints,
        )
        if self._duplicate_keys.bodies_left:
            hints.extend(self._duplicate_keys.describe(response, payload))
        if hints:
            found = self.findings.setdefault(position, [])
            found.extend(hint for hint in hints if hint not in found)
        return payload

    def _parse(self, parser: Parser, response: Response) -> Payload:
        try:
            payload = _as_payload(parser(response), self.readers)
            if not holds_itself(payload):
                return payload
        except ParseError:
            raise
        except BaseException as error:  # noqa: BLE001 - parser= may raise CancelledError; only this row fails
            raise ParseError(describe_exception("parser=", error)) from None
        raise ParseError("parser= returned a dict or list that holds itself: it has no end")


def _as_payload(returned: Any, readers: TabularReaders) -> Payload:
    """Convert what a parser returned to what `flatten` takes."""
    if returned is None or isinstance(returned, dict | list | pd.DataFrame):
        return returned
    if isinstance(returned, Mapping):
        return dict(returned)
    if isinstance(returned, tuple | Iterator):
        return list(returned)
    if isinstance(returned, pd.Series):
        return returned.to_frame("value" if returned.name is None else returned.name)
    is_arrow = hasattr(returned, "__arrow_c_stream__") or hasattr(returned, "__arrow_c_array__")
    if is_arrow and readers.from_arrow is not None:
        return readers.from_arrow(returned)
    raise ParseError(
        f"parser= returned {type(returned).__name__}: return a list of records, a dict, a DataFrame, an Arrow table "
        "or None"
    )
