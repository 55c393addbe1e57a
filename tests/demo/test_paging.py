"""Every paginator against the sample API over TCP: each scheme, each fault that it can be ordered to have."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.errors import ParseError, PayloadError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.policy.graphql_cost import read_cost_budget, read_throttle_delay
from pandas_async_io._core.request.graphql import graphql
from pandas_async_io._core.table.shape import Shape
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.halving import Halving, split_block
from pandas_async_io._core.workflow.batching.matching import match_records
from pandas_async_io._core.workflow.jobs.poll import Poll
from pandas_async_io._core.workflow.paging.chain import Chain
from pandas_async_io._core.workflow.paging.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.page_number import Offset, PageNumber
from pandas_async_io.demo import data, serve
from tests.ids import stable

QUERY = """
query($first: Int, $cursor: String) {
  users(first: $first, after: $cursor) {nodes {id} pageInfo {hasNextPage endCursor} totalCount}
}"""
USERS = json.dumps(graphql(QUERY, {"first": 10}).json).encode()

SCHEMES = {
    "link": ("/paged/link", None, [LinkHeader(), PageNumber(size=("per_page", 10))]),
    "link without last": ("/paged/link?last=0", None, [LinkHeader()]),
    "next": ("/paged/next", None, [NextUrl("next"), lambda page: page.payload["next"]]),
    "relative next": ("/paged/next?relative=1", None, [NextUrl("next")]),
    "cursor": ("/paged/cursor", None, [Cursor("meta.next_cursor")]),
    "empty cursor": ("/paged/cursor?end=empty", None, [Cursor("meta.next_cursor")]),
    "text cursor": ("/paged/cursor?end=text", None, [Cursor("meta.next_cursor")]),
    "posted cursor": ("/paged/cursor", b"{}", [Cursor("meta.next_cursor", body=True)]),
    "key": ("/paged/key", b'{"TableName":"t"}', [Cursor("LastEvaluatedKey", "ExclusiveStartKey", body=True)]),
    "header cursor": (
        "/paged/header-cursor",
        None,
        [NextUrl(header="Next-Page"), Cursor(header="Sforce-Locator", param="locator")],
    ),
    "after": ("/paged/after", None, [Cursor(after="id", param="starting_after", more="has_more")]),
    "pages": (
        "/paged/pages",
        None,
        [PageNumber(total="meta.total_pages"), PageNumber(count="X-Total-Count"), PageNumber()],
    ),
    "offset": (
        "/paged/offset",
        None,
        [Offset(count="total"), Offset(size=("limit", 10)), Offset(size=("limit", 10), count="total")],
    ),
    "odata": ("/odata", None, [NextUrl("@odata.nextLink")]),
    "graphql": ("/graphql", USERS, [GraphQLCursor("data.users.pageInfo")]),
}
EVERY = [
    pytest.param(target, body, paginator, id=f"{name} {stable(paginator):.40}")
    for name, (target, body, several) in SCHEMES.items()
    for paginator in [*several, None]
]


@pytest.fixture(scope="module")
def base_url():
    with serve() as served:
        yield served


@pytest.fixture
def served(base_url):
    base_url.clear()
    return base_url


def send(request):
    """Send one request on a connection of its own and decode its JSON."""
    parts = urlsplit(request.url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        target = request.url.partition(parts.netloc)[2]
        connection.request(request.method, target, request.body, dict(request.headers))
        response = connection.getresponse()
        body = response.read()
        return Page(request, Response(response.status, response.headers, body, request.url), json.loads(body))


class FailedError(Exception):
    """A page that is not answered with success, by its number."""


def read(base_url, target, body, paginator, **switches):
    """Drive a chain to its end; return the ids that came, in order, and the chain."""
    options = "&".join(f"{name}={value}" for name, value in switches.items())
    url = f"{base_url}{target}{'&' if '?' in target else '?'}{options}"
    chain = Chain(paginator, Request(url, "GET" if body is None else "POST", body=body))
    taken, waiting = {}, [(1, chain.first)]
    while waiting:
        number, request = waiting.pop(0)
        page = send(request)
        if page.response.status != 200:
            raise FailedError(number, page.payload)
        waiting += chain.take(number, page)
        records = page.payload
        for key in chain.record_path:
            records = records[key]
        taken[number] = [record["id"] for record in records]
    assert chain.done
    return [one for number in sorted(taken) for one in taken[number]], chain


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_every_scheme_is_read_whole_and_in_order(served, target, body, paginator):
    """Ninety-five records in ten pages, by its paginator and by auto."""
    ids, chain = read(served, target, body, paginator)
    assert ids == list(range(1, 96))
    assert chain.findings() == []
    blind = paginator in (PageNumber(), PageNumber(size=("per_page", 10)), Offset(size=("limit", 10)))
    assert len(served.log) == (11 if blind else 10)


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_fault_44_an_empty_last_page_ends_every_scheme(served, target, body, paginator):
    """The API says that there is more, and there is not."""
    ids, _ = read(served, target, body, paginator, empty_last=1)
    assert ids == list(range(1, 96))


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_fault_44_an_empty_page_in_the_middle_does_not_end_what_says_more(served, target, body, paginator):
    """Where nothing says that there is more, it is the end, and the API's own count tells."""
    if "/after" in target:
        with pytest.raises(ParseError, match=r"page 3: the page says that there is more"):
            read(served, target, body, paginator, empty_middle=1)
        return
    ids, chain = read(served, target, body, paginator, empty_middle=1)
    if paginator in (PageNumber(), Offset(size=("limit", 10))):
        assert ids == list(range(1, 21))
        assert chain.findings() == ["the API says 105 records, 20 came"]
    elif paginator == PageNumber(size=("per_page", 10)):
        assert ids == list(range(1, 21))
    else:
        assert ids == list(range(1, 96))


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_fault_44_a_size_that_is_ignored_loses_nothing(served, target, body, paginator):
    """A hundred asked for, ten given."""
    if isinstance(paginator, PageNumber | Offset):
        name = "limit" if isinstance(paginator, Offset) else "per_page"
        paginator = type(paginator)(size=(name, 100), count=paginator.count)
    if body is not None and b"first" in body:
        body = body.replace(b'"first":10', b'"first":100').replace(b'"first": 10', b'"first": 100')
    ids, _ = read(served, target, body, paginator, ignore_size=1)
    assert ids == list(range(1, 96))


