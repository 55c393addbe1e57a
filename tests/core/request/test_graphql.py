"""GraphQL: what is a query, what may be repeated, and what a 200 really says."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.errors import PayloadError, PlanError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.request.expand import expand
from pandas_async_io._core.request.graphql import GraphQL, graphql
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.request.request_template import compile_request_template


@pytest.mark.parametrize(
    ("query", "safe"),
    [
        ("{user{login}}", True),
        ("query { mutation { id } }", True),
        ("query mutation { id }", True),
        ('query Q($f: F = {a: 1}) @live(x: 2) { user(note: "mutation { x }") { id } }', True),
        ("# mutation { x }\n{ id }", True),
        ('"""mutation { x }""" query { id }', True),
        ("fragment F on User { id } query { ...F }", True),
        ("mutation { star { id } }", False),
        ("\ufeff, mutation Star($id: ID!) { star(id: $id) { id } }", False),
        ("fragment F on User { id }\nmutation M { star { ...F } }", False),
        ('{ a(x: "}") }', True),
        ('{ a(x: """ " } """) }', True),
    ],
)
def test_a_query_is_safe_and_a_mutation_is_not(query, safe):
    """By the operation's own first word: comments, texts and fields of that name do not count."""
    assert graphql(query).safe is safe


@pytest.mark.parametrize(
    "query", ["", "{", "}", "{a}}", "query", "type A { b: Int }", "mutate { a }", "fragment F on A { b }"]
)
def test_what_is_no_document_is_refused(query):
    """Before anything is sent."""
    with pytest.raises(PlanError, match=r"graphql\(\)"):
        graphql(query)


@pytest.mark.parametrize("query", ["", " # { a }\n", "fragment F on A { b }"])
def test_a_document_without_an_operation_says_so(query):
    """Not that there is none of the name None."""
    with pytest.raises(PlanError, match="empty, or has only fragments"):
        graphql(query)


def test_of_several_operations_one_is_named():
    """Without a name none is meant; a subscription has no answer."""
    document = "query A { a } mutation B { b } subscription C { c }"
    assert graphql(document, operation="A").safe
    assert graphql(document, operation="A").json["operationName"] == "A"
    assert not graphql(document, operation="B").safe
    for operation in (None, "D"):
        with pytest.raises(PlanError, match="it has 'A', 'B', 'C'"):
            graphql(document, operation=operation)
    with pytest.raises(PlanError, match="subscription"):
        graphql(document, operation="C")
    with pytest.raises(PlanError, match="the query is a str"):
        graphql(b"{a}")


@given(st.text(alphabet="{}ab.%20_ \n", max_size=20))
def test_no_brace_of_a_query_is_a_field(query):
    """Whatever the query's text, it goes out as it was written; only variables hold fields."""
    value = GraphQL(query, {"login": "{login}"}, None, safe=True)
    recipe = compile_request_template("https://e.com/graphql", method="POST", json=value.json)
    frame = pd.DataFrame({"login": ["ada", 7]})
    plan = expand(frame, recipe)
    bodies = [parse_json_body(plan.request(position, {})) for position in range(2)]
    assert bodies == [{"query": query, "variables": {"login": login}} for login in ("ada", 7)]


def test_security_s19_a_value_never_becomes_query():
    """What looks like GraphQL in a cell stays a text in the variables."""
    value = graphql("query($login: String!) {user(login: $login) {id}}", {"login": "{login}"})
    recipe = compile_request_template("https://e.com/graphql", method=value.method, json=value.json)
    evil = '") { id } } mutation { drop { id } } #{login}'
    body = parse_json_body(expand(pd.DataFrame({"login": [evil]}), recipe).request(0, {}))
    assert body == {"query": value.query, "variables": {"login": evil}}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"errors": [{"message": "no", "path": ["a", 0, "b"]}], "data": {"a": 1}}, "GraphQL: no (at a.0.b)"),
        ({"errors": [{"message": "x"}] * 5}, "GraphQL: x; x; x; and 2 more"),
        ({"errors": ["text"]}, "GraphQL: text"),
        ({"errors": "text"}, "GraphQL: text"),
    ],
)
def test_fault_27_errors_in_a_200_are_a_failure(payload, message):
    """Even beside data; the message says what and where."""
    error = graphql_error(payload)
    assert isinstance(error, PayloadError)
    assert (str(error), error.outcome, error.transient) == (message, Outcome.HTTP_ERROR, False)


@pytest.mark.parametrize("payload", [{"data": {}}, {"data": None, "errors": []}, {"errors": None}, [1], None, "errors"])
def test_fault_27_an_answer_without_errors_is_one(payload):
    """An empty list of errors is none."""
    assert graphql_error(payload) is None


def test_a_refusal_for_its_cost_is_transient():
    """The query may run when its points are restored."""
    assert graphql_error({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}).transient
