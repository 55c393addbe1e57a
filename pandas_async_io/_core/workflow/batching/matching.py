"""Each record of an answer → the key that it belongs to.

Invariant: keys and records are matched by their texts and never guessed. What fits no key becomes a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import Key, Path, find_value
from pandas_async_io._core.table.records.list_cells import find_keys
from pandas_async_io._core.workflow.batching.answer_layout import find_records
from pandas_async_io._core.workflow.batching.key_text import (
    MAX_QUOTED_KEYS,
    index_by_key_text,
    json_type,
    key_text,
    quote_keys,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pandas_async_io._core.table.records.shape import Shape
    from pandas_async_io._core.workflow.batching.answer_layout import Record


@dataclass(frozen=True, slots=True)
class MatchRules:
    """How the records of a call are matched.

    Attributes
    ----------
    on : str or tuple of str or int
        The path of the key in a record.
    shape : Shape
        Where the records are.
    keep_key : bool
        Whether records keep the key, which the row has already.
    """

    on: Path
    shape: Shape
    keep_key: bool = False

    @classmethod
    def compile(cls, on: Path, shape: Shape, typed: Collection[str] = ()) -> MatchRules:
        """Return the rules of a call: records keep the key if a selected or typed column has its name.

        Parameters
        ----------
        typed : collection of str
            Columns that ``schema=`` names.
        """
        names = {on, on.replace(".", shape.sep)} if isinstance(on, str) else {shape.sep.join(map(str, on))}
        return cls(on, shape, not names.isdisjoint(shape.columns or typed))


@dataclass(frozen=True, slots=True)
class Match:
    """The records of an answer, by key.

    Attributes
    ----------
    records : list
        The records of each key, None where there are none.
    unmatched_keys : list
        The keys of records that belong to no requested key.
    """

    records: list[list[Any] | None]
    unmatched_keys: list[Any] = field(default_factory=list)

    def describe_mismatch(self, texts: Sequence[str]) -> str | None:
        """Return a finding if keys have no records while records have no key.

        Examples
        --------
        >>> print(Match([[{}], None], ["def"]).describe_mismatch(["abc", "DEF"]))
        batch=: 1 of 2 keys had no answer ('DEF'), and 1 record came for none of them ('def'): are they spelled and \
typed alike?
        """
        unanswered = [text for text, records in zip(texts, self.records, strict=True) if records is None]
        if not unanswered or not self.unmatched_keys:
            return None
        count = len(self.unmatched_keys)
        return (
            f"batch=: {len(unanswered)} of {len(texts)} keys had no answer ({quote_keys(unanswered)}), and {count} "
            f"record{'s' if count > 1 else ''} came for none of them ({quote_keys(self.unmatched_keys)}): are they "
            "spelled and typed alike?"
        )


def match_records(keys: Sequence[Any], payload: Any, rules: MatchRules) -> Match:
    """Find the records of each key in an answer.

    Parameters
    ----------
    keys : sequence
        As the frame has them, or their texts.
    payload : object
        As in `find_records`.

    Raises
    ------
    ParseError
        No record belongs to a key, or the layout of the answer is ambiguous.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> rules = MatchRules("id", Shape())
    >>> match_records([1, 2, 3], {"data": [{"id": 2, "x": "b"}, {"id": "1", "x": "a"}]}, rules).records
    [[{'x': 'a'}], [{'x': 'b'}], None]
    >>> match_records([1, 2], {"2": {"x": "b"}}, rules).records
    [None, [{'x': 'b'}]]
    """
    texts = [key_text(key) or "" for key in keys]
    on, shape = rules.on, rules.shape
    named, records = find_records(texts, payload, on, shape)
    # An object without fields, or with null fields only, is no answer: some APIs write it for an unknown key.
    records = [record for record in records if any(value is not None for value in record.values())]
    by_text: dict[str | None, list[Record]] = {text: [] for text in texts}
    unmatched: list[Record] = []
    for record in records:
        by_text.get(key_text(find_value(record, on)), unmatched).append(record)
    if not any(by_text.values()):
        by_name = match_by_name(texts, records[0] if shape.record_path and len(records) == 1 else named)
        if by_name is not None:
            return by_name
        _check_records(texts, records, on)
    matched = [by_text[text] for text in texts]
    if len(by_text) < len(texts):
        matched = [_select_type(key, each, on) for key, each in zip(keys, matched, strict=True)]
    if not rules.keep_key:
        matched = [[drop_path(record, on, shape.max_level) for record in each] for each in matched]
    return Match([each or None for each in matched], [find_value(record, on) for record in unmatched])


def match_by_name(texts: Sequence[str], payload: Any) -> Match | None:
    """Return the values of an object whose names are the keys; None if no name is a key.

    Examples
    --------
    >>> match_by_name(["1", "2", "3"], {"2": {"x": "b"}, "3": [{"x": "c"}, {"x": "d"}]}).records
    [None, [{'x': 'b'}], [{'x': 'c'}, {'x': 'd'}]]
    """
    by_text = index_by_key_text(payload)
    if by_text.keys().isdisjoint(texts):
        return None
    values = [by_text.get(text) for text in texts]
    types = {type(value) for value in values if value is not None}
    requested = set(texts)
    return Match(
        [(value or None) if isinstance(value, list) else None if value is None else [value] for value in values],
        [name for name, value in by_text.items() if name not in requested and type(value) in types],
    )


def drop_path(record: Record, path: Path, max_level: int | None = None) -> Record:
    """Return a copy of a record without the value at a path, and without objects that held nothing else.

    Parameters
    ----------
    max_level : int, optional
        How deep objects become columns: a deeper value is part of a cell, which stays whole.

    Examples
    --------
    >>> drop_path({"user": {"id": 7, "name": "x"}, "n": 1}, "user.id")
    {'user': {'name': 'x'}, 'n': 1}
    >>> drop_path({"user": {"id": 7}, "n": 1}, "user.id")
    {'n': 1}
    """
    keys = find_keys(record, path) if isinstance(path, str) else path
    return _drop_keys(record, keys, max_level) if keys else record


def _drop_keys(record: Record, keys: Sequence[Key], max_level: int | None) -> Record:
    key, *inner = keys
    if not inner:
        return {name: value for name, value in record.items() if name != key}
    if max_level == 0 or not isinstance(record.get(key), dict):
        return record
    rest = _drop_keys(record[key], inner, None if max_level is None else max_level - 1)
    return {name: rest if name == key else value for name, value in record.items() if name != key or rest}


def _check_records(texts: Sequence[str], records: Sequence[Record], on: Path) -> None:
    """Refuse records of which none has a requested key: every row would silently be empty."""
    if not records:
        return
    others = list(dict.fromkeys(str(find_value(record, on)) for record in records))[:MAX_QUOTED_KEYS]
    if all(key_text(find_value(record, on)) is None for record in records):
        names = ", ".join(map(repr, list(records[0])[:10]))
        raise ParseError(
            f"batch=: no record holds a key at {on!r}: pass on=, the key's name in the answer; there is {names}"
        )
    raise ParseError(
        f"batch=: none of the keys is in the answer: {', '.join(map(repr, texts[:MAX_QUOTED_KEYS]))} were asked for, "
        f"{', '.join(map(repr, others))} came at {on!r}"
    )


def _select_type(key: Any, records: list[Record], on: Path) -> list[Record]:
    """Return the records whose key has the type of a key, where two keys have one text; all if there are none."""
    return [record for record in records if json_type(find_value(record, on)) is json_type(key)] or records
