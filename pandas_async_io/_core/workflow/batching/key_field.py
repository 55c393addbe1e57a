"""The one field of a request that takes a list of keys: ``{id*}`` in the URL or in the JSON body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_LIST_FIELD = re.compile(r"\{([^{}*]+)\*\}")


@dataclass(frozen=True, slots=True)
class KeyField:
    """The field that takes the keys, and what the request needs beside it.

    Attributes
    ----------
    name : str
        The key's column or index level.
    other_fields : sequence of str
        The request's other fields: keys share a request only where these agree.
    json_fields : collection of str
        Those of ``other_fields`` that are whole JSON values, whose type counts.
    in_body : bool
        Whether the keys are in a JSON body only, where control characters do no harm and 1 is not "1".
    in_path : bool
        Whether the keys are in the URL's path, where a key may be a segment by itself.
    """

    name: str
    other_fields: Sequence[str] = ()
    json_fields: Collection[str] = ()
    in_body: bool = False
    in_path: bool = False


def find_key_field(fields: Sequence[str], json: Any) -> str:
    """Return the name of the one field whose values go together into a request: ``{id*}``.

    Parameters
    ----------
    fields : sequence of str
        The exploded fields of the URL template.
    json : object
        The body.

    Raises
    ------
    PlanError
        There is no such field, or more than one.

    Examples
    --------
    >>> find_key_field(["id"], None), find_key_field([], {"ids": "{id*}"})
    ('id', 'id')
    """
    found = dict.fromkeys([*fields, *find_list_fields(json)])
    if len(found) != 1:
        names = ", ".join(map(repr, found)) or "none"
        raise PlanError(
            "batch=: one field takes the keys, in the URL, as {?id*} or ?ids={id*}, or in json={'ids': '{id*}'}, "
            f"not in params=, data= or headers=; found {names}"
        )
    return str(next(iter(found)))


def find_list_fields(json: Any) -> list[str]:
    """Return the names of the fields that are a leaf of a body as ``"{id*}"``.

    Examples
    --------
    >>> find_list_fields({"ids": "{id*}", "text": "all {id*}"})
    ['id']
    """
    return [match[1] for text in _text_leaves(json) if (match := _LIST_FIELD.fullmatch(text))]


def unwrap_list_fields(json: Any) -> Any:
    """Return a body with ``"{id*}"`` replaced by the plain field, which a list of keys fills.

    Examples
    --------
    >>> unwrap_list_fields({"ids": "{id*}", "sort": "{a}"})
    {'ids': '{id}', 'sort': '{a}'}
    """
    if isinstance(json, str):
        match = _LIST_FIELD.fullmatch(json)
        return f"{{{match[1]}}}" if match else json
    if isinstance(json, Mapping):
        return {key: unwrap_list_fields(value) for key, value in json.items()}
    return [unwrap_list_fields(value) for value in json] if isinstance(json, list | tuple) else json


def _text_leaves(json: Any) -> Iterator[str]:
    if isinstance(json, str):
        yield json
    elif isinstance(json, Mapping | list | tuple):
        for part in json.values() if isinstance(json, Mapping) else json:
            yield from _text_leaves(part)
