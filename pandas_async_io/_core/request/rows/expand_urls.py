"""A column of whole URLs → the distinct requests, and which row each of them belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.models import NO_HEADERS, SAFE_METHODS
from pandas_async_io._core.request.base_url import is_absolute_url
from pandas_async_io._core.request.cell_values.cells import render_cell
from pandas_async_io._core.request.request_template import check_method
from pandas_async_io._core.request.rows.expansion import Expansion, group_by_origin
from pandas_async_io._core.request.template.url_template import UrlTemplate
from pandas_async_io._core.security.origins import Origin, parse_origin
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import DOT_SEGMENT_REASON, find_dot_segments, is_forbidden_in_url
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MISSING_URL = "missing value: the row has no URL"

_RESERVED_EXPANSION = UrlTemplate.compile("{+url}")


def expand_urls(
    urls: Sequence[Any], *, base_url: str = "", method: str = "GET", headers: Mapping[str, str] = NO_HEADERS
) -> Expansion:
    """Expand a column of whole URLs. Equal URLs of a safe method become one request.

    Parameters
    ----------
    urls : sequence of str or null
        Absolute, or relative to ``base_url``.
    base_url : str
        Put before relative URLs.
    method : str
        Of every request.
    headers : mapping of str to str
        Of every request.

    Examples
    --------
    >>> expansion = expand_urls(["http://a.com/x y", None, "ftp://b.com/"])
    >>> expansion.urls, expansion.row_to_request.tolist(), list(expansion.unsafe)
    (['http://a.com/x%20y'], [0, -1, -1], [2])
    """
    method = check_method(method)
    row_to_request = np.full(len(urls), -1, dtype=np.int64)
    distinct: list[str] = []
    origins: list[Origin] = []
    positions: dict[str, int] = {}
    unsafe: dict[int, str] = {}
    for row, url in enumerate(urls):
        try:
            if _is_null(url):
                continue
            normalized, origin = _normalize(url, base_url)
        except UnsafeUrlError as exc:
            unsafe[row] = str(exc)
            continue
        at = positions.setdefault(normalized, len(distinct)) if method in SAFE_METHODS else len(distinct)
        row_to_request[row] = at
        if at == len(distinct):
            distinct.append(normalized)
            origins.append(origin)
    is_missing = row_to_request < 0
    is_missing[list(unsafe)] = False
    missing = np.empty(len(urls), dtype=object)
    missing[is_missing] = _MISSING_URL
    by_origin = group_by_origin(object_array(origins))
    return Expansion(distinct, row_to_request, unsafe, by_origin, method, headers, missing=missing)


def _is_null(url: Any) -> bool:
    try:
        return not (url.strip() if isinstance(url, str) else render_cell(url))
    except (TypeError, ValueError):
        return False


def _normalize(url: Any, base_url: str) -> tuple[str, Origin]:
    """Return a URL as it is sent, and its origin. Characters that no URL may hold are percent-encoded."""
    if not isinstance(url, str) or is_forbidden_in_url(url):
        shown = show_value(redact_url(url)[:100] if isinstance(url, str) else url)
        raise UnsafeUrlError(f"{shown} is not a URL")
    absolute = url.strip().partition("#")[0]
    if base_url and not is_absolute_url(absolute):
        absolute = f"{base_url.rstrip('/')}/{absolute.lstrip('/')}"
    origin = parse_origin(absolute)
    rest = absolute.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    userinfo, separator, _ = rest[:cut].rpartition("@")
    target = _RESERVED_EXPANSION.expand({"url": rest[cut:]})
    slash = "" if target.startswith("/") else "/"
    normalized = f"{origin.scheme}://{userinfo}{separator}{str(origin).partition('://')[2]}{slash}{target}"
    if find_dot_segments([normalized]):
        raise UnsafeUrlError(f"{redact_url(normalized)!r}: {DOT_SEGMENT_REASON}")
    return normalized, origin
