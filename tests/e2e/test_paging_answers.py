"""Paging over unusual responses: parsers, tables, missing lists, records that come twice."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_function

NEXT = paio.NextUrl()


def query(request):
    return {name: texts[0] for name, texts in parse_qs(urlsplit(request.line.split()[1]).query).items()}


def answer(payload, *headers):
    return http_response(json.dumps(payload).encode(), *headers)


def ten(begin):
    return [{"id": number} for number in range(begin, begin + 10)]


def thirty(request):
    """Answer with three pages of ten records and the next page's URL."""
    begin = int(query(request).get("c", 0))
    return answer({"items": ten(begin), "next": f"/x?c={begin + 10}" if begin < 20 else None})


def quietly(function, *args, **options):
    with warnings.catch_warnings(action="ignore", category=paio.FetchWarning):
        return function(*args, **options)


@pytest.mark.parametrize("pages", [NEXT, "auto"], ids=["next", "auto"])
@pytest.mark.parametrize(
    "parser",
    [
        lambda response: json.loads(response.body)["items"],
        lambda response: pd.DataFrame(json.loads(response.body)["items"]),
        lambda response: [{**each, "at": pd.Timestamp(0)} for each in json.loads(response.body)["items"]],
        lambda response: [{**each, "v": np.array([1, 2])} for each in json.loads(response.body)["items"]],
    ],
    ids=["records", "frame", "timestamps", "arrays"],
)
def test_paging_works_with_a_parser(pages, parser):
    """The parser makes the records; the body shows the next page."""
    with serve_function(thirty) as server:
        found = paio.read_api(server.url + "/x", pages=pages, parser=parser)
    assert found["id"].tolist() == list(range(30))


def test_fault_78_a_parser_that_raises_fails_its_page():
    """The other pages are kept, and the page is named."""

    def parser(response):
        items = json.loads(response.body)["items"]
        return items if items[0]["id"] != 10 else 1 / 0

    with serve_function(thirty) as server:
        out = quietly(paio.read_api, server.url + "/x", pages=NEXT, parser=parser, errors="coerce", retry=1)
    assert out["id"].tolist() == list(range(10))
    assert out.aio.failures["error"].tolist()[0].startswith("page 2: parser= raised ZeroDivisionError")


def locator(request):
    """Answer as a bulk API does: CSV, its header in the first part only."""
    part = int(query(request).get("locator", 1))
    rows = "".join(f"{number},n{number}\n" for number in range(part * 10, part * 10 + 10))
    following = str(part + 1) if part < 3 else "null"
    return http_response(
        ("id,name\n" * (part == 1) + rows).encode(), "Content-Type: text/csv", f"Sforce-Locator: {following}"
    )


@pytest.mark.parametrize("pages", ["auto", paio.Cursor(header="Sforce-Locator", param="locator")])
def test_a_csv_header_may_be_on_the_first_page_only(pages):
    """The other pages have its columns, and their first line is a record."""
    with serve_function(locator) as server:
        found = paio.read_api(server.url, pages=pages)
    assert found.columns.tolist() == ["id", "name"]
    assert found["id"].tolist() == list(range(10, 40))
    assert found["name"].tolist() == [f"n{number}" for number in range(10, 40)]


def test_a_csv_page_of_another_table_is_an_error():
    """Three columns are not two columns without a header."""

    def reply(request):
        first = "locator" not in query(request)
        table = b"id,name\n1,a\n" if first else b"x,y,z\n1,2,3\n"
        return http_response(table, "Content-Type: text/csv", f"Sforce-Locator: {'2' if first else 'null'}")

    with serve_function(reply) as server, pytest.raises(paio.FetchError, match=r"page 2: .*x.*are not those of page 1"):
        paio.read_api(server.url, pages="auto")


@pytest.mark.parametrize("record", [{"id": 2, "name": "y", "orders": []}, {"id": 2, "items": [{"sku": 1}]}])
def test_a_payload_that_is_a_single_record_stays_one_record(record):
    """A payload without evidence of paging is a record, whatever lists it holds."""
    with serve_function(lambda request: answer(record)) as server:
        frame = pd.DataFrame({"q": [1]})
        paged, plain = (frame.aio.fetch(server.url + "?q={q}", pages=pages) for pages in ("auto", None))
    pd.testing.assert_frame_equal(paged, plain)


