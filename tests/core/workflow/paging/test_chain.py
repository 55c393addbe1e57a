"""Chains: complete or an error, for any sequence of pages, in any order of the pages."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError, PlanError, UnsafeUrlError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.request.query import get_param
from pandas_async_io._core.workflow.paging.chain import MAX_EMPTY_PAGES, Chain
from pandas_async_io._core.workflow.paging.links.link_header import parse_link_header
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paging_options import PagingOptions

URL = "http://e.com/u"


@dataclass
class Api:
    """An API with correct paging, over pages of any length; it records the requested URLs."""

    sizes: list[int]
    requested: list[str] = field(default_factory=list)

    def __post_init__(self):
        ends = [sum(self.sizes[: at + 1]) for at in range(len(self.sizes))]
        self.pages = [
            [{"id": number} for number in range(end - size, end)] for size, end in zip(self.sizes, ends, strict=True)
        ]

    @property
    def records(self):
        return [record for page in self.pages for record in page]

    def answer(self, request):
        """Answer page ``page`` (from 1) with every kind of paging there is."""
        self.requested.append(request.url)
        number = int(get_param(request, "page") or 1)
        records = self.pages[number - 1] if number <= len(self.pages) else []
        more = number < len(self.pages)
        payload = {"data": records, "next": f"?page={number + 1}" if more else None, "pages": len(self.pages)}
        payload |= {"cursor": str(number + 1) if more else "", "more": more, "count": len(self.records)}
        last = f"<?page={len(self.pages)}>; rel=last"
        links = f"<?page={number + 1}>; rel=next, {last}" if more else last
        return Page(request, Response(200, {"Link": links}, b"", request.url), payload)


def read(chain, answer, seed=0):
    """Drive a chain to its end, pages in any order; return the records by page."""
    dice, taken, waiting = random.Random(seed), {}, [(1, chain.first)]
    while waiting:
        number, request = waiting.pop(dice.randrange(len(waiting)))
        page = answer(request)
        waiting += chain.add_page(number, page)
        taken[number] = page.payload["data"]
    assert chain.done
    return [record for number in sorted(taken) for record in taken[number]]


def paginators():
    return [
        LinkHeader(),
        NextUrl("next"),
        NextUrl("next", count="count"),
        Cursor("cursor", "page"),
        Cursor("cursor", "page", more="more"),
        PageNumber(total_pages="pages"),
        lambda page: page.payload["next"],
        None,
    ]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.sampled_from(paginators()), st.integers())
def test_any_sequence_of_pages_is_read_completely_and_once(sizes, paginator, seed):
    """With empty pages anywhere, the chain ends, requests no page twice, misses nothing and repeats nothing."""
    if paginator == NextUrl("next", count="count") and len({*sizes[:-1], max(sizes)}) > 1:
        sizes = [max(sizes)] * len(sizes)  # a count tells the pages only where they are of one length
    api = Api(sizes)
    chain = Chain(paginator, Request(URL))
    assert read(chain, api.answer, seed) == api.records
    assert len(set(api.requested)) == len(api.requested) == len(sizes)
    assert chain.findings() == []


def sliced(total, size, *, obeys=True, says=None):
    """Return an API that cuts a list by page or offset, and the requested URLs."""
    requested = []

    def answer(request):
        requested.append(request.url)
        step = int(get_param(request, "size") or size) if obeys else size
        start = int(get_param(request, "offset") or (int(get_param(request, "page") or 1) - 1) * step)
        records = [{"id": number} for number in range(start, min(start + step, total))]
        payload = {"data": records, "count": total if says is None else says}
        return Page(request, Response(200, {}, b"", request.url), payload)

    return answer, requested


numbered = st.sampled_from(
    [
        PageNumber(size=("size", 7)),
        PageNumber(size=("size", 7), total_records="count"),
        PageNumber(total_records="count"),
        Offset(size=("size", 7)),
        Offset(size=("size", 7), total_records="count"),
        Offset(total_records="count"),
    ]
)


@given(st.integers(0, 60), st.integers(1, 9), numbered, st.booleans(), st.integers())
def test_fault_44_numbered_pages_are_complete_even_if_the_size_is_ignored(total, size, paginator, obeys, seed):
    """The length that came counts, not the one requested; with a total no page after the last one is requested."""
    answer, requested = sliced(total, size, obeys=obeys)
    chain = Chain(paginator, Request(URL))
    assert [record["id"] for record in read(chain, answer, seed)] == list(range(total))
    assert chain.findings() == []
    if paginator.total_records:
        came = 7 if obeys and paginator.size else size
        assert len(requested) == max(1, -(-total // came))


@given(st.integers(1, 40), st.integers(0, 60), st.integers())
def test_fault_44_a_wrong_total_is_a_finding(total, says, seed):
    """Too high: the difference is a finding. Too low: the records beyond it are read where the pages show them."""
    for paginator in (PageNumber(total_records="count"), Offset(total_records="count")):
        answer, _ = sliced(total, 5, says=says)
        chain = Chain(paginator, Request(URL))
        came = len(read(chain, answer, seed))
        truth = came == total and says == total
        hidden = came == says and came % 5 == 0  # a full page and a total that fits: no sign of more
        assert truth or hidden or chain.findings() == [f"the API says {says} record{'s' * (says != 1)}, {came} came"]
        assert came == total or hidden


def test_fault_44_a_next_page_that_points_to_itself_is_a_loop():
    """A link to an earlier page is one, too; the message names the page."""
    chain = Chain(NextUrl("next"), Request(URL))
    (two,) = chain.add_page(1, answered(1, "?page=2"))
    with pytest.raises(ParseError, match="page 2: page loop: the page after page 2 is page 2 again"):
        chain.add_page(2, answered(2, "?page=2", request=two[1]))
    chain = Chain(NextUrl("next"), Request(URL))
    with pytest.raises(ParseError, match="page 1: page loop"):
        chain.add_page(1, answered(1, "/u"))


def answered(number, following, *, request=None, **others):
    payload = {"data": [{"id": number}], "next": following, **others}
    return Page(request or Request(URL), Response(200, {}, b"", URL), payload)


def test_fault_44_a_repeated_cursor_is_a_loop():
    """It would request the same page again; the message hides the cursor."""
    chain = Chain(Cursor("token", "page_token"), Request(URL))
    (two,) = chain.add_page(1, answered(1, None, token="s3cret"))
    with pytest.raises(ParseError, match="page loop") as caught:
        chain.add_page(2, answered(2, None, token="s3cret", request=two[1]))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("paginator", [PageNumber(), PageNumber(total_pages="pages"), Cursor("token")])
def test_fault_44_a_page_with_repeated_records_is_a_loop(paginator):
    """An API that ignores the parameter sends the first page for ever, with any envelope."""

    def stuck(request):
        stuck.calls += 1
        payload = {"data": [{"id": 1}, {"id": 2}], "pages": 9, "token": str(stuck.calls), "time": stuck.calls}
        return Page(request, Response(200, {}, b"", URL), payload)

    stuck.calls = 0
    with pytest.raises(ParseError, match="page loop: the records are those of page"):
        read(Chain(paginator, Request(URL)), stuck)


def test_fault_44_many_consecutive_empty_pages_are_a_loop():
    """A cursor that is always new may lead on for long, not for ever."""

    def barren(request):
        number = int(get_param(request, "cursor") or 1)
        return Page(request, Response(200, {}, b"", URL), {"data": [], "token": str(number + 1)})

    with pytest.raises(ParseError, match=f"page {MAX_EMPTY_PAGES}: page loop"):
        read(Chain(Cursor("token"), Request(URL)), barren)


def test_a_text_body_is_a_page():
    """A text is compared as it came; the same text again is a loop."""
    chain = Chain(Cursor(header="Sforce-Locator", param="locator"), Request(URL))
    (two,) = chain.add_page(1, Page(chain.first, Response(200, {"Sforce-Locator": "A"}, b"a\n1", URL), "a\n1"))
    (three,) = chain.add_page(2, Page(two[1], Response(200, {"Sforce-Locator": "B"}, b"a\n2", URL), "a\n2"))
    with pytest.raises(ParseError, match="those of page 1 again"):
        chain.add_page(3, Page(three[1], Response(200, {"Sforce-Locator": "null"}, b"a\n1", URL), "a\n1"))


def test_security_s7_a_chain_stays_on_its_origin():
    """A next link to another host is refused with the page's number; an allowed host gets no headers."""
    request = Request(URL, headers={"X-API-Key": "k"})
    with pytest.raises(UnsafeUrlError, match=r"page 1: the next page leads from http://e.com to http://evil.com"):
        Chain(NextUrl("next"), request).add_page(1, answered(1, "http://evil.com/"))
    ((_, away),) = Chain(NextUrl("next"), request, options=PagingOptions(allow_hosts=["cdn.com"])).add_page(
        1, answered(1, "http://cdn.com/2")
    )
    assert dict(away.headers) == {}
    with pytest.raises(UnsafeUrlError):
        Chain(lambda page: Request("http://evil.com/", headers=request.headers), request).add_page(1, answered(1, None))


