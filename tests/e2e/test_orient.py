"""Answers in pandas' forms: columns, an object of records, rows, and names apart from rows."""

import json

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, json_response, serve_function

TABLE = pd.DataFrame({"n": [7777, 7777], "text": ["x", None], "share": [0.5, 7777]})
ANSWERS = {
    orient: json.dumps({"number": 7777, "columns": list(TABLE), "data": json.loads(TABLE.to_json(orient=orient))})
    for orient in ("columns", "index", "values", "split")
}


@pytest.fixture
def api():
    """Serve each form below its name, one answer for each number; below ragged the answer of 1 is ragged."""

    def answer(request):
        _, orient, number = request.target.split("/")
        if orient == "ragged":
            return json_response({"data": {"n": [1, 2], "text": ["x"] if number == "1" else ["x", "y"]}})
        return http_response(ANSWERS[orient].replace("7777", number).encode())

    with serve_function(answer) as server:
        yield server.url


@pytest.mark.parametrize("orient", list(ANSWERS))
def test_a_thousand_rows_have_their_own_answers_in_each_form(api, orient):
    """With a field of the envelope, exact types and a schema."""
    frame = pd.DataFrame({"id": range(1000)})
    found = frame.aio.fetch(
        api + f"/{orient}/{{id}}",
        record_path="data",
        orient=orient,
        names="columns" if orient == "values" else None,
        meta="number",
        schema={"share": "float64"},
        columns=["n", "text", "share", "number"],
        client=paio.Client(),
    )
    assert found["id"].tolist() == found["n"].tolist() == found["number"].tolist()
    assert found["text"].isna().tolist() == [False, True] * 1000
    assert found["share"].iloc[1::2].tolist() == list(range(1000))
    assert found.dtypes[["n", "share"]].astype(str).tolist() == ["Int64", "float64"]


def test_fault_94_a_ragged_answer_fails_its_row_alone(api):
    """retry_failed asks for it again in the same form."""
    frame = pd.DataFrame({"id": [0, 1, 2]})
    with pytest.warns(paio.FetchWarning, match="not equally long: 2 values in 'n'; 1 value in 'text'"):
        found = frame.aio.fetch(api + "/ragged/{id}", record_path="data", orient="columns", client=paio.Client())
    assert found["id"].tolist() == [0, 0, 1, 2, 2]
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "parse_error", "ok"]
    with pytest.warns(paio.FetchWarning):
        again = found.aio.retry_failed()
    pd.testing.assert_frame_equal(again, found)


def test_a_read_takes_the_first_row_as_names_and_refuses_names_that_no_form_has(api):
    """Before the first request, and from all of its options."""
    with serve_function(lambda _: json_response([["n", "code"], [1, "01"], [2, "02"]])) as server:
        found = paio.read_api(server.url, orient="values", names=0, client=paio.Client())
    assert found.to_dict("list") == {"n": [1, 2], "code": ["01", "02"]}
    with pytest.raises(paio.PlanError, match="orient='tables': choose one of"):
        paio.read_api(api, orient="tables")
    with pytest.raises(paio.PlanError, match="names="):
        pd.DataFrame({"id": [1]}).aio.plan(api + "/{id}", names=["a"])


@pytest.mark.parametrize(("orient", "header"), [("columns", 0), ("index", 0), ("values", 1), ("split", 0)])
def test_pages_are_counted_by_their_records(orient, header):
    """The next offset is behind the last record, the total is compared, and each page has its columns."""
    offsets = []

    def answer(request):
        offset = int(request.target.partition("offset=")[2] or 0)
        offsets.append(offset)
        rows = pd.DataFrame({"id": range(offset, min(offset + 3, 7))})
        data = json.loads(rows.to_json(orient=orient))
        return json_response({"total": 7, "data": [["id"], *data] if header else data})

    with serve_function(answer) as server:
        pages = paio.Offset(param="offset", total_records="total")
        options = {"orient": orient, "names": 0 if header else None}
        found = paio.read_api(server.url, record_path="data", pages=pages, client=paio.Client(), **options)
    assert found["id"].tolist() == list(range(7))
    assert sorted(offsets) == [0, 3, 6]


def test_a_page_without_the_row_of_names_ends_its_row():
    """Its first record is not taken for names."""

    def answer(request):
        first = "page=2" not in request.target
        return json_response(
            {"data": [["id"], [1], [2]] if first else [[3], [4]], "next": "?page=2" if first else None}
        )

    with serve_function(answer) as server, pytest.raises(paio.FetchError, match=r"holds \['3'\].*of page 1"):
        paio.read_api(
            server.url, record_path="data", orient="values", names=0, pages=paio.NextUrl("next"), client=paio.Client()
        )


def test_the_records_of_a_batch_are_matched_by_the_keys_of_an_index():
    """Or by a column, with on=."""

    def answer(request):
        keys = [key for key in request.target.partition("ids=")[2].split(",") if key != "2"]
        rows = {"names": ["id", "x"], "rows": [[key, f"x{key}"] for key in keys]}
        return json_response({key: {"x": f"x{key}"} for key in keys} if "index" in request.target else rows)

    frame = pd.DataFrame({"id": [3, 1, 2, 3]})
    with serve_function(answer) as server:
        by_index = frame.aio.fetch(server.url + "/index?ids={id*}", batch=10, orient="index")
        by_rows = frame.aio.fetch(
            server.url + "/rows?ids={id*}", batch=10, orient="values", record_path="rows", names="names"
        )
    for found in (by_index, by_rows):
        assert list(found.columns) == ["id", "x"]
        assert found["x"].fillna("").tolist() == ["x3", "x1", "", "x3"]
