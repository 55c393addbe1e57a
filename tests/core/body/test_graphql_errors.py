"""Errors in a GraphQL response with status 200."""

from __future__ import annotations

import pytest

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.errors import PayloadError
from pandas_async_io._core.models import Outcome


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
    """Data beside the errors changes nothing. The message says what failed and where."""
    error = graphql_error(payload)
    assert isinstance(error, PayloadError)
    assert (str(error), error.outcome, error.transient) == (message, Outcome.HTTP_ERROR, False)


@pytest.mark.parametrize("payload", [{"data": {}}, {"data": None, "errors": []}, {"errors": None}, [1], None, "errors"])
def test_fault_27_a_response_without_errors_is_no_failure(payload):
    """An empty list of errors is no error."""
    assert graphql_error(payload) is None


def test_a_refusal_for_its_cost_is_transient():
    """The query may run when its points are restored."""
    assert graphql_error({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}).transient
