"""Reading every page over HTTP: each kind of paging, each fault, one row and many at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import warnings
from collections import Counter
from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from pandas_async_io.demo import data
from tests.demo.paging_schemes import QUERY, SCHEMES
from tests.servers.scripted import Action, http_response, serve_script

ONCE = {"retry": 1}
QUICK = {"retry": paio.Retry(base=0.001)}
TABLE = "Content-Type: text/csv"
COUNTED = paio.PageNumber(total_pages="meta.total_pages")
CURSOR = paio.Cursor("meta.next_cursor")
WHOLE = list(range(1, 36))
SWITCHES = ["fail", "times", "loop", "insert", "empty_last", "empty_middle", "ignore_size", "total"]
FAULTS = {
    "none": {},
    "empty last page": {"empty_last": 1},
    "empty middle page": {"empty_middle": 1},
    "page size ignored": {"ignore_size": 1, "size": 100},
    "total too low": {"total": 25},
    "total too high": {"total": 55},
    "next is itself": {"loop": 3},
    "page 3 fails": {"fail": 3, "times": 1},
    "row inserted": {"insert": 1},
}


@dataclass(frozen=True)
class Scheme:
    """One kind of paging: an endpoint, the body that is posted to it, and the option ``pages``."""

    name: str
    target: str
    body: bytes | None
    pages: Any

    @property
    def known(self):
        """The paginator that is given, or that "auto" must detect."""
        found = {
            "pages": COUNTED,
            "offset": paio.Offset(total_records="total"),
            "next": paio.NextUrl(count="count"),
            "relative next": paio.NextUrl(count="count"),
        }
        first = SCHEMES[self.name][2][0]
        return found.get(self.name, first) if self.pages == "auto" else self.pages

    @property
    def numbered(self):
        return isinstance(self.known, paio.PageNumber | paio.Offset)

    @property
    def shows_all_pages(self):
        """Whether the first page shows the paginator how many pages there are."""
        if self.numbered:
            return bool(getattr(self.known, "total_pages", None) or self.known.total_records)
        return self.name == "link" or bool(getattr(self.known, "count", None))

    @property
    def has_total(self):
        """Whether the responses hold the number of records."""
        return not self.target.startswith(("/paged/link", "/paged/after", "/paged/key"))

    @property
    def options(self):
        if self.body is None:
            return {"pages": self.pages}
        if self.name == "graphql":
            return {"pages": self.pages, "json": paio.graphql(QUERY, {"first": "{size}"})}
        return {"pages": self.pages, "method": "POST", "json": json.loads(self.body)}

    def template(self, api):
        """Return the URL template of a row: its number, its page size, its faults."""
        path = self.target.partition("?")[0]
        names = {"/paged/link": "per_page", "/paged/pages": "per_page", "/odata": "$top"}
        size = names.get(path, "limit" if path in {"/paged/offset", "/paged/after"} else "size")
        mark = "&" if "?" in self.target else "?"
        return f"{api}{self.target}{mark}n=35&{size}={{size}}&q={{q}}{{&{','.join(SWITCHES)}}}"

    def expected(self, fault):
        """Return what a row must get: the ids, the error if there is one, and the findings."""
        found, loses = FOUND.get(fault), []
        if fault == "empty middle page" and self.name == "after":
            return WHOLE[:20], "page 3: the page says that there is more", []
        if fault == "empty middle page" and self.numbered and not self.shows_all_pages:
            return WHOLE[:20], None, ["the API says 45 records, 20 came"] if self.has_total else []
        if fault == "total too low" and self.known == COUNTED:
            return WHOLE[:30], None, ["the API says 25 records, 30 came"]
        if fault == "next is itself":
            return WHOLE[:30], "page loop", []
        if fault == "page 3 fails":
            return WHOLE[:20] + WHOLE[30:] * self.shows_all_pages, "page 3: HTTP 500", ["page 3 did not come"]
        if fault == "row inserted" and self.name != "after":
            loses = ["page 3 repeats 1 record of page 2"]
        ids = sorted([*WHOLE, 20]) if loses else WHOLE
        return ids, None, loses + [found] * (self.has_total and found is not None)


FOUND = {
    "empty middle page": "the API says 45 records, 35 came",
    "total too low": "the API says 25 records, 35 came",
    "total too high": "the API says 55 records, 35 came",
    "row inserted": "the API's total moved from 35 to 36: records may be missing or come twice",
}
"""The finding of a total, where no record is lost."""

READ = [
    Scheme(name, target, body, pages)
    for name, (target, body, several) in SCHEMES.items()
    for pages in [*several, "auto"]
]
TYPICAL = {"link": paio.LinkHeader(), "posted cursor": SCHEMES["posted cursor"][2][0], "pages": "auto", "next": "auto"}


def cases(chosen=lambda scheme: True, quick=lambda scheme: True):
    """Return schemes as the cases of a test; those that are not quick are slow tests."""
    return [
        pytest.param(
            scheme,
            id=f"{scheme.name} {'function' if callable(scheme.pages) else scheme.pages!r:.40}",
            marks=[] if quick(scheme) else pytest.mark.slow,
        )
        for scheme in READ
        if chosen(scheme)
    ]


def first(scheme):
    """Whether this is the first paginator of its scheme, or "auto" for links in the payload."""
    return scheme.pages is SCHEMES[scheme.name][2][0] or (scheme.pages == "auto" and scheme.name == "next")


def typical(scheme):
    return scheme.name in TYPICAL and scheme.pages == TYPICAL[scheme.name]


@pytest.fixture(scope="module")
def server():
    with paio.demo.serve() as served:
        yield served


@pytest.fixture
def api(server):
    """Return the server with an empty log."""
    server.clear()
    return server


@pytest.fixture
def mark(request):
    """Return a text unique to the test: the server counts the failures of each URL."""
    return request.node.name


def quietly(function, *args, **options):
    """Call, and allow only the warning that rows failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", paio.FetchWarning)
        return function(*args, **options)


