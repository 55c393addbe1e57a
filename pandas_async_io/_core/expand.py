"""A frame's rows → the distinct requests, and which row asked for which.

The law of this file: all work is by column and by position; the index plays no
part. Equal requests of safe methods collapse to one, by the key columns' codes,
before a single URL is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
import pandas as pd

from pandas_async_io._core.errors import PlanError, UnknownFieldError, UnsafeUrlError
from pandas_async_io._core.keys import Key, Mask, Positions, factorise, first_rows, group
from pandas_async_io._core.models import EMPTY, SAFE_METHODS, Request
from pandas_async_io._core.recipe import Recipe, Text, check_origin, checked_method
from pandas_async_io._core.safety import (
    Origin,
    dot_segments,
    forbidden_value,
    merged_headers,
    origin_of,
    redact_url,
)
from pandas_async_io._core.template import Template, varname
from pandas_async_io._core.values import json_value

_BLOCK = 50_000
_WHOLE = Template.compile("{+url}")


@dataclass(frozen=True, slots=True)
class Expansion:
    """What will be sent.

    Attributes
    ----------
    urls : list of str
        One per distinct request, in the order of their first rows.
    row_to_request : array of int64
        For each row the position of its request, -1 if it has none.
    unsafe : dict of int to str
        The rows whose values must not be sent, and why. Every other row without a request is a ``null_key``.
    origins : dict of Origin to array of int64
        The positions of each origin's requests.
    """

    urls: list[str]
    row_to_request: Positions
    unsafe: dict[int, str]
    origins: dict[Origin, Positions]
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    parts: RowParts | None = None

    def __len__(self) -> int:
        """Return the number of distinct requests."""
        return len(self.urls)

    def request(self, position: int, headers: Mapping[str, str]) -> Request:
        """Make one request, with some headers beside its own."""
        if self.parts is None:
            return Request(self.urls[position], self.method, headers)
        return self.parts.request(position, self.urls[position], self.method, headers)

    def requests(self, origin: Origin, headers: Mapping[str, str] = EMPTY) -> Iterator[tuple[int, Request]]:
        """Make an origin's requests one by one, as they are taken, with its credentials."""
        every = merged_headers(headers, self.headers) if headers else self.headers
        return ((position, self.request(position, every)) for position in self.origins[origin].tolist())


@dataclass(frozen=True, slots=True)
class RowParts:
    """Headers and a body with fields, made when the request is sent.

    Attributes
    ----------
    keys : dict of str to Key
        The columns of all fields.
    rows : array of int64
        For each request the row that it is made of.
    arrays : dict of str to array
        The columns as they are in the frame, for JSON values that keep their type.
    """

    recipe: Recipe
    keys: Mapping[str, Key]
    rows: Positions
    arrays: Mapping[str, Any]

    def request(self, position: int, url: str, method: str, headers: Mapping[str, str]) -> Request:
        """Make one request."""
        row = self.rows[position : position + 1]
        own = {name: text.fill(self._texts(text, row)) for name, text in self.recipe.headers if text.fields}
        return Request(url, method, merged_headers(headers, own) if own else headers, self._body(row))

    def _texts(self, text: Text, row: Positions) -> dict[str, str]:
        return {name: _one_text(self.keys[name].texts(row)[0]) for name in text.fields}

    def _body(self, row: Positions) -> bytes | None:
        kind, body = self.recipe.body_kind, self.recipe.body
        if kind == "json":
            return orjson.dumps(self._json(body, row))
        if kind == "text":
            return str(body.fill(self._texts(body, row))).encode()
        if kind == "form":
            return urlencode([(name, text.fill(self._texts(text, row))) for name, text in body]).encode()
        return body if kind == "bytes" else None

    def _json(self, value: Any, row: Positions) -> Any:
        if isinstance(value, Text):
            if value.alone is not None:
                return json_value(self.arrays[value.alone][int(row[0])])
            return value.fill(self._texts(value, row))
        if isinstance(value, dict):
            return {key: self._json(item, row) for key, item in value.items()}
        return [self._json(item, row) for item in value] if isinstance(value, list) else json_value(value)


def _one_text(cell: Any) -> str:
    return cell if isinstance(cell, str) else "" if cell is None else orjson.dumps(cell).decode()


