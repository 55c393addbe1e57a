"""Lists inside records: as rows, and by their positions."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_function

ORDER = {"id": 1, "lines": [{"sku": "a", "n": 2}, {"sku": "b", "n": 3}], "choices": [{"message": {"content": "hi"}}]}


def serve(payload):
    return serve_function(lambda request: http_response(json.dumps(payload(int(request.line.split()[1][1:]))).encode()))


def test_each_row_explodes_its_own_answer():
    """For a thousand rows; an answer without the list is one row."""
    frame = pd.DataFrame({"k": range(1_000)})
    with serve(lambda k: {"id": k, "lines": [{"n": each} for each in range(k % 3)]}) as server:
        found = frame.aio.fetch(server.url + "/{k}", explode="lines")
    expected = [(k, n) for k in range(1_000) for n in (range(k % 3) if k % 3 else [None])]
    assert [(k, None if pd.isna(n) else n) for k, n in zip(found["k"], found["lines.n"], strict=True)] == expected
    assert found.aio.outcomes["outcome"].eq("ok").all()


def test_exploded_columns_can_be_selected_and_typed():
    """By their flat names, with a value from the position of another list."""
    with serve(lambda k: ORDER) as server:
        read = paio.read_api(
            server.url + "/1",
            explode="lines",
            columns={"lines.sku": "sku", "lines.n": "n", "choices.0.message.content": "answer"},
            schema={"n": "float64"},
        )
    assert read.to_dict("list") == {"sku": ["a", "b"], "n": [2.0, 3.0], "answer": ["hi", "hi"]}


def test_pages_and_batches_explode_too():
    """Paging counts the records before."""
    with serve_function(lambda request: http_response(json.dumps(page(request)).encode())) as server:
        read = paio.read_api(server.url, pages=paio.Offset(total_records="total"), record_path="items", explode="tags")
        frame = pd.DataFrame({"id": [0, 1]})
        found = frame.aio.fetch(server.url + "?{&id*}", batch=2, record_path="items", explode="tags")
    assert read["id"].tolist() == [0, 0, 1, 1, 2, 2]
    assert found["tags"].tolist() == ["a", "b", "a", "b"]


def page(request):
    url = request.line.split()[1]
    begin = int(url.partition("offset=")[2] or 0)
    return {"total": 3, "items": [{"id": at, "tags": ["a", "b"]} for at in range(begin, min(begin + 2, 3))]}


def test_a_wrong_name_is_a_hint_and_the_records_stay():
    """With the nearest name."""
    with serve(lambda k: ORDER) as server, pytest.warns(paio.HintWarning, match="nearest: explode='lines'"):
        assert len(paio.read_api(server.url + "/1", explode="lnies")) == 1


def test_a_list_in_another_list_is_named_with_what_reads_it():
    """explode= takes lists of the record."""
    hint = "explode='lines.tags'; it is in another list: record_path='lines.tags'"
    with serve(lambda k: {"lines": [{"tags": ["a"]}]}) as server, pytest.warns(paio.HintWarning, match=hint):
        paio.read_api(server.url + "/1", explode="lines.tags")