def test_security_s10_at_most_max_pages_are_requested():
    """Reaching the limit is a finding only where there are more pages."""
    for paginator in (NextUrl("next"), PageNumber(total_pages="pages"), LinkHeader()):
        api = Api([2] * 5)
        chain = Chain(paginator, Request(URL), options=PagingOptions(max_pages=3))
        assert read(chain, api.answer) == api.records[:6]
        assert chain.findings() == ["max_pages=3 was reached, and there are more"]
        chain = Chain(paginator, Request(URL), options=PagingOptions(max_pages=5))
        assert read(chain, Api([2] * 5).answer) == api.records
        assert chain.findings() == []


def moving(before, after):
    """Return an API whose list changes after its second page."""

    def answer(request):
        number = int(get_param(request, "page") or 1)
        rows = before if number <= 2 else after
        records, more = rows[(number - 1) * 3 : number * 3], number * 3 < len(rows)
        payload = {"data": records, "next": f"?page={number + 1}" if more else None, "total": len(rows)}
        return Page(request, Response(200, {}, b"", request.url), payload)

    return answer


ROWS = [{"id": number} for number in range(12)]


def test_fault_45_records_that_come_twice_are_a_finding():
    """An insertion at the front moves records to the next page."""
    chain = Chain(NextUrl("next"), Request(URL))
    came = read(chain, moving(ROWS, [{"id": -1}, {"id": -2}, *ROWS]))
    assert [a for a, b in pairwise(sorted(record["id"] for record in came)) if a == b] == [4, 5]
    assert chain.findings() == [
        "page 3 repeats 2 records of page 2",
        "the API's total moved from 12 to 14: records may be missing or come twice",
    ]


