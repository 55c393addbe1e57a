"""`PageNumber` and `Offset`: the names of their options."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import replace

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [
        (PageNumber, {"total": "X-Total-Count"}, ["total='X-Total-Count'", "total_pages=", "total_records="]),
        (PageNumber, {"count": "meta.total"}, ["count='meta.total'", "total_records="]),
        (PageNumber, {"total_pages": "pages", "total": "pages"}, ["total_pages="]),
        (Offset, {"count": "total"}, ["count='total'", "total_records="]),
        (Offset, {"total": "total"}, ["total='total'", "total_records="]),
    ],
)
def test_an_old_option_name_raises_an_error_with_the_new_name(kind, options, names):
    """The error names the class, the option with its value, and what to pass."""
    with pytest.raises(PlanError, match="renamed") as caught:
        kind(**options)
    assert all(name in str(caught.value) for name in [kind.__name__, *names])


def test_an_old_option_name_raises_the_same_error_in_replace():
    """`dataclasses.replace` makes a new paginator."""
    with pytest.raises(PlanError, match="total_records="):
        replace(Offset(), count="total")


@pytest.mark.parametrize("header", ["X-Total-Count", "x-total-count", "X-Total", "X-WP-Total", "Content-Range"])
def test_a_header_that_counts_records_is_refused_as_the_number_of_pages(header):
    """This holds by keyword and by position: taken for pages, it would send one request per record."""
    for make in (lambda: PageNumber(total_pages=header), lambda: PageNumber("page", 1, None, header)):
        with pytest.raises(PlanError, match=f"number of records: pass total_records={header!r}"):
            make()
    assert PageNumber(total_records=header).total_records == header


@pytest.mark.parametrize("header", ["X-Total-Pages", "X-WP-TotalPages"])
def test_a_header_that_counts_pages_is_refused_as_the_number_of_records(header):
    """Paging would end too early."""
    with pytest.raises(PlanError, match=f"number of pages: pass total_pages={header!r}"):
        PageNumber(total_records=header)
    with pytest.raises(PlanError, match="number of pages"):
        Offset("offset", ("limit", 10), header)
    assert PageNumber(total_pages=header).total_pages == header


def test_an_unknown_option_is_a_type_error():
    """As for any class."""
    with pytest.raises(TypeError, match="pages"):
        PageNumber(pages=3)


def test_the_signature_shows_the_options_in_their_order():
    """Shift-Tab in a notebook reads it; positions mean what they meant before the renaming."""
    assert list(inspect.signature(PageNumber).parameters) == [
        *("param", "start", "size", "total_pages", "total_records", "body"),
    ]
    assert list(inspect.signature(Offset).parameters) == ["param", "size", "total_records", "start", "body"]


@pytest.mark.parametrize("paginator", [PageNumber("p", 0, ("n", 5), "pages"), Offset(total_records=["a", "b"])])
def test_a_paginator_can_be_copied_and_pickled(paginator):
    """A copy is equal."""
    assert copy.copy(paginator) == pickle.loads(pickle.dumps(paginator)) == paginator
