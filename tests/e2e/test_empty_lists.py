"""An answer whose list of records is empty: its row stays, with what stands around the list."""

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function

FRAME = pd.DataFrame({"id": [1, 2, 3], "label": ["a", "b", "c"]}, index=[7, 8, 9])
ITEMS = {1: [{"sku": "x"}, {"sku": "y"}], 2: [], 3: None}


@pytest.fixture
def orders():
    """Serve orders: the second one has no items, those of the third are null."""

    def answer(request):
        number = int(request.target.partition("?")[0][1:])
        return json_response({"no": number * 10, "customer": {"name": f"c{number}"}, "items": ITEMS[number]})

    with serve_function(answer) as server:
        yield server.url


def fetch(url, **options):
    options = {"record_path": "items", "meta": ["no", "customer.name"], "client": paio.Client(), **options}
    return FRAME.aio.fetch(url + "/{id}", **options)


def test_meta_and_the_rows_own_columns_are_kept_where_the_list_is_empty(orders):
    found = fetch(orders)
    assert found.index.tolist() == [7, 7, 8, 9]
    assert found["label"].tolist() == ["a", "a", "b", "c"]
    assert found["no"].tolist() == [10, 10, 20, 30]
    assert found["customer.name"].tolist() == ["c1", "c1", "c2", "c3"]
    assert found["sku"].isna().tolist() == [False, False, True, True]


def test_where_every_list_is_empty_the_columns_are_those_of_meta(orders):
    """And those of columns=, missing."""
    found = FRAME.loc[[8, 9]].aio.fetch(
        orders + "/{id}", record_path="items", meta="no", columns=["no", "sku"], client=paio.Client()
    )
    assert found[["label", "no"]].to_numpy().tolist() == [["b", 20], ["c", 30]]
    assert found["sku"].isna().all()


def test_an_inner_fetch_drops_such_a_row(orders):
    assert fetch(orders, how="inner")["no"].tolist() == [10, 10]


def test_the_records_alone_have_such_a_row_too(orders):
    found = fetch(orders, join=False)
    assert found["row"].tolist() == [0, 0, 1, 2]
    assert found["no"].tolist() == [10, 10, 20, 30]
