"""Missing values: the table of the README against the requests that a server receives."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_script

LEFT_OUT, NULL, EMPTY = "left out", "null", "empty"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
ACTIONS = [None, "ignore", "omit", "send"]

NULLS = [None, float("nan"), pd.NA, pd.NaT, float("inf"), -np.inf, Decimal("NaN"), np.datetime64("NaT", "ns")]
TYPED = {
    "float64": [1.0, np.nan],
    "Int64": [1, None],
    "boolean": [True, None],
    "string[python]": ["x", None],
    "string[pyarrow]": ["x", None],
    "category": ["x", None],
    "datetime64[ns]": ["2024-05-01", None],
    "datetime64[ns, UTC]": ["2024-05-01", None],
    "period[M]": ["2024-05", None],
    "int64[pyarrow]": [1, None],
    "double[pyarrow]": [1.5, None],
    "bool[pyarrow]": [True, None],
    "Sparse[float]": [1.0, np.nan],
}


def rule(kind, method, action):
    """Return what becomes of a missing value, as the README's table has it; None: the row is not sent."""
    in_url = kind in {"query value", "parameter"}
    if kind == "text" or action == "ignore" or (in_url and method in {"PUT", "PATCH", "DELETE"}):
        return None
    by_place = {
        "query value": None,
        "parameter": LEFT_OUT,
        "form field": LEFT_OUT,
        "header": None,
        "json value": LEFT_OUT if method == "PATCH" else NULL,
    }
    if action is None:
        return by_place[kind]
    if action == "omit":
        return None if kind == "query value" else LEFT_OUT
    return {"header": None, "json value": NULL}.get(kind, EMPTY)


PLACES = {
    # place: kind, URL, options; what a server receives behind /x/k, in the header X-A and as body, by effect
    "path": ("text", "/x/{k}/{a}", {}, {}),
    "path expression": ("text", "/x/{k}{/a}", {}, {}),
    "query of the URL": ("query value", "/x/{k}?q={a}", {}, {EMPTY: "?q="}),
    "query of the URL among others": ("query value", "/x/{k}?q={a}&z=1{&k}", {}, {EMPTY: "?q=&z=1&k=m"}),
    "text in the query": ("text", "/x/{k}?q=Hi%20{a}", {}, {}),
    "two in the query": ("text", "/x/{k}?q={a},{k}", {}, {}),
    "{?a}": ("parameter", "/x/{k}{?a}", {}, {LEFT_OUT: "", EMPTY: "?a="}),
    "{&a}": ("parameter", "/x/{k}?z=1{&a}", {}, {LEFT_OUT: "?z=1", EMPTY: "?z=1&a="}),
    "{?a}{&k}": ("parameter", "/x/{k}{?a}{&k}", {}, {LEFT_OUT: "?k=m", EMPTY: "?a=&k=m"}),
    "params": ("parameter", "/x/{k}", {"params": {"q": "{a}"}}, {LEFT_OUT: "", EMPTY: "?q="}),
    "params among others": (
        "parameter",
        "/x/{k}{?k}",
        {"params": {"q": "{a}", "z": 1}},
        {LEFT_OUT: "?z=1&k=m", EMPTY: "?q=&z=1&k=m"},
    ),
    "a list in params": (
        "parameter",
        "/x/{k}",
        {"params": {"q": ["{a}", "1"]}},
        {LEFT_OUT: "?q=1", EMPTY: "?q=&q=1"},
    ),
    "text in params": ("text", "/x/{k}", {"params": {"q": "Hi {a}"}}, {}),
    "header": ("header", "/x/{k}", {"headers": {"X-A": "{a}"}}, {LEFT_OUT: ""}),
    "text in a header": ("text", "/x/{k}", {"headers": {"X-A": "Hi {a}"}}, {}),
    "header with credentials": ("text", "/x/{k}", {"headers": {"Authorization": "{a}"}}, {}),
    "form": (
        "form field",
        "/x/{k}",
        {"data": {"f": "{a}", "k": "{k}"}},
        {LEFT_OUT: ("", b"k=m"), EMPTY: ("", b"f=&k=m")},
    ),
    "text in a form": ("text", "/x/{k}", {"data": {"f": "Hi {a}"}}, {}),
    "text": ("text", "/x/{k}", {"data": "Hi {a}"}, {}),
    "a whole text": ("text", "/x/{k}", {"data": "{a}"}, {}),
    "json": (
        "json value",
        "/x/{k}",
        {"json": {"f": "{a}", "n": None}},
        {LEFT_OUT: ("", b'{"n":null}'), NULL: ("", b'{"f":null,"n":null}')},
    ),
    "nested json": (
        "json value",
        "/x/{k}",
        {"json": {"o": {"f": "{a}", "k": "{k}"}, "l": [None, "{a}"]}},
        {LEFT_OUT: ("", b'{"o":{"k":"m"},"l":[null]}'), NULL: ("", b'{"o":{"f":null,"k":"m"},"l":[null,null]}')},
    ),
    "text in json": ("text", "/x/{k}", {"json": {"f": "Hi {a}"}}, {}),
    "a graphql variable": (
        "json value",
        "/x/{k}",
        {"json": paio.graphql("query($a: Int) { u(a: $a) { id } }", {"a": "{a}"})},
        {
            LEFT_OUT: ("", b'{"query":"query($a: Int) { u(a: $a) { id } }","variables":{}}'),
            NULL: ("", b'{"query":"query($a: Int) { u(a: $a) { id } }","variables":{"a":null}}'),
        },
    ),
}


