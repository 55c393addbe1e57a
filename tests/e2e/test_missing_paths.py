"""Answers that leave a path out, because they found nothing or because it is wrong."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_function

BOOKS = {"kind": "books#volumes", "totalItems": 1, "items": [{"id": 7}]}
NONE = {"kind": "books#volumes", "totalItems": 0}


def query(request):
    return {name: texts[0] for name, texts in parse_qs(urlsplit(request.line.split()[1]).query).items()}


def answer(payload):
    return http_response(json.dumps(payload).encode())


def search(request):
    """Answer as Google Books: without ``items`` where nothing was found."""
    return answer(NONE if query(request)["q"] == "zz" else BOOKS)


def test_fault_89_a_row_that_found_nothing_is_ok(recwarn):
    """It is kept without records, whatever the other rows are."""
    with serve_function(search) as server:
        found = pd.DataFrame({"q": ["a", "zz"]}).aio.fetch(
            server.url + "?q={q}", record_path="items", meta="totalItems"
        )
    assert found["id"].tolist() == [7, pd.NA]
    assert found["totalItems"].tolist() == [1, 0]
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "ok"]
    assert not recwarn.list


def test_fault_89_a_read_of_several_answers_skips_those_that_found_nothing():
    """Also where the first one found nothing."""
    with serve_function(search) as server:
        read = paio.read_api(server.url + "?q={q}", over={"q": ["zz", "a", "b"]}, record_path="items")
    assert read["q"].tolist() == ["a", "b"]


def test_fault_89_a_path_that_no_answer_has_is_one_hint():
    """With the nearest path; the rows are ok."""
    frame = pd.DataFrame({"q": ["a", "b"]})
    with (
        serve_function(search) as server,
        pytest.warns(paio.HintWarning, match="no answer has record_path='itmes'; nearest: record_path='items'"),
    ):
        found = frame.aio.fetch(server.url + "?q={q}", record_path="itmes")
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "ok"]
    assert "record_path='itmes'" in found.aio.report.findings[0]


def test_fault_89_a_read_with_a_wrong_path_ends_after_the_first_answer():
    """The other requests are not sent."""
    with (
        serve_function(search) as server,
        pytest.raises(paio.FetchError, match="nearest: record_path='items'") as caught,
    ):
        paio.read_api(
            server.url + "?q={q}", over={"q": range(50)}, record_path="itmes", client=paio.Client(concurrency=1)
        )
    assert len(server.requests) == 1
    outcomes = caught.value.partial.aio.outcomes["outcome"]
    assert outcomes.tolist() == ["ok", *["not_attempted"] * 49]


def test_fault_89_a_read_with_a_wrong_path_reads_no_further_page():
    """The first page shows it."""
    pages = {"items": [{"id": 1}], "pages": 9}
    with serve_function(lambda request: answer(pages)) as server, pytest.raises(paio.FetchError, match="nearest"):
        paio.read_api(
            server.url,
            pages=paio.PageNumber(total_pages="pages"),
            record_path="itmes",
            client=paio.Client(concurrency=1),
        )
    assert len(server.requests) == 1


def test_fault_89_a_single_read_that_lacks_the_path_raises_with_the_frame():
    """``errors="coerce"`` returns it."""
    with serve_function(search) as server:
        with pytest.raises(paio.FetchError, match="no answer has record_path='items'") as caught:
            paio.read_api(server.url + "?q=zz", record_path="items")
        assert len(caught.value.partial) == 0
        with pytest.warns(paio.HintWarning, match="no answer has record_path='items'; the first one has 'kind'"):
            assert len(paio.read_api(server.url + "?q=zz", record_path="items", errors="coerce")) == 0


def test_fault_89_an_error_object_without_the_path_is_that_rows_failure():
    """It says so itself."""

    def reply(request):
        return answer({"error": {"message": "quota exceeded"}} if query(request)["q"] == "zz" else BOOKS)

    with serve_function(reply) as server, pytest.warns(paio.FetchWarning, match="quota exceeded"):
        found = pd.DataFrame({"q": ["a", "zz"]}).aio.fetch(server.url + "?q={q}", record_path="items")
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "parse_error"]


def test_fault_89_a_later_page_without_the_path_is_the_end_unless_it_is_a_message():
    """A message in place of page 3 would lose its records."""

    def reply(request, last):
        page = int(query(request).get("page", 1))
        return answer({"items": [{"id": page}], "page": page} if page < 3 else last)

    with serve_function(lambda request: reply(request, {"page": 3})) as server:
        assert paio.read_api(server.url, pages=paio.PageNumber(), record_path="items")["id"].tolist() == [1, 2]
    with (
        serve_function(lambda request: reply(request, {"message": "slow down"})) as server,
        pytest.raises(paio.FetchError, match=r"page 3: record_path .* says: slow down"),
    ):
        paio.read_api(server.url, pages=paio.PageNumber(), record_path="items")


def test_paths_have_positions_in_paginators_and_records():
    """As the World Bank answers: the paging, then the records."""

    def reply(request):
        page = int(query(request).get("page", 1))
        return answer([{"page": page, "pages": 3}, [{"id": page}]])

    with serve_function(reply) as server:
        pages = paio.PageNumber(total_pages=[0, "pages"])
        assert paio.read_api(server.url, pages=pages, record_path=[1])["id"].tolist() == [1, 2, 3]
        assert paio.read_api(server.url, pages=paio.PageNumber(total_pages="0.pages"), record_path="1").shape == (3, 1)


def test_a_batch_whose_answers_lack_the_path_names_the_nearest():
    """Its rows are ok."""
    with (
        serve_function(lambda request: answer({"items": [{"id": 1}]})) as server,
        pytest.warns(paio.HintWarning, match="none of 2 keys has a record: .*; nearest: record_path='items'"),
    ):
        pd.DataFrame({"id": [1, 2]}).aio.fetch(server.url + "{?id*}", batch=2, record_path="itmes")