def rows(mark, faults, index=None):
    """Return a frame of one row per fault, each with a request of its own."""
    frame = pd.DataFrame({"q": [f"{mark} {n}" for n in range(len(faults))], "size": 10}, index=index)
    for name in SWITCHES:
        frame[name] = pd.array([FAULTS[fault].get(name) for fault in faults], dtype="Int64")
    frame["size"] = [FAULTS[fault].get("size", 10) for fault in faults]
    return frame


def count_requests(api, status=None):
    return Counter(request.path_qs for request in api.log if status in {None, request.status})


def records(ids):
    return [data.record(one) for one in ids]


@pytest.mark.parametrize("scheme", cases())
def test_one_read_gives_all_records_in_order(api, scheme):
    """Ninety-five records in ten pages become one frame, and the report says what "auto" detected."""
    mark = "&" if "?" in scheme.target else "?"
    options = scheme.options
    if scheme.name == "graphql":
        options["json"] = paio.graphql(QUERY, {"first": 10})
    found = paio.read_api(f"{api}{scheme.target}{mark}q=1", **options)
    assert_frame_equal(found, pd.DataFrame(records(range(1, 96))))
    assert isinstance(found.index, pd.RangeIndex)
    blind = scheme.numbered and not scheme.shows_all_pages
    assert found.aio.report.sent == len(api.log) == 10 + blind
    findings = found.aio.report.findings
    assert len(findings) == (scheme.pages == "auto")
    assert all(each.startswith(f"pages={type(scheme.known).__name__}(") for each in findings)


