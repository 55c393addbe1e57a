"""What a parser made of a page decides how many records the page has."""

from __future__ import annotations

import pandas as pd
import pytest

from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor
from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.records.parsed_page import describe_difference, parsed_records


@pytest.mark.parametrize(
    ("payload", "path", "length"),
    [
        ([{"a": 1}, {"a": 2}], None, 2),
        (pd.DataFrame({"a": [1, 2]}), None, 2),
        (pd.DataFrame({"a": []}), None, 0),
        ([], None, 0),
        (None, None, 0),
        ({}, None, 0),
        ({"data": {}}, None, 0),
        ({"page": 7, "items": []}, None, 0),
        ({"page": 7, "items": [1, 2]}, None, 2),
        ({"title": "T", "authors": [{"n": 1}, {"n": 2}]}, None, 1),
        ({"a": [{}], "b": [{}]}, None, 1),
        ({"id": 1}, None, 1),
        ({"rows": [1, 2, 3], "other": [1]}, ("rows",), 3),
        ({"other": [1]}, ("rows",), 0),
    ],
)
def test_a_parsers_result_has_the_records_that_it_becomes(payload, path, length):
    """An envelope that a parser hands on is read as such."""
    assert len(parsed_records(payload, path)) == length


@pytest.mark.parametrize(
    ("paginator", "count", "ended", "text"),
    [
        (PageNumber(), 0, True, "page 2: paging ended because parser= returned no record of 3"),
        (Cursor(after="id"), 0, True, "page 2: paging ended because parser= returned no record of 3"),
        (PageNumber(), 0, False, None),
        (PageNumber(), 1, False, None),
        (NextUrl(), 0, True, None),
        (Offset(), 3, False, None),
        (Offset(), 2, False, None),
        (Offset(), 1, False, "page 2: parser= returned 1 record of 3: Offset() counts those that parser= returned"),
    ],
)
@pytest.mark.parametrize("own_path", [(), ("orders",)])
def test_a_parser_that_leaves_records_out_is_noted_where_they_are_counted(own_path, paginator, count, ended, text):
    """Links and tokens do not depend on the number of records; one more may be a header."""
    own = [{"id": 1}, {"id": 2}, {"id": 3}]
    envelope = {"orders": own} if own_path else own
    assert describe_difference(2, paginator, [{}] * count, envelope, own_path, ended=ended) == text