@pytest.fixture(scope="module")
def server():
    """Serve an empty object everywhere."""
    with serve_script(json_response({})) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    """Return one client for all calls, with credentials that no row may use in place of its own."""
    with paio.Client(server.url, auth="the-clients-token") as made:
        yield made


def check(server, client, place, method, action, column):
    """Send a row with a value and rows without one, and compare what the server received with the table."""
    kind, url, options, received_by_effect = PLACES[place]
    effect = rule(kind, method, action)
    frame = pd.DataFrame({"k": ["p", *["m"] * (len(column) - 1)], "a": column})
    server.requests.clear()
    out = frame.aio.fetch(url, method=method, client=client, na_action=action, **options)
    missing = len(column) - 1
    outcomes = out.aio.outcomes
    assert outcomes["outcome"].tolist() == ["ok", *["ok" if effect else "null_key"] * missing]
    of_missing = [one for one in server.requests if one.target.startswith("/x/m")]
    assert len(server.requests) - len(of_missing) == 1
    is_merged = method == "GET" or "graphql" in place
    assert len(of_missing) == (0 if effect is None else 1 if is_merged else missing)
    if effect is None:
        assert set(outcomes["error"].iloc[1:]) == {"missing value in 'a'"}
        assert f"{missing} of {missing + 1} rows not sent: missing value in 'a'" in out.aio.report.findings
        return
    wanted = received_by_effect[effect]
    target, body = wanted if isinstance(wanted, tuple) else (wanted, b"")
    for one in of_missing:
        names = {name.lower() for name in one.headers}
        assert (one.target.removeprefix("/x/m"), one.body, "x-a" in names) == (target, body, False)
        assert one.headers.get("Authorization", one.headers.get("authorization")) == "Bearer the-clients-token"


@pytest.mark.parametrize("place", PLACES)
def test_fault_55_each_place_does_with_a_missing_value_what_the_table_says(server, client, place):
    """With every method, every na_action and every null of an object column."""
    column = pd.Series(["v", *NULLS], dtype=object)
    for method, action in product(["GET"] if "graphql" in place else METHODS, ACTIONS):
        check(server, client, place, "POST" if "graphql" in place else method, action, column)


