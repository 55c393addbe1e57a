"""GraphQL over HTTP: one query per row, errors in a 200, repeats, paging and batching."""

import json
import time

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import Action, http_response, json_response, serve_function, serve_script

USER = "query User($login: String!) { user(login: $login) { login } }"
USERS = """
query($first: Int, $cursor: String) {
  users(first: $first, after: $cursor) { nodes { id name } pageInfo { hasNextPage endCursor } totalCount }
}"""
LOGIN = {"login": "{login}"}
LOGINS = pd.DataFrame({"login": ["ada", "grace", "ada"]})
QUICK = paio.Retry(base=0.01, throttle_base=0.01)


@pytest.fixture(scope="module")
def api():
    """Run the sample API for this module."""
    with paio.demo.serve() as url:
        yield url


@pytest.fixture(autouse=True)
def fresh(api):
    """Clear the server's log."""
    api.clear()


def fetch(url, query=USER, variables=LOGIN, frame=LOGINS, **options):
    body = paio.graphql(query, variables)
    return frame.aio.fetch(f"{url}/graphql", json=body, **{"record_path": "data.user", **options})


def user(request):
    """Answer with the variables of the request."""
    return json_response({"data": {"user": {"got": json.loads(request.body)["variables"]}}})


def cost(left, *, most=1000.0, rate=50.0):
    status = {"maximumAvailable": most, "currentlyAvailable": left, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": 10, "throttleStatus": status}}


def throttled(left, **options):
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return json_response({"errors": [error], "extensions": cost(left, **options)})


def test_equal_queries_are_sent_once(api):
    """Each row still has its own answer. A column name that is taken gets a suffix."""
    found = fetch(api)
    assert found["login_api"].tolist() == ["ada", "grace", "ada"]
    assert [(request.method, request.path_qs) for request in api.log] == [("POST", "/graphql")] * 2


def test_equal_mutations_are_all_sent(api):
    """Each row is a change of its own."""
    found = fetch(api, USER.replace("query", "mutation"))
    assert found["login_api"].tolist() == ["ada", "grace", "ada"]
    assert len(api.log) == 3


@pytest.mark.parametrize(("kind", "sent"), [("query", 2), ("mutation", 1)])
@pytest.mark.parametrize(
    ("failure", "outcome"),
    [(http_response(status="502 X"), "http_error"), ([Action.HANG], "timeout"), ([Action.CLOSE], None)],
)
def test_a_query_is_repeated_and_a_mutation_is_not(kind, sent, failure, outcome):
    """After a 502, a timeout and a lost connection, although both are sent by POST."""
    good = json_response({"data": {"user": {"login": "ada"}}})
    with serve_script(failure, good) as server:
        options = {"frame": LOGINS.head(1), "timeout": 0.3, "retry": QUICK, "client": paio.Client()}
        if kind == "query":
            assert fetch(server.url, **options)["login_api"].tolist() == ["ada"]
        else:
            with pytest.warns(paio.FetchWarning, match="may have received"):
                found = fetch(server.url, USER.replace("query", kind), **options)
            assert found.aio.report.outcomes == {outcome or "transport_error": 1}
    assert len(server.requests) == sent


def test_fault_27_errors_in_a_200_are_the_rows_failure(api):
    """The message has the server's message and path. Nothing is repeated."""
    with pytest.warns(paio.FetchWarning, match=r"3 x GraphQL: there is no such field \(at nobody\)"):
        found = LOGINS.aio.fetch(api + "/graphql?errors=1", json=paio.graphql(USER, LOGIN), record_path="data.user")
    assert found.aio.failures[["outcome", "status"]].drop_duplicates().to_numpy().tolist() == [["http_error", 200]]
    assert len(api.log) == 2


def test_fault_27_errors_beside_data_are_a_failure_too():
    """A partial answer is never taken for a complete one."""
    partly = {"data": {"user": {"login": "ada", "mail": None}}, "errors": [{"message": "no mail", "path": ["user"]}]}
    with (
        serve_function(lambda request: json_response(partly)) as server,
        pytest.raises(paio.FetchError, match=r"GraphQL: no mail \(at user\)") as caught,
    ):
        fetch(server.url, errors="raise")
    assert caught.value.failures["row"].tolist() == [0, 1, 2]


def test_a_400_shows_the_graphql_message():
    """The first message of its errors."""
    body = {"errors": [{"message": "Cannot query field 'nope' on type 'User'", "locations": [{"line": 1}]}]}
    with (
        serve_function(lambda request: json_response(body, status="400 Bad Request")) as server,
        pytest.warns(paio.FetchWarning, match="HTTP 400 Bad Request: Cannot query field 'nope' on type 'User'"),
    ):
        found = fetch(server.url)
    assert found.aio.report.outcomes == {"http_error": 3}


def test_a_throttled_query_is_a_refusal():
    """A refusal spends no attempt: after three refusals the row is ok, with two attempts allowed."""
    refusals = 3

    def reply(request):
        return throttled(9.0) if len(server.requests) <= refusals else user(request)

    with serve_function(reply) as server:
        retry = paio.Retry(attempts=2, throttle_base=0.01)
        found = fetch(server.url, frame=LOGINS.head(1), retry=retry, client=paio.Client())
    report = found.aio.report
    assert (report.outcomes, report.sent, report.refused) == ({"ok": 1}, 4, 3)
    assert report.waits["pause"] > 0


@pytest.mark.slow
def test_a_query_that_is_always_throttled_ends():
    """After ten refusals, with the server's message."""
    with (
        serve_function(lambda request: throttled(9.0)) as server,
        pytest.warns(paio.FetchWarning, match=r"GraphQL: Throttled \(refused 10 times\)"),
    ):
        fetch(server.url, frame=LOGINS.head(1), retry=QUICK, client=paio.Client())
    assert len(server.requests) == 10


def test_a_low_cost_budget_slows_the_run_before_a_refusal():
    """A bucket of five queries, refilled at fifty per second: all thirty queries are answered, none is refused."""
    left, before = 50.0, time.monotonic()

    def reply(request):
        nonlocal left, before
        now = time.monotonic()
        left, before = min(50.0, left + (now - before) * 500), now
        if left < 10:
            return throttled(left, most=50.0, rate=500.0)
        left -= 10
        return json_response({"data": {"user": {"login": "x"}}, "extensions": cost(left, most=50.0, rate=500.0)})

    with serve_function(reply) as server:
        frame = pd.DataFrame({"login": range(30)})
        report = fetch(server.url, frame=frame, concurrency=2, retry=QUICK, client=paio.Client()).aio.report
    assert report.outcomes == {"ok": 30}
    assert report.refused == 0
    assert report.waits["pause"] > 0


PAGED = ["auto", paio.GraphQLCursor("data.users.pageInfo")]


@pytest.mark.parametrize("pages", PAGED, ids=["auto", "cursor"])
def test_every_page_of_every_row_is_read(api, pages):
    """Two hundred rows with up to two pages each, in order and on their own row."""
    frame = pd.DataFrame({"n": [95, 30, 0, 50] * 50, "row": range(200)})
    query = paio.graphql(USERS, {"first": 50})
    found = frame.aio.fetch(api + "/graphql?n={n}&row={row}", json=query, pages=pages, how="inner")
    assert found.groupby("row")["id"].agg(list).to_dict() == {
        row: list(range(1, n + 1)) for n, row in frame.itertuples(index=False) if n
    }
    assert len(api.log) == 50 * (2 + 1 + 1 + 1)
    assert found.aio.report.outcomes == {"ok": 200}


@pytest.mark.parametrize("pages", PAGED, ids=["auto", "cursor"])
def test_a_read_gets_every_page_of_each_value(api, pages):
    """A variable with a field keeps its value on every page."""
    query = paio.graphql(USERS, {"first": "{size}"})
    found = pd.read_api(api + "/graphql?n=25", json=query, over={"size": [10, 7]}, pages=pages)
    assert found["id"].tolist() == [*range(1, 26), *range(1, 26)]
    assert found["size"].tolist() == [10] * 25 + [7] * 25
    assert len(api.log) == 3 + 4


def test_an_error_on_a_later_page_is_the_rows_failure_and_names_the_page():
    """The first page is kept, and retry_failed fetches the missing one."""
    broken = True

    def reply(request):
        after = json.loads(request.body)["variables"].get("cursor")
        if after and broken:
            return json_response({"data": None, "errors": [{"message": "try again"}]})
        info = {"hasNextPage": not after, "endCursor": None if after else "c"}
        return json_response({"data": {"users": {"nodes": [{"id": 2 if after else 1}], "pageInfo": info}}})

    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match="page 2: GraphQL: try again"):
            found = pd.read_api(server.url, json=paio.graphql(USERS, {"first": 1}), pages=PAGED[1], errors="coerce")
        assert found["id"].tolist() == [1]
        broken, before = False, len(server.requests)
        done = found.aio.retry_failed()
    assert done["id"].tolist() == [1, 2]
    assert len(server.requests) - before == 1


