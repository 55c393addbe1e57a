"""Many keys in one request: the number of requests, and each row's own answer."""

import contextlib
import io
import json
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from tests.servers.scripted import Action, json_response, serve_function, serve_script

KEYS = pd.DataFrame({"id": [3, 1, 2, 3, 9]})
"""In blocks of three: 3, 1, 2 and 9, which is unknown."""


def keys_of(request):
    """Return the keys in the query, each decoded by itself."""
    pairs = dict(pair.split("=", 1) for pair in urlsplit(request.target).query.split("&"))
    return [unquote(key) for key in pairs["ids"].split(",")]


def record(key):
    return {"id": key, "x": len(str(key))}


def known(request):
    """Respond with a list of records; 9 is unknown."""
    return json_response([record(key) for key in keys_of(request) if key != "9"])


def fetch(frame, url, *args, **options):
    return frame.aio.fetch(f"{url}/b?ids={{id*}}", *args, **{"batch": 3, **options})


def test_ten_thousand_keys_take_a_hundred_requests(api):
    """Each distinct key is sent once, nulls are not; order and index stay."""
    keys = np.random.default_rng(0).permutation(np.arange(1, 10_001))
    frame = pd.DataFrame({"id": pd.array([*keys, None, *keys[:50]], dtype="Int64")})
    frame.index = pd.Index(np.arange(len(frame)) % 7, name="k")
    found = frame.aio.fetch(api + "/batch?ids={id*}", batch=100)
    assert len(api.log) == 100
    assert_frame_equal(found[["id"]], frame)
    answered = frame["id"].notna()
    assert found["name"][answered].tolist() == [f"record {key}" for key in frame["id"][answered]]
    assert found["name"][~answered].isna().all()
    assert found.aio.report.outcomes == {"ok": 10_050, "null_key": 1}


def test_one_bad_key_is_found_alone(api):
    """All others are answered, for two more requests per level; the error and the URL are those of the key."""
    frame = pd.DataFrame({"id": np.random.default_rng(1).permutation(np.arange(1, 10_001))})
    with pytest.warns(paio.FetchWarning, match="1 of 10000 rows failed: 1 x HTTP 400 Bad Request: 77 is no key"):
        found = frame.aio.fetch(api + "/batch?poison=77&ids={id*}", batch=100)
    assert 100 < len(api.log) <= 114
    assert found.loc[found["id"] != 77, "name"].notna().all()
    failed = found.aio.failures.iloc[0]
    assert (failed["row"], failed["status"]) == (frame.index[frame["id"] == 77][0], 400)
    assert failed["url"].endswith("&ids=77")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_blocks_that_are_too_long_are_halved_until_they_fit(api, method):
    """Each hundred and each fifty is a 413, in the URL and in the body; then all rows are ok."""
    frame = pd.DataFrame({"id": range(1, 301)})
    ids = {"json": {"ids": "{id*}"}} if method == "POST" else {}
    path = "/batch?most=30" if ids else "/batch?most=30&ids={id*}"
    found = frame.aio.fetch(api + path, method=method, batch=100, **ids)
    assert found["group"].tolist() == [key % 10 for key in frame["id"]]
    assert len(api.log) == 3 * (1 + 2 + 4)


@pytest.mark.parametrize("concurrency", [1, 32])
@pytest.mark.parametrize(
    ("count", "bad", "batch"), [(50, range(1, 46), 50), (8, [1, 2, 3, 4, 5, 7], 2), (100, range(95), 50)]
)
def test_few_good_keys_among_many_bad_ones_are_answered(concurrency, count, bad, batch):
    """The order of the responses does not matter."""
    wrong = set(map(str, bad))

    def reply(request):
        return json_response({}, status="422 X") if wrong.intersection(keys_of(request)) else known(request)

    frame = pd.DataFrame({"id": range(count)})
    with serve_function(reply) as server, pytest.warns(paio.FetchWarning, match="HTTP 422"):
        found = fetch(frame, server.url, batch=batch, concurrency=concurrency)
    assert found.aio.failures["row"].tolist() == list(bad)


def test_a_server_that_refuses_everything_gets_few_extra_requests():
    """One block is split, the others fail with the server's message: 100 requests and few more."""
    with (
        serve_function(lambda request: json_response({"error": "no such endpoint"}, status="400 X")) as server,
        pytest.warns(paio.FetchWarning, match="10000 x HTTP 400 Bad Request: no such endpoint"),
    ):
        found = fetch(pd.DataFrame({"id": range(10_000)}), server.url, batch=100)
    assert found.aio.report.outcomes == {"http_error": 10_000}
    assert len(server.requests) <= 150