COUNTED = [each for each in EVERY if not any(part in str(each.values[0]) for part in ("/link", "/after", "/key"))]


@pytest.mark.parametrize("total", [60, 200])
@pytest.mark.parametrize(("target", "body", "paginator"), COUNTED)
def test_fault_44_a_total_that_lies_is_found(served, target, body, paginator, total):
    """Nothing is lost by it where the pages go on by themselves, and it is said."""
    ids, chain = read(served, target, body, paginator, total=total)
    fits = len(ids) == total
    assert chain.findings() == ([] if fits else [f"the API says {total} records, {len(ids)} came"])
    assert ids == list(range(1, 96)) or (fits and isinstance(chain.paginator, PageNumber | Offset))


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_fault_44_a_page_that_is_its_own_next_one_is_a_loop(served, target, body, paginator):
    """Every scheme ends, and the message names the page."""
    with pytest.raises(ParseError, match=r"page \d+: page loop"):
        read(served, target, body, paginator, loop=3)
    assert len(served.log) <= 10


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_a_page_that_fails_for_good_is_never_the_end(served, target, body, paginator):
    """It is the third one that fails, whatever the scheme."""
    with pytest.raises(FailedError) as caught:
        read(served, target, body, paginator, fail=3)
    assert caught.value.args == (3, {"error": {"message": "page 3 fails"}})


@pytest.mark.parametrize(("target", "body", "paginator"), EVERY)
def test_fault_45_a_record_inserted_while_reading_is_told(served, target, body, paginator):
    """The one that moved over to the next page comes twice; what goes by the last record is not moved."""
    ids, chain = read(served, target, body, paginator, insert=1)
    if "/after" in target:
        assert (ids, chain.findings()) == (list(range(1, 96)), [])
    else:
        assert ids == [*range(1, 21), *range(20, 96)]
        assert "page 3 repeats 1 record of page 2" in chain.findings()


def test_the_sizes_of_the_endpoints_are_those_of_their_schemes(served):
    """Each under the name it has there."""
    for target, size in [
        ("/paged/pages?per_page=7", 7),
        ("/paged/offset?limit=7", 7),
        ("/paged/after?limit=7", 7),
        ("/paged/link?per_page=7", 7),
        ("/odata?$top=7", 7),
        ("/paged/next?size=7", 7),
        ("/paged/pages?per_page=7&n=3", 3),
    ]:
        payload = send(Request(f"{served}{target}")).payload
        lists = (
            [payload] if isinstance(payload, list) else [each for each in payload.values() if isinstance(each, list)]
        )
        assert lists == [[data.record(number) for number in range(1, size + 1)]]


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/paged/next?start=x", None),
        ("/paged/pages?page=0", None),
        ("/paged/offset?limit=0", None),
        ("/graphql", b"{"),
        ("/batch", b"[]"),
        ("/jobs", b"[]"),
    ],
)
def test_a_request_that_makes_no_sense_is_a_400(served, target, body):
    """With a message in JSON."""
    page = send(Request(f"{served}{target}", "GET" if body is None else "POST", body=body))
    assert page.response.status == 400
    assert page.payload["error"]["message"]


