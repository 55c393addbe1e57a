"""GraphQL queries as request bodies."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.graphql import GraphQL, graphql
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand


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
    """The first word of the operation decides. Comments, strings and fields of that name do not count."""
    assert graphql(query).safe is safe


@pytest.mark.parametrize(
    "query", ["", "{", "}", "{a}}", "query", "type A { b: Int }", "mutate { a }", "fragment F on A { b }"]
)
def test_an_invalid_document_is_refused(query):
    """It raises before anything is sent."""
    with pytest.raises(PlanError, match=r"graphql\(\)"):
        graphql(query)


@pytest.mark.parametrize("query", ["", " # { a }\n", "fragment F on A { b }"])
def test_a_document_without_an_operation_is_refused(query):
    """The message does not say that operation None is missing."""
    with pytest.raises(PlanError, match="empty, or has only fragments"):
        graphql(query)


def test_one_of_several_operations_must_be_named():
    """Without a name, or with the name of a subscription, it raises."""
    document = "query A { a } mutation B { b } subscription C { c }"
    assert graphql(document, operation="A").safe
    assert graphql(document, operation="A").json["operationName"] == "A"
    assert not graphql(document, operation="B").safe
    for operation in (None, "D"):
        with pytest.raises(PlanError, match="it has 'A', 'B', 'C'"):
            graphql(document, operation=operation)
    with pytest.raises(PlanError, match="subscription"):
        graphql(document, operation="C")
    with pytest.raises(PlanError, match="must be a str"):
        graphql(b"{a}")


@given(st.text(alphabet="{}ab.%20_ \n", max_size=20))
def test_no_brace_of_a_query_is_a_field(query):
    """The query is sent as it is written; only variables hold fields."""
    value = GraphQL(query, {"login": "{login}"}, None, safe=True)
    template = compile_request_template("https://e.com/graphql", method="POST", json=value.json)
    frame = pd.DataFrame({"login": ["ada", 7]})
    plan = expand(frame, template)
    bodies = [parse_json_body(plan.request(position, {})) for position in range(2)]
    assert bodies == [{"query": query, "variables": {"login": login}} for login in ("ada", 7)]


def test_security_s19_a_value_never_becomes_part_of_the_query():
    """GraphQL in a cell stays a text in the variables."""
    value = graphql("query($login: String!) {user(login: $login) {id}}", {"login": "{login}"})
    template = compile_request_template("https://e.com/graphql", json=value.json)
    evil = '") { id } } mutation { drop { id } } #{login}'
    body = parse_json_body(expand(pd.DataFrame({"login": [evil]}), template).request(0, {}))
    assert body == {"query": value.query, "variables": {"login": evil}}