def expand(frame: pd.DataFrame, recipe: Recipe, *, allow_hosts: Sequence[str] = ()) -> Expansion:
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
    >>> from pandas_async_io._core.recipe import compile_recipe
    >>> users = pd.DataFrame({"id": [7, 8, None, 7]})
    >>> plan = expand(users, compile_recipe("https://e.com/users/{id}"))
    >>> plan.urls, plan.row_to_request.tolist()
    (['https://e.com/users/7', 'https://e.com/users/8'], [0, 1, -1, 0])
    """
    arrays = {name: resolve(frame, name) for name in recipe.fields}
    keys = {name: _factorise(name, array) for name, array in arrays.items()}
    unsafe = _forbidden(keys, recipe, len(frame))
    rows = np.flatnonzero(_usable(keys, recipe, len(frame)) & ~_mask(unsafe, len(frame)))
    safe = recipe.method in SAFE_METHODS
    first, groups = group(list(keys.values()), rows) if safe else (rows, np.arange(len(rows)))
    urls = _urls(recipe.template, keys, first)
    if safe and recipe.body_kind == "none" and not recipe.template.injective and not _varying(recipe):
        merged, uniques = pd.factorize(_objects(urls))
        urls, groups, first = uniques.tolist(), merged[groups], first[first_rows(merged)]
    hosts, wrong = _hosts(recipe, urls, allow_hosts)
    wrong.update(
        {at: f"{redact_url(urls[at])!r}: a path segment is '.' or '..'" for at in dot_segments(urls)}
    )
    if wrong:
        unsafe.update(
            {row: wrong[at] for row, at in zip(rows.tolist(), groups.tolist(), strict=True) if at in wrong}
        )
        kept = ~_mask(wrong, len(urls))
        urls, hosts, first = [url for at, url in enumerate(urls) if at not in wrong], hosts[kept], first[kept]
        groups = np.where(kept[groups], np.cumsum(kept)[groups] - 1, -1)
    row_to_request = np.full(len(frame), -1, dtype=np.int64)
    row_to_request[rows] = groups
    return Expansion(
        urls,
        row_to_request,
        unsafe,
        _by_origin(hosts) if recipe.origin is None else {recipe.origin: np.arange(len(urls))},
        recipe.method,
        {name: text.fill({}) for name, text in recipe.headers if not text.fields},
        RowParts(recipe, keys, first, arrays) if recipe.body_kind != "none" or _varying(recipe) else None,
    )


def _by_origin(hosts: np.ndarray[Any, Any]) -> dict[Origin, Positions]:
    codes, uniques = pd.factorize(hosts)
    return {origin: np.flatnonzero(codes == code) for code, origin in enumerate(uniques.tolist())}


def _objects(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _mask(positions: Mapping[int, object], length: int) -> Mask:
    mask = np.zeros(length, dtype=bool)
    mask[list(positions)] = True
    return mask


def _varying(recipe: Recipe) -> bool:
    return any(text.fields for _, text in recipe.headers)


def _factorise(name: str, array: Any) -> Key:
    try:
        return factorise(array)
    except TypeError as exc:
        raise PlanError(f"field {{{varname(name)}}}: {exc}") from None


def _forbidden(keys: Mapping[str, Key], recipe: Recipe, length: int) -> dict[int, str]:
    """Return the rows whose text can stand in no URL and no header, for the fields that stand there."""
    exposed = dict.fromkeys(
        [*recipe.template.fields, *(name for _, text in recipe.headers for name in text.fields)]
    )
    rows = {}
    for name in exposed:
        for row in np.flatnonzero(keys[name].forbidden()).tolist():
            rows[row] = f"field {{{varname(name)}}} holds control characters, which are not sent"
    return rows


def _usable(keys: Mapping[str, Key], recipe: Recipe, length: int) -> Mask:
    """Whether a row has all that its request needs: a null only where it may be left out, and not all null."""
    usable = np.ones(length, dtype=bool)
    some = np.full(length, not keys)
    may_lack = recipe.nullable
    for name, key in keys.items():
        present = key.codes >= 0
        if name in recipe.template.in_path:
            present &= ~key.has_text("")
        some |= present
        if name not in may_lack:
            usable &= present
    return usable & some


def _urls(template: Template, keys: Mapping[str, Key], rows: Positions) -> list[str]:
    """Write the URLs in blocks, so that nothing beside them grows with the rows."""
    urls: list[str] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        urls += template.expand_columns(
            {name: keys[name].texts(block) for name in template.fields}, len(block)
        )
    return urls


def _hosts(
    recipe: Recipe, urls: Sequence[str], allow_hosts: Sequence[str]
) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """Return each URL's origin, if rows decide it, and the URLs whose origin is not allowed."""
    if recipe.origin is not None:
        return np.empty(len(urls), dtype=object), {}
    origins, wrong = [], {}
    for at, url in enumerate(urls):
        try:
            origins.append(check_origin(url, allow_hosts))
        except UnsafeUrlError as exc:
            origins.append(None)
            wrong[at] = str(exc)
    return _objects(origins), wrong


