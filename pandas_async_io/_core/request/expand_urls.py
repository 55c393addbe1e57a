"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.models import NO_HEADERS, SAFE_METHODS
from pandas_async_io._core.request.base_url import ABSOLUTE
from pandas_async_io._core.request.cells import render_cell
from pandas_async_io._core.request.request_template import check_method
from pandas_async_io._core.request.url_template import UrlTemplate
from pandas_async_io._core.security.origins import Origin, parse_origin
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import find_dot_segments, is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


from pandas_async_io._core.request.expand import _DOTS
from pandas_async_io._core.request.expansion import Expansion, group_by_origin, to_object_array

_WHOLE = UrlTemplate.compile("{+url}")


def expand_urls(
    urls: Sequence[Any], *, base_url: str = "", method: str = "GET", headers: Mapping[str, str] = NO_HEADERS
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
    method = check_method(method)
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
    return Expansion(kept, row_to_request, unsafe, group_by_origin(to_object_array(origins)), method, headers)


def _is_null(url: Any) -> bool:
    try:
        return not (url.strip() if isinstance(url, str) else render_cell(url))
    except TypeError:
        return False


def _whole_url(url: Any, base_url: str) -> tuple[str, Origin]:
    """Return a URL as it goes on the wire: what no URL may hold is percent-encoded, the rest is kept."""
    if not isinstance(url, str) or is_forbidden_in_url(url):
        raise UnsafeUrlError(f"{redact_url(str(url))[:100]!r} is not a URL")
    whole = url.strip().partition("#")[0]
    if base_url and not ABSOLUTE.match(whole):
        whole = f"{base_url.rstrip('/')}/{whole.lstrip('/')}"
    origin = parse_origin(whole)
    rest = whole.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    user, at, _ = rest[:cut].rpartition("@")
    target = _WHOLE.expand({"url": rest[cut:]})
    slash = "" if target.startswith("/") else "/"
    written = f"{origin.scheme}://{user}{at}{str(origin).partition('://')[2]}{slash}{target}"
    if find_dot_segments([written]):
        raise UnsafeUrlError(f"{redact_url(written)!r}: {_DOTS}")
    return written, origin
