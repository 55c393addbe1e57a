"""Every dtype with odd values in every place of a request: one row and many rows end alike."""

import json
from urllib.parse import parse_qsl, quote

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.security.unsafe_values import find_dot_segments, has_lone_surrogate, is_forbidden_in_url
from tests.core.request.odd_columns import columns, unusable

HOST = "https://api.example.com"
COLUMNS = columns()
UNUSABLE = unusable()
NESTED = ("nested lists", "arrow list of lists")
"""JSON may hold these as they are."""

PLACES = {
    "path": ("/{v}", {}),
    "path of DELETE": ("/{v}", {"method": "DELETE"}),
    "query": ("/{k}?q={v}", {}),
    "optional query": ("/{k}{?v}", {}),
    "params": ("/{k}", {"params": {"q": "{v}"}}),
    "header": ("/{k}", {"headers": {"X-V": "{v}"}}),
    "json": ("/{k}", {"json": {"v": "{v}"}, "method": "POST"}),
    "json text": ("/{k}", {"json": {"v": "x {v}"}, "method": "POST"}),
    "form": ("/{k}", {"data": {"v": "{v}"}, "method": "POST"}),
}


def leaves(text):
    """Return the strings in a text of a cell."""
    if isinstance(text, dict):
        return [*text, *text.values()]
    return [text] if isinstance(text, str) else text


def written(text, in_json):
    """Return a cell's text in a header or body: lists and mappings are JSON."""
    return text if isinstance(text, str) else json.dumps(in_json, separators=(",", ":"), ensure_ascii=False)


def encoded(text):
    """Return a cell's text in a URL."""
    pairs = leaves(text) if not isinstance(text, dict) else [part for pair in text.items() for part in pair]
    return ",".join(quote(part, safe="") for part in pairs)


def expected(place, text, in_json):
    """Return what becomes of one cell: its outcome, or what is sent of it."""
    if place == "json":
        return in_json
    if text is None:
        return "" if place in ("optional query", "params", "form") else "null_key"
    in_body = place in ("json text", "form")
    if any(map(has_lone_surrogate if in_body else is_forbidden_in_url, leaves(text))):
        return "unsafe_url"
    if in_body or place == "header":
        return written(text, in_json)
    if place.startswith("path"):
        url = f"{HOST}/{encoded(text)}"
        return "null_key" if text == "" else "unsafe_url" if find_dot_segments([url]) else url
    return encoded(text)


def sent(place, request):
    """Return what a request sends of the cell."""
    if place.startswith("path"):
        return request.url
    if "query" in place or place == "params":
        return request.url.partition("?")[2].partition("=")[2]
    if place == "header":
        return request.headers["X-V"]
    if place == "form":
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True)).get("v", "")
    value = json.loads(request.body)["v"]
    return value.removeprefix("x ") if place == "json text" else value


def outcomes(place, series):
    """Return what becomes of each cell of a column."""
    template, parts = PLACES[place]
    expansion = expand(pd.DataFrame({"v": series, "k": "k"}), compile_request_template(HOST + template, **parts))
    return [
        ("unsafe_url" if row in expansion.unsafe else "null_key")
        if at < 0
        else sent(place, expansion.request(at, expansion.headers))
        for row, at in enumerate(expansion.row_to_request.tolist())
    ]


def check(place, column, rows):
    """Check a column made of some cells of an odd column."""
    series = pd.Series(column.array, dtype=column.array.dtype).take(np.array(rows)).reset_index(drop=True)
    wanted = [expected(place, column.texts[row], column.json[row]) for row in rows]
    found = outcomes(place, series)
    assert found == wanted
    assert [type(one) is bool for one in found] == [type(one) is bool for one in wanted]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", COLUMNS)
def test_fault_55_and_56_each_dtype_is_checked_in_each_place(name, place):
    """Alone, all cells once (most are distinct) and all cells thrice (few are): the same cell ends the same way."""
    column = COLUMNS[name]
    cells = list(range(len(column.texts)))
    for rows in [*([cell] for cell in cells), cells, cells * 3]:
        check(place, column, rows)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(COLUMNS)), st.sampled_from(list(PLACES)), st.data())
def test_fault_55_the_other_rows_of_a_column_do_not_change_what_a_cell_becomes(name, place, data):
    """Any cells in any order and number."""
    cells = st.integers(0, len(COLUMNS[name].texts) - 1)
    check(place, COLUMNS[name], data.draw(st.lists(cells, min_size=1, max_size=12)))


@pytest.mark.parametrize(
    ("name", "place"),
    [(name, place) for name in UNUSABLE for place in PLACES if not (place == "json" and name in NESTED)],
)
def test_a_column_without_texts_raises_before_anything_is_sent(name, place):
    """The message names the field and what to do."""
    with pytest.raises(PlanError, match=r"field \{v\}: a value of type"):
        outcomes(place, UNUSABLE[name])


def test_a_type_that_pyarrow_cannot_take_raises_before_anything_is_sent():
    """The error names the field."""
    with pytest.raises(PlanError, match=r"field \{v\}: .*string_view"):
        outcomes("path", pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string_view())))


def test_a_value_that_holds_itself_raises_before_anything_is_sent():
    """The run does not end in a RecursionError."""
    cell = []
    cell.append(cell)
    with pytest.raises(PlanError, match=r"field \{v\}: a value holds itself"):
        outcomes("json", pd.Series([cell, cell]))