def test_fault_45_a_record_that_moved_to_another_page_is_a_finding():
    """Count and total agree, but one record came twice and another one never."""
    rows = [{"id": number} for number in range(1, 36)]

    def reply(request):
        page = int(query(request).get("page", 1))
        held = rows if page == 1 else [*rows[:4], *rows[5:], rows[4]]
        following = f"?page={page + 1}" if page < 4 else None
        return answer({"total": 35, "items": held[(page - 1) * 10 : page * 10], "next": following})

    with serve_function(reply) as server, pytest.warns(paio.HintWarning, match="page 4 repeats 1 record of page 1"):
        assert len(paio.read_api(server.url, pages=NEXT)) == 35


def ambiguous(request):
    """Answer with a known kind of paging, or with an unknown token for the row "odd"."""
    params = query(request)
    if params["q"] != "odd":
        return answer({"items": ten(0), "next": None if "p" in params else "?q=a&p=2", "previous": None})
    begin = int(params.get("next_tok", 0))
    return answer({"items": ten(begin), **({"next_tok": begin + 10} if begin < 20 else {})})


def test_a_row_that_may_have_more_pages_is_a_finding():
    """The paginator of other rows finds none there; that the row is complete is a guess."""
    frame = pd.DataFrame({"q": ["a", "odd"]})
    with (
        serve_function(ambiguous) as server,
        pytest.warns(paio.FetchWarning, match=r"next_tok.*finds no next page \(row 1\)"),
    ):
        frame.aio.fetch(server.url + "?q={q}", pages="auto", concurrency=1)


def test_fault_44_one_unrecognised_page_fails_its_row_only():
    """The other rows keep their pages, however late it comes."""

    def reply(request):
        odd = query(request)["q"] == "19"
        return answer({"hints": ["x"], "notes": ["y"]} if odd else {"items": [{"a": 1}], "next": None})

    with (
        serve_function(reply) as server,
        pytest.warns(paio.FetchWarning, match="1 of 20 rows failed: 1 x .*which list holds"),
    ):
        out = pd.DataFrame({"q": range(20)}).aio.fetch(server.url + "?q={q}", pages=NEXT, concurrency=1)
    assert out["a"].tolist() == [1] * 19 + [pd.NA]
    assert out.aio.failures["outcome"].tolist() == ["parse_error"]


def test_equal_records_without_a_key_are_no_loop_if_the_number_of_pages_is_known():
    """Measurements may all be zero: they are kept, with a warning."""

    def reply(request):
        return answer({"page": int(query(request).get("page", 1)), "pages": 3, "samples": [{"v": 0}, {"v": 0}]})

    with serve_function(reply) as server, pytest.warns(paio.HintWarning, match="page 3 has the records of page 1"):
        assert len(paio.read_api(server.url, pages=paio.PageNumber(total_pages="pages"))) == 6


def test_a_function_may_page_by_a_request_header():
    """Requests that differ in a header are different pages."""

    def reply(request):
        begin = int(request.headers.get("x-cursor", 0))
        return answer(ten(begin), *([f"X-Next: {begin + 10}"] if begin < 20 else []))

    def own(page):
        following = page.response.header("X-Next")
        return following and replace(page.request, headers={**page.request.headers, "X-Cursor": following})

    with serve_function(reply) as server:
        assert paio.read_api(server.url, pages=own)["id"].tolist() == list(range(30))


@pytest.mark.parametrize("options", [{}, {"record_path": "items"}], ids=["found", "given"])
@pytest.mark.parametrize("count", [30, 0])
def test_fault_44_a_page_may_leave_its_empty_list_out(count, options):
    """APIs made with protocol buffers do so; a page with other fields is no empty page."""

    def reply(request):
        begin = int(query(request).get("pageToken", 0))
        return answer({"items": ten(begin), "nextPageToken": str(begin + 10)} if begin < count else {})

    with serve_function(reply) as server:
        found = paio.read_api(server.url, pages=paio.Cursor("nextPageToken", "pageToken"), **options)
    assert len(found) == count


def test_retry_failed_keeps_the_order_if_a_row_does_not_fit_the_schema():
    """The records of a row that is dropped are not among the pages."""

    def reply(request):
        params = query(request)
        page, row = int(params.get("page", 1)), int(params["q"])
        records = [{"id": row * 100 + page * 10 + at} for at in range(10)]
        if row == 0 and page == 2 and len(server.requests) < 6:
            records[3]["id"] = "x"
        return answer({"items": records, "pages": 2})

    with serve_function(reply) as server:
        frame = pd.DataFrame({"q": [0, 1]})
        options = {"pages": paio.PageNumber(total_pages="pages"), "schema": {"id": "int64"}}
        out = quietly(frame.aio.fetch, server.url + "?q={q}", **options)
        server.requests.extend(server.requests)
        done = quietly(out.aio.retry_failed)
    assert out.loc[out["q"] == 1, "id"].tolist() == list(range(110, 130))
    assert done["id"].tolist() == [*range(10, 30), *range(110, 130)]


