"""A frame's rows → the distinct requests, and which row asked for which.

The law of this file: all work is by column and by position; the index plays no
part. Equal requests of safe methods collapse to one, by the key columns' codes,
before a single URL is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import PlanError, UnsafeUrlError
from pandas_async_io._core.request.base_url import check_origin
from pandas_async_io._core.request.deduplicate import factorize, factorize_json, find_first_rows, group_rows
from pandas_async_io._core.request.expansion import Expansion, group_by_origin, to_object_array
from pandas_async_io._core.request.fields import FieldColumn, find_column
from pandas_async_io._core.request.request_builder import RequestBuilder
from pandas_async_io._core.request.url_template import encode_field_name
from pandas_async_io._core.security.unsafe_values import find_dot_segments, has_lone_surrogate, is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pandas_async_io._core.arrays import Mask, Positions
    from pandas_async_io._core.request.request_template import RequestTemplate
    from pandas_async_io._core.request.url_template import UrlTemplate
    from pandas_async_io._core.security.origins import Origin

_BLOCK = 50_000
_DOTS = "a path segment is '.' or '..', which is not sent"


def expand(frame: pd.DataFrame, recipe: RequestTemplate, *, allow_hosts: Sequence[str] = ()) -> Expansion:
    """Expand a recipe over the rows of a frame.

    Parameters
    ----------
    frame : DataFrame
        Its columns and index levels are what the recipe's fields name.
    recipe : Recipe
        Compiled before.
    allow_hosts : sequence of str
        For hosts that come from rows.

    Raises
    ------
    UnknownFieldError
        If a field is neither a column nor an index level, or is two of them.
    PlanError
        If a column holds values that mean nothing in a request.

    Examples
    --------
    >>> from pandas_async_io._core.request.request_template import compile_request_template
    >>> users = pd.DataFrame({"id": [7, 8, None, 7]})
    >>> plan = expand(users, compile_request_template("https://e.com/users/{id}"))
    >>> plan.urls, plan.row_to_request.tolist()
    (['https://e.com/users/7', 'https://e.com/users/8'], [0, 1, -1, 0])
    """
    arrays = {name: find_column(frame, name) for name in dict.fromkeys([*recipe.texts, *recipe.wholes])}
    keys = {name: _factorise(factorize, name, arrays[name]) for name in recipe.texts}
    wholes = {name: _factorise(factorize_json, name, arrays[name]) for name in recipe.wholes}
    unsafe = _forbidden(keys, recipe)
    rows = np.flatnonzero(_usable(keys, wholes, recipe, len(frame)) & ~_mask(unsafe, len(frame)))
    every = [*keys.values(), *wholes.values()]
    first, groups = group_rows(every, rows) if recipe.safe else (rows, np.arange(len(rows)))
    urls = _urls(recipe.template, keys, first)
    parts = RequestBuilder(recipe, keys, first, arrays) if recipe.body_kind != "none" or recipe.varying else None
    plain = recipe.template.injective and all(key.plain() for key in keys.values())
    if recipe.safe and (recipe.varying or not plain):
        same = [parts.identity(at, url) for at, url in enumerate(urls)] if parts else urls
        merged, _ = pd.factorize(to_object_array(same))
        kept = find_first_rows(merged)
        urls, groups, first = [urls[at] for at in kept.tolist()], merged[groups], first[kept]
    hosts, wrong = _hosts(recipe, urls, allow_hosts)
    wrong.update(dict.fromkeys(find_dot_segments(urls), _DOTS))
    if wrong:
        unsafe.update({row: wrong[at] for row, at in zip(rows.tolist(), groups.tolist(), strict=True) if at in wrong})
        right = ~_mask(wrong, len(urls))
        urls, hosts, first = [url for at, url in enumerate(urls) if at not in wrong], hosts[right], first[right]
        groups = np.where(right[groups], np.cumsum(right)[groups] - 1, -1)
    row_to_request = np.full(len(frame), -1, dtype=np.int64)
    row_to_request[rows] = groups
    return Expansion(
        urls,
        row_to_request,
        unsafe,
        group_by_origin(hosts) if recipe.origin is None else {recipe.origin: np.arange(len(urls))},
        recipe.method,
        {name: text.fill({}) for name, text in recipe.headers if not text.fields},
        parts and replace(parts, rows=first),
    )


def _mask(positions: Mapping[int, object], length: int) -> Mask:
    mask = np.zeros(length, dtype=bool)
    mask[list(positions)] = True
    return mask


def _factorise(how: Callable[[Any], FieldColumn], name: str, array: Any) -> FieldColumn:
    try:
        return how(array)
    except TypeError as exc:
        raise PlanError(f"field {{{encode_field_name(name)}}}: {exc}") from None


def _forbidden(keys: Mapping[str, FieldColumn], recipe: RequestTemplate) -> dict[int, str]:
    """Return the rows whose text cannot be sent: in a URL or a header, or in a body for want of UTF-8."""
    exposed = {*recipe.template.fields, *(name for _, text in recipe.headers for name in text.fields)}
    rows = {}
    for name, key in keys.items():
        for row in np.flatnonzero(key.holding(is_forbidden_in_url if name in exposed else has_lone_surrogate)).tolist():
            rows[row] = (
                f"field {{{encode_field_name(name)}}} holds control characters or lone surrogates, which are not sent"
            )
    return rows


def _usable(
    keys: Mapping[str, FieldColumn], wholes: Mapping[str, FieldColumn], recipe: RequestTemplate, length: int
) -> Mask:
    """Whether a row has all that its request needs: nulls only where they may be left out, and not all null."""
    usable: Mask = np.ones(length, dtype=bool)
    some: Mask = np.full(length, not keys and not wholes)
    may_lack = recipe.template.optional.difference(recipe.outside)
    for name, key in keys.items():
        present = key.codes >= 0
        if name in recipe.template.in_path:
            present &= ~key.has_text("")
        some |= present
        if name not in may_lack:
            usable &= present
    for key in wholes.values():
        some |= key.codes >= 0
    return usable & some


def _urls(template: UrlTemplate, keys: Mapping[str, FieldColumn], rows: Positions) -> list[str]:
    """Write the URLs in blocks, so that nothing beside them grows with the rows."""
    urls: list[str] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        urls += template.expand_columns({name: keys[name].texts(block) for name in template.fields}, len(block))
    return urls


def _hosts(
    recipe: RequestTemplate, urls: Sequence[str], allow_hosts: Sequence[str]
) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """Return each URL's origin, if rows decide it, and the URLs whose origin is not allowed."""
    if recipe.origin is not None:
        return np.empty(len(urls), dtype=object), {}
    origins: list[Origin | None] = []
    wrong = {}
    for at, url in enumerate(urls):
        try:
            origins.append(check_origin(url, allow_hosts))
        except UnsafeUrlError as exc:
            origins.append(None)
            wrong[at] = str(exc)
    return to_object_array(origins), wrong