def expand_urls(
    urls: Sequence[Any], *, base_url: str = "", method: str = "GET", headers: Mapping[str, str] = EMPTY
) -> Expansion:
    """Expand a column of whole URLs: one request each, equal ones of safe methods once.

    Parameters
    ----------
    urls : sequence of str or null
        Absolute, or relative to ``base_url``.

    Examples
    --------
    >>> plan = expand_urls(["http://a.com/x y", None, "ftp://b.com/"])
    >>> plan.urls, plan.row_to_request.tolist(), list(plan.unsafe)
    (['http://a.com/x%20y'], [0, -1, -1], [2])
    """
    method = checked_method(method)
    codes, uniques = pd.factorize(_objects(urls))
    if method not in SAFE_METHODS:
        codes, uniques = np.where(codes < 0, -1, np.arange(len(codes))), _objects(urls)
    kept: list[str] = []
    origins: list[Origin] = []
    number = np.full(len(uniques) + 1, -1, dtype=np.int64)
    wrong: dict[int, str] = {}
    for code in np.unique(codes[codes >= 0]).tolist():
        url = uniques[code]
        try:
            written, origin = _whole_url(url, base_url)
        except UnsafeUrlError as exc:
            wrong[code] = str(exc)
            continue
        number[code] = len(kept)
        kept.append(written)
        origins.append(origin)
    unsafe = {row: wrong[code] for row, code in enumerate(codes.tolist()) if code in wrong} if wrong else {}
    return Expansion(kept, number[codes], unsafe, _by_origin(_objects(origins)), method, headers)


def _whole_url(url: Any, base_url: str) -> tuple[str, Origin]:
    """Return a URL as it goes on the wire: what no URL may hold is percent-encoded, the rest left as it is."""
    if not isinstance(url, str) or forbidden_value(url):
        raise UnsafeUrlError(f"{redact_url(str(url))[:100]!r} is not a URL")
    whole = url.strip().partition("#")[0]
    if base_url and "://" not in whole.partition("?")[0]:
        whole = f"{base_url.rstrip('/')}/{whole.lstrip('/')}"
    origin = origin_of(whole)
    rest = whole.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    user, at, _ = rest[:cut].rpartition("@")
    host = str(origin).partition("://")[2]
    return f"{origin.scheme}://{user}{at}{host}{_WHOLE.expand({'url': rest[cut:]})}", origin


def resolve(frame: pd.DataFrame, name: str) -> Any:
    """Return the array of the column, or else of the index level, that a field names.

    Examples
    --------
    >>> resolve(pd.DataFrame({"user": [1]}), "usr")
    Traceback (most recent call last):
    pandas_async_io._core.errors.UnknownFieldError: field {usr}: no column or index level has this name; nearest: {user}
    """
    found = [at for at, label in enumerate(frame.columns) if _spelt(label) == name]
    if len(found) > 1:
        raise UnknownFieldError(
            f"field {{{varname(name)}}}: {len(found)} columns have this name; rename all but one"
        )
    if found:
        return _array(frame.iloc[:, found[0]])
    levels = {_spelt(label): level for level, label in enumerate(frame.index.names) if label is not None}
    if name in levels:
        return _array(frame.index.get_level_values(levels[name]))
    known = {spelt.lower(): spelt for spelt in [*map(_spelt, frame.columns), *levels]}
    nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    hint = f"nearest: {{{varname(known[nearest[0]])}}}" if nearest else "the frame has no columns"
    raise UnknownFieldError(f"field {{{varname(name)}}}: no column or index level has this name; {hint}")


def _array(column: pd.Series[Any] | pd.Index[Any]) -> Any:
    """Return the plain numpy array where there is one that means the same."""
    return (
        column.to_numpy()
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufbO"
        else column.array
    )


def _spelt(label: Any) -> str:
    return ".".join(map(str, label)) if isinstance(label, tuple) else str(label)
