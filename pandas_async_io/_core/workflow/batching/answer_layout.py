"""Where an answer holds its records: in a list, as one record, or in an object whose names are the keys."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Key, Path, find_value
from pandas_async_io._core.table.records.nearest_path import find_nearest_path
from pandas_async_io._core.table.records.records import extract_records
from pandas_async_io._core.table.records.shape import Shape
from pandas_async_io._core.workflow.batching.key_text import index_by_key_text, key_text, quote_keys
from pandas_async_io._core.workflow.paging.envelope import find_record_path

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Record = dict[Any, Any]

_ENVELOPE_NAMES = re.compile(
    "data|items|results?|records|values?|entr(?:y|ies)|objects|hits|rows|nodes|edges|features|list|content|elements"
    "|response|meta|links?|errors?|message|status|code|count|total|page|next|id",
    re.IGNORECASE,
)
"""Names that envelopes have. They count as keys only where the payload cannot be an envelope."""


def find_records(texts: Sequence[str], payload: Any, on: Path, shape: Shape) -> tuple[Any, list[Record]]:
    """Return the object whose names may be the keys, and the records of an answer.

    Parameters
    ----------
    texts : sequence of str
        The texts of the requested keys.
    payload : object
        A table, a list of records, wherever it is, one record, or an object whose names are the keys.
    on : path
        The path of the key in a record.
    shape : Shape
        Where the records are, if the user says so.

    Returns
    -------
    (object, list of dict)
        The object is None if its names cannot be the keys; the list is empty if they certainly are.

    Raises
    ------
    ParseError
        The layout is ambiguous.
    """
    if isinstance(payload, pd.DataFrame):
        return None, payload.to_dict("records")
    if shape.record_path is not None or shape.is_tabular:
        return None, extract_records(payload, shape)
    return _detect_layout(texts, payload, on, shape)


def describe_empty_answer(payload: Any, record_path: Sequence[Key] | None = None) -> str:
    """Return what an answer without records is: the names of an object may be keys that are spelled in another way.

    The records may also be near the record path.

    Examples
    --------
    >>> describe_empty_answer([]), describe_empty_answer({"a-1": None, "a-2": None})
    ('an empty list', "an object with the names 'a-1', 'a-2'")
    """
    if isinstance(payload, pd.DataFrame):
        return (
            f"a table without values in its columns {quote_keys(payload.columns)}" if len(payload) else "an empty table"
        )
    if isinstance(payload, dict):
        near = None if record_path is None else find_nearest_path(payload, tuple(record_path))
        meant = f"; nearest: record_path={near}" if near else ""
        return f"an object with the names {quote_keys(payload)}{meant}" if payload else "an empty object"
    if isinstance(payload, list):
        return f"a list of {len(payload)} without values" if payload else "an empty list"
    return "empty"


def _detect_layout(texts: Sequence[str], payload: Any, on: Path, shape: Shape) -> tuple[Any, list[Record]]:
    """Return the same of a JSON payload. The layouts exclude each other: keys as names, one record, an envelope."""
    certain_keys = {text for text in texts if not _ENVELOPE_NAMES.fullmatch(text)}
    is_one_record = _is_record(payload, texts, on)
    if not is_one_record and not certain_keys.isdisjoint(index_by_key_text(payload)):
        return payload, []
    path, doubt = _find_list(payload)
    if is_one_record:
        _check_one_record(texts, payload, on, path)
        return None, [payload]
    if doubt is not None:
        if index_by_key_text(payload).keys().isdisjoint(texts):
            raise ParseError(doubt.replace("pages=", "batch=", 1))
        return payload, []
    for depth, name in enumerate(path):
        if name in certain_keys:
            return find_value(payload, path[:depth]), []
    return payload, extract_records(payload, replace(shape, record_path=path or None))


def _find_list(payload: Any) -> tuple[tuple[Key, ...], str | None]:
    """Return the path of the list of records, or why it is ambiguous."""
    try:
        return find_record_path(payload), None
    except PlanError as exc:
        return (), str(exc)
    except TypeError:  # the names that a parser returns need not be texts
        return (), None


def _is_record(payload: Any, texts: Collection[str], on: Path) -> bool:
    """Whether a payload is itself the record of a requested key; the id of JSON-RPC is that of the call."""
    return isinstance(payload, dict) and "jsonrpc" not in payload and key_text(find_value(payload, on)) in texts


def _check_one_record(texts: Collection[str], payload: Record, on: Path, path: tuple[Key, ...]) -> None:
    """Refuse a payload that is the record of one key and holds a list of records of others."""
    listed = extract_records(payload, Shape(path)) if path else []
    listed_keys = {key_text(find_value(record, on)) for record in listed}
    own_key = key_text(find_value(payload, on))
    if not listed_keys.isdisjoint(text for text in texts if text != own_key):
        where = ".".join(map(str, path))
        raise ParseError(
            f"batch=: is this the record of {own_key!r}, or are the records in {where!r}? Pass record_path={where!r} "
            "if they are"
        )
