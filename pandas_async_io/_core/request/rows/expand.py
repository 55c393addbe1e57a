"""The rows of a frame → the distinct requests, and which row each of them belongs to.

Invariant: rows are matched by position; the index plays no part. Equal requests of safe methods become one.
They are found by the codes of their columns, before any URL is written.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.cell_values.deduplicate import (
    factorize,
    factorize_json,
    find_first_rows,
    group_rows,
    write_lists_as_json,
)
from pandas_async_io._core.request.cell_values.fields import FieldColumn, find_column
from pandas_async_io._core.request.cell_values.missing_values import find_missing_values
from pandas_async_io._core.request.rows.expansion import Expansion, group_by_origin
from pandas_async_io._core.request.rows.request_builder import RequestBuilder
from pandas_async_io._core.request.rows.row_checks import find_forbidden_rows, find_refused_urls
from pandas_async_io._core.request.template.query_start import make_url_writer
from pandas_async_io._core.request.template.url_template import write_field_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pandas_async_io._core.arrays import Mask, Positions
    from pandas_async_io._core.request.request_template import RequestTemplate

_BLOCK_ROWS = 50_000
"""Rows whose texts exist at the same time."""


def expand(frame: pd.DataFrame, template: RequestTemplate, *, allow_hosts: Sequence[str] = ()) -> Expansion:
    """Expand a request template over the rows of a frame.

    Parameters
    ----------
    frame : DataFrame
        Its columns and index levels are what the template's fields name.
    template : RequestTemplate
        The compiled parts of the request.
    allow_hosts : sequence of str
        The hosts that rows may choose.

    Raises
    ------
    UnknownFieldError
        A field is neither a column nor an index level, or is the name of two of them.
    PlanError
        A column holds values that have no text.

    Examples
    --------
    >>> from pandas_async_io._core.request.request_template import compile_request_template
    >>> users = pd.DataFrame({"id": [7, 8, None, 7]})
    >>> expansion = expand(users, compile_request_template("https://e.com/users/{id}"))
    >>> expansion.urls, expansion.row_to_request.tolist()
    (['https://e.com/users/7', 'https://e.com/users/8'], [0, 1, -1, 0])
    """
    arrays = {name: find_column(frame, name) for name in dict.fromkeys([*template.text_fields, *template.json_fields])}
    texts = {name: _factorize_field(factorize, name, arrays[name]) for name in template.text_fields}
    jsons = {name: _factorize_field(factorize_json, name, arrays[name]) for name in template.json_fields}
    outside_url = {
        name: _factorize_field(partial(write_lists_as_json, texts[name]), name, arrays[name])
        for name in template.header_and_body_fields
    }
    unsafe = find_forbidden_rows(texts, template)
    complete, missing = find_missing_values(texts, jsons, template.missing, template.url_template, len(frame))
    rows = np.flatnonzero(complete & ~_to_mask(unsafe, len(frame)))
    if template.safe:
        lists = [column for name, column in outside_url.items() if column is not texts[name]]
        first, groups = group_rows([*texts.values(), *lists, *jsons.values()], rows)
    else:
        first, groups = rows, np.arange(len(rows))
    urls = _write_urls(template, texts, first)
    has_builder = template.body_kind != "none" or template.has_fields_outside_url
    has_gaps = any((column.codes < 0).any() for column in (*texts.values(), *jsons.values()))
    builder = RequestBuilder(template, outside_url, first, arrays, has_gaps) if has_builder else None
    if template.safe and not _codes_identify_requests(template, texts):
        identities = [builder.identity(at, url) for at, url in enumerate(urls)] if builder else urls
        merged, _ = pd.factorize(object_array(identities))
        kept = find_first_rows(merged)
        urls, groups, first = [urls[at] for at in kept.tolist()], merged[groups], first[kept]
    origins, refused = find_refused_urls(template, urls, allow_hosts)
    if refused:
        row_groups = zip(rows.tolist(), groups.tolist(), strict=True)
        unsafe.update({row: refused[at] for row, at in row_groups if at in refused})
        sent = ~_to_mask(refused, len(urls))
        urls, origins, first = [url for at, url in enumerate(urls) if at not in refused], origins[sent], first[sent]
        groups = np.where(sent[groups], np.cumsum(sent)[groups] - 1, -1)
    row_to_request = np.full(len(frame), -1, dtype=np.int64)
    row_to_request[rows] = groups
    return Expansion(
        urls,
        row_to_request,
        unsafe,
        group_by_origin(origins) if template.origin is None else {template.origin: np.arange(len(urls))},
        template.method,
        {name: text.fill({}) for name, text in template.headers if not text.fields},
        builder and replace(builder, rows=first),
        missing,
    )


def _to_mask(positions: Mapping[int, object], length: int) -> Mask:
    mask = np.zeros(length, dtype=bool)
    mask[list(positions)] = True
    return mask


def _factorize_field(how: Callable[[Any], FieldColumn], name: str, array: Any) -> FieldColumn:
    try:
        return how(array)
    except (
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
        NotImplementedError,
    ) as exc:  # pyarrow has types without take()
        reason = "a value holds itself" if isinstance(exc, RecursionError) else exc
        raise PlanError(f"field {{{write_field_name(name)}}}: {reason}") from None


def _codes_identify_requests(template: RequestTemplate, columns: Mapping[str, FieldColumn]) -> bool:
    """Whether rows with different codes always have different requests."""
    only_url = not template.has_fields_outside_url and template.url_template.is_injective
    return only_url and not template.missing.sends_empty and all(column.is_scalar() for column in columns.values())


def _write_urls(template: RequestTemplate, columns: Mapping[str, FieldColumn], rows: Positions) -> list[str]:
    """Write the URLs in blocks, so that the memory beside them does not grow with the rows."""
    urls: list[str] = []
    url_template, sends_empty = template.url_template, template.missing.sends_empty
    incomplete = [] if sends_empty else [name for name in url_template.fields if (columns[name].codes < 0).any()]
    write_urls = make_url_writer(url_template, incomplete)
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        cells = {name: columns[name].render_rows(block) for name in url_template.fields}
        if sends_empty:
            cells = {name: ["" if text is None else text for text in texts] for name, texts in cells.items()}
        urls += write_urls(cells, len(block))
    return urls
