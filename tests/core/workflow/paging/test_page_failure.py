"""The message of a page that failed."""

from __future__ import annotations

import pytest

from pandas_async_io._core.workflow.paging.page_failure import describe_page_failure, may_be_expired_cursor
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor
from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber


@pytest.mark.parametrize(
    ("number", "status", "paginator", "expected"),
    [
        (3, 400, Cursor("next"), True),
        (3, 404, NextUrl(), True),
        (3, 410, len, True),
        (3, 422, None, True),
        (1, 410, Cursor("next"), False),
        (3, 500, Cursor("next"), False),
        (3, None, Cursor("next"), False),
        (3, 410, PageNumber(), False),
        (3, 410, Offset(), False),
    ],
)
def test_fault_46_a_cursor_may_expire_after_the_first_page(number, status, paginator, expected):
    """Only cursors and links expire, only after page 1, and only some statuses say so."""
    assert may_be_expired_cursor(number, status, paginator) is expected


def test_fault_46_a_failure_names_its_page_once():
    """A text that names the page already is not prefixed again."""
    assert describe_page_failure(3, "page 3: HTTP 500") == "page 3: HTTP 500"
    assert describe_page_failure(3, "HTTP 410 Gone", restart="start again").endswith("expired: start again)")
