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
        ({"columns": ["qqqq", "zzzz"]}, "'qqqq', 'zzzz': the first one has 'id', 'name',"),
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
    bodies = [http_response(body, "Content-Type: text/csv") for body in (b"", b"zip,town\n01,Bo\n")]
    with serve_script(*bodies) as server, pytest.warns(paio.HintWarning, match="'twon': nearest: 'town'"):
        pd.DataFrame({"id": [1, 2]}).aio.fetch(
            server.url + "/{id}", columns=["zip", "twon"], concurrency=1, client=paio.Client()
        )


def test_a_column_of_a_schema_that_no_name_is_near_may_be_optional(api):
    """It is there, with missing values."""
    found = pd.DataFrame({"id": [1]}).aio.fetch(api + "/users/{id}", schema={"deleted_at": "datetime64[ns]"})
    assert found["deleted_at"].isna().all()


def test_a_schema_of_a_run_without_records_is_no_mistake():
    """Its columns are there for the next run."""
    with serve_script(json_response([])) as server:
        frame = pd.DataFrame({"id": [1]})
        found = frame.aio.fetch(server.url + "/{id}", schema={"zip": "string"}, client=paio.Client())
    assert "zip" in found


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        (
            "/posts",
            {"over": {"page": [1, 2]}},
            r"over= has 'page', and the request has no such.*as in \?page={page}",
        ),
        ("/posts?_page={page}", {"over": {"page": [1], "user id": [1, 2]}}, "over= has 'user id'.*{user id}"),
        ("/posts", {"over": {"page": [1, 2]}, "params": {"_page": "page"}}, "over= has 'page'"),
        ("/batch?ids={id*}", {"over": {"id": [1], "page": [2, 3]}, "batch": 10}, "over= has 'page'"),
        ("/posts?_page={pgae}", {"over": {"page": [1, 2]}}, "field {pgae}.*nearest: {page}"),
        ("/posts", {"format": "csv", "sep": ";"}, "the delimiter is read_options={'sep': ';'}"),
        ("/posts", {"format": "tsv", "sep": "|"}, r"the delimiter is read_options={'sep': '\|'}"),
    ],
    ids=stable,
)
def test_a_name_that_changes_nothing_is_refused_before_the_first_request(api, url, options, message):
    with pytest.raises(paio.PlanError, match=message):
        paio.read_api(api + url, **options)
    assert not api.log


@pytest.mark.parametrize("part", ["params", "headers"])
def test_a_field_of_over_may_stand_anywhere_in_the_request(api, part):
    found = paio.read_api(api + "/echo/x", over={"page": ["1", "2"]}, **{part: {"X-Page": "{page}"}}, columns=["path"])
    assert found["page"].tolist() == ["1", "2"]


def test_a_post_may_be_repeated_over_values_that_it_does_not_hold(api):
    """Each of them changes something."""
    assert len(paio.read_api(api + "/echo/x", method="POST", json={"a": 1}, over={"n": [1, 2]}, columns=["path"])) == 2
    assert len(api.log) == 2


@pytest.mark.parametrize("options", [{}, {"sep": ";"}, {"format": "csv"}], ids=stable)
def test_fault_87_a_table_with_another_delimiter_is_asked_about(options):
    """Also where sep= was meant to be it: that joins the names of nested fields."""
    answer = http_response(b"id;name\n1;a\n2;b\n", "Content-Type: text/csv")
    with serve_script(answer) as server:
        with pytest.raises(paio.FetchError, match=r"has the delimiter ';'.*read_options={'sep': ';'}"):
            paio.read_api(server.url, client=paio.Client(), **options)
        whole = paio.read_api(server.url, client=paio.Client(), read_options={"sep": ";"})
    assert whole["name"].tolist() == ["a", "b"]
