"""Paging of a run: which requests are sent, which pages are kept, what a later run can resume."""

from __future__ import annotations

import pytest

from pandas_async_io._core.body.interpret import Interpreter
from pandas_async_io._core.errors import AttemptError, ParseError, PlanError
from pandas_async_io._core.models import Outcome, Page, Request, Response, Result
from pandas_async_io._core.table.columns.collectors import PageCollector
from pandas_async_io._core.table.records.shape import Shape
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor
from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import PageNumber
from pandas_async_io._core.workflow.paging.paging_options import PagingOptions
from pandas_async_io._core.workflow.paging.workflow import EarlierRun, PagingWorkflow

FINE = Result(Outcome.OK, status=200, attempts=1, elapsed=0.5)
FAILED = Result(Outcome.HTTP_ERROR, status=500, attempts=3, elapsed=0.2, error="HTTP 500")
FIRST = Request("http://e.com/u")


class Run:
    """A run without network: the workflow, and what it delivered."""

    def __init__(self, paginator, positions=1, unfinished=None, **options):
        self.results = {}
        self.answers = PageCollector(positions, Shape())
        self.workflow = PagingWorkflow(
            paginator,
            self.answers,
            Interpreter(),
            self.results.__setitem__,
            options=PagingOptions(**options),
            earlier=None if unfinished is None else EarlierRun(unfinished),
        )

    def begin(self, position=0, request=FIRST):
        return {step.number: step.request for step in self.workflow.begin(position, request)}

    def answer(self, number, request, payload, position=0):
        """Answer a page as the engine does; return the requests that follow, by number."""
        page = Page(request, Response(200, {}, b"", request.url), payload)
        try:
            steps = self.workflow.next_steps(position, number, page, 0.0, 0.0)
        except AttemptError as error:
            self.workflow.finish_step(position, number, Result(error.outcome, status=200, attempts=1, error=str(error)))
            return {}
        self.workflow.finish_step(position, number, FINE)
        return {step.number: step.request for step in steps}

    def fail(self, number, result=FAILED, position=0):
        self.workflow.finish_step(position, number, result)

    def ids(self):
        columns = self.answers.build_columns(nullable=True)
        return columns.arrays["id"].tolist(), self.answers.pages.tolist()


def linked(number, following=None):
    return {"data": [{"id": number}], "next": following}


def counted(number, total=4):
    return {"data": [{"id": number}], "pages": total}


def three_of_four(**options):
    """Return a run whose third page failed."""
    run = Run(PageNumber(total_pages="pages"), **options)
    rest = run.answer(1, run.begin()[1], counted(1))
    for number in (4, 2):
        assert run.answer(number, rest[number], counted(number)) == {}
    run.fail(3)
    return run


def test_a_chain_is_delivered_once_with_the_attempts_of_all_pages():
    """The result is the last page's."""
    run = Run(NextUrl())
    two = run.answer(1, run.begin()[1], linked(1, "?page=2"))
    assert run.results == {}
    assert (run.workflow.pages_requested, run.workflow.pages_done) == (2, 1)
    assert run.answer(2, two[2], linked(2)) == {}
    assert run.results == {0: Result(Outcome.OK, status=200, attempts=2, elapsed=0.5)}
    assert (run.workflow.unfinished, run.workflow.findings) == ({}, {})
    assert run.ids() == ([1, 2], [1, 2])


def test_a_failed_page_is_named_and_a_later_run_requests_it_alone():
    """Any number of later runs may do so: each resumes a copy."""
    run = three_of_four()
    failed = run.results[0]
    assert (failed.outcome, failed.status, failed.error) == (Outcome.HTTP_ERROR, 500, "page 3: HTTP 500")
    assert (failed.attempts, failed.url) == (6, "http://e.com/u?page=3")
    assert run.workflow.findings == {0: ["page 3 did not come"]}
    assert run.ids() == ([1, 2, 4], [1, 2, 4])
    for _ in range(2):
        later = Run(PageNumber(total_pages="pages"), unfinished=run.workflow.unfinished)
        again = later.begin(request=Request(FIRST.url, headers={"Authorization": "new"}))
        assert {number: (each.url, dict(each.headers)) for number, each in again.items()} == {
            3: ("http://e.com/u?page=3", {"Authorization": "new"})
        }
        assert later.answer(3, again[3], counted(3)) == {}
        assert later.results[0].outcome is Outcome.OK
        assert later.workflow.findings == {}
        assert later.ids() == ([3], [3])


def test_a_resumed_page_has_the_new_credentials_on_its_origin_only():
    """They are in headers and in the query; a page on another origin is requested as before."""
    away = "http://cdn.com/2?key=old"
    for following, url, headers in (("?page=2&key=old", f"{FIRST.url}?page=2&key=new", {"A": "t"}), (away, away, {})):
        run = Run(NextUrl(), allow_hosts=["cdn.com"])
        old, new = (Request(f"{FIRST.url}?key={key}") for key in ("old", "new"))
        run.answer(1, run.begin(request=old)[1], linked(1, following))
        run.fail(2)
        later = Run(NextUrl(), allow_hosts=["cdn.com"], unfinished=run.workflow.unfinished)
        again = later.begin(request=Request(new.url, headers={"A": "t"}))[2]
        assert (again.url, dict(again.headers)) == (url, headers)