EIGHT = [{"id": number, "on": number % 3 == 0, "parts": [0, 1]} for number in range(1, 9)]


def each_twice(response):
    return [{"id": item["id"]} for item in json.loads(response.body)["items"] for _ in item["parts"]]


def some(response):
    return [{"id": item["id"]} for item in json.loads(response.body)["items"] if item["on"]]


@pytest.mark.parametrize(("parser", "ids"), [(each_twice, [n for n in range(1, 9) for _ in "ab"]), (some, [3, 6])])
@pytest.mark.parametrize(
    "pages",
    [
        "auto",
        paio.Offset(size=("limit", 2), total_records="total"),
        paio.PageNumber(total_records="total"),
        paio.PageNumber(),
    ],
)
def test_paging_does_not_depend_on_what_a_parser_drops_or_repeats(pages, parser, ids):
    """The page's own records decide the position and the end."""

    def reply(request):
        params = query(request)
        begin = int(params.get("offset", 2 * (int(params.get("page", 1)) - 1)))
        about = {"offset": begin, "limit": 2} if pages == "auto" else {}
        return answer({"items": EIGHT[begin : begin + 2], "total": 8, **about})

    with serve_function(reply) as server:
        assert paio.read_api(server.url, pages=pages, parser=parser)["id"].tolist() == ids


@pytest.mark.parametrize("pages", [NEXT, "auto", paio.PageNumber()])
def test_a_misspelt_record_path_is_an_error_on_the_first_page(pages):
    """As without paging."""
    with (
        serve_function(lambda request: answer({"items": [{"id": 1}], "next": None})) as server,
        pytest.raises(paio.FetchError, match="no answer has record_path='itmes'; nearest: record_path='items'"),
    ):
        paio.read_api(server.url, record_path="itmes", pages=pages)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"code": 0, "message": "ok", "data": {"list": [{"id": 1}], "next": 2}}, {"code": 429, "message": "too many"}),
        ([{"id": 1}], {"message": "too many"}),
    ],
)
def test_fault_27_an_error_in_a_200_is_no_empty_page(first, then):
    """The error names the page, and no page is lost silently."""

    def reply(request):
        link = [] if isinstance(first, dict) else ["Link: </?page=2>; rel=next"]
        return answer(then if "page" in query(request) else first, *link)

    pages = paio.Cursor("data.next", "page") if isinstance(first, dict) else paio.LinkHeader()
    with serve_function(reply) as server, pytest.raises(paio.FetchError, match="page 2: "):
        paio.read_api(server.url, pages=pages)


def test_auto_raises_before_it_follows_a_link_of_a_record():
    """An object with its own fields is a record, and its link leads to another record."""
    record = {"id": 7, "title": "T", "tags": [{"name": "t"}], "next": "/8"}
    with serve_function(lambda request: answer(record)) as server, pytest.raises(paio.PlanError, match="not sure"):
        paio.read_api(server.url, pages="auto")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "record",
    [
        {"id": 7, "title": "T", "pages": 12, "page": 1, "authors": [{"name": "a"}]},
        {"id": 9, "offset": 0, "limit": 10, "total": 45, "lines": [{"n": 1}]},
        {"id": 1, "done": False, "items": [{"text": "milk"}]},
    ],
)
def test_the_numbers_and_flags_of_a_record_are_no_paging(record):
    """It stays one record and is requested once."""
    with serve_function(lambda request: answer(record)) as server:
        found = paio.read_api(server.url, pages="auto")
    assert found.columns.tolist() == list(record)
    assert len(server.requests) == 1


@pytest.mark.parametrize("late", [1, 2])
def test_the_frame_does_not_depend_on_the_order_of_the_responses(late):
    """One of two rows has an additional field beside its records."""

    def reply(request):
        row = int(query(request)["q"])
        if row == late:
            time.sleep(0.1)
        items = [{"sku": "a"}, {"sku": "b"}] if row == 2 else []
        return answer({"items": items, "total": len(items), **({"coupon": "X"} if row == 2 else {})})

    with serve_function(reply) as server:
        out = pd.DataFrame({"q": [1, 2]}).aio.fetch(server.url + "?q={q}", pages="auto")
    assert out["sku"].tolist()[1:] == ["a", "b"]
    assert out.columns.tolist() == ["q", "sku"]


