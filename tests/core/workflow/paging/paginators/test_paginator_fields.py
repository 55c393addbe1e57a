"""The fields of the paginators: their check and their repr."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paginators.paginators import as_paginator


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (PageNumber, {"size": 100}, "('per_page', 100)"),
        (PageNumber, {"size": "per_page"}, "('per_page', 100)"),
        (PageNumber, {"size": ("n", "x")}, "('per_page', 100)"),
        (PageNumber, {"size": ("n", 0)}, "('per_page', 100)"),
        (PageNumber, {"start": "1"}, "a whole number from 0"),
        (PageNumber, {"start": True}, "a whole number from 0"),
        (PageNumber, {"start": -1}, "a whole number from 0"),
        (PageNumber, {"param": 3}, "a name"),
        (PageNumber, {"total_pages": 5}, "a path"),
        (PageNumber, {"total_records": []}, "a path"),
        (PageNumber, {"body": "yes"}, "True or False"),
        (Offset, {"start": 1.5}, "a whole number from 0"),
        (Offset, {"total_records": ["a", 1.5]}, "a path"),
        (NextUrl, {"path": 5}, "a path"),
        (NextUrl, {"path": ""}, "a path"),
        (NextUrl, {"path": None}, "pass path= or header="),
        (NextUrl, {"header": 5}, "a name"),
        (Cursor, {"path": 5}, "a path"),
        (Cursor, {"path": "next", "param": None}, "a name"),
        (Cursor, {"path": "next", "more": 5}, "a path"),
        (GraphQLCursor, {"path": 5}, "a path"),
        (GraphQLCursor, {"path": None}, "a path"),
        (GraphQLCursor, {"path": "a.pageInfo", "variable": ""}, "a name"),
    ],
)
def test_a_wrong_field_raises_when_the_paginator_is_made(kind, fields, expected):
    """The message names the class, the field and what to pass."""
    with pytest.raises(PlanError) as caught:
        kind(**fields)
    assert kind.__name__ in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "paginator",
    [
        LinkHeader(),
        NextUrl(),
        NextUrl(header="N"),
        Cursor("a", "b"),
        PageNumber(size=("s", 5)),
        Offset(total_records="n"),
        GraphQLCursor("a.pageInfo"),
    ],
)
def test_the_repr_makes_an_equal_paginator(paginator):
    """It leaves out fields that have their default."""
    assert eval(repr(paginator)) == paginator
    assert "None" not in repr(paginator)
    assert as_paginator(paginator) is paginator
