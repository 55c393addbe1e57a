"""TODO."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    ABOUT,
    AROUND,
    BESIDE,
    COUNT,
    COUNT_HEADERS,
    ENVELOPES,
    LESS,
    RECORDS,
    snake,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.models import Page

from pandas_async_io._core.json_path import Path, find_value, parse_count

_MAX_DEPTH = 4
"""Keys of the longest path to a list of records."""


def find_total_path(page: Page, records: Path, *, least: bool = False) -> Path | None:
    """Return where an answer says how many records there are, under any usual name; None if it does not.

    Parameters
    ----------
    records : path
        Of the records: the objects on the way to them are looked at too.
    least : bool
        Whether a number will do that there are at least: Elasticsearch counts so far and no further.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"meta": {"total": 95}, "data": []})
    >>> find_total_path(page, ("data",))
    ('meta', 'total')
    """
    ways = [*(tuple(records[:depth]) for depth in range(len(records))), *ENVELOPES]
    told = [
        (*way, key, *inner)
        for way, envelope in ((way, find_value(page.payload, way)) for way in ways)
        for key, value in (envelope.items() if isinstance(envelope, dict) else ())
        if COUNT.fullmatch(key) and (inner := _number_in(value, least=least)) is not None
    ]
    headers = (name for name in COUNT_HEADERS if parse_count(page.response.header(name)) is not None)
    sure = (where for where in told if where[-1] not in LESS)
    return next(chain(sure, headers, told), None)


def find_record_path(payload: Any) -> tuple[str, ...]:
    """Return the path of the list that an answer is a page of; ``()`` if it holds none.

    A list of objects that is the only one, or the only one under a usual name. One without a usual name
    that is empty may be a field of the object around it: then that has no other field of its own.

    Raises
    ------
    PlanError
        If there is no telling; it lists the keys that hold lists.

    Examples
    --------
    >>> find_record_path({"data": {"users": {"nodes": [{"id": 1}], "pageInfo": {}}}})
    ('data', 'users', 'nodes')
    >>> find_record_path([{"id": 1}])
    ()
    """
    if not isinstance(payload, dict):
        return ()
    every = dict(candidate_lists(payload))
    if not every:
        return ()
    usual = {path: found for path, found in every.items() if RECORDS.fullmatch(path[-1])}
    objects = {path: found for path, found in every.items() if all(isinstance(one, dict) for one in found)}
    for candidates in (usual, objects):
        depth = min(map(len, candidates), default=0)
        nearest = [path for path in candidates if len(path) == depth]
        if len(nearest) > 1 and nearest[0][-1] in {"nodes", "edges"}:
            nearest = [path for path in nearest if path[-1] != "edges"]  # a connection may say it twice
        if (
            candidates is objects
            and not any(map(candidates.get, nearest))
            and not has_only_page_fields(payload, *nearest[:1])
        ):
            return ()
        if len(nearest) == 1:
            path = nearest[0]
            wrapped = path[-1] == "edges" and all("node" in one for one in candidates[path] if isinstance(one, dict))
            return (*path, "node") if wrapped else path
    paths = [".".join(path) for path in every]
    raise PlanError(
        f"pages=: which list holds the records? Lists are in {', '.join(map(repr, paths))}: "
        f"pass record_path={paths[0]!r}"
    )


def has_only_page_fields(payload: Any, path: Sequence[str] = ()) -> bool:
    """Whether beside a list there is nothing but other lists and what tells of the page.

    Examples
    --------
    >>> has_only_page_fields({"orders": [], "total": 0}, ("orders",))
    True
    >>> has_only_page_fields({"orders": [], "name": "y"}, ("orders",))
    False
    """
    levels = [(key, find_value(payload, path[:depth])) for depth, key in enumerate(path)]
    fields = ((name, value) for key, level in levels for name, value in level.items() if name != key)
    return all(isinstance(value, list) or AROUND.fullmatch(snake(name)) for name, value in fields)


def is_single_record(payload: Any, path: Sequence[str]) -> bool:
    """Whether an object that holds a list is a record with it rather than a page of it: it has fields of its own.

    Examples
    --------
    >>> is_single_record({"id": 7, "items": [{"sku": 1}]}, ("items",))
    True
    >>> is_single_record({"items": [], "took": 3}, ("items",))
    False
    >>> is_single_record({"title": "T", "authors": [{"name": "a"}]}, ("authors",))
    True
    """
    if not path or has_only_page_fields(payload, path):
        return False
    return "id" in payload or RECORDS.fullmatch(path[-1]) is None


def candidate_lists(payload: dict[str, Any], way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Return the lists in an object that may be its records, with their paths.

    Examples
    --------
    >>> dict(candidate_lists({"data": {"orders": [1]}, "_links": {"next": [2]}, "items": None}))
    {('data', 'orders'): [1], ('items',): []}
    """
    for key, value in payload.items():
        if isinstance(value, list) and BESIDE.fullmatch(key) is None:
            yield (*way, key), value
        elif value is None and RECORDS.fullmatch(key):  # some write an empty list so
            yield (*way, key), []
        elif isinstance(value, dict) and len(way) + 1 < _MAX_DEPTH and ABOUT.fullmatch(key) is None:
            yield from candidate_lists(value, (*way, key))


def page_records(payload: Any, path: Sequence[str]) -> list[Any]:
    """Return what a page holds a slice of: the first list on the way to the records, or a table's rows.

    Examples
    --------
    >>> page_records({"orders": [{"items": [1, 2]}, {"items": []}]}, ("orders", "items"))
    [{'items': [1, 2]}, {'items': []}]
    >>> page_records(pd.DataFrame({"id": [1, 2]}), ())
    [{'id': 1}, {'id': 2}]
    """
    if isinstance(payload, pd.DataFrame):
        return payload.to_dict("records")
    for key in path:
        if isinstance(payload, list):
            break
        payload = payload.get(key) if isinstance(payload, dict) else None
    if isinstance(payload, list):
        return payload
    return [] if payload is None else [payload]


def _number_in(value: Any, *, least: bool) -> tuple[str, ...] | None:
    if not isinstance(value, dict):
        return None if parse_count(value) is None else ()
    exact = least or value.get("relation") != "gte"
    return ("value",) if exact and parse_count(value.get("value")) is not None else None