def test_a_csv_line_that_resembles_the_header_is_a_record():
    """One of its values is a column's name."""

    def reply(request):
        second = "page" in query(request)
        link = [] if second else ["Link: </?page=2>; rel=next"]
        return http_response(b"2,name\n3,x\n" if second else b"id,name\n1,a\n", "Content-Type: text/csv", *link)

    with serve_function(reply) as server:
        found = paio.read_api(server.url, pages=paio.LinkHeader())
    assert found.to_dict("list") == {"id": [1, 2, 3], "name": ["a", "name", "x"]}


def test_equal_records_without_a_key_are_kept_with_a_warning():
    """Only their cursors differ. A chain without end stops as a loop."""

    def reply(request):
        page = int(query(request).get("page", 1))
        return answer({"data": [{"t": "on" if page < 3 else "off"}], "next": f"?page={page + 1}" if page < 4 else None})

    with serve_function(reply) as server, pytest.warns(paio.HintWarning, match="page 2 has the records of page 1"):
        assert paio.read_api(server.url, pages=NEXT)["t"].tolist() == ["on", "on", "off", "off"]
    endless = lambda request: answer({"data": [{"t": 1}], "next": f"?page={int(query(request).get('page', 1)) + 1}"})  # noqa: E731
    with serve_function(endless) as server, pytest.raises(paio.FetchError, match="page loop"):
        paio.read_api(server.url, pages=NEXT)


def test_retry_failed_uses_the_record_path_of_the_earlier_run():
    """The failed row's payload holds two lists; the other rows' payloads show which one holds the records."""

    def reply(request):
        row = query(request)["q"]
        if row == "2" and len(server.requests) < 3:
            return http_response(b"{}", status="500 X")
        data = {"orders": [{"id": row}], **({"refunds": [{"x": 1}]} if row == "2" else {})}
        return answer({"data": data, "meta": {"next_cursor": None}})

    with serve_function(reply) as server:
        frame = pd.DataFrame({"q": [1, 2]})
        options = {"pages": paio.Cursor("meta.next_cursor"), "retry": 1, "concurrency": 1}
        out = quietly(frame.aio.fetch, server.url + "?q={q}", **options)
        assert out.aio.failures["row"].tolist() == [1]
        assert out.aio.retry_failed()["id"].tolist() == ["1", "2"]


def test_a_run_whose_first_pages_are_all_unrecognised_stops():
    """It stops after three pages."""
    unclear = {"hints": ["x"], "notes": ["y"]}
    with (
        serve_function(lambda request: answer(unclear)) as server,
        pytest.raises(paio.PlanError, match="which list holds the records"),
    ):
        pd.DataFrame({"q": range(100)}).aio.fetch(server.url + "?q={q}", pages=NEXT, concurrency=1)
    assert len(server.requests) == 3


ROWS = [{"id": number} for number in range(7)]


def three_of(make_payload, param="page"):
    """Return a function that answers with three rows a page, in the envelope that the function makes."""

    def respond(request):
        number = int(query(request).get(param, 1 if param == "page" else 0))
        begin = 3 * number - 3 if param == "page" else number
        return answer(make_payload(number, ROWS[begin : begin + 3]))

    return respond


ENVELOPES = {
    "pair": (lambda n, rows: [{"page": n}, rows], lambda payload: payload[1]),
    "keyed": (
        lambda n, rows: {"page": n, "data": {str(row["id"]): row for row in rows}},
        lambda payload: list(payload["data"].values()),
    ),
    "header row": (
        lambda n, rows: [["id"], *([row["id"]] for row in rows)],
        lambda payload: [{"id": cell} for (cell,) in payload[1:]],
    ),
    "frame": (lambda n, rows: {"page": n, "a": rows, "b": [1]}, lambda payload: pd.DataFrame(payload["a"])),
    "envelope": (lambda n, rows: {"page": n, "a": rows, "b": [1]}, lambda payload: {"page": 1, "a": payload["a"]}),
}


