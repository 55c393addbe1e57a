"""Every paginator against the sample API over TCP: each scheme with each fault."""

from __future__ import annotations

import json

import pytest

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.errors import ParseError, PayloadError
from pandas_async_io._core.models import Request
from pandas_async_io._core.policy.server_limits.graphql_cost import read_cost_budget, read_throttle_delay
from pandas_async_io._core.workflow.paging.chain import Chain
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io.demo import data
from tests.demo.client import fetch_page
from tests.demo.paging_schemes import SCHEMES
from tests.ids import stable

CASES = [
    pytest.param(target, body, paginator, id=f"{name} {stable(paginator):.40}")
    for name, (target, body, several) in SCHEMES.items()
    for paginator in [*several, None]
]


class FailedError(Exception):
    """A page did not arrive; the arguments are its number and its payload."""


def read_chain(base_url, target, body, paginator, **switches):
    """Follow a chain to its end; return the record ids in order, and the chain."""
    options = "&".join(f"{name}={value}" for name, value in switches.items())
    url = f"{base_url}{target}{'&' if '?' in target else '?'}{options}"
    chain = Chain(paginator, Request(url, "GET" if body is None else "POST", body=body))
    ids_by_page, due = {}, [(1, chain.first)]
    while due:
        number, request = due.pop(0)
        page = fetch_page(request)
        if page.response.status != 200:
            raise FailedError(number, page.payload)
        due += chain.add_page(number, page)
        records = page.payload
        for key in chain.record_path:
            records = records[key]
        ids_by_page[number] = [record["id"] for record in records]
    assert chain.done
    return [each for number in sorted(ids_by_page) for each in ids_by_page[number]], chain


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_every_scheme_is_read_completely_and_in_order(sample_api, target, body, paginator):
    """Ninety-five records in ten pages, with the paginator and with auto."""
    ids, chain = read_chain(sample_api, target, body, paginator)
    assert ids == list(range(1, 96))
    assert chain.findings() == []
    blind = paginator in (PageNumber(), PageNumber(size=("per_page", 10)), Offset(size=("limit", 10)))
    assert len(sample_api.log) == (11 if blind else 10)


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_fault_44_an_empty_last_page_ends_every_scheme(sample_api, target, body, paginator):
    """The API announces one more page, which has no records."""
    ids, _ = read_chain(sample_api, target, body, paginator, empty_last=1)
    assert ids == list(range(1, 96))


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_fault_44_an_empty_page_in_the_middle_does_not_end_a_scheme_that_announces_more(
    sample_api, target, body, paginator
):
    """Without an announcement the empty page is the end, and the reported total reveals the gap."""
    if "/after" in target:
        with pytest.raises(ParseError, match=r"page 3: the page says that there is more"):
            read_chain(sample_api, target, body, paginator, empty_middle=1)
        return
    ids, chain = read_chain(sample_api, target, body, paginator, empty_middle=1)
    if paginator in (PageNumber(), Offset(size=("limit", 10))):
        assert ids == list(range(1, 21))
        assert chain.findings() == ["the API says 105 records, 20 came"]
    elif paginator == PageNumber(size=("per_page", 10)):
        assert ids == list(range(1, 21))
    else:
        assert ids == list(range(1, 96))


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_fault_44_an_ignored_page_size_loses_nothing(sample_api, target, body, paginator):
    """The client requests a hundred records per page and gets ten."""
    if isinstance(paginator, PageNumber | Offset):
        name = "limit" if isinstance(paginator, Offset) else "per_page"
        paginator = type(paginator)(size=(name, 100), total_records=paginator.total_records)
    if body is not None and b"first" in body:
        body = body.replace(b'"first":10', b'"first":100').replace(b'"first": 10', b'"first": 100')
    ids, _ = read_chain(sample_api, target, body, paginator, ignore_size=1)
    assert ids == list(range(1, 96))


