"""Each record of an answer → the key that it is of.

The law of this file: keys and records are matched by their texts, and nothing is guessed:
what fits no key is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.request.cells import render_scalar
from pandas_async_io._core.table.records import extract_records
from pandas_async_io._core.table.shape import Shape
from pandas_async_io._core.workflow.paging.envelope import find_record_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Record = dict[Any, Any]

_ENVELOPE_NAMES = re.compile(
    "data|items|results?|records|values?|entr(?:y|ies)|objects|hits|rows|nodes|edges|features|list|content|elements"
    "|response|meta|links?|errors?|message|status|code|count|total|page|next|id",
    re.IGNORECASE,
)
"""Names that an envelope has: they are keys too only where nothing else can be meant."""


@dataclass(frozen=True, slots=True)
class Match:
    """What an answer says of each key.

    Attributes
    ----------
    found : list
        The records of each key, None where there are none.
    strangers : list
        The keys of the records that are of none.
    """

    found: list[list[Any] | None]
    strangers: list[Any] = field(default_factory=list)

    def finding(self, texts: Sequence[str]) -> str | None:
        """Return what is to be said of keys without an answer beside answers without a key.

        Examples
        --------
        >>> print(Match([[{}], None], ["def"]).finding(["abc", "DEF"]))
        batch=: 1 of 2 keys had no answer ('DEF'), and 1 record came for none of them ('def'): are they spelled and \