def test_a_run_that_was_stopped_can_be_resumed():
    """Requests without a page are pending; a position without a page starts again."""
    run = Run(NextUrl(), positions=2)
    run.answer(1, run.begin(0)[1], linked(1, "?page=2"))
    run.begin(1)
    run.workflow.close()
    assert list(run.workflow.unfinished) == [0]
    assert list(run.workflow.unfinished[0].pending) == [2]
    assert run.results == {}
    assert run.ids() == ([1], [1])


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_fault_46_a_chain_whose_cursor_expired_starts_again(status):
    """The cursor may be in a parameter or in a link; a numbered page is requested again."""
    refused = Result(Outcome.HTTP_ERROR, status=status, attempts=1, error=f"HTTP {status}")
    for paginator in (NextUrl(), Cursor("next", "page"), lambda page: page.payload["next"]):
        run = Run(paginator)
        run.answer(1, run.begin()[1], linked(1, "?page=2"))
        run.fail(2, refused)
        assert run.workflow.unfinished == {}
        assert "retry_failed starts again from page 1" in run.results[0].error
    run = Run(PageNumber())
    run.answer(1, run.begin()[1], counted(1))
    run.fail(2, refused)
    assert list(run.workflow.unfinished[0].pending) == [2]
    assert run.results[0].error == f"page 2: HTTP {status}"


def test_fault_44_a_broken_chain_starts_again():
    """The page that looped is not pending: resuming with the others would lose it."""
    run = Run(PageNumber(total_pages="pages"))
    rest = run.answer(1, run.begin()[1], counted(1))
    run.answer(2, rest[2], counted(2))
    run.answer(3, rest[3], counted(2))
    run.fail(4)
    assert run.results[0].outcome is Outcome.PARSE_ERROR
    assert run.results[0].error == "page 3: page loop: the records are those of page 2 again"
    assert run.workflow.unfinished == {}
    assert run.ids() == ([1, 2], [1, 2])


def test_a_page_whose_link_is_refused_is_kept():
    """Its own records are sound."""
    run = Run(NextUrl())
    assert run.answer(1, run.begin()[1], linked(1, "http://evil.com/")) == {}
    assert run.results[0].outcome is Outcome.UNSAFE_URL
    assert run.ids() == ([1], [1])


def test_a_detected_paginator_serves_rows_whose_own_page_is_unsure():
    """The report says once what was detected."""
    run = Run(None, positions=2)
    run.answer(1, run.begin(0)[1], linked(1, "?page=2"))
    assert run.workflow.detected == "pages=NextUrl() was taken: 'next' holds a URL"
    unsure = {"data": [{"id": 5}], "continuation": "x"}
    assert run.answer(1, run.begin(1)[1], unsure, position=1) == {}
    assert run.results[1].outcome is Outcome.OK
    alone = Run(None)
    request = alone.begin()[1]
    with pytest.raises(PlanError, match="not sure"):
        alone.answer(1, request, unsure)


def test_the_record_path_of_other_rows_serves_rows_that_are_unsure():
    """A row of another form uses its own path."""
    run = Run(NextUrl(), positions=3)
    run.answer(1, run.begin(0)[1], linked(1))
    run.answer(1, run.begin(1)[1], {"data": [{"id": 2}], "items": [{"id": 3}], "next": None}, position=1)
    run.answer(1, run.begin(2)[1], {"items": [{"id": 4}], "next": None}, position=2)
    assert run.ids() == ([1, 2, 4], [1, 1, 1])


def test_fault_27_a_page_without_records_fails_and_its_chain_starts_again():
    """The other pending pages would not complete it."""
    run = Run(PageNumber(total_pages="pages"))
    rest = run.answer(1, run.begin()[1], counted(1, 3))
    run.answer(2, rest[2], {"error": "x", "pages": 3})
    run.fail(3)
    assert run.results[0].error == "page 2: record_path ['data'] is not on this page, which says: x"
    assert run.workflow.unfinished == {}
    assert run.ids() == ([1], [1])


def test_a_misspelt_paginator_is_a_finding_of_the_first_page_only():
    """A page from the middle, with which a later run resumes, shows the end and no misspelling."""
    run = Run(NextUrl("nxet"))
    run.answer(1, run.begin()[1], linked(1, "?page=2"))
    assert run.workflow.findings == {0: ["NextUrl(path='nxet') finds no next page; NextUrl() does"]}
    count = PageNumber(total_records="count")

    def page(number):
        return {"data": [{"id": number}], "count": 3, "total_pages": 3, "page": number}

    run = Run(count)
    rest = run.answer(1, run.begin()[1], page(1))
    run.answer(3, rest[3], page(3))
    run.fail(2)
    later = Run(count, unfinished=run.workflow.unfinished)
    later.answer(2, later.begin()[2], page(2))
    assert later.workflow.findings == {}


def test_each_posted_page_has_its_own_idempotency_key():
    """It is derived from the first page's: a repeated page has the same key, in any run."""
    paginator = Cursor("next", body=True)
    first = Request(FIRST.url, "POST", headers={"Key": "k"}, body=b"{}")
    runs = [Run(paginator, idempotency_header="Key") for _ in range(2)]
    second, same = (run.answer(1, run.begin(request=first)[1], linked(1, "b"))[2] for run in runs)
    assert second.headers["Key"] == same.headers["Key"] != "k"
    runs[0].fail(2)
    later = Run(paginator, idempotency_header="Key", unfinished=runs[0].workflow.unfinished)
    again = later.begin(request=first)[2]
    assert again == second
    third = later.answer(2, again, linked(2, "c"))[3]
    assert third.headers["Key"] not in {"k", second.headers["Key"]}


def test_a_function_that_raises_fails_its_page():
    """The error holds its message; the page itself is kept."""

    def own(page):
        return page.payload["nothing"]

    run = Run(own)
    run.answer(1, run.begin()[1], linked(1))
    assert run.results[0].error.startswith("page 1: pages= raised KeyError: 'nothing', in own (test_workflow.py:")
    assert run.results[0].outcome is ParseError("").outcome
    assert run.ids() == ([1], [1])