CASES_WITH_TOTAL = [
    each for each in CASES if not any(part in str(each.values[0]) for part in ("/link", "/after", "/key"))
]


@pytest.mark.parametrize("total", [60, 200])
@pytest.mark.parametrize(("target", "body", "paginator"), CASES_WITH_TOTAL)
def test_fault_44_a_wrong_total_is_reported(sample_api, target, body, paginator, total):
    """A scheme with its own end marker loses nothing."""
    ids, chain = read_chain(sample_api, target, body, paginator, total=total)
    fits = len(ids) == total
    assert chain.findings() == ([] if fits else [f"the API says {total} records, {len(ids)} came"])
    assert ids == list(range(1, 96)) or (fits and isinstance(chain.paginator, PageNumber | Offset))


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_fault_44_a_page_that_links_to_itself_is_a_loop(sample_api, target, body, paginator):
    """Every scheme ends, and the message names the page."""
    with pytest.raises(ParseError, match=r"page \d+: page loop"):
        read_chain(sample_api, target, body, paginator, loop=3)
    assert len(sample_api.log) <= 10


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_a_failed_page_is_never_taken_for_the_end(sample_api, target, body, paginator):
    """The third page fails in every scheme."""
    with pytest.raises(FailedError) as caught:
        read_chain(sample_api, target, body, paginator, fail=3)
    assert caught.value.args == (3, {"error": {"message": "page 3 fails"}})


@pytest.mark.parametrize(("target", "body", "paginator"), CASES)
def test_fault_45_a_record_inserted_while_reading_is_reported(sample_api, target, body, paginator):
    """The record that moves to the next page appears twice; paging by the last id is not affected."""
    ids, chain = read_chain(sample_api, target, body, paginator, insert=1)
    if "/after" in target:
        assert (ids, chain.findings()) == (list(range(1, 96)), [])
    else:
        assert ids == [*range(1, 21), *range(20, 96)]
        assert "page 3 repeats 1 record of page 2" in chain.findings()


def test_each_endpoint_has_its_own_size_parameter(sample_api):
    """`n` is the number of records everywhere."""
    for target, size in [
        ("/paged/pages?per_page=7", 7),
        ("/paged/offset?limit=7", 7),
        ("/paged/after?limit=7", 7),
        ("/paged/link?per_page=7", 7),
        ("/odata?$top=7", 7),
        ("/paged/next?size=7", 7),
        ("/paged/pages?per_page=7&n=3", 3),
    ]:
        payload = fetch_page(Request(f"{sample_api}{target}")).payload
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
def test_an_invalid_request_is_a_400(sample_api, target, body):
    """The error body is JSON with a message."""
    page = fetch_page(Request(f"{sample_api}{target}", "GET" if body is None else "POST", body=body))
    assert page.response.status == 400
    assert page.payload["error"]["message"]


def ask_graphql(sample_api, query, variables, switches=""):
    body = json.dumps({"query": query, "variables": variables}).encode()
    return fetch_page(Request(f"{sample_api}/graphql?{switches}", "POST", body=body)).payload


def test_graphql_returns_a_user_by_its_variable(sample_api):
    """The extensions have what is left of the cost limit."""
    payload = ask_graphql(
        sample_api, "query($login: String!) {user(login: $login) {login}}", {"login": "ada"}, "left=500"
    )
    assert payload["data"] == {"user": {"login": "ada"}}
    assert graphql_error(payload) is None
    assert read_cost_budget(payload).remaining == 50


def test_fault_27_graphql_fails_with_a_200(sample_api):
    """An unknown field, requested errors, and a query above the cost limit."""
    for query, switches in [("{nobody}", ""), ("{users {nodes {id}}}", "errors=1")]:
        assert isinstance(graphql_error(ask_graphql(sample_api, query, {}, switches)), PayloadError)
    payload = ask_graphql(sample_api, "{users {nodes {id}}}", {}, "left=5")
    assert graphql_error(payload).transient
    assert read_throttle_delay(payload) == 0.1
