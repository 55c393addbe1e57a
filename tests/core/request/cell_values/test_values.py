"""Values in ``params``, ``json`` and ``data``: a text, a null that is left out, or an error before a request."""

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.cell_values.values import check_nesting, check_params, compile_body
from pandas_async_io._core.request.request_template import compile_request_template


def compile_url(**params):
    """Return the URL with these parameters."""
    return compile_request_template("https://e.com/", params=params).url_template.expand({})


@pytest.mark.parametrize("null", [None, np.nan, pd.NA, pd.NaT, float("inf")], ids=str)
def test_a_null_parameter_is_left_out(null):
    """As a missing cell is, instead of an empty text."""
    assert compile_url(a=null, b=[1, null]) == "https://e.com/?b=1"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"q": "\ud800"}, r"params\['q'\]='\\ud800': pass a text, a number or a time"),
        ({"q": 10**5000}, r"params\['q'\]=<an int>"),
        ({"q": {1}}, r"params\['q'\]=\{1\}"),
        ({None: 1}, r"params\[None\]: a name must be a str"),
        ([("q", 1)], r"params=\[\('q', 1\)\]: pass a mapping"),
        (0, "params=0: pass a mapping"),
    ],
)
def test_a_parameter_without_a_text_is_an_error(params, message):
    """For a call and for a client."""
    for check in (check_params, lambda params: compile_request_template("https://e.com/", params=params)):
        with pytest.raises(PlanError, match=message):
            check(params)


def nested(depth):
    """Return lists in lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


def recursive():
    """Return an object that holds itself twice: without a check, its text would double with each level."""
    value = {}
    value["a"] = value["b"] = value
    return value


@pytest.mark.parametrize("json", [recursive(), nested(300), nested(100_000)], ids=["recursive", "300", "100000"])
def test_a_body_that_does_not_end_is_an_error(json):
    """Instead of a RecursionError in the run."""
    with pytest.raises(PlanError, match="json= holds itself, or has more than 200"):
        compile_body(json, None)


def test_a_body_may_hold_one_value_twice():
    """Only a value inside itself has no end."""
    shared = {"a": 1}
    check_nesting([shared, shared, nested(150)])


@pytest.mark.parametrize(
    "value", ["\ud800", 10**5000, object(), {"a": {None: 1}}], ids=["text", "int", "object", "key"]
)
def test_a_json_value_that_cannot_be_written_is_an_error(value):
    """The message is about json=."""
    with pytest.raises(PlanError, match=r"^json= holds"):
        compile_body({"a": value}, None)