SHAPES = {
    "list": (lambda found: found[::-1], {}),
    "data": (lambda found: {"data": found, "total": 3}, {}),
    "path": (lambda found: {"a": {"b": found}, "data": []}, {"record_path": "a.b"}),
    "texts": (lambda found: [{**one, "id": str(one["id"])} for one in found], {}),
    "floats": (lambda found: [{**one, "id": float(one["id"])} for one in found], {}),
    "named": (lambda found: [{"key": one["id"], "x": one["x"]} for one in found], {"on": "key"}),
    "by key": (lambda found: {one["id"]: {"x": one["x"]} for one in found}, {}),
    "by key, lists": (lambda found: {one["id"]: [{"x": one["x"]}] for one in found}, {}),
    "by key, nulls": (lambda found: {"9": None, **{one["id"]: {"x": one["x"]} for one in found}}, {}),
    "by key, deep": (lambda found: {"rates": {one["id"]: {"x": one["x"]} for one in found}}, {"record_path": "rates"}),
    "nulls": (lambda found: [None, *found], {}),
    "nothing": (lambda found: found or None, {}),
    "ndjson": (lambda found: "".join(f"{json.dumps(one)}\n" for one in found).encode(), {"format": "ndjson"}),
    "csv": (lambda found: "".join(["id,x\n", *(f"{one['id']},{one['x']}\n" for one in found)]).encode(), {}),
}


@pytest.mark.parametrize(("shape", "options"), SHAPES.values(), ids=SHAPES.keys())
def test_every_layout_of_an_answer_is_matched_to_its_rows(shape, options):
    """In another order, under a path, by key: a key without a record has missing values and is ok."""

    def reply(request):
        found = [{"id": int(key), "x": int(key) * 10} for key in keys_of(request) if key != "9"]
        payload = shape(found)
        kind = "text/csv" if options == {} and isinstance(payload, bytes) else "application/json"
        return json_response(payload, f"Content-Type: {kind}")

    with serve_function(reply) as server:
        found = fetch(KEYS, server.url, **options)
    expected = KEYS.assign(x=pd.array([30, 10, 20, 30, None], dtype="Int64"))
    assert_frame_equal(found, expected)
    assert found.aio.report.outcomes == {"ok": 5}
    assert sorted(map(keys_of, server.requests)) == [["3", "1", "2"], ["9"]]


POSTS = {"1": [{"id": 2, "t": "a"}, {"id": 5, "t": "b"}], "3": [{"id": 3, "t": "c"}]}


def test_an_object_by_key_is_never_taken_for_the_list_in_it():
    """Each user has the posts under its own key, also if there is only one."""
    with serve_function(
        lambda request: json_response({key: POSTS[key] for key in keys_of(request) if key in POSTS})
    ) as server:
        found = fetch(pd.DataFrame({"id": [1, 2, 3]}), server.url, batch=2)
    assert found["id"].tolist() == [1, 1, 2, 3]
    assert found["id_api"].tolist() == [2, 5, pd.NA, 3]
    assert found["t"].fillna("-").tolist() == ["a", "b", "-", "c"]


def test_a_list_in_a_single_record_is_a_cell():
    """As without batch=."""
    with serve_function(
        lambda request: json_response({"id": 7, "name": "x", "tags": ["u"], "items": [{"id": 7}]})
    ) as server:
        found = fetch(pd.DataFrame({"id": [7]}), server.url)
    assert found.drop(columns="id").to_dict("records") == [{"name": "x", "tags": ["u"], "items": [{"id": 7}]}]


def test_keys_in_a_table_may_be_bytes():
    """A Parquet file without text types has them; keys of other types fail their rows only."""

    def reply(request):
        body = io.BytesIO()
        pd.DataFrame({"id": [key.encode() for key in keys_of(request)], "x": 1}).to_parquet(body)
        return json_response(body.getvalue(), "Content-Type: application/vnd.apache.parquet")

    with serve_function(reply) as server:
        assert fetch(KEYS, server.url)["x"].tolist() == [1] * 5
        with pytest.warns(paio.FetchWarning, match="5 x batch=: no record holds a key at 'id'"):
            fetch(KEYS, server.url, parser=lambda response: [{"id": 1j, "x": len(response.body)}])


