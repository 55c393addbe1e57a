"""The options that read a payload as a table: each of them is executed."""

from __future__ import annotations

import pytest

from pandas_async_io._core.report.look.shape import build_columns, suggest_shape

DAYS = ("2024-01-02", "2024-01-03")
ITEMS = [{"id": 1, "v": 1}, {"id": 2, "v": 2}]


@pytest.mark.parametrize(
    ("payload", "options", "columns"),
    [
        # Open-Meteo, the Census, Alpha Vantage, CoinGecko, the World Bank, Datasette, exchange rates
        (
            {"latitude": 52.5, "units": {"time": "iso", "t": "C"}, "hourly": {"time": ["a", "b"], "t": [1, None]}},
            {"record_path": "hourly", "orient": "columns"},
            ["time", "t"],
        ),
        ([["NAME", "P1"], ["Alabama", "5"], ["Ohio", "6"]], {"orient": "values", "names": 0}, ["NAME", "P1"]),
        (
            {
                "Meta Data": {"1. Symbol": "X"},
                "Time Series (1.5)": {day: {"1. open": "1", "2. high": "2"} for day in DAYS},
            },
            {"record_path": ["Time Series (1.5)"], "orient": "index"},
            ["key", "1. open", "2. high"],
        ),
        (
            {name: {"usd": 1, "eur": 2} for name in ("bitcoin", "ethereum", "solana")},
            {"orient": "index"},
            ["key", "usd", "eur"],
        ),
        ([{"page": 1, "pages": 4}, ITEMS], {"record_path": [1]}, ["id", "v"]),
        (
            {"ok": True, "columns": ["id", "name"], "rows": [[1, "a"], [2, "b"]]},
            {"record_path": "rows", "orient": "values", "names": "columns"},
            ["id", "name"],
        ),
        (
            {"result": {"fields": [{"name": "id"}, {"name": "n"}], "rows": [[1, "a"], [2, "b"]]}},
            {"record_path": "result.rows", "orient": "values", "names": "result.fields.name"},
            ["id", "n"],
        ),
        (
            {"base": "EUR", "rates": {"USD": 1.1, "GBP": 0.9, "JPY": 160}},
            {"record_path": "rates", "orient": "index"},
            ["key", "value"],
        ),
        ({"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}, {"orient": "split"}, ["a", "b"]),
        ({"page": 1, "total": 2, "things": ITEMS}, {"record_path": "things"}, ["id", "v"]),
        (
            {"status": "ok", "data": {"resultType": "matrix", "result": ITEMS}},
            {"record_path": "data.result"},
            ["id", "v"],
        ),
        ({"data": {"a.b": ITEMS}, "ok": True}, {"record_path": ["data", "a.b"]}, ["id", "v"]),
        ({"data": {"users": {"edges": [{"node": {"id": 1}}]}}}, {"record_path": "data.users.edges.node"}, ["id"]),
    ],
)
def test_a_suggestion_reads_the_payload(payload, options, columns):
    """The options are those that a user would write, and they make the columns."""
    found = suggest_shape(payload)
    assert dict(found.options) == options
    assert list(build_columns(payload, found.options).arrays) == columns


@pytest.mark.parametrize(
    "payload",
    [None, "text", 1, [], {}, ITEMS, {"id": 1, "name": "x"}, {"id": 2, "name": "y", "orders": ITEMS}, ["a", "b"]],
)
def test_a_record_or_a_list_of_records_needs_no_options(payload):
    """It is read as it is."""
    assert suggest_shape(payload) is None


def test_options_that_do_not_read_the_payload_make_no_columns():
    """A record path that leads to a scalar, a wrong option."""
    assert build_columns({"items": 7}, {"record_path": "items"}) is None
    assert build_columns({"items": []}, {"record_path": ""}) is None
