"""Fields are written as the column is called, wherever a field may stand."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote, unquote

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import pandas_async_io as paio
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.request.template.field_names import list_field_names
from tests.servers.scripted import json_response, serve_script

HOST = "https://api.example.com"
NAMES = ["The text", "größe", "a-b", "user_id", "last.name", "€ price", "it's", "(x)", " padded ", "日本", "a..b"]
NEED_CODES = ["$x:y", "a/b", "50%", "a,b", "x*", "+a", "?q", "#1", "@id", "a=b", "a;b", "a&b", "a|b", "!a", "x:3"]


def send(frame, url, **options):
    """Return the request that a server got for one row."""
    with serve_script(json_response({})) as server:
        frame.aio.fetch(server.url + url, client=paio.Client(), **options)
    (received,) = server.requests
    return received


@pytest.mark.parametrize("name", [*NAMES, *NEED_CODES])
@pytest.mark.parametrize("place", ["columns", "index"])
def test_a_field_is_written_as_its_column_is_called(name, place):
    """In params, headers, a JSON body, a form and a text, alone and in a longer text; so are index levels."""
    frame = pd.DataFrame({name: ["V 1"]})
    frame = frame if place == "columns" else frame.set_index(name)
    options = {
        "params": {"p": f"{{{name}}}", "q": f"a {{{name}}}"},
        "headers": {"X-A": f"{{{name}}}", "X-B": f"<{{{name}}}>"},
        "json": {"alone": f"{{{name}}}", "more": [f"Hi {{{name}}}"], "escaped": f"{{{{{name}}}}}"},
    }
    template = compile_request_template(HOST, method="POST", names=list_field_names(frame), **options)
    request = expand(frame, template).request(0, {})
    expansion = expand(frame, template)
    assert parse_qsl(expansion.urls[0].partition("?")[2]) == [("p", "V 1"), ("q", "a V 1")]
    assert (request.headers["X-A"], request.headers["X-B"]) == ("V 1", "<V 1>")
    assert json.loads(request.body) == {"alone": "V 1", "more": ["Hi V 1"], "escaped": f"{{{name}}}"}
    form = compile_request_template(
        HOST, method="POST", names=list_field_names(frame), data={"f": f"{{{name}}}", "g": f"x{{{name}}}"}
    )
    assert parse_qsl(expand(frame, form).request(0, {}).body.decode()) == [("f", "V 1"), ("g", "xV 1")]
    text = compile_request_template(HOST, method="POST", names=list_field_names(frame), data=f"<{{{name}}}>")
    assert expand(frame, text).request(0, {}).body == b"<V 1>"


@pytest.mark.parametrize("name", NAMES)
def test_a_field_of_a_url_is_written_as_its_column_is_called(name):
    """In the path, in the query and as an optional parameter, whose name is the column's."""
    frame = pd.DataFrame({name: ["V 1"]})
    received = send(frame, f"/x/{{{name}}}?q={{{name}}}{{&{name}}}")
    path, _, query = received.target.partition("?")
    assert path == "/x/V%201"
    assert parse_qsl(query) == [("q", "V 1"), (name, "V 1")]
    assert send(frame, f"/x/{{{quote(name, safe='').replace('-', '%2D').replace('..', '%2E%2E')}}}").target == path


@pytest.mark.parametrize("name", NEED_CODES)
def test_a_name_with_a_character_of_the_template_syntax_needs_its_code_in_a_url(name):
    """Before anything is sent, the error says how the column is written, or which field is unknown."""
    frame = pd.DataFrame({name: ["V"], "other": [1]})
    with pytest.raises(paio.PlanError):
        frame.aio.plan(f"{HOST}/x/{{{name}}}/y")
    assert frame.aio.plan(f"{HOST}/x/{{{quote(name, safe='')}}}").samples == (f"GET {HOST}/x/V",)


@given(st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6))
def test_any_name_is_a_field_in_a_text(name):
    """But for names that hold a code: the RFC's spelling is read first."""
    assume(unquote(name) == name)
    frame = pd.DataFrame({name: ["V"]})
    template = compile_request_template(HOST, method="POST", json={"a": f"{{{name}}}"}, names=list_field_names(frame))
    assert json.loads(expand(frame, template).request(0, {}).body) == {"a": "V"}


@pytest.mark.parametrize("written", ["{ user_id }", "{User_Id}", "{user_id }", "{USER_ID}"])
def test_a_near_miss_in_a_url_raises(written):
    """It names the column as it is written."""
    with pytest.raises(paio.PlanError, match=r"\{user_id\}"):
        pd.DataFrame({"user_id": [1]}).aio.fetch(f"{HOST}/x/{written}")


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"json": {"query": "{ user_id }"}}, {"query": "{ user_id }"}),
        ({"json": {"prompt": "as { User_ID } or {\n  user_id }"}}, {"prompt": "as { User_ID } or {\n  user_id }"}),
        ({"json": {"x": "1"}, "headers": {"X-A": "{ user_id }"}}, {"x": "1"}),
        ({"json": {"x": "1"}, "params": {"a": "{ user_id }"}}, {"x": "1"}),
    ],
)
def test_a_near_miss_in_a_text_is_sent_with_one_hint(options, sent):
    """The hint shows both spellings."""
    frame = pd.DataFrame({"user_id": [1, 2]})
    with (
        serve_script(json_response({})) as server,
        pytest.warns(paio.HintWarning, match=r"write \{user_id\}, for this text \{\{ (user_id|User_ID) \}\}") as caught,
    ):
        out = frame.aio.fetch(server.url + "/{user_id}", method="POST", client=paio.Client(), **options)
    assert len(caught) == 1
    assert [json.loads(received.body) for received in server.requests] == [sent] * 2
    assert any("for this text" in finding for finding in out.aio.report.findings)


def test_a_near_miss_in_two_braces_is_text_without_a_hint():
    """One pair of braces is sent, as of every name in two."""
    received = send(pd.DataFrame({"user_id": [1]}), "/{user_id}", method="POST", json={"query": "{{ user_id }}"})
    assert json.loads(received.body) == {"query": "{ user_id }"}


def test_texts_that_are_like_no_column_are_sent_as_they_are():
    """JSON in a prompt, GraphQL selections and CSS have braces, too."""
    text = '{"id": 1} {not a column} { login name } {{ jinja }} a{color: red} {}'
    received = send(pd.DataFrame({"user_id": [1]}), "/{user_id}", method="POST", json={"prompt": text})
    assert json.loads(received.body) == {"prompt": text}


def test_a_graphql_document_has_no_fields():
    """Also not where a selection is exactly, or nearly, the name of a column."""
    document = "query($n: Int) { user(n: $n) { id name } more {id} }"
    frame = pd.DataFrame({" id name ": [1], "id": [2]})
    received = send(frame, "/graphql", json=paio.graphql(document, {"n": "{ id name }"}))
    assert json.loads(received.body) == {"query": document, "variables": {"n": 1}}