def test_plain_values_by_key_are_a_column():
    """As exchange rates are answered."""
    with serve_function(
        lambda request: json_response({key: float(key) for key in keys_of(request) if key != "9"})
    ) as server:
        found = fetch(KEYS, server.url)
    assert found["value"].tolist()[:4] == [3.0, 1.0, 2.0, 3.0]
    assert found["value"].isna().tolist() == [False] * 4 + [True]


def test_several_records_of_a_key_repeat_its_rows():
    """In the answer's order, even if records of other keys are between them."""
    with serve_function(
        lambda request: json_response([{"id": key, "n": n} for n in (1, 2) for key in keys_of(request) if key != "9"])
    ) as server:
        found = fetch(KEYS.set_axis(list("abcde")), server.url)
    assert found["id"].tolist() == [3, 3, 1, 1, 2, 2, 3, 3, 9]
    assert found["n"].tolist() == [*[1, 2] * 4, pd.NA]
    assert found.index.tolist() == list("aabbccdde")


def test_on_is_a_path_to_the_key():
    """The key is not repeated. If the path is wrong, the error lists the names that are there."""
    with serve_function(lambda request: json_response([{"user": record(key)} for key in keys_of(request)])) as server:
        found = fetch(KEYS, server.url, on="user.id")
        assert found["user.x"].tolist() == [1] * 5
        assert found.columns.tolist() == ["id", "user.x"]
        with pytest.warns(paio.FetchWarning, match="5 of 5 rows failed"):
            lost = fetch(KEYS, server.url, on="id")
    error = "batch=: no record holds a key at 'id': pass on=, the key's name in the answer; there is 'user'"
    assert lost.aio.failures["error"].tolist() == [error] * 5
    assert lost.aio.report.outcomes == {"parse_error": 5}


def test_records_of_none_of_the_keys_are_an_error():
    """A CSV's 7 is not the key 007 unless it is read as text: no row is silently empty."""

    def reply(request):
        return json_response(
            "\n".join(["id,x", *(f"{key},1" for key in keys_of(request))]).encode(), "Content-Type: text/csv"
        )

    frame = pd.DataFrame({"id": ["007", "008"]})
    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match="'007', '008' were asked for, '7', '8' came at 'id'"):
            lost = fetch(frame, server.url)
        found = fetch(frame, server.url, read_options={"dtype": {"id": str}})
    assert lost.aio.report.outcomes == {"parse_error": 2}
    assert found["x"].tolist() == [1, 1]


def test_keys_are_encoded_one_by_one():
    """A comma in a key separates no keys; an empty text is no key."""
    keys = ["a,b", "é ü", "x&y=1", "日本", "100%", "a/b", "a+b", "a%2Cb", "."]
    with serve_function(known) as server, pytest.warns(paio.FetchWarning, match="1 x field {id} holds characters"):
        found = fetch(pd.DataFrame({"id": [*keys, "", None, "a\n"]}), server.url, batch=20)
    [request] = server.requests
    assert keys_of(request) == keys
    assert request.target.startswith("/b?ids=a%2Cb,%C3%A9%20%C3%BC,x%26y%3D1,")
    assert found["x"].tolist() == [*map(len, keys), *[pd.NA] * 3]
    assert found.aio.report.outcomes == {"ok": len(keys), "null_key": 2, "unsafe_url": 1}


@pytest.mark.parametrize(
    ("path", "targets"),
    [
        ("/b{?id*}", ["/b?id=3&id=1&id=2", "/b?id=9"]),
        ("/b?x=1{&id*}", ["/b?x=1&id=3&id=1&id=2", "/b?x=1&id=9"]),
        ("/b/{id*}", ["/b/3,1,2", "/b/9"]),
        ("/b{/id*}", ["/b/3/1/2", "/b/9"]),
    ],
)
def test_keys_go_wherever_a_template_may_have_a_list(path, targets):
    """As RFC 6570 writes lists."""
    with serve_function(lambda request: json_response([record(key) for key in (3, 1, 2)])) as server:
        frame = KEYS.assign(id=KEYS["id"].astype("category"))
        with pytest.warns(paio.FetchWarning, match="1 of 5 rows failed: 1 x batch=: none of the keys"):
            found = frame.aio.fetch(server.url + path, batch=3)
    assert sorted(request.target for request in server.requests) == targets
    assert found["x"].tolist() == [1, 1, 1, 1, pd.NA]