@pytest.mark.parametrize("pages", [paio.PageNumber(), paio.Offset()], ids=["page number", "offset"])
@pytest.mark.parametrize("envelope", ENVELOPES)
def test_the_records_of_a_parser_end_the_paging_and_move_the_offset(pages, envelope):
    """An envelope that is never empty is no page; a header row is no record."""
    make_payload, parse = ENVELOPES[envelope]
    with serve_function(three_of(make_payload, pages.param)) as server:
        found = paio.read_api(
            server.url + "/x",
            pages=pages,
            parser=lambda response: parse(json.loads(response.body)),
            record_path="a" if envelope == "envelope" else None,
            max_requests=10,
        )
        assert len(server.requests) <= 4
    assert found["id"].tolist() == list(range(7))
    assert found.aio.report.findings == ()


def test_an_object_that_holds_nothing_ends_numbered_pages():
    """Also without a parser: the object past the end is no record."""
    with serve_function(three_of(lambda n, rows: {"page": n, "data": {row["id"]: row for row in rows}})) as server:
        found = paio.read_api(server.url + "/x", pages=paio.PageNumber(), max_requests=10)
        assert len(server.requests) == 4
    assert found["page"].tolist() == [1, 2, 3]


def test_a_parser_that_filters_a_whole_page_away_is_a_finding():
    """Numbered pages end where the parser finds nothing; a hint says that the page was not empty."""

    def parse(response):
        return [row for row in json.loads(response.body) if row["id"] not in {3, 4, 5}]

    with (
        serve_function(three_of(lambda n, rows: rows)) as server,
        pytest.warns(paio.HintWarning, match="page 2: paging ended because parser= returned no record of 3"),
    ):
        found = paio.read_api(server.url + "/x", pages=paio.PageNumber(), parser=parse, max_requests=10)
    assert found["id"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("record_path", [None, "orders"])
@pytest.mark.parametrize("fields", [{"request_id": "r-1"}, {"currency": "EUR", "copyright": "c"}])
def test_auto_reads_all_pages_of_an_envelope_with_fields_of_its_own(fields, record_path):
    """Of every row; one whose list is empty has no record."""

    def respond(request):
        number = int(query(request).get("page", 1))
        rows = [] if query(request)["of"] == "none" else ROWS[3 * number - 3 : 3 * number]
        return answer({**fields, "page": number, "total_pages": 3 if rows else 1, "orders": rows})

    frame = pd.DataFrame({"of": ["all", "none"]})
    with serve_function(respond) as server:
        found = frame.aio.fetch(server.url + "/x?of={of}", pages="auto", record_path=record_path)
    assert found["of"].tolist() == ["all"] * 7 + ["none"]
    assert found["id"].tolist()[:7] == list(range(7))
    assert pd.isna(found["id"].iloc[7])
    assert list(found.columns) == ["of", "id"]


def test_a_thousand_rows_of_socrata_are_a_page():
    """Without pages= there is a hint, with "auto" the other pages come."""

    def respond(request):
        begin, limit = (int(query(request).get(name, default)) for name, default in (("$offset", 0), ("$limit", 1000)))
        return answer([{"i": number} for number in range(begin, min(begin + limit, 2300))])

    with serve_function(respond) as server:
        with pytest.warns(paio.HintWarning, match="1000 records are a full page of Socrata"):
            assert len(paio.read_api(server.url + "/resource/ab12-cd34.json")) == 1000
        assert len(paio.read_api(server.url + "/resource/ab12-cd34.json", pages="auto")) == 2300


@pytest.mark.parametrize("pages", ["auto", paio.PageNumber(total_pages=[0, "pages"]), paio.PageNumber()], ids=str)
@pytest.mark.parametrize("record_path", [None, [1]])
def test_a_description_beside_the_list_of_records_is_read_as_the_world_bank_has_it(pages, record_path):
    """The pages of every row; the list with the records is found."""
    with serve_function(three_of(lambda n, rows: [{"page": n, "pages": 3, "total": 7}, rows])) as server:
        found = paio.read_api(server.url + "/x", pages=pages, record_path=record_path, max_requests=10)
    assert found["id"].tolist() == list(range(7))


def test_the_rows_of_columns_decide_whether_there_are_more():
    """An object of arrays is not one record of three."""
    payload = {"data": {"id": [1, 2, 3]}, "offset": 0, "limit": 5, "total": 3}
    with serve_function(lambda request: answer(payload)) as server:
        for options in ({}, {"pages": "auto"}):
            found = paio.read_api(server.url, record_path="data", orient="columns", **options)
            assert found["id"].tolist() == [1, 2, 3]
        assert len(server.requests) == 2
