"""The same calls through own connections and through sessions of aiohttp, httpx and httpx2 give the same frames."""

from __future__ import annotations

import asyncio
import json
import re
import warnings
from contextlib import ExitStack, nullcontext

import aiohttp
import httpx
import httpx2
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_script

SESSION_TYPES = {"aiohttp": aiohttp.ClientSession, "httpx": httpx.AsyncClient, "httpx2": httpx2.AsyncClient}
HTTPX = {"httpx": httpx, "httpx2": httpx2}

IDS = pd.DataFrame({"id": [1, 2, None, 999_999, 20]}, index=list("abcde"))
KINDS = ["plain", "gzip", "br", "truncated-gzip", "double-gzip", "no-content", "bom", "html"]
CALLS = {
    "rows, a null and a 404": (IDS, "/users/{id}", {}),
    "statuses that are repeated": (pd.DataFrame({"key": ["a", "b"]}), "/flaky/{key}?fail=2&status=502", {}),
    "a row that fails every time": (IDS, "/broken/{id}", {}),
    "refusals": (pd.DataFrame({"key": ["c", "d"]}), "/flaky/{key}?fail=1&status=429", {}),
    "codings of bodies": (pd.DataFrame({"kind": KINDS}), "/bytes/{kind}", {"format": "text"}),
    "redirects": (pd.DataFrame({"hops": [1, 3, 7]}), "/redirect/{hops}", {}),
    "a redirect to nowhere": (IDS[:1], "/redirect-nowhere", {}),
    "a redirect to another origin": (IDS[:1], "/redirect-to?url=http://127.0.0.2:9/x", {}),
    "a body larger than the maximum": (IDS[:2], "/posts", {}),
    "a timeout": (IDS[:2], "/slow/{id}?ms=60000", {"timeout": 0.3, "retry": 1}),
    "values and texts in the URL": (
        pd.DataFrame({"q": ["a b&c", "ü/ß", "100%", "it's {x}|^", "a+b"]}),
        "/echo/{q}{?q}&fixed=a%20b",
        {"columns": ["method", "path", "query", "body"]},
    ),
    "bodies and headers": (
        pd.DataFrame({"id": [1, 2], "name": ["ä", "b"]}),
        "/echo/{id}",
        {"json": {"id": "{id}"}, "headers": {"X-Name": "{name}"}, "columns": ["method", "path", "body"]},
    ),
    "a form": (IDS[:2], "/echo/x", {"data": {"id": "{id}"}, "columns": ["method", "body"]}),
    "a method": (IDS[:2], "/echo/{id}", {"method": "HEAD", "format": "text"}),
    "pages": (IDS[:2], "/posts?userId={id}&_page=1&_limit=3", {"pages": "auto"}),
}
NOT_COMPARED = ["elapsed", "fetched_at"]
FIELDS = ["rows", "distinct", "sent", "retried", "refused", "outcomes", "drifted", "findings"]


def fetch(name, url, session):
    """Make a call of the table; return its frame, outcomes and report."""
    frame, template, options = CALLS[name]
    client = paio.Client(
        url, session=session, retry=paio.Retry(base=0.0, throttle_base=0.0, patience=0.0), max_body="20kB"
    )
    return frame.aio.fetch_async(template, client=client, concurrency=1, progress=False, **options)


async def fetch_with_session(name, url, session_type):
    async with session_type() as session:
        return await fetch(name, url, session)


def compare(found, expected):
    """Compare two fetches: frames, outcomes and reports."""
    assert_frame_equal(found, expected)
    outcomes, expected_outcomes = (
        each.aio.outcomes.drop(columns=NOT_COMPARED).replace(r"https?://127\.0\.0\.1:\d+", "host", regex=True)
        for each in (found, expected)
    )
    assert_frame_equal(outcomes, expected_outcomes)
    for field in FIELDS:
        assert getattr(found.aio.report, field) == getattr(expected.aio.report, field), field


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_a_call_gives_the_same_through_every_session(name, api):
    """Frames, outcomes with their messages, and reports are equal to those of our own connections."""
    warnings.simplefilter("ignore", paio.FetchWarning)
    warnings.simplefilter("ignore", paio.HintWarning)
    results = []
    for session_type in (None, *SESSION_TYPES.values()):
        counts = CALLS[name][1].startswith("/flaky")  # its requests are counted: each session has its own server
        with paio.demo.serve() if counts else nullcontext(api) as url:
            if session_type is None:
                results.append(fetch(name, url, None).result())
            else:
                results.append(asyncio.run(fetch_with_session(name, url, session_type)))
    for found in results[1:]:
        compare(found, results[0])


