"""Text → frame by a reader of pandas, so that no value is rounded and every failure is a ParseError."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError as XmlError

import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.table.columns.infinite import READ_FROM_TEXT

if TYPE_CHECKING:
    from collections.abc import Collection

_MAX_MESSAGE_LENGTH = 200
_TRUNCATION_MESSAGES = re.compile(r"no element found|unclosed token|EOF inside string")


class NoNodesError(ParseError):
    """The XPath selects no node."""


def read_with_pandas(reader: Any, text: str, options: dict[str, Any], text_columns: Collection[str]) -> pd.DataFrame:
    """Call `pandas.read_csv` or `pandas.read_xml` with nullable dtypes, which keep integers beside gaps.

    Parameters
    ----------
    reader : callable
        Of pandas.
    options : dict
        Its arguments; taken over.
    text_columns : collection of str
        Columns that stay text.
    """
    dtype = options.get("dtype") or {}
    if text_columns and isinstance(dtype, dict):
        options["dtype"] = {**dict.fromkeys(text_columns, object), **dtype}
    try:
        frame: pd.DataFrame = reader(io.StringIO(text), dtype_backend="numpy_nullable", **options)
    except Exception as error:  # noqa: BLE001 - readers raise what their parsers, or the caller's converters, raise
        if isinstance(error, ValueError) and "does not return any nodes" in str(error):
            raise NoNodesError(f"the XML has no such nodes: {shorten_error(error)}") from None
        truncated = isinstance(error, XmlError | pd.errors.ParserError) and _TRUNCATION_MESSAGES.search(str(error))
        name = reader.__name__.removeprefix("read_").upper()
        raise ParseError(f"not {name}: {shorten_error(error)}", transient=bool(truncated)) from None
    frame.attrs[READ_FROM_TEXT] = True
    return frame


def shorten_error(error: Exception) -> str:
    """Return an exception's message as one line of at most 200 characters, secrets masked."""
    message = " ".join(str(error).split()).replace("unclosed token:", "unclosed token at")  # or it names a secret
    return redact_text(message)[:_MAX_MESSAGE_LENGTH]