def test_variables_keep_their_types_wherever_they_are():
    """Numbers, booleans, lists and nulls, at any depth. Inside a text they are text."""
    frame = pd.DataFrame({"a": [7], "b": [True], "c": [None], "d": [[1, 2]], "e": ["ü {a}"]})
    variables = {"in": {"a": ["{a}", {"b": "{b}"}], "c": "{c}", "d": "{d}", "e": "{e}", "t": "{a}-{b}", "k": 1.5}}
    with serve_function(user) as server:
        fetch(server.url, "query($in: In) { user(in: $in) { got } }", variables, frame)
    sent = json.loads(server.requests[0].body)
    assert sent["variables"] == {
        "in": {"a": [7, {"b": True}], "c": None, "d": [1, 2], "e": "ü {a}", "t": "7-true", "k": 1.5}
    }
    assert "operationName" not in sent


@pytest.mark.parametrize("query", ["{login}", "{ user { login {login} } }", 'query { a(x: "{{login}}") {login} }'])
def test_no_brace_of_the_query_is_a_field(query):
    """It may enclose the name of a column: the query is sent as it is written."""
    with serve_function(user) as server:
        LOGINS.aio.fetch(server.url + "/{login}", json=paio.graphql(query))
    assert {json.loads(request.body)["query"] for request in server.requests} == {query}
    assert len(server.requests) == 2