def test_fault_45_a_total_that_changes_is_a_finding():
    """A deletion shows only in the total."""
    chain = Chain(NextUrl("next"), Request(URL))
    read(chain, moving(ROWS, ROWS[1:]))
    assert chain.findings() == ["the API's total moved from 12 to 11: records may be missing or come twice"]


@given(st.integers())
def test_fault_45_repeated_records_are_found_in_any_order_of_the_pages(seed):
    """Neighbours are compared when both have come."""
    cuts = [range(3), range(3, 6), range(5, 8), range(8, 11)]

    def answer(request):
        number = int(get_param(request, "page") or 1)
        records = [{"id": each} for each in cuts[number - 1]]
        return Page(request, Response(200, {}, b"", URL), {"data": records, "pages": 4})

    chain = Chain(PageNumber(total_pages="pages"), Request(URL))
    read(chain, answer, seed)
    assert chain.findings() == ["page 3 repeats 1 record of page 2"]


def test_a_count_that_is_the_length_of_each_page_is_no_total():
    """Some APIs call the length of each page its count."""
    for sizes in ([2, 2], [3, 3, 1]):
        api = Api(sizes)

        def answer(request, api=api):
            page = api.answer(request)
            page.payload["count"] = len(page.payload["data"])
            return page

        chain = Chain(NextUrl("next"), Request(URL))
        assert read(chain, answer) == api.records
        assert chain.findings() == []


def test_a_failed_page_is_pending_until_it_comes():
    """A finding names it, and it can be sent again alone."""
    api = Api([1, 1, 1, 1])
    chain = Chain(PageNumber(total_pages="pages"), Request(URL))
    rest = dict(chain.add_page(1, api.answer(chain.first)))
    chain.add_page(4, api.answer(rest[4]))
    assert chain.findings() == ["pages 2, 3 did not come"]
    chain.add_page(2, api.answer(rest[2]))
    assert chain.findings() == ["page 3 did not come"]
    assert chain.add_page(3, api.answer(chain.pending[3])) == []
    assert (chain.done, chain.findings()) == (True, [])


def test_auto_chooses_the_paginator_on_the_first_page():
    """The chain keeps the paginator; where it is not sure, the first page raises."""
    api = Api([2, 2])
    chain = Chain(None, Request(URL))
    read(chain, api.answer)
    assert (chain.paginator, chain.detected.confidence) == (LinkHeader(), 0.99)
    page = Page(Request(URL), Response(200, {}, b"", URL), {"data": [{"id": 1}], "continuation": "x"})
    with pytest.raises(PlanError, match=r"Choose one of: pages=Cursor\(path='continuation', param='continuation'\)"):
        Chain(None, Request(URL)).add_page(1, page)
    alone = Chain(None, Request(URL))
    assert alone.add_page(1, Page(Request(URL), Response(200, {}, b"", URL), [{"id": 1}])) == []
    assert (alone.done, alone.paginator) == (True, None)


def test_the_record_path_of_the_first_page_is_kept():
    """A path that is given is not searched for."""
    page = answered(1, None)
    chain = Chain(NextUrl("next"), Request(URL))
    chain.add_page(1, page)
    assert chain.record_path == ("data",)
    two = {"a": [{"id": 1}], "b": [{"id": 2}]}
    with pytest.raises(PlanError, match="record_path='a'"):
        Chain(NextUrl("next"), Request(URL)).add_page(1, Page(Request(URL), Response(200, {}, b"", URL), two))
    chain = Chain(NextUrl("next"), Request(URL), record_path=["b"])
    assert chain.add_page(1, Page(Request(URL), Response(200, {}, b"", URL), two)) == []
    assert chain.record_count == 1


def test_the_api_of_these_tests_writes_valid_link_headers():
    """Otherwise the tests above would page by nothing."""
    assert parse_link_header(Api([1, 1]).answer(Request(URL)).response.headers["Link"]) == {
        "next": "?page=2",
        "last": "?page=2",
    }
