"""A forgotten ``pages=``: one hint, from the first answers, without another request."""

import json
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, json_response, serve_function

ITEMS = [{"id": number} for number in range(10)]


def respond_with(make_payload, *headers):
    """Return a function that answers each request with a payload made of its number of the page and its query."""

    def respond(request):
        query = {name: values[-1] for name, values in parse_qs(urlsplit(request.target).query).items()}
        body = json.loads(request.body) if request.body else {}
        return json_response(make_payload(int(query.get("page", body.get("page", 1)))), *headers)

    return respond


ANNOUNCEMENTS = {
    "a link": lambda page: {"items": ITEMS, "next": f"?page={page + 1}"},
    "a count of pages": lambda page: {"items": ITEMS, "page": page, "total_pages": 7},
    "a cursor": lambda page: {"items": ITEMS, "next_cursor": "abc", "has_more": True},
    "offsets": lambda page: {"items": ITEMS, "offset": 0, "limit": 10, "total": 63},
}


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
@pytest.mark.parametrize("rows", [1, 100])
def test_an_answer_that_has_further_pages_gives_one_hint(announcement, rows):
    """However many rows there are. The hint names both ways out, and nothing else is requested."""
    frame = pd.DataFrame({"id": range(rows)})
    with (
        serve_function(respond_with(ANNOUNCEMENTS[announcement])) as server,
        pytest.warns(paio.HintWarning, match="pages='auto' reads them, pages=None keeps the first alone") as caught,
    ):
        out = frame.aio.fetch(server.url + "/{id}/items", record_path="items", client=paio.Client())
    assert [warning.filename for warning in caught] == [__file__]
    assert len(server.requests) == rows
    assert len(out) == 10 * rows
    assert caught[0].message.partial.equals(out)
    assert len(out.aio.report.findings) == 1


def test_a_link_header_gives_the_hint():
    with (
        serve_function(lambda request: json_response(ITEMS, 'Link: </items?page=2>; rel="next"')) as server,
        pytest.warns(paio.HintWarning, match="further pages"),
    ):
        assert len(paio.read_api(server.url + "/items", client=paio.Client())) == 10


@pytest.mark.parametrize("pages", [None, "auto"])
def test_a_given_pages_is_silent(pages):
    """None says that the first page is wanted alone; retry_failed keeps it."""

    def make_payload(page):
        return {
            "items": [{"id": 10 * page + at} for at in range(10)],
            "next": f"?page={page + 1}" if page < 3 else None,
        }

    with serve_function(respond_with(make_payload)) as server:
        out = paio.read_api(server.url + "/items", pages=pages, record_path="items", client=paio.Client())
        assert len(out.aio.retry_failed()) == len(out) == (10 if pages is None else 30)


@pytest.mark.parametrize("json", [False, True])
def test_rows_that_choose_the_page_give_no_hint(json):
    """The URL or the body holds {page}, so the other pages are requested by other rows."""
    where = {"method": "POST", "json": {"page": "{page}"}} if json else {"params": {"page": "{page}"}}
    payload = ANNOUNCEMENTS["a count of pages"]
    with serve_function(respond_with(payload)) as server:
        out = paio.read_api(
            server.url, over={"page": range(1, 4)}, **where, record_path="items", client=paio.Client(), suffix="_r"
        )
    assert len(out) == 30


@pytest.mark.parametrize(
    "payload",
    [
        {"id": 1, "next": "/users/2", "name": "a"},
        {"items": ITEMS, "next": None},
        {"items": ITEMS, "page": 1, "total_pages": 1},
        {"items": ITEMS, "total": 10},
        ITEMS,
        [],
        7,
        None,
    ],
    ids=repr,
)
def test_an_answer_that_is_the_only_page_gives_no_hint(payload):
    """Nor does a record that links to another one."""
    with serve_function(lambda request: json_response(payload)) as server:
        paio.read_api(server.url + "/items", client=paio.Client())


def test_only_the_first_answers_are_looked_at():
    """The hint is about the API, not about one row."""
    last = lambda request: json_response({"items": ITEMS, "next": None})  # noqa: E731
    more = lambda request: json_response({"items": ITEMS, "next": "?page=2"})  # noqa: E731
    with serve_function(lambda request: (more if request.target == "/50" else last)(request)) as server:
        pd.DataFrame({"id": range(60)}).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)


def test_the_hint_shows_no_secret_of_a_link():
    link = 'Link: </items?page=2&token=s3cret>; rel="next"'
    answer = http_response(b"[{}]", link)
    with serve_function(lambda request: answer) as server, pytest.warns(paio.HintWarning) as caught:
        paio.read_api(server.url + "/items", client=paio.Client())
    assert "s3cret" not in str(caught[0].message)
