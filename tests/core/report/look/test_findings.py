"""What one answer shows, as a text and as HTML."""

from __future__ import annotations

import re

from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.report.look.findings import look_at
from pandas_async_io._core.workflow.paging.paginators.page_number import PageNumber

URL = "http://e.com/items"


def look(payload, headers=None, **given):
    return look_at(Page(Request(URL), Response(200, headers or {}, b"", URL), payload), f"GET {URL}", given)


def test_html_escapes_the_payload_and_names_no_colour():
    """It takes the colours of the page, light or dark."""
    html = look({"<b>": "<script>alert(1)</script>"})._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert not re.search("#[0-9a-f]{3}|rgb", html)


def test_an_unsure_paginator_is_a_note():
    """Only a sure one is among the options."""
    found = look({"items": [{"id": 1}], "total": 90})
    assert "pages" not in found.options
    assert "perhaps pages=paio.PageNumber(total_records='total')" in repr(found)


def test_fields_of_an_envelope_that_paging_opens_are_no_columns():
    """No form of the rows is recognised here, so that the columns are not known."""
    options = look({"page": 1, "total_pages": 3, "rows": [[{"v": 1}], [{"v": 2}]]}).options
    assert options == {"pages": PageNumber(total_pages="total_pages")}


def test_options_of_the_format_are_repeated():
    """The payload depends on them."""
    found = look([{"id": 1}], format="json")
    assert list(found.options) == ["format", "columns"]


def test_a_payload_that_is_no_table_has_no_options():
    """A text, a null."""
    for payload in ("text", None, b""):
        assert look(payload).options == {}
        assert "No options are needed." in repr(look(payload))


def test_the_suggestion_can_be_evaluated():
    """Paginators are written with the package's name."""
    found = look({"page": 1, "total_pages": 3, "items": [{"id": 1}]})
    assert found.options["pages"] == PageNumber(total_pages="total_pages")
    assert "pages=paio.PageNumber(total_pages='total_pages')," in repr(found)
