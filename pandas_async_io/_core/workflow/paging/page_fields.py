"""Which objects of a payload describe a page, by the names and numbers of their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.json_path import Key, find_value, parse_count
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    ENVELOPES,
    OFFSET_PARAMS,
    OFFSET_TOTALS,
    PAGE_FIELDS,
    PAGE_NUMBERS,
    PAGE_TOTALS,
    SURE_PAGE_TOTALS,
    snake_case,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAX_DEPTH = 4
"""Keys of the longest path to an object that describes the page."""

_MAX_ENVELOPE_FIELDS = 50
"""Fields of the largest object in which a description of the page is looked for: larger ones hold records by key."""


def describes_page(payload: Any, path: Sequence[Key] = ()) -> bool:
    """Whether the objects around a list describe a page, whatever other fields they have.

    Examples
    --------
    >>> orders = [{"id": 1}]
    >>> describes_page({"request_id": "r", "meta": {"page": 1, "pages": 3, "host": "a"}, "orders": orders}, ("orders",))
    True
    >>> describes_page({"title": "T", "pages": 3, "orders": orders}, ("orders",))
    False
    """
    if has_only_page_fields(payload, path):
        return True
    around = (path[:depth] for depth in range(len(path)))
    return any(has_page_position(find_value(payload, each)) for each in (*around, *ENVELOPES, *page_objects(payload)))


def is_page_pair(payload: Any) -> bool:
    """Whether a list holds a description of the page and the list of its records, as the World Bank has it.

    Examples
    --------
    >>> is_page_pair([{"page": 1, "pages": 4}, [{"id": 1}]]), is_page_pair([{"id": 1, "page": 1, "pages": 4}, []])
    (True, False)
    """
    if not isinstance(payload, list) or len(payload) != 2 or not isinstance(payload[1], list):
        return False
    return has_page_position(payload[0])


def has_only_page_fields(payload: Any, path: Sequence[Key] = ()) -> bool:
    """Whether all fields beside the list at a path are other lists or describe the page.

    Examples
    --------
    >>> has_only_page_fields({"orders": [], "total": 0}, ("orders",))
    True
    >>> has_only_page_fields({"orders": [], "name": "y"}, ("orders",))
    False
    """
    levels = [(key, find_value(payload, path[:depth])) for depth, key in enumerate(path)]
    objects = ((key, level) for key, level in levels if isinstance(level, dict))
    fields = ((name, value) for key, level in objects for name, value in level.items() if name != key)
    return all(isinstance(value, list) or PAGE_FIELDS.fullmatch(snake_case(name)) for name, value in fields)


def has_page_position(fields: Any) -> bool:
    """Whether an object says which page it is: a number with the number of pages, or an offset with a size and a total.

    Examples
    --------
    >>> [has_page_position(each) for each in ({"page": 1, "total_pages": 3}, {"page": 9, "pages": 3}, {"pages": 3})]
    [True, False, False]
    >>> has_page_position({"id": 7, "page": 1, "pages": 3}), has_page_position({"id": 7, "page": 1, "total_pages": 3})
    (False, True)
    >>> has_page_position({"startAt": 0, "maxResults": 50, "total": 90}), has_page_position({"offset": 5, "limit": 7})
    (True, False)
    """
    if not isinstance(fields, dict):
        return False
    is_record = "id" in fields
    number, pages = (
        _first_count(fields, PAGE_NUMBERS),
        _first_count(fields, SURE_PAGE_TOTALS if is_record else PAGE_TOTALS),
    )
    if number is not None and pages is not None:
        return number <= pages
    if is_record:
        return False
    positions = ((parse_count(fields.get(offset)), parse_count(fields.get(size))) for offset, size in OFFSET_PARAMS)
    total = _first_count(fields, (*OFFSET_TOTALS, "count"))
    return total is not None and any(offset is not None and size and offset <= total for offset, size in positions)


def announces_pages(fields: Any) -> bool:
    """Whether an object says which page it is, and that others follow.

    Examples
    --------
    >>> [announces_pages({"page": 1, "total_pages": pages}) for pages in (1, 3)]
    [False, True]
    >>> [announces_pages({"offset": 0, "limit": 10, "total": total}) for total in (7, 11)]
    [False, True]
    """
    if not has_page_position(fields):
        return False
    number, pages = _first_count(fields, PAGE_NUMBERS), _first_count(fields, PAGE_TOTALS)
    if number is not None and pages is not None:
        return number < pages - (number == 0)
    positions = ((parse_count(fields.get(offset)), parse_count(fields.get(size))) for offset, size in OFFSET_PARAMS)
    total = _first_count(fields, (*OFFSET_TOTALS, "count")) or 0
    return any(offset is not None and size and offset + size < total for offset, size in positions)


def _first_count(fields: dict[str, Any], names: Sequence[str]) -> int | None:
    return next((count for name in names if (count := parse_count(fields.get(name))) is not None), None)


def described_paths(payload: Any) -> list[tuple[Key, ...]]:
    """Return the paths of the objects that only describe the page.

    Examples
    --------
    >>> described_paths([{"page": 1, "pages": 4}, []]), described_paths({"meta": {"page": 1, "total": 4}})
    ([(0,)], [('meta',)])
    """
    return [(0,)] if is_page_pair(payload) else list(page_objects(payload))


def page_objects(payload: Any, parent: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the objects that have only fields which describe a page, at least two.

    Examples
    --------
    >>> list(page_objects({"metadata": {"resultset": {"offset": 1, "count": 7, "limit": 3}}, "results": []}))
    [('metadata', 'resultset')]
    """
    if not isinstance(payload, dict) or len(payload) > _MAX_ENVELOPE_FIELDS:
        return
    is_flat = not any(isinstance(value, dict | list) for value in payload.values())
    if parent and is_flat and len(payload) > 1 and has_only_page_fields(payload, ("",)):
        yield parent
    for key, value in payload.items():
        if len(parent) + 1 < _MAX_DEPTH:
            yield from page_objects(value, (*parent, key))


def holds_nothing(payload: dict[str, Any]) -> bool:
    """Whether an object has nothing but empty containers, and fields that describe the page.

    Examples
    --------
    >>> [holds_nothing(each) for each in ({}, {"page": 4, "data": {}}, {"data": {"a": 1}}, {"page": 4}, {"data": None})]
    [True, True, False, False, False]
    """
    empty = {name for name, value in payload.items() if value in ({}, [])}
    return (bool(empty) or not payload) and all(
        name in empty or (PAGE_FIELDS.fullmatch(snake_case(name)) and not isinstance(value, dict | list))
        for name, value in payload.items()
    )