@pytest.mark.parametrize("scheme", cases(quick=first))
def test_fault_44_45_each_of_200_rows_has_its_own_pages_and_faults(api, scheme, mark):
    """Each row is as complete as its API allows, in its place, and its findings are about this row alone.

    A scheme cannot notice a wrong total that it does not announce or that ends with a page, nor an empty
    page where nothing announces more. A cursor by the last record is not affected by an insertion.
    """
    faults = [list(FAULTS)[n % len(FAULTS)] for n in range(200)]
    given = rows(mark, faults, pd.Index([n // 2 for n in range(200)], name="k"))
    out = quietly(given.aio.fetch, scheme.template(api), **scheme.options, **ONCE)
    expected = [scheme.expected(fault) for fault in faults]
    repeats = np.repeat(np.arange(200), [len(ids) for ids, *_ in expected])
    assert_frame_equal(out[given.columns], given.iloc[repeats])
    ids = [one for several, *_ in expected for one in several]
    fields = pd.DataFrame(records(ids), index=out.index)
    assert_frame_equal(out[["id", "name", "group"]], fields.astype({"id": "Int64", "group": "Int64"}))
    outcomes, findings = out.aio.outcomes, out.aio.runs[-1].findings
    for row, (_, error, found) in enumerate(expected):
        assert (
            (outcomes["error"].iloc[row] or "").count(error or "") if error else outcomes["outcome"].iloc[row] == "ok"
        )
        assert list(findings.get(row, [])) == found
    failed = [row for row, (_, error, _) in enumerate(expected) if error]
    assert out.aio.failures["row"].tolist() == failed
    assert set(outcomes["outcome"].iloc[failed]) <= {"http_error", "parse_error"}


@pytest.mark.parametrize("scheme", cases())
def test_retry_failed_sends_only_missing_pages_and_those_after_them(api, scheme, mark):
    """The server's log shows it. Two retries of one frame are equal, and equal to a run without failures."""
    given = rows(mark, ["none", "page 3 fails"] * 3, [5, 5, 5, 6, 6, 7])
    out = quietly(given.aio.fetch, scheme.template(api), **scheme.options, **ONCE)
    before, kept = count_requests(api, 200), out.copy()
    api.clear()
    done = out.aio.retry_failed()
    sent = count_requests(api)
    api.clear()
    assert_frame_equal(out.aio.retry_failed(), done)
    assert count_requests(api) == sent
    api.clear()
    assert_frame_equal(done, given.aio.fetch(scheme.template(api), **scheme.options))
    assert before + sent == count_requests(api)
    assert_frame_equal(out, kept)
    assert done.aio.failures.empty
    assert done.aio.report.sent == before.total() + 3 + sent.total()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"how": "inner"}, {"join": False}], ids=["left", "inner", "alone"])
