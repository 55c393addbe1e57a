"""The envelope of a page: which list of a payload holds the records, and where their total is."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.body.xml.document import XmlDocument
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.json_path import Key, Path, find_children, find_value, names_element, parse_count
from pandas_async_io._core.workflow.paging.page_fields import described_paths, describes_page, is_page_pair
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    ENVELOPES,
    OTHER_LISTS,
    PAGE_OBJECTS,
    RECORD_LISTS,
    RECORD_TOTAL_HEADERS,
    RECORD_TOTALS,
    WEAK_RECORD_TOTALS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.models import Page

_MAX_DEPTH = 4
"""Keys of the longest path to a list of records."""


def find_total_path(page: Page, record_path: Path, *, allow_minimum: bool = False) -> Path | None:
    """Return where the number of all records is, under any usual name; None if the page does not tell.

    Parameters
    ----------
    record_path : path
        Where the records are. The objects on the way to them are searched too.
    allow_minimum : bool
        Whether a lower bound counts: Elasticsearch counts to 10 000 and no further.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"meta": {"total": 95}, "data": []})
    >>> find_total_path(page, ("data",))
    ('meta', 'total')
    """
    paths = [*(tuple(record_path[:depth]) for depth in range(len(record_path))), *ENVELOPES]
    paths = list(dict.fromkeys([*paths, *described_paths(page.payload)]))
    fields = [
        (*path, key, *inner)
        for path, envelope in ((path, find_value(page.payload, path)) for path in paths)
        for key, value in (envelope.items() if isinstance(envelope, dict) else ())
        if RECORD_TOTALS.fullmatch(key) and (inner := _path_to_count(value, allow_minimum=allow_minimum)) is not None
    ]
    headers = (name for name in RECORD_TOTAL_HEADERS if parse_count(page.response.header(name)) is not None)
    strong = (path for path in fields if path[-1] not in WEAK_RECORD_TOTALS)
    return next(chain(strong, headers, fields), None)


def _path_to_count(value: Any, *, allow_minimum: bool) -> tuple[str, ...] | None:
    """Return the path inside a field's value to its count; Elasticsearch's is an object."""
    if not isinstance(value, dict):
        return None if parse_count(value) is None else ()
    is_exact = value.get("relation") != "gte"
    return ("value",) if (is_exact or allow_minimum) and parse_count(value.get("value")) is not None else None


def find_record_path(payload: Any) -> tuple[Key, ...]:
    """Return the path of the list that holds the records; ``()`` if there is none.

    The list is the only one with a usual name, or else the only list of objects. A list that is empty
    and has no usual name may be a field of a record: it counts only if the object around it has no
    fields of its own.

    Raises
    ------
    PlanError
        Several lists may hold the records. The message lists their keys.

    Examples
    --------
    >>> find_record_path({"data": {"users": {"nodes": [{"id": 1}], "pageInfo": {}}}})
    ('data', 'users', 'nodes')
    >>> find_record_path([{"id": 1}]), find_record_path([{"page": 1, "pages": 4}, [{"id": 1}]])
    ((), (1,))
    """
    if not isinstance(payload, dict):
        return (1,) if is_page_pair(payload) else ()
    if isinstance(payload, XmlDocument) and payload.record_path is not None:
        return payload.record_path
    lists = dict(candidate_lists(payload))
    if not lists:
        return ()
    usual = {path: values for path, values in lists.items() if RECORD_LISTS.fullmatch(path[-1])}
    of_objects = {path: values for path, values in lists.items() if all(isinstance(one, dict) for one in values)}
    nearest = _nearest(usual)
    if len(nearest) == 1:
        return _unwrap_edges(nearest[0], usual)
    nearest = _nearest(of_objects)
    if not any(map(of_objects.get, nearest)) and not describes_page(payload, *nearest[:1]):
        return ()
    if len(nearest) == 1:
        return _unwrap_edges(nearest[0], of_objects)
    likeliest = sorted(lists, key=lambda path: (path not in of_objects, not lists[path], len(path), -len(lists[path])))
    paths = [".".join(path) for path in likeliest]
    raise PlanError(
        f"pages=: which list holds the records? Lists are in {', '.join(map(repr, paths))}: "
        f"pass record_path={paths[0]!r}"
    )


def _nearest(lists: dict[tuple[str, ...], list[Any]]) -> list[tuple[str, ...]]:
    """Return the shortest paths."""
    depth = min(map(len, lists), default=0)
    nearest = [path for path in lists if len(path) == depth]
    if len(nearest) > 1 and nearest[0][-1] in {"nodes", "edges"}:
        # A GraphQL connection may hold its records under both names.
        return [path for path in nearest if path[-1] != "edges"]
    return nearest


def _unwrap_edges(path: tuple[str, ...], lists: dict[tuple[str, ...], list[Any]]) -> tuple[str, ...]:
    is_wrapped = path[-1] == "edges" and all("node" in one for one in lists[path] if isinstance(one, dict))
    return (*path, "node") if is_wrapped else path


def is_single_record(payload: Any, path: Sequence[Key]) -> bool:
    """Whether an object that holds a list is a record, not a page: it has fields of its own.

    Examples
    --------
    >>> is_single_record({"id": 7, "items": [{"sku": 1}]}, ("items",))
    True
    >>> is_single_record({"items": [], "took": 3}, ("items",))
    False
    >>> is_single_record({"title": "T", "authors": [{"name": "a"}]}, ("authors",))
    True
    >>> is_single_record({"request_id": "r", "page": 1, "total_pages": 3, "orders": [{"id": 1}]}, ("orders",))
    False
    """
    is_feed = isinstance(payload, XmlDocument) and payload.record_path == tuple(path)
    if not path or is_feed or describes_page(payload, path):
        return False
    return "id" in payload or RECORD_LISTS.fullmatch(str(path[-1])) is None


def candidate_lists(
    payload: dict[str, Any], parent: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield the lists in an object that may hold its records, with their paths.

    Examples
    --------
    >>> dict(candidate_lists({"data": {"orders": [1]}, "_links": {"next": [2]}, "items": None}))
    {('data', 'orders'): [1], ('items',): []}
    """
    for key, value in payload.items():
        if isinstance(value, list) and OTHER_LISTS.fullmatch(key) is None:
            yield (*parent, key), value
        elif value is None and RECORD_LISTS.fullmatch(key):  # some APIs write an empty list as null
            yield (*parent, key), []
        elif isinstance(value, dict) and len(parent) + 1 < _MAX_DEPTH and PAGE_OBJECTS.fullmatch(key) is None:
            yield from candidate_lists(value, (*parent, key))


def page_records(payload: Any, path: Sequence[Key]) -> list[Any]:
    """Return what the pages are slices of: the first list on the way to the records, or a table's rows.

    Examples
    --------
    >>> page_records({"orders": [{"items": [1, 2]}, {"items": []}]}, ("orders", "items"))
    [{'items': [1, 2]}, {'items': []}]
    >>> page_records([{"page": 1}, [{"id": 1}]], (1,))
    [{'id': 1}]
    >>> page_records(pd.DataFrame({"id": [1, 2]}), ())
    [{'id': 1}, {'id': 2}]
    """
    if isinstance(payload, pd.DataFrame):
        return payload.to_dict("records")
    values = [payload]
    for key in path:
        if any(isinstance(value, list) and not names_element(value, key) for value in values):
            break
        values = [child for value in values for child in find_children(value, key)]
    lists = (value if isinstance(value, list) else [] if value is None else [value] for value in values)
    return list(chain.from_iterable(lists))