typed alike?
        """
        unanswered = [text for text, mine in zip(texts, self.found, strict=True) if mine is None]
        if not unanswered or not self.strangers:
            return None
        count = len(self.strangers)
        return (
            f"batch=: {len(unanswered)} of {len(texts)} keys had no answer ({_some(unanswered)}), and {count} "
            f"record{'s' if count > 1 else ''} came for none of them ({_some(self.strangers)}): are they spelled and "
            "typed alike?"
        )


def match_records(keys: Sequence[Any], payload: Any, on: str, shape: Shape, *, keep: bool = False) -> Match:
    """Find the records of each key in an answer.

    Parameters
    ----------
    keys : sequence
        As they stand in the frame, or their texts.
    payload : object
        A list of records, wherever it is, a table, or an object that has the keys for names.
    on : str
        The path of the key in a record.
    shape : Shape
        Where the records are.
    keep : bool
        Whether the key's field is wanted: the row has it already.

    Raises
    ------
    ParseError
        If nothing in the answer is of any key, or there is no telling what is.

    Examples
    --------
    >>> from pandas_async_io._core.table.shape import Shape
    >>> match_records([1, 2, 3], {"data": [{"id": 2, "x": "b"}, {"id": "1", "x": "a"}]}, "id", Shape()).found
    [[{'x': 'a'}], [{'x': 'b'}], None]
    >>> match_records([1, 2], {"2": {"x": "b"}}, "id", Shape()).found
    [None, [{'x': 'b'}]]
    """
    texts = [key_text(key) or "" for key in keys]
    whole, every = _read(texts, payload, on, shape)
    # An object without fields, or null, is no answer: some write so what they do not know.
    every = [record for record in every if any(one is not None for one in record.values())]
    homes: dict[str | None, list[Record]] = {text: [] for text in texts}
    strangers: list[Any] = []
    for record in every:
        key = find_value(record, on)
        homes.get(key_text(key), strangers).append(record)
    if not any(homes.values()):
        if (by_name := match_by_name(texts, every[0] if shape.record_path and len(every) == 1 else whole)) is not None:
            return by_name
        _check(texts, every, on)
    mine = [homes[text] for text in texts]
    if len(homes) < len(texts):
        mine = [_of_type(key, each, on) for key, each in zip(keys, mine, strict=True)]
    if not keep:
        mine = [[drop_path(record, on, shape.max_level) for record in each] for each in mine]
    return Match([each or None for each in mine], [find_value(record, on) for record in strangers])


def match_by_name(texts: Sequence[str], whole: Any) -> Match | None:
    """Return what an object that has the keys for names says of each; None if it is no such object.

    Examples
    --------
    >>> match_by_name(["1", "2", "3"], {"2": {"x": "b"}, "3": [{"x": "c"}, {"x": "d"}]}).found
    [None, [{'x': 'b'}], [{'x': 'c'}, {'x': 'd'}]]
    """
    said = _named(whole)
    if said.keys().isdisjoint(texts):
        return None
    found = [said.get(text) for text in texts]
    kinds = {type(each) for each in found if each is not None}
    asked = set(texts)
    return Match(
        [(each or None) if isinstance(each, list) else None if each is None else [each] for each in found],
        [name for name, each in said.items() if name not in asked and type(each) in kinds],
    )


def key_text(key: Any) -> str | None:
    """Return a key as it is written in a request; None if it is none.

    Examples
    --------
    >>> key_text(8.0), key_text(b"a"), key_text(None), key_text([1])
    ('8', 'a', None, None)
    """
    if isinstance(key, bytes):  # a Parquet file's, or a parser's
        return key.decode(errors="replace")
    try:
        return render_scalar(key)
    except TypeError:
        return None


def drop_path(record: Record, path: str, levels: int | None = None) -> Record:
    """Return a record without what `find` finds at a path, nor the objects that held nothing else.

    Parameters
    ----------
    levels : int, optional
        How deep objects become columns: what is deeper is a part of a cell, which stays as it is.

    Examples
    --------
    >>> drop_path({"user": {"id": 7, "name": "x"}, "n": 1}, "user.id")
    {'user': {'name': 'x'}, 'n': 1}
    >>> drop_path({"user": {"id": 7}, "n": 1}, "user.id")
    {'n': 1}
    """
    if path in record:
        return {name: value for name, value in record.items() if name != path}
    keys = path.split(".")
    for cut in range(len(keys) - 1, 0, -1):
        head, rest = ".".join(keys[:cut]), ".".join(keys[cut:])
        if head in record:
            if levels == 0 or not isinstance(record[head], dict):
                return record
            inner = drop_path(record[head], rest, None if levels is None else levels - 1)
            return {name: inner if name == head else value for name, value in record.items() if name != head or inner}
    return record


def _read(texts: Sequence[str], payload: Any, on: str, shape: Shape) -> tuple[Any, list[Record]]:
    """Return what may have the keys for names, and the records; none where the names are certain."""
    if isinstance(payload, pd.DataFrame):
        return None, payload.to_dict("records")
    if shape.record_path is not None:
        return None, extract_records(payload, shape)
    return _opened(texts, payload, on, shape)


def _opened(texts: Sequence[str], payload: Any, on: str, shape: Shape) -> tuple[Any, list[Record]]:
    """Return the same of an answer that may be an envelope, a record or an object by key: each excludes the next."""
    asked = {text for text in texts if not _ENVELOPE_NAMES.fullmatch(text)}
    alone = _is_record(payload, texts, on)
    if not alone and not asked.isdisjoint(_named(payload)):
        return payload, []
    path, doubt = _way(payload)
    if alone:
        _check_alone(texts, payload, on, path)
        return None, [payload]
    if doubt is not None:
        if match_by_name(texts, payload) is None:
            raise ParseError(doubt.replace("pages=", "batch=", 1))
        return payload, []
    for depth, name in enumerate(path):
        if name in asked:
            return find_value(payload, path[:depth]), []
    return payload, extract_records(payload, replace(shape, record_path=path or None))


def _way(payload: Any) -> tuple[tuple[str, ...], str | None]:
    """Return the path of the list in an answer, or why there is no telling."""
    try:
        return find_record_path(payload), None
    except PlanError as exc:
        return (), str(exc)
    except TypeError:  # a parser's names need not be texts
        return (), None


def _is_record(payload: Any, texts: Collection[str], on: str) -> bool:
    """Whether an answer is itself the record of a key; JSON-RPC's id is the call's."""
    return isinstance(payload, dict) and "jsonrpc" not in payload and key_text(find_value(payload, on)) in texts


def _check_alone(texts: Collection[str], payload: Record, on: str, path: tuple[str, ...]) -> None:
    """Refuse an answer that is of one key if it holds a list with the records of others."""
    listed = extract_records(payload, Shape(path)) if path else []
    inside = {key_text(find_value(record, on)) for record in listed}
    own = key_text(find_value(payload, on))
    if not inside.isdisjoint(text for text in texts if text != own):
        where = ".".join(path)
        raise ParseError(
            f"batch=: is this the record of {own!r}, or are the records in {where!r}? Pass record_path={where!r} "
            "if they are"
        )


def _check(texts: Sequence[str], every: Sequence[Record], on: str) -> None:
    """Refuse records of which none has a key that was asked for: else every row would silently be empty."""
    if not every:
        return
    others = list(dict.fromkeys(str(find_value(record, on)) for record in every))[:3]
    if all(key_text(find_value(record, on)) is None for record in every):
        held = ", ".join(map(repr, list(every[0])[:10]))
        raise ParseError(
            f"batch=: no record holds a key at {on!r}: pass on=, the key's name in the answer; there is {held}"
        )
    raise ParseError(
        f"batch=: none of the keys is in the answer: {', '.join(map(repr, texts[:3]))} were asked for, "
        f"{', '.join(map(repr, others))} came at {on!r}"
    )


def _named(whole: Any) -> dict[str | None, Any]:
    return {key_text(name): value for name, value in whole.items()} if isinstance(whole, dict) else {}


def _of_type(key: Any, mine: list[Record], on: str) -> list[Record]:
    """Return the records whose keys have a key's type, where two keys have one text; all if there are none."""
    return [record for record in mine if _kind(find_value(record, on)) is _kind(key)] or mine


def _kind(key: Any) -> type:
    if isinstance(key, bool | np.bool_):
        return bool
    return float if isinstance(key, int | float | np.number | Decimal) else str


def _some(keys: Iterable[Any]) -> str:
    several = list(dict.fromkeys(repr(key)[:40] for key in keys))
    return ", ".join(several[:3]) + (", …" if len(several) > 3 else "")