@pytest.mark.parametrize("index", [None, pd.Index([n // 3 for n in range(200)], name="k")], ids=["range", "duplicate"])
@pytest.mark.parametrize("scheme", cases(typical))
def test_retry_failed_completes_200_rows_of_which_some_lack_a_page(api, scheme, index, options, mark):
    """For each form of output, the completed frame is that of a run without failures."""
    given = rows(mark, ["page 3 fails" if n % 10 == 3 else "none" for n in range(200)], index)
    out = quietly(given.aio.fetch, scheme.template(api), **scheme.options, **ONCE, **options)
    assert out.aio.failures["row"].tolist() == list(range(3, 200, 10))
    done = out.aio.retry_failed()
    assert_frame_equal(done, out.aio.retry_failed())
    assert_frame_equal(done, given.aio.fetch(scheme.template(api), **scheme.options, **options))


@pytest.mark.parametrize("scheme", cases())
def test_the_error_of_a_failed_page_has_its_number(api, scheme, mark):
    """The error holds the other pages, and its frame can be completed."""
    (row,) = rows(mark, ["page 3 fails"]).to_dict("records")
    over = {name: [value] for name, value in row.items() if not pd.isna(value)}
    url = scheme.template(api).replace(",".join(SWITCHES), "fail,times")
    with pytest.raises(paio.FetchError, match=r"page 3: HTTP 500.*; page 3 did not come") as caught:
        paio.read_api(url, over=over, **scheme.options, **ONCE)
    ids = WHOLE[:20] + WHOLE[30:] * scheme.shows_all_pages
    assert caught.value.partial["id"].tolist() == ids
    done = caught.value.partial.aio.retry_failed()
    assert_frame_equal(done, paio.read_api(url, over=over, **scheme.options))
    assert done["id"].tolist() == WHOLE


# ── one chain ────────────────────────────────────────────────────────────────────────────────

BAD = http_response(status="500 X")


def page(ids, following=None):
    """Write a page as a cursor's API does."""
    return http_response(
        json.dumps({"data": [{"id": one} for one in ids], "meta": {"next_cursor": following}}).encode()
    )


def numbered(number):
    """Write one of four pages, of one record."""
    return http_response(json.dumps({"data": [{"id": number}], "meta": {"total_pages": 4}}).encode())


def sent_to(server):
    return [each.line.split()[1] for each in server.requests]


@pytest.mark.parametrize("pages", [CURSOR, COUNTED, "auto"], ids=["cursor", "number", "auto"])
def test_security_s10_reaching_max_pages_is_a_warning(api, pages):
    """There is no warning if there are no more pages."""
    url = api + ("/paged/cursor?n=35" if pages is CURSOR else "/paged/pages?n=35")
    with pytest.warns(paio.HintWarning, match="max_pages=2 was reached, and there are more"):
        found = paio.read_api(url, pages=pages, max_pages=2)
    assert found["id"].tolist() == WHOLE[:20]
    assert len(api.log) == 2
    assert paio.read_api(url, pages=pages, max_pages=4)["id"].tolist() == WHOLE


def test_a_missing_page_is_in_the_warning_the_report_and_the_failures(api, mark):
    """Each of them names the page and the row."""
    frame = pd.DataFrame({"q": [mark, f"{mark} fails"], "fail": pd.array([None, 3], "Int64")})
    with pytest.warns(paio.FetchWarning, match=r"1 of 2 rows failed: 1 x page 3: .*; page 3 did not come \(row 1\)"):
        out = frame.aio.fetch(api + "/paged/pages?n=35{&q,fail}", pages="auto", **ONCE)
    taken, missing = out.aio.report.findings
    assert taken.startswith("pages=PageNumber(total_pages='meta.total_pages') was taken: ")
    assert missing == "page 3 did not come (row 1)"
    (failure,) = out.aio.failures.to_dict("records")
    assert (failure["row"], failure["outcome"], failure["status"]) == (1, "http_error", 500)
    assert failure["error"] == "page 3: HTTP 500 Internal Server Error: page 3 fails"
    assert failure["url"].endswith("fail=3&page=3")


@pytest.mark.parametrize("total", [20, 30])
@pytest.mark.parametrize("pages", [COUNTED, paio.PageNumber(total_records="X-Total-Count")], ids=["pages", "records"])
def test_fault_44_a_total_that_ends_with_a_page_is_believed(api, pages, total):
    """Nothing on any page contradicts it, so later pages cannot be noticed."""
    found = paio.read_api(f"{api}/paged/pages?n=35&total={total}", pages=pages)
    assert found["id"].tolist() == WHOLE[:total]


EXPIRING = {
    "cursor": ("/paged/cursor", CURSOR, {}),
    "posted cursor": ("/paged/cursor", paio.Cursor("meta.next_cursor", body=True), {"method": "POST", "json": {}}),
    "next": ("/odata", paio.NextUrl("@odata.nextLink"), {}),
    "link": ("/paged/link?last=0", paio.LinkHeader(), {}),
    "function": ("/paged/next", lambda page: page.payload["next"], {}),
    "auto": ("/odata", "auto", {}),
}


def gone(api, mark, target, pages, options):
    url = f"{api}{target}{'&' if '?' in target else '?'}n=35&q={mark}&fail=3&status=410&times=1"
    return quietly(paio.read_api, url, pages=pages, errors="coerce", **options)


@pytest.mark.parametrize(("target", "pages", "options"), EXPIRING.values(), ids=EXPIRING)
def test_fault_46_a_chain_with_an_expired_cursor_starts_again_from_page_1(api, target, pages, options, mark):
    """The server would refuse the same page for ever."""
    out = gone(api, mark, target, pages, options)
    assert out["id"].tolist() == WHOLE[:20]
    (error,) = out.aio.failures["error"]
    assert error.startswith("page 3: HTTP 410 Gone")
    assert error.endswith("(the cursor may have expired: retry_failed starts again from page 1)")
    before = [request.path_qs for request in api.log]
    done = quietly(out.aio.retry_failed)
    assert done["id"].tolist() == WHOLE
    assert [request.path_qs for request in api.log][3:6] == before
    assert len(api.log) == 3 + 4


def test_fault_46_a_row_that_started_again_and_is_complete_has_no_finding(api, mark):
    """The pages that were missing have come."""
    done = quietly(gone(api, mark, *EXPIRING["cursor"]).aio.retry_failed)
    assert not done.aio.report.findings


def test_fault_44_a_broken_chain_starts_again_even_if_it_also_lacks_a_page():
    """The page that looped is not pending, so the pending page would not complete the chain."""
    answers = [numbered(number) for number in (1, 2, 3, 4)]
    with serve_script(*answers[:2], answers[1], BAD, *answers) as server:
        out = quietly(paio.read_api, server.url, pages=COUNTED, concurrency=1, errors="coerce", **ONCE)
        assert out["id"].tolist() == [1, 2]
        assert out.aio.failures["error"].tolist() == ["page 3: page loop: the records are those of page 2 again"]
        assert quietly(out.aio.retry_failed)["id"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("options", [{}, {"record_path": "data"}], ids=["found", "given"])
def test_fault_27_a_row_with_a_page_without_records_starts_again(options):
    """Another page may be pending: an error in a 200 is missing like a page that failed."""
    answers = [numbered(number) for number in (1, 2, 3, 4)]
    with serve_script(*answers[:2], http_response(b'{"error": "x"}'), BAD, *answers) as server:
        out = quietly(paio.read_api, server.url, pages=COUNTED, concurrency=1, errors="coerce", **ONCE, **options)
        assert out.aio.failures["outcome"].tolist() == ["parse_error"]
        assert quietly(out.aio.retry_failed)["id"].tolist() == [1, 2, 3, 4]


def test_security_s7_a_next_link_to_another_origin_is_followed_only_where_allowed():
    """Without allow_hosts nothing is sent there; with it the request has no credentials."""
    with serve_script(http_response(b'{"next": null, "data": [{"id": 2}]}')) as away:
        first = http_response(json.dumps({"next": away.url + "/2", "data": [{"id": 1}]}).encode())
        with serve_script(first) as home:
            secrets = {"auth": "s3cret", "headers": {"X-API-Key": "k3y"}}
            with pytest.raises(paio.FetchError, match=r"page 1: the next page leads from .*: name it in .*allow_hosts"):
                paio.read_api("/1", client=paio.Client(home.url, **secrets), pages=paio.NextUrl())
            assert not away.requests
            client = paio.Client(home.url, allow_hosts=[away.url.partition("://")[2]], **secrets)
            assert paio.read_api("/1", client=client, pages=paio.NextUrl())["id"].tolist() == [1, 2]
    assert home.requests[-1].headers["authorization"] == "Bearer s3cret"
    assert not {"authorization", "x-api-key", "cookie"} & away.requests[0].headers.keys()
    assert "s3cret" not in str(away.requests)
    assert "k3y" not in str(away.requests)


def test_a_key_in_the_query_is_added_to_links_that_leave_it_out():
    """Many APIs leave keys out of their links; other origins do not get them."""
    first = http_response(json.dumps({"next": "/u?page=2", "data": [{"id": 1}]}).encode())
    last = http_response(json.dumps({"next": None, "data": [{"id": 2}]}).encode())
    with serve_script(first, last) as home:
        client = paio.Client(home.url, auth=paio.ApiKey("sekret", param="key"))
        assert paio.read_api("/u", client=client, pages=paio.NextUrl())["id"].tolist() == [1, 2]
    assert [request.line.split()[1] for request in home.requests] == ["/u?key=sekret", "/u?page=2&key=sekret"]


def test_security_s7_a_row_whose_next_link_leaves_its_origin_is_unsafe_url():
    """Its first page is kept, and the other rows go on."""
    answers = [
        http_response(json.dumps({"next": url, "data": [{"id": 1}]}).encode())
        for url in ("http://elsewhere.test/", None)
    ]
    with serve_script(*answers) as server:
        out = quietly(pd.DataFrame({"q": [1, 2]}).aio.fetch, server.url + "/{q}", pages=paio.NextUrl(), concurrency=1)
    assert out.aio.outcomes["outcome"].tolist() == ["unsafe_url", "ok"]
    assert out["id"].tolist() == [1, 1]


def test_auto_that_is_not_sure_raises_before_a_second_page_is_sent():
    """The error lists the candidates as they are written in code."""
    with serve_script(http_response(b'{"data": [{"id": 1}], "continuation": "x"}')) as server:
        with pytest.raises(paio.PlanError, match=r"not sure\. Choose one of: pages=Cursor\(path='continuation'"):
            paio.read_api(server.url, pages="auto")
        assert len(server.requests) == 1


def test_several_lists_that_may_be_the_records_are_listed_in_the_error():
    """With record_path= there is no error."""
    body = http_response(b'{"cats": [{"id": 1}], "dogs": [{"id": 2}], "next": null}')
    with serve_script(body) as server:
        with pytest.raises(paio.PlanError, match=r"'cats', 'dogs': pass record_path='cats'"):
            paio.read_api(server.url, pages=paio.NextUrl())
        assert len(server.requests) == 1
        assert paio.read_api(server.url, pages=paio.NextUrl(), record_path="dogs")["id"].tolist() == [2]


@pytest.mark.parametrize("how", ["interrupt", "cancel"])
def test_fault_59_an_interrupt_keeps_the_pages_that_came(how):
    """retry_failed fetches the others, and none twice."""
    with serve_script(page([1], "b"), page([2], "c"), [Action.HANG], page([3])) as server:
        if how == "cancel":
            future = paio.read_api_async(server.url, pages=CURSOR)
            server.wait_for_requests(3)
            future.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                asyncio.run(future)
        else:

            def interrupt():
                server.wait_for_requests(3)
                os.kill(os.getpid(), signal.SIGINT)

            thread = Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt) as caught:
                paio.read_api(server.url, pages=CURSOR)
            thread.join()
        partial = caught.value.partial
        assert partial["id"].tolist() == [1, 2]
        assert partial.aio.failures["outcome"].tolist() == ["cancelled"]
        assert partial.aio.retry_failed()["id"].tolist() == [1, 2, 3]
        assert sent_to(server) == ["/", "/?cursor=b", "/?cursor=c", "/?cursor=c"]


def test_a_chain_that_met_the_deadline_can_be_resumed():
    """The page that did not come in time is named."""
    with serve_script(page([1], "b"), page([2], "c"), [Action.WAIT, page([3])], page([3], "d"), page([4])) as server:
        out = quietly(paio.read_api, server.url, pages=CURSOR, deadline=1, errors="coerce")
        assert out["id"].tolist() == [1, 2]
        assert out.aio.failures["error"].str.startswith("page 3: ").all()
        assert out.aio.report.findings == ("page 3 did not come (row 0)",)
        server.released.set()
        assert out.aio.retry_failed(deadline=None)["id"].tolist() == [1, 2, 3, 4]
        assert sent_to(server)[3:] == ["/?cursor=c", "/?cursor=d"]


def test_a_chain_that_met_max_requests_can_be_resumed(api):
    """The pages that were not sent are named, and only these are sent later."""
    out = quietly(paio.read_api, api + "/paged/pages?page=1", pages=COUNTED, max_requests=4, errors="coerce")
    assert out["id"].tolist() == list(range(1, 41))
    assert out.aio.failures["outcome"].tolist() == ["budget_exhausted"]
    assert out.aio.report.findings == ("pages 5, 6, 7, 8, 9, 10 did not come (row 0)",)
    api.clear()
    assert out.aio.retry_failed(max_requests=None)["id"].tolist() == list(range(1, 96))
    assert sorted(count_requests(api)) == sorted(f"/paged/pages?page={number}" for number in range(5, 11))


@pytest.mark.parametrize("key", [{}, {"param": "key"}], ids=["header", "query"])
def test_resumed_pages_are_sent_with_fresh_credentials(key):
    """In a header and in the query."""
    with serve_script(page([1], "b"), http_response(status="401 X"), page([2], "c"), page([3])) as server:
        client = paio.Client(server.url, auth=paio.ApiKey("old", **key))
        out = quietly(paio.read_api, "/", client=client, pages=CURSOR, errors="coerce")
        assert out.aio.retry_failed(auth=paio.ApiKey("new", **key))["id"].tolist() == [1, 2, 3]
    assert ["new" in f"{each.line} {each.headers}" for each in server.requests] == [False, False, True, True]


@pytest.mark.parametrize("later", [False, True], ids=["in the run", "by retry_failed"])
def test_each_posted_page_has_its_own_idempotency_key(later):
    """A repeated page has the same key, in the same run and later."""
    retry = paio.Retry(attempts=1 if later else 2, base=0.001, patience=0, idempotency_key="Idempotency-Key")
    with serve_script(page([1], "b"), BAD, page([2], "c"), page([3])) as server:
        options = {"method": "POST", "json": {}, "pages": paio.Cursor("meta.next_cursor", body=True), "retry": retry}
        out = quietly(paio.read_api, server.url, errors="coerce", **options)
        done = out.aio.retry_failed() if later else out
    assert done["id"].tolist() == [1, 2, 3]
    one, two, again, three = (each.headers["idempotency-key"] for each in server.requests)
    assert two == again
    assert len({one, two, three}) == 3


@pytest.mark.parametrize("scheme", cases(typical))
def test_a_page_that_fails_once_is_retried(api, scheme, mark):
    """There is one more request, and no warning."""
    given = rows(mark, ["none", "page 3 fails"])
    retry = paio.Retry(base=0.001, methods=["GET", "POST"])
    out = given.aio.fetch(scheme.template(api), **scheme.options, retry=retry)
    assert out["id"].tolist() == WHOLE * 2
    assert (out.aio.report.retried, len(count_requests(api, 500))) == (1, 1)


@pytest.mark.slow
def test_fault_29_a_refused_page_is_retried_after_retry_after(api, mark):
    """The server's log has no request within the second that it asks for."""
    url = f"{api}/paged/cursor?n=35&fail=3&status=429&times=1&q={mark}"
    assert paio.read_api(url, pages=CURSOR)["id"].tolist() == WHOLE
    assert [request.status for request in api.log] == [200, 200, 429, 200, 200]
    assert api.log[3].time - api.log[2].time >= 1


# ── beside other options ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", [b"id,name\n", b""], ids=["a header", "nothing"])
@pytest.mark.parametrize("pages", [paio.PageNumber(), paio.Offset(), paio.Cursor(after="id", param="last")])
def test_tables_are_pages(pages, end):
    """A table without rows is the end; rows are counted, not tables."""
    parts = [http_response(body, TABLE) for body in (b"id,name\n1,a\n2,b\n", b"id,name\n3,c\n", end)]
    with serve_script(*parts) as server:
        found = paio.read_api(server.url, pages=pages, format="csv")
    assert_frame_equal(found, pd.DataFrame({"id": [1, 2, 3], "name": list("abc")}))
    assert [path.rpartition("=")[2] for path in sent_to(server)[1:]] == ["2", "3"]


def test_record_path_and_meta_apply_to_each_page(api):
    """Each page has its own envelope."""
    options = {"record_path": "data", "meta": [["meta", "page"]], "columns": ["id", "meta.page"]}
    found = paio.read_api(api + "/paged/pages?n=35", pages=COUNTED, **options)
    expected = pd.DataFrame({"id": WHOLE, "meta.page": [1] * 10 + [2] * 10 + [3] * 10 + [4] * 5})
    assert_frame_equal(found, expected)


def test_each_of_several_whole_urls_is_paged(api):
    """A Series keeps its index, a list its order; equal URLs are requested once."""
    urls = [f"{api}/paged/cursor?n={n}" for n in (15, 3, 15)]
    ids = [*range(1, 16), 1, 2, 3, *range(1, 16)]
    found = pd.Series(urls, index=list("xyx")).aio.fetch(pages="auto")
    assert found["id"].tolist() == ids
    assert found.index.tolist() == ["x"] * 15 + ["y"] * 3 + ["x"] * 15
    assert len(api.log) == 3
    read = paio.read_api(urls, pages="auto")
    assert_frame_equal(read, pd.DataFrame(records(ids)))


def test_auto_detects_several_kinds_of_paging_in_one_call(api):
    """Each first page shows its own paginator and records."""
    paths = ["/paged/link", "/paged/offset", "/paged/cursor", "/odata", "/paged/next", "/paged/after"]
    found = paio.read_api([f"{api}{path}?n=35" for path in paths], pages="auto", columns=["id"])
    assert found["id"].tolist() == WHOLE * len(paths)


def test_rows_that_share_a_request_share_its_missing_pages(api, mark):
    """The page is sent once, missing in each row, and completed in each row."""
    urls = [f"{api}/paged/link?n=35&q={mark}&fail=3&times=1", f"{api}/paged/link?n=15"]
    out = quietly(paio.read_api, [*urls, urls[0]], pages="auto", errors="coerce", **ONCE)
    assert out.aio.failures["row"].tolist() == [0, 2]
    api.clear()
    done = out.aio.retry_failed()
    assert done["id"].tolist() == [*WHOLE, *range(1, 16), *WHOLE]
    assert [request.path_qs.rpartition("=")[2] for request in api.log] == ["3"]


def test_fields_and_pages_come_in_the_order_of_the_product(api):
    """All pages of one combination come before those of the next one."""
    url = api + "/paged/offset?n=15&a={a}&b={b}"
    found = paio.read_api(url, over={"a": [2, 1], "b": ["x", "y"]}, pages=paio.Offset(total_records="total"))
    each = [(a, b, one) for a in (2, 1) for b in "xy" for one in range(1, 16)]
    assert list(found[["a", "b", "id"]].itertuples(index=False, name=None)) == each


def test_an_async_read_gives_the_same_frame(api):
    """Two at a time, awaited or used."""
    url = api + "/paged/next?n=35"
    expected = paio.read_api(url, pages="auto")

    async def both():
        return await asyncio.gather(*(paio.read_api_async(url, pages="auto") for _ in range(2)))

    for found in (*asyncio.run(both()), paio.read_api_async(url, pages="auto").result()):
        assert_frame_equal(found, expected)


@pytest.mark.parametrize("scheme", cases(lambda scheme: scheme.shows_all_pages))
def test_pages_are_in_flight_together_if_the_total_is_known(api, scheme):
    """The server counts them: never more than the concurrency allows."""
    given = pd.DataFrame({"q": [1], "size": 10}).assign(**dict.fromkeys(SWITCHES))
    for concurrency, peak in ((32, range(2, 4)), (2, range(2, 3))):
        api.clear()
        given.aio.fetch(scheme.template(api) + "&ms=50", **scheme.options, concurrency=concurrency)
        assert len(api.log) == 4
        assert api.peak in peak