@settings(max_examples=150)
@given(st.sampled_from(list(PLACES)), st.sampled_from(METHODS), st.sampled_from(ACTIONS), st.sampled_from(list(TYPED)))
@pytest.mark.slow
def test_fault_55_the_dtype_of_a_column_does_not_matter(server, client, place, method, action, dtype):
    """A null is missing in each."""
    method = "POST" if "graphql" in place else method
    check(server, client, place, method, action, pd.Series(TYPED[dtype], dtype=dtype))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("/x{?a,b}", {}),
        ("/x?q={a}", {}),
        ("/x", {"params": {"q": "{a}"}}),
        ("/x", {"data": {"f": "{a}", "g": "{b}"}}),
        ("/x", {"json": {"f": "{a}", "g": ["{b}"]}}),
        ("/x{?a}", {"json": {"g": "{b}"}}),
        ("/x", {"headers": {"X-A": "{a}"}}),
    ],
)
def test_a_row_without_any_value_is_never_sent(server, client, url, options, method, action):
    """A request without any key asks for everything. One hint says that nothing was sent."""
    frame = pd.DataFrame({"a": [None, None], "b": [np.nan, np.nan]})
    server.requests.clear()
    with pytest.warns(paio.HintWarning, match=r"^2 of 2 rows not sent: missing values? in 'a'") as caught:
        out = frame.aio.fetch(url, method=method, client=client, na_action=action, **options)
    assert len(caught) == 1
    assert server.requests == []
    assert out.aio.outcomes["outcome"].tolist() == ["null_key"] * 2


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("url", "values", "targets"),
    [
        ("/x/{a}", ["", "v"], ["/x/v"]),
        ("/x/{a}/y{?b}", ["", "v"], ["/x/v/y?b=1"]),
        ("/x{/a}", ["", "v"], ["/x/v"]),
        ("/x{/a*}", [["", "v"], ["v"], [""]], ["/x/v"]),
        ("/x/{a}", [[""], ["v", ""]], ["/x/v,"]),
        ("/x/{b}{?a}", ["", "v"], ["/x/1?a=", "/x/1?a=v"]),
        ("/x/{b}?a={a}", ["", "v"], ["/x/1?a=", "/x/1?a=v"]),
    ],
)
def test_an_empty_text_is_missing_in_a_path_only(server, client, url, values, targets, action):
    """No segment of a path is empty."""
    server.requests.clear()
    out = pd.DataFrame({"a": values, "b": 1}).aio.fetch(url, client=client, na_action=action)
    assert sorted(one.target for one in server.requests) == targets
    not_sent = out.aio.outcomes.query("outcome == 'null_key'")
    assert len(not_sent) == len(values) - len(targets)
    assert set(not_sent["error"]) <= {"missing value in 'a' (empty)"}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_row_without_a_url_is_not_sent(server, client, action):
    """A cell is the whole URL."""
    server.requests.clear()
    urls = pd.Series([f"{server.url}/x/1", None, np.nan, ""], dtype=object)
    outcomes = urls.aio.fetch(client=client, na_action=action).aio.outcomes
    assert outcomes["outcome"].tolist() == ["ok", *["null_key"] * 3]
    assert [one.target for one in server.requests] == ["/x/1"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("auth", "options"),
    [
        (paio.ApiKey("the-clients-key", header="X-Odd"), {"headers": {"x-odd": "{a}"}}),
        (paio.ApiKey("the-clients-key", param="odd name"), {"params": {"odd name": "{a}"}}),
        (paio.Bearer("the-clients-token"), {"headers": {"authorization": "Bearer {a}"}}),
    ],
    ids=["header", "param", "bearer"],
)
def test_security_a_row_without_its_credential_never_uses_the_clients(server, auth, options, action):
    """It is not sent."""
    frame = pd.DataFrame({"k": ["p", "m"], "a": ["own", None]})
    server.requests.clear()
    with paio.Client(server.url, auth=auth) as client:
        frame.aio.fetch("/x/{k}", client=client, na_action=action, **options)
    (received,) = server.requests
    assert "own" in received.target or "own" in str(received.headers)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-A": "{a}", "X-B": "{b}"}},
        {"params": {"a": "{a}", "b": "{b}"}},
        {"params": {"a": ["{a}", "{b}"], "c": "{b}"}},
        {"json": {"a": "{a}", "b": "{b}"}},
        {"data": {"a": "{a}", "b": "{b}"}},
    ],
    ids=["headers", "params", "list", "json", "form"],
)
def test_fault_54_requests_that_differ_in_what_is_left_out_are_not_merged(server, client, options):
    """The same value in one place or in the other makes two requests of GET."""
    server.requests.clear()
    out = pd.DataFrame({"a": ["v", None], "b": [None, "v"]}).aio.fetch("/x", client=client, na_action="omit", **options)
    assert out.aio.outcomes["outcome"].tolist() == ["ok", "ok"]
    assert len({(one.target, str(one.headers), one.body) for one in server.requests}) == 2


def test_the_error_and_the_report_name_each_combination(server, client):
    """They count the rows of each; there is no warning as long as one row was sent."""
    frame = pd.DataFrame({"a": [1, None, 1, None], "b": [1, 1, None, None], "größe": 1})
    out = frame.aio.fetch("/x/{a}/{b}/{größe}", client=client)
    assert out.aio.outcomes["error"].tolist()[1:] == [
        "missing value in 'a'",
        "missing value in 'b'",
        "missing values in 'a', 'b'",
    ]
    (finding,) = out.aio.report.findings
    assert finding.startswith("3 of 4 rows not sent: missing value in 'a' (1 row), missing value in 'b' (1 row), ")
    assert finding.endswith("missing values in 'a', 'b' (1 row)")


def test_a_missing_field_beside_the_keys_of_a_batch_follows_the_rule(server, client):
    """In the URL's text it leaves the rows of its batch unsent, with the reason."""
    server.requests.clear()
    frame = pd.DataFrame({"id": [1, 2, 3, None], "org": ["o", None, "o", "o"]})
    with pytest.warns(paio.HintWarning, match="none of 2 keys has a record"):
        out = frame.aio.fetch("/x/{org}?ids={id*}", client=client, batch=10)
    assert [one.target for one in server.requests] == ["/x/o?ids=1,3"]
    assert out.aio.outcomes["error"].tolist()[1::2] == ["missing value in 'org'", "missing value in 'id'"]


@pytest.mark.parametrize("action", ["drop", 1, True, ["omit"], "OMIT"])
def test_an_unknown_na_action_is_refused(client, action):
    """The error lists the three."""
    with pytest.raises(paio.PlanError, match=r"na_action=.*'ignore', 'omit', 'send'"):
        pd.DataFrame({"a": [1]}).aio.plan("/x/{a}", client=client, na_action=action)