@pytest.mark.parametrize("dots", ["..", "%2e%2e", "a/../b"])
def test_security_s1_a_key_that_is_dots_affects_no_other_key(dots):
    """It is not sent as a segment of the path, encoded or not; the other keys of its block are."""
    with (
        serve_function(lambda request: json_response([record(key) for key in request.target.split("/")[2:]])) as server,
        pytest.warns(paio.FetchWarning, match="1 of 4 rows failed: 1 x field {id} is dots"),
    ):
        found = pd.DataFrame({"id": ["a", dots, "b", "c"]}).aio.fetch(server.url + "/b{/id*}", batch=3)
    assert [request.target for request in server.requests] == ["/b/a/b/c"]
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "unsafe_url", "ok", "ok"]


def test_keys_in_a_body_keep_their_types():
    sent = []

    def reply(request):
        sent.append(json.loads(request.body))
        return json_response([record(key) for key in sent[-1]["ids"]])

    body = {"ids": "{id*}", "sort": ["{sort}"], "limit": 10}
    frame = pd.DataFrame({"id": pd.array([1, None, 22], dtype="Int64"), "sort": "name"})
    with serve_function(reply) as server:
        found = frame.aio.fetch(server.url, method="POST", json=body, batch=5)
        texts = frame.assign(id=["a", "b", "a"]).aio.fetch(server.url, method="POST", json=body, batch=5)
    assert [each["ids"] for each in sent] == [[1, 22], ["a", "b"]]
    assert sent[0] == {"ids": [1, 22], "sort": ["name"], "limit": 10}
    assert found["x"].tolist() == [1, pd.NA, 2]
    assert texts["x"].tolist() == [1, 1, 1]


def test_in_a_body_a_number_and_its_text_are_two_keys():
    """Each gets the answer of its own type."""

    def reply(request):
        return json_response([{"id": key, "x": type(key).__name__} for key in json.loads(request.body)["ids"]])

    frame = pd.DataFrame({"id": pd.Series([1, "1", True, "true", 1], dtype=object)})
    with serve_function(reply) as server:
        found = frame.aio.fetch(server.url, method="POST", json={"ids": "{id*}"}, batch=9)
    assert [request.body for request in server.requests] == [b'{"ids":[1,"1",true,"true"]}']
    assert found["x"].tolist() == ["int", "str", "bool", "str", "int"]


def test_other_fields_in_a_body_keep_their_types_too():
    """Keys share a request only where these agree."""
    frame = pd.DataFrame({"id": [1, 2], "org": pd.Series([7, "7"], dtype=object)})
    with serve_function(
        lambda request: json_response([record(key) for key in json.loads(request.body)["ids"]])
    ) as server:
        frame.aio.fetch(server.url, method="POST", json={"ids": "{id*}", "org": "{org}"}, batch=9)
    assert sorted(request.body for request in server.requests) == [b'{"ids":[1],"org":7}', b'{"ids":[2],"org":"7"}']


def test_blocks_that_are_written_alike_are_sent_once():
    """In a template that does not encode commas one key may look like two; each gets its answer."""
    keys = ["a,b", "c", "a", "b,c"]
    with serve_function(lambda request: json_response([record(key) for key in keys])) as server:
        found = pd.DataFrame({"id": keys}).aio.fetch(server.url + "/b?ids={+id*}", batch=2)
    assert [request.target for request in server.requests] == ["/b?ids=a,b,c"]
    assert found["x"].tolist() == [3, 1, 1, 3]


def test_keys_share_a_request_only_where_its_other_fields_agree():
    """In the URL and in headers."""

    def reply(request):
        return json_response([{"id": key, "language": request.headers["x-lang"]} for key in keys_of(request)])

    frame = pd.DataFrame({"id": [1, 2, 3, 1, 2, 5, 6], "lang": ["en", "de", "en", "de", None, "en", "en"]})
    with serve_function(reply) as server:
        found = frame.aio.fetch(server.url + "/b?ids={id*}&l={lang}", batch=3, headers={"X-Lang": "{lang}"})
    assert sorted(request.target for request in server.requests) == [
        "/b?ids=1,3,5&l=en",
        "/b?ids=2,1&l=de",
        "/b?ids=6&l=en",
    ]
    assert found["language"].tolist()[:4] + found["language"].tolist()[5:] == ["en", "de", "en", "de", "en", "en"]
    assert found.aio.outcomes["outcome"].tolist()[4] == "null_key"


