"""Names that no record and no template has: an error before the first request, or a hint with the right spelling."""

import re

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.ids import stable
from tests.servers.scripted import http_response, json_response, serve_script


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"columns": ["emial"]}, "'emial': nearest: 'email'"),
        ({"columns": {"nmae": "name"}}, "'nmae': nearest: 'name'"),
        ({"columns": ["address"]}, "'address': nearest: 'address.street'"),
        ({"columns": ["city"]}, "'city': nearest: 'address.city'"),
        ({"columns": ["Name"]}, "'Name': nearest: 'name'"),
        ({"columns": ["qqqq", "zzzz"]}, "'qqqq', 'zzzz': columns= takes flat names, as 'address.city'"),
        (
            {"columns": {"city": "address.city"}},
            "'city': columns= maps a record's names to yours, as {'address.city': 'city'}",
        ),
        ({"schema": {"nmae": "string", "id": "int64"}}, "'nmae', which schema= names: nearest: 'name'"),
        ({"schema": {"nmae": "string"}, "columns": {"nmae": "nmae"}}, "'nmae': nearest: 'name'"),
    ],
    ids=stable,
)
def test_a_column_that_no_record_has_is_missing_and_a_hint_shows_the_name_that_was_meant(api, options, hint):
    with pytest.warns(paio.HintWarning, match=re.escape(f"no record has {hint}")) as caught:
        found = pd.DataFrame({"id": [1, 2]}).aio.fetch(api + "/users/{id}", **options)
    assert len(caught) == 1
    (finding,) = found.aio.report.findings
    assert hint in finding
    columns = options.get("columns", ["nmae"])
    assert found[list(columns.values() if isinstance(columns, dict) else columns)].isna().all(axis=None)


def test_a_hint_about_a_column_of_a_table_shows_the_name_that_was_meant():
    """Also where only some of the rows have records."""
    bodies = [http_response(b"", "Content-Type: text/csv"), http_response(b"zip,town\n01,Bo\n", "Content-Type: text/csv")]
    with serve_script(*bodies) as server, pytest.warns(paio.HintWarning, match="'twon': nearest: 'town'"):
        pd.DataFrame({"id": [1, 2]}).aio.fetch(
            server.url + "/{id}", columns=["zip", "twon"], concurrency=1, client=paio.Client()
        )


def test_a_schema_of_a_run_without_records_is_no_mistake():
    """Its columns are there for the next run."""
    with serve_script(json_response([])) as server:
        found = pd.DataFrame({"id": [1]}).aio.fetch(server.url + "/{id}", schema={"zip": "string"}, client=paio.Client())
    assert "zip" in found
