"""A frame's rows → the distinct requests, and which row asked for which.

The law of this file: all work is by column and by position; the index plays no
part. Equal requests of safe methods collapse to one, by the key columns' codes,
before a single URL is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import PlanError, UnsafeUrlError
from pandas_async_io._core.models import EMPTY, SAFE_METHODS, Request
from pandas_async_io._core.request.cells import text
from pandas_async_io._core.request.deduplicate import factorise, factorise_json, first_rows, group
from pandas_async_io._core.request.fields import Key, resolve
from pandas_async_io._core.request.headers import merged_headers
from pandas_async_io._core.request.request_template import ABSOLUTE, Recipe, check_origin, checked_method
from pandas_async_io._core.request.row_parts import RowParts
from pandas_async_io._core.request.template import Template, varname
from pandas_async_io._core.security.origins import Origin, origin_of
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import dot_segments, forbidden_value, lone_surrogate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pandas_async_io._core.arrays import Mask, Positions

_BLOCK = 50_000
_DOTS = "a path segment is '.' or '..', which is not sent"
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
    arrays = {name: resolve(frame, name) for name in dict.fromkeys([*recipe.texts, *recipe.wholes])}
    keys = {name: _factorise(factorise, name, arrays[name]) for name in recipe.texts}
    wholes = {name: _factorise(factorise_json, name, arrays[name]) for name in recipe.wholes}
    unsafe = _forbidden(keys, recipe)
    rows = np.flatnonzero(_usable(keys, wholes, recipe, len(frame)) & ~_mask(unsafe, len(frame)))
    every = [*keys.values(), *wholes.values()]
    first, groups = group(every, rows) if recipe.safe else (rows, np.arange(len(rows)))
    urls = _urls(recipe.template, keys, first)
    parts = RowParts(recipe, keys, first, arrays) if recipe.body_kind != "none" or recipe.varying else None
    plain = recipe.template.injective and all(key.plain() for key in keys.values())
    if recipe.safe and (recipe.varying or not plain):
        same = [parts.identity(at, url) for at, url in enumerate(urls)] if parts else urls
        merged, _ = pd.factorize(_objects(same))
        kept = first_rows(merged)
        urls, groups, first = [urls[at] for at in kept.tolist()], merged[groups], first[kept]
    hosts, wrong = _hosts(recipe, urls, allow_hosts)
    wrong.update(dict.fromkeys(dot_segments(urls), _DOTS))
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
        _by_origin(hosts) if recipe.origin is None else {recipe.origin: np.arange(len(urls))},
        recipe.method,
        {name: text.fill({}) for name, text in recipe.headers if not text.fields},
        parts and replace(parts, rows=first),
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


def _factorise(how: Callable[[Any], Key], name: str, array: Any) -> Key:
    try:
        return how(array)
    except TypeError as exc:
        raise PlanError(f"field {{{varname(name)}}}: {exc}") from None


def _forbidden(keys: Mapping[str, Key], recipe: Recipe) -> dict[int, str]:
    """Return the rows whose text cannot be sent: in a URL or a header, or in a body for want of UTF-8."""
    exposed = {*recipe.template.fields, *(name for _, text in recipe.headers for name in text.fields)}
    rows = {}
    for name, key in keys.items():
        for row in np.flatnonzero(key.holding(forbidden_value if name in exposed else lone_surrogate)).tolist():
            rows[row] = f"field {{{varname(name)}}} holds control characters or lone surrogates, which are not sent"
    return rows


def _usable(keys: Mapping[str, Key], wholes: Mapping[str, Key], recipe: Recipe, length: int) -> Mask:
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


def _urls(template: Template, keys: Mapping[str, Key], rows: Positions) -> list[str]:
    """Write the URLs in blocks, so that nothing beside them grows with the rows."""
    urls: list[str] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        urls += template.expand_columns({name: keys[name].texts(block) for name in template.fields}, len(block))
    return urls


def _hosts(
    recipe: Recipe, urls: Sequence[str], allow_hosts: Sequence[str]
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
    row_to_request = np.full(len(urls), -1, dtype=np.int64)
    kept: list[str] = []
    origins: list[Origin] = []
    seen: dict[str, int] = {}
    unsafe: dict[int, str] = {}
    for row, url in enumerate(urls):
        try:
            written, origin = ("", None) if _is_null(url) else _whole_url(url, base_url)
        except UnsafeUrlError as exc:
            unsafe[row] = str(exc)
            continue
        if origin is None:
            continue
        at = seen.setdefault(written, len(kept)) if method in SAFE_METHODS else len(kept)
        row_to_request[row] = at
        if at == len(kept):
            kept.append(written)
            origins.append(origin)
    return Expansion(kept, row_to_request, unsafe, _by_origin(_objects(origins)), method, headers)


def _is_null(url: Any) -> bool:
    try:
        return not (url.strip() if isinstance(url, str) else text(url))
    except TypeError:
        return False


def _whole_url(url: Any, base_url: str) -> tuple[str, Origin]:
    """Return a URL as it goes on the wire: what no URL may hold is percent-encoded, the rest is kept."""
    if not isinstance(url, str) or forbidden_value(url):
        raise UnsafeUrlError(f"{redact_url(str(url))[:100]!r} is not a URL")
    whole = url.strip().partition("#")[0]
    if base_url and not ABSOLUTE.match(whole):
        whole = f"{base_url.rstrip('/')}/{whole.lstrip('/')}"
    origin = origin_of(whole)
    rest = whole.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    user, at, _ = rest[:cut].rpartition("@")
    target = _WHOLE.expand({"url": rest[cut:]})
    slash = "" if target.startswith("/") else "/"
    written = f"{origin.scheme}://{user}{at}{str(origin).partition('://')[2]}{slash}{target}"
    if dot_segments([written]):
        raise UnsafeUrlError(f"{redact_url(written)!r}: {_DOTS}")
    return written, origin