FORMS = {
    "inner": ({"how": "inner"}, {"id": [3, 1, 2, 3], "x": [1, 1, 1, 1]}),
    "alone": ({"join": False, "how": "inner"}, {"row": [0, 1, 2, 3], "x": [1, 1, 1, 1]}),
    "prefix": ({"prefix": "p_", "how": "inner"}, {"id": [3, 1, 2, 3], "p_x": [1, 1, 1, 1]}),
    "columns": ({"columns": {"x": "y"}, "how": "inner"}, {"id": [3, 1, 2, 3], "y": [1, 1, 1, 1]}),
    "the key too": (
        {"columns": {"id": "key", "x": "x"}, "how": "inner"},
        {"id": [3, 1, 2, 3], "key": ["3", "1", "2", "3"], "x": [1, 1, 1, 1]},
    ),
    "schema": ({"schema": {"x": "string"}, "how": "inner"}, {"id": [3, 1, 2, 3], "x": ["1", "1", "1", "1"]}),
    "schema of the key": (
        {"schema": {"id": "int32"}, "how": "inner"},
        {"id": [3, 1, 2, 3], "id_api": [3, 1, 2, 3], "x": [1, 1, 1, 1]},
    ),
}


@pytest.mark.parametrize(("options", "expected"), FORMS.values(), ids=FORMS.keys())
def test_the_options_for_the_output_work_as_without_batch(options, expected):
    """The key is not repeated unless columns= or schema= names it."""
    with serve_function(known) as server:
        found = fetch(KEYS, server.url, **options)
    assert found.to_dict("list") == expected


def test_read_api_takes_batch():
    """Each combination has its own rows, in order; equal keys are sent once."""
    with serve_function(known) as server:
        found = pd.read_api(
            f"{server.url}/b?ids={{id*}}&l={{lang}}", over={"id": [5, 3, 5], "lang": ["a", "b"]}, batch=10
        )
    assert found["id"].tolist() == [5, 5, 3, 3, 5, 5]
    assert found["lang"].tolist() == list("ababab")
    assert found["x"].tolist() == [1] * 6
    assert sorted(request.target for request in server.requests) == ["/b?ids=5,3&l=a", "/b?ids=5,3&l=b"]


def test_a_plan_shows_the_blocks(api):
    """Nothing is sent."""
    plan = KEYS.aio.plan(api + "/batch?ids={id*}", batch=3)
    assert (plan.rows, plan.requests) == (5, 2)
    assert plan.samples == (f"GET {api}/batch?ids=3,1,2", f"GET {api}/batch?ids=9")
    assert not api.log


def test_retry_failed_sends_only_the_failed_keys_in_blocks():
    """Received answers stay."""
    broken = True

    def reply(request):
        return json_response({}, status="500 X") if broken and "3" in keys_of(request) else known(request)

    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match="3 of 5 rows failed: 3 x HTTP 500"):
            found = fetch(KEYS, server.url, batch=2, retry=1)
        assert found["x"].tolist() == [pd.NA, pd.NA, 1, pd.NA, pd.NA]
        broken, before = False, len(server.requests)
        done = found.aio.retry_failed()
    assert [keys_of(request) for request in server.requests[before:]] == [["3", "1"]]
    assert done["x"].tolist() == [1, 1, 1, 1, pd.NA]
    assert done.aio.failures.empty


def test_each_posted_set_of_keys_has_its_own_idempotency_key():
    """Halves have other keys than their block; the same keys sent again have the same one."""
    broken = True

    def reply(request):
        keys = json.loads(request.body)["ids"]
        if len(keys) > 2:
            return json_response({}, status="413 X")
        return (
            json_response({}, status="408 X") if broken and 3 in keys else json_response([record(key) for key in keys])
        )

    retry = paio.Retry(attempts=2, base=0.001, patience=0, idempotency_key="X-Key")
    with serve_function(reply) as server:
        options = {"method": "POST", "json": {"ids": "{id*}"}, "batch": 4, "retry": retry}
        with pytest.warns(paio.FetchWarning, match="HTTP 408"):
            found = KEYS.aio.fetch(server.url, **options)
        broken = False
        found = found.aio.retry_failed()
    sent = {}
    for request in server.requests:
        sent.setdefault(request.body, []).append(request.headers["x-key"])
    assert {body: len(keys) for body, keys in sent.items()} == {
        b'{"ids":[3,1,2,9]}': 1,
        b'{"ids":[3,1]}': 3,
        b'{"ids":[2,9]}': 1,
    }
    assert [len(set(keys)) for keys in sent.values()] == [1, 1, 1]
    assert len({keys[0] for keys in sent.values()}) == 3
    assert found["x"].tolist() == [1, 1, 1, 1, 1]