def ask_graphql(served, query, variables, switches=""):
    body = json.dumps(graphql(query, variables).json).encode()
    return send(Request(f"{served}/graphql?{switches}", "POST", body=body)).payload


def test_graphql_answers_a_user_by_its_variable(served):
    """With what is left of the cost limit."""
    payload = ask_graphql(served, "query($login: String!) {user(login: $login) {login}}", {"login": "ada"}, "left=500")
    assert payload["data"] == {"user": {"login": "ada"}}
    assert graphql_error(payload) is None
    assert read_cost_budget(payload).remaining == 50


def test_fault_27_graphql_fails_with_a_200(served):
    """A field that is not there, errors to order, and a query that costs too much."""
    for query, switches in [("{nobody}", ""), ("{users {nodes {id}}}", "errors=1")]:
        assert isinstance(graphql_error(ask_graphql(served, query, {}, switches)), PayloadError)
    payload = ask_graphql(served, "{users {nodes {id}}}", {}, "left=5")
    assert graphql_error(payload).transient
    assert read_throttle_delay(payload) == 0.1


@pytest.mark.parametrize("posted", [False, True])
def test_a_batch_is_answered_by_key_and_one_bad_key_is_found(served, posted):
    """A hundred keys in two blocks, one of them unknown, one poisoned: two more requests per level."""
    import pandas as pd

    batches = Batches.of(pd.DataFrame({"id": [*range(99), 77]}), "id", 50)
    halving, blocks, found, bad = Halving(batches.blocks), list(batches.blocks), {}, []
    while blocks:
        block = blocks.pop(0)
        keys = batches.texts(block)
        url = f"{served}/batch?poison=77"
        body = json.dumps({"ids": keys}).encode() if posted else None
        page = send(Request(url, "POST", body=body) if posted else Request(f"{url}&ids={','.join(keys)}"))
        if page.response.status == 200:
            due = halving.accepted(block)
            found.update(zip(keys, match_records(keys, page.payload, "id", Shape()).found, strict=True))
        else:
            due = halving.refused(block, page.response.status)
            bad += keys if len(keys) == 1 else []
        blocks += [half for each in due for half in split_block(each)]
    assert bad == ["77"]
    assert found.pop("0") is None
    assert found == {str(n): [{"name": f"record {n}", "group": n % 10}] for n in range(1, 99) if n != 77}
    assert len(served.log) <= 2 + 12


def test_a_batch_has_a_largest_length(served):
    """Above it the answer is 413."""
    assert send(Request(f"{served}/batch?ids=1,2,3&most=2")).response.status == 413
    assert send(Request(f"{served}/batch?ids=1&ids=2&most=2")).payload == [data.record(2), data.record(1)]


def follow_job(served, job, poll):
    submit = Request(f"{served}/jobs", "POST", body=json.dumps(job).encode())
    page = send(submit)
    assert page.response.status == 202
    asks, turn = poll.submitted(page, epoch=0.0), 0
    while asks is not None:
        page, turn = send(asks.request), turn + 1
        if asks.last:
            break
        asks = poll.answered(page, turn=turn, epoch=0.0)
    return page.payload, turn


def test_a_job_is_submitted_polled_and_downloaded(served):
    """Each job has its own number of questions and its own result."""
    poll = Poll("state", url="links.self", every=0, result="links.result")
    payload, turns = follow_job(served, {"key": "a", "polls": 3}, poll)
    assert (payload["key"], turns) == ("a", 5)
    payload, turns = follow_job(served, {"key": "b", "polls": 0}, Poll("state", every=0))
    assert (payload["state"], turns) == ("finished", 1)
    with pytest.raises(PayloadError, match="it broke"):
        follow_job(served, {"fail": True}, poll)


def test_a_result_before_its_time_and_a_job_that_is_not_there_are_errors(served):
    """A 409 and a 404."""
    number = send(Request(f"{served}/jobs", "POST", body=b"{}")).payload["id"]
    assert send(Request(f"{served}/jobs/{number}/result")).response.status == 409
    assert send(Request(f"{served}/jobs/none")).response.status == 404
