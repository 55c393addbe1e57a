"""Everything that one answer shows, as a text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.report.look.payload_tree import draw_tree
from pandas_async_io._core.report.look.shape import build_columns, suggest_shape
from pandas_async_io._core.report.look.types import suggest_schema
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.paging.detect.detect import find_further_page, rank_candidates
from pandas_async_io._core.workflow.paging.detect.page_evidence import collect_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.models import Page

_MAX_COLUMNS = 40
"""Columns of the largest frame whose names are suggested."""

_MAX_GUESSES = 3


@dataclass(frozen=True, slots=True, repr=False)
class Look:
    """One answer, and the options that make it a tidy frame.

    Attributes
    ----------
    payload : object
        The decoded body.
    options : mapping
        What to add to the call: ``read_api(url, **look.options)``. Those that are not needed are left out.
    tree : str
        The payload as a tree.
    notes : tuple of str
        What the options make, and what is not sure.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> request = Request("http://e.com/items")
    >>> payload = {"page": 1, "total_pages": 3, "items": [{"id": 7, "at": "2024-01-02"}]}
    >>> look_at(Page(request, Response(200, {}, b"", request.url), payload), "GET http://e.com/items")
    GET http://e.com/items: 200
    object of 3 fields
    ├─ page: 1
    ├─ total_pages: 3
    └─ items: list of 1 object
       └─ [0]
          ├─ id: 7
          └─ at: "2024-01-02"
    <BLANKLINE>
    Suggested options:
        record_path='items',
        pages=paio.PageNumber(total_pages='total_pages'),
        columns=['id', 'at'],
        schema={'at': 'datetime64[ns]'},
    1 record, 2 columns (a list of objects)
    'total_pages' counts the pages
    """

    payload: Any
    options: Mapping[str, Any]
    tree: str
    notes: tuple[str, ...]
    head: str

    def __repr__(self) -> str:
        return "\n".join([self.head, self.tree, "", *self._suggestions(), *self.notes])

    def _repr_html_(self) -> str:
        """Return the same as HTML that takes its colours from the page, light or dark."""
        code = "\n".join(self._suggestions())
        notes = "".join(f"<li>{escape(note, quote=False)}</li>" for note in self.notes)
        style = "color: inherit; background: transparent; border-left: 2px solid currentColor; padding-left: 0.6em"
        return (
            f"<div><p><code>{escape(self.head)}</code></p>"
            f'<pre style="{style}">{escape(self.tree, quote=False)}</pre>'
            f'<pre style="{style}">{escape(code, quote=False)}</pre><ul>{notes}</ul></div>'
        )

    def _suggestions(self) -> list[str]:
        if not self.options:
            return ["No options are needed."]
        return ["Suggested options:", *(f"    {name}={_spell(value)}," for name, value in self.options.items())]


def look_at(page: Page, request_line: str, given: Mapping[str, Any] | None = None, hints: Sequence[str] = ()) -> Look:
    """Return what an answer shows.

    Parameters
    ----------
    request_line : str
        Method and URL, without secrets.
    given : mapping, optional
        Options of the call on which the payload depends; the suggestion repeats them.
    hints : sequence of str
        What the decoding of the body noted.
    """
    head = f"{request_line}: {page.response.status}"
    payload, notes = page.payload, []
    options: dict[str, Any] = {}
    shape = suggest_shape(payload)
    columns = None if shape is None else build_columns(payload, shape.options)
    if shape is not None and columns is not None:
        options.update(shape.options)
    else:
        columns = build_columns(payload, {}) if isinstance(payload, dict | list | pd.DataFrame) else None
    if columns is not None:
        what = f" ({shape.description})" if shape is not None and options else ""
        count = format_count(int(columns.counts.sum()), "record")
        notes.append(f"{count}, {format_count(len(columns.arrays), 'column')}{what}")
    pages, said = _suggest_pages(page, options)
    options.update(pages)
    if pages and shape is None and isinstance(payload, dict):  # paging opens it: its fields are no columns
        columns = None
    if columns is not None and 0 < len(columns.arrays) <= _MAX_COLUMNS:
        options["columns"] = list(columns.arrays)
    schema = {} if columns is None else suggest_schema(columns)
    if schema:
        options["schema"] = schema
    return Look(payload, {**(given or {}), **options}, "\n".join(draw_tree(payload)), (*notes, *said, *hints), head)


def _suggest_pages(page: Page, options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return ``pages`` if the answer surely has further ones, and in words what it shows."""
    path = options.get("record_path")
    keys = tuple(path.split(".")) if isinstance(path, str) else path
    further = find_further_page(page, keys)
    candidates = rank_candidates(collect_evidence(page, keys))
    if further is not None:
        chosen = next(each for each in candidates if each.reason == further.reason)
        return {"pages": chosen.paginator}, [redact_line(chosen.reason)]
    unsure = [each for each in candidates if each.confidence < 0.8][:_MAX_GUESSES]
    return {}, [
        f"perhaps {redact_line(f'pages=paio.{each.paginator!r}')}: {redact_line(each.reason)}" for each in unsure
    ]


def _spell(value: Any) -> str:
    """Return a value as it is written in a call, a paginator with the package's name."""
    is_own = type(value).__module__.startswith("pandas_async_io")
    return f"paio.{value!r}" if is_own else repr(value)