def test_of_several_operations_the_named_one_is_sent():
    """It also decides whether equal requests are merged."""
    document = "query A($login: String) { user { login } } mutation B($login: String) { user { login } }"
    with serve_function(user) as server:
        for name in ("A", "B"):
            LOGINS.aio.fetch(server.url, json=paio.graphql(document, LOGIN, operation=name))
    assert [json.loads(request.body)["operationName"] for request in server.requests] == ["A"] * 2 + ["B"] * 3


def test_a_row_without_the_record_has_missing_values():
    """A user that is null is no error, nor is a null list on the path to the records."""
    answers = {"ada": {"user": None}, "grace": {"user": {"repos": None}}, "joan": {"user": {"repos": [{"x": 1}]}}}
    with serve_function(
        lambda request: json_response({"data": answers[json.loads(request.body)["variables"]["login"]]})
    ) as server:
        frame = pd.DataFrame({"login": ["grace", "joan"]})
        found = fetch(server.url, frame=frame, record_path="data.user.repos")
        alone = fetch(server.url, frame=LOGINS.head(1))
    assert found["x"].tolist() == [pd.NA, 1]
    assert alone.columns.tolist() == ["login"]
    assert alone.aio.report.outcomes == found.aio.report.outcomes | {"ok": 1}


def test_many_keys_go_into_one_query():
    """As nodes(ids:) takes them. A null among the nodes is a key without an answer."""

    def reply(request):
        ids = json.loads(request.body)["variables"]["ids"]
        return json_response({"data": {"nodes": [{"id": key, "x": len(key)} if key != "?" else None for key in ids]}})

    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id x } }"
    with serve_function(reply) as server:
        frame = pd.DataFrame({"id": ["a", "bb", "?", "a", "ccc"]})
        found = fetch(server.url, query, {"ids": "{id*}"}, frame, batch=2, record_path="data.nodes")
    assert found["x"].tolist() == [1, 2, pd.NA, 1, 3]
    assert found.aio.report.outcomes == {"ok": 5}
    assert sorted(json.loads(request.body)["variables"]["ids"] for request in server.requests) == [
        ["?", "ccc"],
        ["a", "bb"],
    ]


def test_credentials_go_with_every_query():
    """As a header that the client adds."""
    with serve_function(user) as server:
        fetch(server.url, client=paio.Client(server.url, auth="s3cret"))
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer s3cret"] * 2
    assert {request.headers["content-type"] for request in server.requests} == {"application/json"}


@pytest.mark.parametrize(
    "options", [{"data": "x"}, {"batch": 2}, {"method": "GET"}, {"method": "PUT"}, {"method": "x y"}]
)
def test_invalid_options_are_refused_before_anything_is_sent(api, options):
    """Two bodies, a batch without a field for the keys, and methods that are not POST."""
    with pytest.raises(paio.PlanError):
        fetch(api, **options)
    assert not api.log


@pytest.mark.parametrize("method", [None, "POST", "post"])
def test_a_query_is_sent_by_post(api, method):
    fetch(api, method=method)
    assert {request.method for request in api.log} == {"POST"}


@pytest.mark.parametrize("wrapped", [lambda query: [query], lambda query: {"q": query}], ids=["list", "mapping"])
def test_a_query_inside_a_body_is_refused(api, wrapped):
    """It must be the whole body: several queries in one request are not supported."""
    with pytest.raises(paio.PlanError, match=r"pass json=graphql\(…\) by itself"):
        LOGINS.aio.fetch(api + "/graphql", json=wrapped(paio.graphql(USER, LOGIN)))
    assert not api.log


def test_a_list_of_keys_in_the_variables_needs_batch(api):
    """Without it the text of the field would be the variable's value."""
    with pytest.raises(paio.PlanError, match="pass batch="):
        fetch(api, variables={"login": "{login*}"})
    assert not api.log


@pytest.mark.slow
def test_a_rate_limit_in_a_200_is_a_refusal():
    """GitHub sends it. It spends no attempt."""
    limited = json_response({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]})

    def reply(request):
        return limited if len(server.requests) <= 3 else user(request)

    with serve_function(reply) as server:
        retry = paio.Retry(attempts=2, throttle_base=0.01)
        report = fetch(server.url, frame=LOGINS.head(1), retry=retry, client=paio.Client()).aio.report
    assert (report.outcomes, report.sent, report.refused) == ({"ok": 1}, 4, 3)