# --- What is httpx's


@pytest.fixture(params=HTTPX)
def lib(request):
    """Return httpx or httpx2."""
    return HTTPX[request.param]


@pytest.fixture
def make_client():
    """Return what makes a client of a session, which is closed with it at the end."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(paio.Client(*args, **options))


async def application(scope, receive, send):
    """Answer any path with it, as an ASGI application."""
    fields = {name: scope[name] for name in ("path", "method", "scheme")}
    fields |= {
        "query": scope["query_string"].decode(),
        "headers": {k.decode(): v.decode() for k, v in scope["headers"]},
    }
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(fields).encode()})


def open_application(lib, **options):
    """Return a session that calls the application in this process."""
    return lib.AsyncClient(transport=lib.ASGITransport(app=application), base_url="http://test/v1", **options)


def test_an_application_in_the_process_is_called_under_the_base_url_of_the_session(lib, make_client):
    """No socket is opened; the session's parameters stand beside those of the URL, and its headers are sent."""
    session = open_application(lib, params={"k": "a b", "q": "theirs"}, headers={"X-Theirs": "1"})
    frame = pd.DataFrame({"q": [1, 2]}).aio.fetch("/users/{q}{?q}", client=make_client(session=session))
    assert frame["path"].tolist() == ["/v1/users/1", "/v1/users/2"]
    assert frame["query"].tolist() == ["q=1&k=a+b", "q=2&k=a+b"]
    assert set(frame["headers.x-theirs"]) == {"1"}


def test_an_exception_of_the_application_is_the_failure_of_its_row(lib, make_client):
    """Its type and text are the message."""

    async def failing(scope, receive, send):
        raise ZeroDivisionError("in the view")

    session = lib.AsyncClient(transport=lib.ASGITransport(app=failing), base_url="http://test")
    with pytest.warns(paio.FetchWarning, match="ZeroDivisionError: in the view"):
        frame = IDS[:1].aio.fetch("/{id}", client=make_client(session=session))
    assert frame.aio.outcomes["outcome"].tolist() == ["transport_error"]


def test_auth_flows_and_event_hooks_hold(lib, api, make_client):
    """A flow of two requests is one attempt; a hook sees the request that is sent."""
    seen = []

    class Flow(lib.Auth):
        requires_response_body = True

        def auth_flow(self, request):
            response = yield request
            request.headers["Authorization"] = f"Token {response.json()['method']}"
            yield request

    async def record(request):
        seen.append(request.headers.get("authorization"))

    async def read(response):
        await response.aread()

    session = lib.AsyncClient(auth=Flow(), event_hooks={"request": [record], "response": [read]})
    frame = IDS[:2].aio.fetch("/echo/{id}", client=make_client(api, session=session), concurrency=1)
    assert frame["headers.Authorization"].tolist() == ["Token GET"] * 2
    assert seen == [None, "Token GET"] * 2
    assert frame.aio.outcomes["attempts"].tolist() == [1, 1]


def test_raise_for_status_in_an_event_hook_leaves_the_answer_to_this_package(lib, api, make_client):
    """A status is repeated and reported as without the hook."""

    async def check(response):
        response.raise_for_status()

    session = lib.AsyncClient(event_hooks={"response": [check]})
    client = make_client(api, session=session, retry=paio.Retry(base=0.0))
    frame = pd.DataFrame({"key": [f"hook-{lib.__name__}"]}).aio.fetch("/flaky/{key}?fail=2&status=502", client=client)
    assert frame["tries"].tolist() == [3]