def test_a_record_that_fits_no_key_is_a_finding_if_a_key_has_no_record():
    """In the warning and in the report; no row is guessed."""

    def reply(request):
        return json_response([{"id": key.lower(), "x": 1} for key in keys_of(request)])

    with (
        serve_function(reply) as server,
        pytest.warns(paio.HintWarning, match=r"1 of 2 keys .*'DEF'.*'def'.*\(row 1\)"),
    ):
        found = fetch(pd.DataFrame({"id": ["abc", "DEF"]}), server.url, batch=5)
    assert found["x"].tolist() == [1, pd.NA]
    assert any("'DEF'" in each for each in found.aio.report.findings)


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ([], "an empty list"),
        ([{"id": None}, None], "a list of 2 without values"),
        ({"data": [], "total": 0}, "an object with the names 'data', 'total'"),
        ({"3": None, "1": None, "2": None, "9": None}, "an object with the names '3', '1', '2', …"),
        ({}, "an empty object"),
        (b"", "empty"),
    ],
    ids=str,
)
def test_a_batch_in_which_no_key_has_a_record_gives_one_hint(payload, answer):
    """With the number of keys, the first key as it was sent and what the answer looks like."""
    with serve_script(json_response(payload)) as server, pytest.warns(paio.HintWarning) as caught:
        found = fetch(KEYS, server.url)
    [warning] = caught
    text = f"batch=: none of 4 keys has a record: the first was sent as 3, and its answer is {answer} (row 0)"
    assert str(warning.message).startswith(text)
    assert text in found.aio.report.findings
    assert set(found.aio.outcomes["outcome"]) == {"ok"}


def test_the_hint_shows_a_key_as_a_json_body_has_it():
    """A text has quotes. Where one key has a record there is no hint."""
    frame = pd.DataFrame({"id": ["7", "8"]})
    options = {"method": "POST", "json": {"ids": "{id*}"}, "batch": 1}
    with serve_script(json_response([])) as server, pytest.warns(paio.HintWarning, match='sent as "7", and'):
        frame.aio.fetch(server.url, **options)
    with serve_function(
        lambda request: json_response([record("8")] if json.loads(request.body)["ids"] == ["8"] else [])
    ) as server:
        assert frame.aio.fetch(server.url, **options)["x"].tolist() == [pd.NA, 1]


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float64", "float64[pyarrow]", "object", "category"])
def test_whole_floats_among_the_keys_are_whole_numbers_in_a_body(dtype):
    """pandas makes floats of integers beside a gap; a key is a key."""

    def reply(request):
        return json_response([{"id": key, "x": type(key).__name__} for key in json.loads(request.body)["ids"]])

    frame = pd.DataFrame({"id": pd.Series([1, None, 2, 2.5, 1], dtype="float64").astype(dtype)})
    with serve_function(reply) as server:
        found = frame.aio.fetch(server.url, method="POST", json={"ids": "{id*}"}, batch=9)
    assert [request.body for request in server.requests] == [b'{"ids":[1,2,2.5]}']
    assert found["x"].fillna("").tolist() == ["int", "", "int", "float", "int"]


