"""The one field of a request that takes a list of keys: ``{id*}`` in the URL or in the JSON body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_LIST_FIELD = re.compile(r"\{([^{}*]+)\*\}")


def find_key_field(fields: Sequence[str], json: Any) -> str:
    """Return the one field whose values go together into a request: ``{id*}``.

    Parameters
    ----------
    fields : sequence of str
        The URL template's exploded fields.
    json : object
        The body's.

    Raises
    ------
    PlanError
        If there is none, or more than one.

    Examples
    --------
    >>> find_key_field(["id"], None), find_key_field([], {"ids": "{id*}"})
    ('id', 'id')
    """
    found = dict.fromkeys([*fields, *list_fields(json)])
    if len(found) != 1:
        several = ", ".join(map(repr, found)) or "none"
        raise PlanError(
            "batch=: one field takes the keys, in the URL, as {?id*} or ?ids={id*}, or in json={'ids': '{id*}'}, "
            f"not in params=, data= or headers=; found {several}"
        )
    return str(next(iter(found)))


def list_fields(json: Any) -> list[str]:
    """Return the fields that stand in a body as ``"{id*}"``.

    Examples
    --------
    >>> list_fields({"ids": "{id*}", "text": "all {id*}"})
    ['id']
    """
    return [match[1] for text in _text_leaves(json) if (match := _LIST_FIELD.fullmatch(text))]


def unwrap_list_fields(json: Any) -> Any:
    """Return a body in which ``"{id*}"`` is the plain field that a list fills.

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