def test_redirects_and_timeouts_of_the_session_do_not_apply(lib, api, make_client):
    """It would follow redirects to any origin, and give up after a millisecond."""
    session = lib.AsyncClient(follow_redirects=True, timeout=0.001)
    client = make_client(api, session=session, follow="none")
    slow = IDS[:1].aio.fetch("/slow/{id}?ms=50", client=client)
    with pytest.warns(paio.FetchWarning, match="302"):
        redirected = IDS[:1].aio.fetch("/redirect/{id}", client=client)
    assert slow.aio.outcomes["outcome"].tolist() == ["ok"]
    assert redirected.aio.outcomes["status"].tolist() == [302]


def test_nothing_of_the_session_goes_to_another_origin(lib, make_client):
    """Its headers, parameters, cookies, credentials and hooks are for the origin that the caller named."""
    secrets = {"headers": {"X-Key": "s3cret"}, "params": {"k": "s3cret"}, "cookies": {"c": "s3cret"}}
    session = lib.AsyncClient(auth=("me", "s3cret"), **secrets)
    with (
        serve_script(http_response(b"[1]")) as other,
        serve_script(http_response(b"", f"Location: {other.url}/b", status="302 Found")) as server,
    ):
        frame = paio.read_api(server.url + "/a", client=make_client(session=session, follow="any"))
        assert len(frame) == 1
        assert str(server.requests).count("s3cret") == 3
        assert "authorization" in server.requests[0].headers
        assert "s3cret" not in str(other.requests)
        assert not {"authorization", "cookie"} & set(other.requests[0].headers)


def test_the_credential_of_the_call_counts_before_that_of_the_session(lib, api, make_client):
    """The session's auth flow does not replace it."""
    client = make_client(api, session=lib.AsyncClient(auth=("me", "theirs")))
    frame = IDS[:1].aio.fetch("/echo/x", client=client, auth="ours")
    assert frame["headers.Authorization"].tolist() == ["Bearer ours"]


def test_an_httpx_session_belongs_to_the_loop_that_runs_where_its_client_is_made(lib, api, make_client):
    """Without a running loop it belongs to the loop of this package, for blocking and awaited calls."""

    async def make(session):
        client = paio.Client(api, session=session)
        return client.loop is asyncio.get_running_loop(), await IDS[:1].aio.fetch_async("/users/{id}", client=client)

    async def run():
        async with lib.AsyncClient() as session:
            return await make(session)

    is_own, frame = asyncio.run(run())
    assert is_own
    assert frame.aio.outcomes["outcome"].tolist() == ["ok"]
    client = make_client(api, session=lib.AsyncClient())
    assert client.loop is paio.Client().loop
    assert IDS[:1].aio.fetch_async("/users/{id}", client=client).result().equals(frame)
    assert IDS[:1].aio.fetch("/users/{id}", client=client).equals(frame)


def test_a_closed_session_ends_its_rows(lib):
    """Nothing is sent, and the message says why."""
    session = lib.AsyncClient()
    asyncio.run(session.aclose())
    with pytest.warns(paio.FetchWarning, match="the session of the client is closed: open a new one"):
        IDS[:1].aio.fetch("http://127.0.0.1:1/", client=paio.Client(session=session))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proxy": "http://p:1"}, "write httpx.AsyncClient(proxy=…)"),
        ({"ssl": False}, "write httpx.AsyncClient(verify=…)"),
        ({"block_private": True}, "block_private can't be kept"),
    ],
)
def test_an_option_that_an_httpx_session_cannot_keep_is_refused(lib, options, message):
    """Before the first request."""
    with pytest.raises(paio.PlanError, match=re.escape(message)):
        paio.Client(session=lib.AsyncClient(), **options)


def test_a_session_that_blocks_is_refused(lib):
    """The message names the one that awaits."""
    with pytest.raises(paio.PlanError, match=re.escape("pass httpx.AsyncClient()")):
        paio.Client(session=lib.Client())


def test_fault_73_a_second_response_in_one_packet_is_no_answer_to_the_next_request(lib, make_client):
    """httpx itself would take it for that."""
    answers = http_response(b'["first"]') + http_response(b'["not yours"]'), http_response(b'["second"]')
    with serve_script(*answers) as server:
        client = make_client(server.url, session=lib.AsyncClient())
        frame = paio.read_api("/{n}", over={"n": [1, 2]}, client=client, concurrency=1)
    assert frame.iloc[:, -1].tolist() == ["first", "second"]