def test_errors_raise_keeps_the_other_rows():
    """The good keys of the split block are in .partial, the bad one is in .failures."""

    def reply(request):
        return json_response({"error": "2 is no key"}, status="422 X") if "2" in keys_of(request) else known(request)

    with serve_function(reply) as server, pytest.raises(paio.FetchError, match=r"422 .*: 2 is no key") as caught:
        fetch(KEYS, server.url, errors="raise")
    assert caught.value.failures["row"].tolist() == [2]
    assert caught.value.partial["x"].tolist() == [1, 1, pd.NA, 1, pd.NA]


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("?ids={id*}", {"batch": 0}),
        ("?ids={id*}", {"batch": "3"}),
        ("?ids={id}", {"batch": 3}),
        ("?ids={id*}&more={x*}", {"batch": 3}),
        ("?ids={id*}", {"batch": 3, "method": "POST", "json": {"x": "{x*}"}}),
        ("?ids={idx*}", {"batch": 3}),
        ("?ids={id*}", {"batch": 3, "pages": "auto"}),
        ("?ids={id*}", {"batch": 3, "meta": "total"}),
        ("?ids={id}", {"on": "id"}),
        ("?ids={id*}", {"batch": 3, "on": 5}),
        ("?ids={id*}", {"batch": 3, "on": ["user", None]}),
        ("?ids={id*}", {"batch": 3, "on": ""}),
        ("", {"batch": 3, "params": {"ids": "{id*}"}}),
        ("", {"method": "POST", "json": {"in": ["{id*}"]}}),
        ("", {"method": "POST", "json": {"in": "{lists*}"}, "batch": 3}),
        ("?ids={lists*}", {"batch": 3}),
    ],
)
def test_a_wrong_batch_raises_before_anything_is_sent(api, path, options):
    """A wrong size, no or two fields for the keys, an unknown field, options that exclude each other."""
    with pytest.raises(paio.PlanError):
        KEYS.assign(x=1, lists=[[1]] * 5).aio.fetch(api + "/batch" + path, **options)
    assert not api.log


def test_a_list_field_without_batch_raises(api):
    """The message names the missing option."""
    with pytest.raises(paio.PlanError, match=r"json= holds '\{id\*\}', a list of keys: pass batch=50"):
        KEYS.aio.fetch(api + "/batch", method="POST", json={"ids": "{id*}"})
    with pytest.raises(paio.PlanError, match=r"in the URL, as .* or in json=.*; found none"):
        KEYS.aio.fetch(api + "/batch", params={"ids": "{id*}"}, batch=3)
    assert not api.log


@pytest.mark.parametrize(("status", "header"), [("500 X", "X: 1"), ("429 X", "Retry-After: 0")])
def test_a_block_that_fails_once_is_repeated_whole(status, header):
    """A 500 or a 429 does not split it."""
    first = True

    def reply(request):
        nonlocal first
        failing, first = first, False
        return json_response({}, header, status=status) if failing else known(request)

    with serve_function(reply) as server:
        found = fetch(KEYS, server.url, concurrency=1, retry=paio.Retry(base=0.01, throttle_base=0.01))
    assert found["x"].tolist() == [1, 1, 1, 1, pd.NA]
    assert sorted(map(keys_of, server.requests)) == [["3", "1", "2"], ["3", "1", "2"], ["9"]]


def test_a_deadline_ends_every_key():
    """Keys in flight as timeout, the others as not_attempted."""
    with serve_script([Action.HANG]) as server, pytest.warns(paio.FetchWarning, match="5 of 5 rows failed"):
        found = fetch(KEYS, server.url, deadline=0.2, concurrency=1)
    assert found.aio.outcomes["outcome"].tolist() == ["timeout"] * 4 + ["not_attempted"]
    assert len(server.requests) == 1


def test_max_requests_counts_halves_too(api):
    """Keys that are not sent any more are budget_exhausted."""
    with pytest.warns(paio.FetchWarning, match="max_requests"):
        found = pd.DataFrame({"id": range(1, 9)}).aio.fetch(api + "/batch?poison=1&ids={id*}", batch=8, max_requests=3)
    assert len(api.log) == 3
    assert found.aio.report.outcomes == {"ok": 4, "budget_exhausted": 4}


@pytest.mark.parametrize("ids", [[None], []])
def test_fault_55_56_a_frame_without_a_key_sends_nothing(ids):
    """Its rows are null_key, and its schema stays."""
    frame = pd.DataFrame({"id": pd.Series(ids, dtype="str"), "g": pd.Series(["x"] * len(ids), dtype="str")})
    hint = pytest.warns(paio.HintWarning, match="1 of 1 row not sent: missing value in 'id'")
    with hint if ids else contextlib.nullcontext():
        found = frame.aio.fetch("http://127.0.0.1:9/{g}?ids={id*}", batch=5)
    assert_frame_equal(found, frame)
    assert found.aio.outcomes["outcome"].tolist() == ["null_key"] * len(ids)
