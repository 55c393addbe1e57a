"""Rows and URLs that are not sent: forbidden characters, dot segments, hosts that are not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.request.base_url import check_origin
from pandas_async_io._core.request.template.query_start import find_fields_before_path
from pandas_async_io._core.request.template.url_template import write_field_name
from pandas_async_io._core.security.unsafe_values import (
    DOT_SEGMENT_REASON,
    find_dot_segments,
    has_lone_surrogate,
    is_forbidden_in_url,
    is_forbidden_in_xml,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.request.cell_values.fields import FieldColumn
    from pandas_async_io._core.request.request_template import RequestTemplate
    from pandas_async_io._core.security.origins import Origin


def find_forbidden_rows(columns: Mapping[str, FieldColumn], template: RequestTemplate) -> dict[int, str]:
    """Return the rows with a text that must not stand in a URL or header, or that a body cannot encode."""
    exposed = template.url_and_header_fields
    is_forbidden_in_body = is_forbidden_in_xml if template.body_kind == "xml" else has_lone_surrogate
    reasons = {}
    for name, column in columns.items():
        is_forbidden = is_forbidden_in_url if name in exposed else is_forbidden_in_body
        field = write_field_name(name)
        for row in np.flatnonzero(column.rows_matching(is_forbidden)).tolist():
            reasons[row] = f"field {{{field}}} holds control characters or lone surrogates, which are not sent"
    for name in sorted(find_fields_before_path(template.url_template)):
        for row in np.flatnonzero(columns[name].rows_matching(_has_query_or_fragment)).tolist():
            reasons.setdefault(
                row, f"field {{+{write_field_name(name)}}} holds '?' or '#', which would cut off the path behind it"
            )
    return reasons


def _has_query_or_fragment(text: str) -> bool:
    return "?" in text or "#" in text


def find_refused_urls(
    template: RequestTemplate, urls: Sequence[str], allow_hosts: Sequence[str]
) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """Return each URL's origin, if rows decide it, and why some URLs are refused, by their position."""
    refused = dict.fromkeys(find_dot_segments(urls), DOT_SEGMENT_REASON)
    if template.origin is not None:
        return np.empty(len(urls), dtype=object), refused
    origins: list[Origin | None] = []
    for at, url in enumerate(urls):
        try:
            origins.append(check_origin(url, allow_hosts))
        except UnsafeUrlError as exc:
            origins.append(None)
            refused.setdefault(at, str(exc))  # a dot segment is reported first
    return object_array(origins), refused
