"""Rows in, rows out, on a real server: every answer on its own row, and nothing lost."""

import asyncio
import contextlib
import copy
import socket
import subprocess
import sys
import threading
from collections import Counter
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from pandas_async_io._core.report.history import get_runs
from pandas_async_io.demo.data import post, user

QUICK = paio.Retry(attempts=3, base=0.001)


@pytest.fixture(scope="module")
def api():
    """Run the sample API for this module."""
    with paio.demo.serve() as url:
        yield url


@pytest.fixture(autouse=True)
def fresh(api):
    """Forget what the server saw before."""
    api.clear()


@contextlib.contextmanager
def raw(*answers):
    """Serve bytes on loopback: one connection per answer, the last one over and over; yields URL and what was asked."""
    asked = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for at in range(10_000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(65_536))
                connection.sendall(answers[min(at, len(answers) - 1)])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def answer(body, head="HTTP/1.1 200 OK\r\nContent-Type: application/json"):
    """Write a response that ends with its connection."""
    return f"{head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def hard_frame():
    """Return rows that have everything at once: filtered, unsorted, duplicate MultiIndex, nulls, many dtypes."""
    rng = np.random.default_rng(7)
    ids = rng.integers(1, 40, 200)
    kind = rng.choice(["users", "posts"], 200)
    frame = pd.DataFrame(
        {
            "id": pd.array(np.where(ids % 7 == 0, None, ids), dtype="int64[pyarrow]"),
            "kind": pd.Categorical(np.where(ids % 11 == 0, None, kind), categories=["posts", "users", "never"]),
            "note": pd.array([[{"n": int(n)}] for n in ids], dtype=object),
            "when": pd.date_range("2024-01-01", periods=200, tz="Europe/Berlin"),
            "flag": pd.array(rng.choice([True, False, None], 200), dtype="boolean"),
        },
        index=pd.MultiIndex.from_arrays([rng.choice(list("ab"), 200), rng.integers(0, 3, 200)], names=["shop", None]),
    )
    return frame[frame["flag"].fillna(value=True)].sample(frac=1, random_state=1)


def test_fault_56_every_answer_is_on_its_own_row(api):
    """Duplicate MultiIndex, nulls, categorical and pyarrow columns, filtered and unsorted: checked row by row."""
    frame = hard_frame()
    found = frame.aio.fetch(api + "/{kind}/{id}")
    assert_frame_equal(found[frame.columns], frame)
    for key, kind, *answered in found[["id", "kind", "id_api", "name", "title"]].itertuples(index=False):
        known = pd.notna(key) and pd.notna(kind)
        record = {"users": user, "posts": post}[kind](key) if known else {}
        assert [None if pd.isna(one) else one for one in answered] == [
            record.get(name) for name in ("id", "name", "title")
        ]
    asked = frame[["kind", "id"]].dropna().drop_duplicates()
    assert len(api.log) == len(asked)
    assert found.aio.outcomes.index.equals(frame.index)
    assert Counter(found.aio.outcomes["outcome"]) == {
        "ok": int(frame[["kind", "id"]].notna().all(axis=1).sum()),
        "null_key": int(frame[["kind", "id"]].isna().any(axis=1).sum()),
    }


def test_the_input_frame_is_unchanged(api):
    """Nothing of what was given is changed: values, nested cells, labels, dtypes, attrs."""
    frame = hard_frame()
    frame.attrs = {"mine": [1]}
    before, cells = frame.copy(deep=True), copy.deepcopy(frame["note"].tolist())
    found = frame.aio.fetch(api + "/users/{id}")
    found.iloc[:, 0] = 0
    found.attrs["other"] = 2
    assert_frame_equal(frame, before)
    assert frame["note"].tolist() == cells
    assert frame.attrs == {"mine": [1]}
    assert frame.flags == before.flags


def test_fault_56_an_empty_frame_keeps_its_columns_and_asks_nothing(api):
    """Without rows the columns, dtypes and index are those of the input."""
    frame = hard_frame().iloc[:0]
    found = frame.aio.fetch(api + "/{kind}/{id}")
    assert_frame_equal(found, frame)
    assert len(found.aio.outcomes) == 0
    assert not api.log


def test_fault_56_a_frame_without_columns_has_its_index(api):
    """A level of the index is enough of a key, and no field at all is one request."""
    frame = pd.DataFrame(index=pd.Index([2, 1, 2], name="id"))
    found = frame.aio.fetch(api + "/users/{id}", columns=["name"])
    assert found["name"].tolist() == [user(key)["name"] for key in (2, 1, 2)]
    assert found.index.equals(frame.index)
    with pytest.warns(paio.FetchWarning, match="no field in the request"):
        same = frame.aio.fetch(api + "/users/1", columns=["id"])
    assert same["id"].tolist() == [1, 1, 1]
    assert len(api.log) == 3


def test_some_rows_fail_for_good_and_some_once(api):
    """5 % broken rows are listed with status and cause; rows that fail once are as right as the others."""
    frame = pd.DataFrame({"key": range(1, 201)})
    frame["path"] = np.where(frame["key"] % 20 == 7, "flaky", "broken")
    client = paio.Client(api, retry=QUICK)
    with pytest.warns(paio.FetchWarning, match=r"10 of 200 rows failed: 10 x HTTP 500"):
        found = frame.aio.fetch("/{path}/{key}", client=client)
    failed = frame["key"] % 20 == 0
    assert found["key_api"].isna().tolist() == failed.tolist()
    assert found["key_api"][~failed].tolist() == frame["key"][~failed].astype(str).tolist()
    failures = found.aio.failures
    assert failures["row"].tolist() == np.flatnonzero(failed).tolist()
    assert set(failures["status"]) == {500}
    assert failures["error"].str.contains("500").all()
    assert (found.aio.outcomes["attempts"][frame["path"] == "flaky"] == 2).all()


def test_dtypes_do_not_depend_on_failures(api):
    """Integers and booleans are Int64 and boolean whether a row fails or not."""
    fine = pd.DataFrame({"id": [1, 2]}).aio.fetch(api + "/users/{id}")
    with pytest.warns(paio.FetchWarning):
        failed = pd.DataFrame({"id": [1, 0]}).aio.fetch(api + "/users/{id}")
    assert fine.dtypes.astype(str).to_dict() == failed.dtypes.astype(str).to_dict()
    assert (str(fine["id_api"].dtype), str(fine["active"].dtype)) == ("Int64", "boolean")
    assert str(fine["id"].dtype) == "int64"


def test_many_records_repeat_their_row(api):
    """A list is a row per element, beside the row that asked; how="inner" drops rows without records."""
    frame = pd.DataFrame({"id": [2, None, 11, 1]}, index=["x", "y", "z", "x"])
    left = frame.aio.fetch(api + "/users/{id}/posts", columns={"id": "post"})
    assert left.index.tolist() == ["x"] * 10 + ["y", "z"] + ["x"] * 10
    expected = [*range(11, 21), None, None, *range(1, 11)]
    assert [None if pd.isna(one) else one for one in left["post"].tolist()] == expected
    inner = frame.aio.fetch(api + "/users/{id}/posts", columns={"id": "post"}, how="inner")
    assert inner["post"].tolist() == [one for one in expected if one]
    alone = frame.aio.fetch(api + "/users/{id}/posts", columns={"id": "post"}, how="inner", join=False)
    assert alone["row"].tolist() == [0] * 10 + [3] * 10
    assert alone.columns.tolist() == ["row", "post"]
    assert alone.index.equals(pd.RangeIndex(20))


def test_fault_58_a_new_column_never_takes_the_place_of_another(api):
    """Prefix goes first, suffix only where a name is taken, again and again."""
    frame = pd.DataFrame({"id": [1], "name": ["mine"], "name_api": ["mine too"]})
    columns = ["id", "name", "score"]
    found = frame.aio.fetch(api + "/users/{id}", columns=columns)
    assert found.columns.tolist() == ["id", "name", "name_api", "id_api", "name_api2", "score"]
    assert found.iloc[0, :3].tolist() == [1, "mine", "mine too"]
    found = frame.aio.fetch(api + "/users/{id}", columns=columns, prefix="u_", suffix="_new")
    assert found.columns.tolist() == ["id", "name", "name_api", "u_id", "u_name", "u_score"]


def test_a_multiindex_of_columns_gets_padded_labels_that_are_fields(api):
    """New columns fit beside nested ones and can be used by the next fetch."""
    frame = pd.DataFrame([[2]], columns=pd.MultiIndex.from_tuples([("key", "id")]))
    found = frame.aio.fetch(api + "/users/{key.id}", columns={"id": "user"}).aio.fetch(
        api + "/posts/{user}", columns=["title"]
    )
    assert found.columns.tolist() == [("key", "id"), ("user", ""), ("title", "")]
    assert found[("title", "")].tolist() == [post(2)["title"]]


def test_columns_may_be_called_like_options(api):
    """A column named as an option is a column."""
    frame = pd.DataFrame({"method": [1], "rate": ["x"], "errors": ["y"]})
    found = frame.aio.fetch(
        api + "/echo/{method}?r={rate}", headers={"X-E": "{errors}"}, columns=["method", "path", "headers.X-E"]
    )
    assert found.iloc[0].tolist() == [1, "x", "y", "GET", "/echo/1?r=x", "y"]


def test_errors_raise_after_the_run_with_everything_on_the_exception(api):
    """All rows are asked, the finished ones are in .partial, the failed ones in .failures; null_key is none."""
    frame = pd.DataFrame({"id": [1, None, 5000, 2]}, index=list("abcd"))
    with pytest.raises(paio.FetchError, match=r"1 of 4 rows failed: 1 x HTTP 404 Not Found") as caught:
        frame.aio.fetch(api + "/users/{id}", errors="raise")
    partial = caught.value.partial
    assert partial["name"].notna().tolist() == [True, False, False, True]
    assert partial.index.equals(frame.index)
    assert caught.value.failures["row"].tolist() == [2]
    assert_frame_equal(caught.value.failures, partial.aio.failures)
    frame.drop("c").aio.fetch(api + "/users/{id}", errors="raise")


def test_the_warning_counts_causes_and_points_to_the_callers_line(api):
    """One FetchWarning per run, at the line that called, with the causes counted."""
    frame = pd.DataFrame({"id": [1, 0, 0, "..", "x"]})
    with pytest.warns(paio.FetchWarning) as caught:
        frame.aio.fetch(api + "/users/{id}")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    text = str(caught[0].message)
    assert text.startswith("4 of 5 rows failed: 3 x HTTP 404 Not Found")
    assert ".aio.failures" in text


@pytest.mark.parametrize(
    ("url", "options", "outcome", "error"),
    [
        ("/users/1", {}, "ok", None),
        ("/users/{null}", {}, "null_key", None),
        ("/users/{dots}", {}, "unsafe_url", r"'\.\.'"),
        ("/users/0", {}, "http_error", "404"),
        ("/flaky/x?status=999&fail=99", {}, "http_error", "999"),
        ("/redirect-loop", {}, "http_error", "redirect"),
        ("/redirect-nowhere", {}, "http_error", "302"),
        ("/redirect-to?url=http://evil.example/", {}, "unsafe_url", "another origin"),
        ("/slow/1?ms=60000", {"timeout": 0.05}, "timeout", "0.05"),
        ("/bytes/html", {}, "parse_error", "HTML"),
        ("/bytes/invalid", {}, "parse_error", "JSON"),
        ("/users/1", {"record_path": "data"}, "parse_error", "no key 'data'"),
        ("/bytes/gzip", {"client": {"max_body": 100}}, "body_too_large", "100"),
        ("/bytes/truncated-gzip", {}, "transport_error", "end|cut|trunc"),
    ],
)
def test_each_outcome_says_its_cause(api, url, options, outcome, error):
    """What becomes of a request is one of twelve words, and a failure has a text that says why."""
    options = dict(options)
    client = paio.Client(api, retry=paio.Retry(attempts=2, base=0.001), **options.pop("client", {}))
    frame = pd.DataFrame({"null": [None], "dots": [".."]})
    failing = pytest.warns(paio.FetchWarning) if error else contextlib.nullcontext()
    with failing:
        found = frame.aio.fetch(url, client=client, **options)
    line = found.aio.outcomes.iloc[0]
    assert line["outcome"] == outcome
    assert (
        (line["error"] is None or pd.isna(line["error"]))
        if error is None
        else pd.Series([line["error"]]).str.contains(error).all()
    )
    assert len(found) == 1


def test_fault_32_an_absurd_retry_after_ends_its_row_at_once():
    """Nobody sleeps for three thousand years."""
    refusal = answer(b"{}", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999")
    with raw(refusal) as (url, asked), pytest.warns(paio.FetchWarning, match="429"):
        found = pd.DataFrame({"id": [1]}).aio.fetch(url + "/{id}")
    assert found.aio.outcomes["outcome"].tolist() == ["rate_limited_too_long"]
    assert len(asked) == 1


def test_fault_1_a_port_that_refuses_is_one_clear_error(api):
    """The message names the address and says that it refuses, once for all rows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(paio.FetchError, match=rf"2 x .*127\.0\.0\.1:{port}\b.*refuse"):
        pd.DataFrame({"id": [1, 2]}).aio.fetch(f"http://127.0.0.1:{port}/{{id}}", errors="raise", retry=1)


def test_fault_47_a_host_that_does_not_resolve_is_one_clear_error():
    """The message names the host and asks for its spelling."""
    with pytest.raises(paio.FetchError, match=r"1 x nohost\.invalid does not resolve"):
        pd.DataFrame({"id": [1]}).aio.fetch("http://nohost.invalid/{id}", errors="raise", retry=1)


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("/users/{id}", paio.TemplateError, "relative URL"),
        ("{api}/users/{id", paio.TemplateError, "brace"),
        ("{api}/users/{usr}", paio.UnknownFieldError, r"nearest: \{id\}"),
        ("http://{id}/", paio.TemplateError, "allow_hosts"),
    ],
)
def test_fault_57_what_cannot_be_right_raises_before_anything_is_sent(api, url, error, message):
    """One clear error, at once."""
    with pytest.raises(error, match=message):
        pd.DataFrame({"id": [1]}).aio.fetch(url.replace("{api}", api))
    assert not api.log


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("empty", None),
        ("no-content", None),
        ("null", None),
        ("list", {"id": [1, 2]}),
        ("scalar", {"value": [42]}),
        ("bom", {"id": [1]}),
        ("latin1", {"name": ["José"]}),
    ],
)
def test_fault_20_21_26_28_bodies_become_records(api, kind, expected):
    """Byte order marks, charsets, nothing, scalars and lists are what they mean."""
    found = pd.DataFrame({"key": ["k"]}).aio.fetch(api + "/bytes/" + kind)
    assert found.aio.outcomes["outcome"].tolist() == ["ok"]
    assert found.drop(columns="key").to_dict("list") == (expected or {})
    assert found["key"].tolist() == ["k"] * len(found)


def test_fault_22_nan_is_a_float_unless_json_is_strict(api):
    """NaN is no JSON, is accepted, and can be refused."""
    frame = pd.DataFrame({"key": ["k"]})
    assert frame.aio.fetch(api + "/bytes/nan")["value"].isna().tolist() == [True]
    with pytest.raises(paio.FetchError, match="NaN"):
        frame.aio.fetch("/bytes/nan", client=paio.Client(api, strict_json=True), errors="raise")


def test_fault_23_integers_stay_exact():
    """A number of 70 bits, one of 64 and one of 53 are the numbers that were sent."""
    numbers = [2**53 + 1, 2**63, 2**70]
    with raw(answer(b'{"a": %d, "b": %d, "c": %d}' % tuple(numbers))) as (url, _):
        found = pd.DataFrame({"key": [1]}).aio.fetch(url + "/{key}")
    assert [int(found[name].iloc[0]) for name in "abc"] == numbers
    assert str(found["a"].dtype) == "Int64"


def test_fault_28_answers_of_different_kinds_go_together(api):
    """An object, a list, a scalar and nothing in one run: the union of their columns, each on its row."""
    frame = pd.DataFrame({"kind": ["scalar", "list", "null", "bom"]})
    found = frame.aio.fetch(api + "/bytes/{kind}")
    assert found["kind"].tolist() == ["scalar", "list", "list", "null", "bom"]
    assert [None if pd.isna(one) else one for one in found["id"]] == [None, 1, 2, None, 1]
    assert [None if pd.isna(one) else one for one in found["value"]] == [42, None, None, None, None]


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.0 200 OK\r\nContent-Type: application/json",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nKeep-Alive: timeout=100",
    ],
    ids=["HTTP/1.0", "103", "keep-alive that lies"],
)
def test_fault_72_odd_servers_are_understood(head):
    """An old protocol, an interim response and a broken promise change no answer."""
    with raw(answer(b'{"a": 1}', head)) as (url, _):
        found = pd.DataFrame({"id": [1, 2, 3]}).aio.fetch(url + "/{id}")
    assert found["a"].tolist() == [1, 1, 1]


def test_params_headers_and_bodies_arrive_as_they_were_meant(api):
    """What a server sees: values encoded once, raw headers, JSON types kept, one form."""
    frame = pd.DataFrame({"User ID": [7], "name": ["é/ &=#?"], "on": [True], "tags": [[1, "a"]]})
    found = frame.aio.fetch(
        api + "/echo/{name}{?tags*}",
        method="post",
        params={"q": "{name}", "u": "{User%20ID}", "lit": "{{name}} {x y}"},
        headers={"X-Name": "n={User%20ID}"},
        json={"id": "{User%20ID}", "on": "{on}", "tags": "{tags}", "text": "{name}!"},
        columns=["method", "path", "query", "headers.X-Name", "headers.Content-Type", "body"],
    ).iloc[0]
    assert found["method"] == "POST"
    assert unquote(found["path"].partition("?")[0]) == "/echo/é/ &=#?"
    assert found["query"] == [["q", "é/ &=#?"], ["u", "7"], ["lit", "{name} {x y}"], ["tags", "1"], ["tags", "a"]]
    assert (found["headers.X-Name"], found["headers.Content-Type"]) == ("n=7", "application/json")
    assert found["body"] == '{"id":7,"on":true,"tags":[1,"a"],"text":"é/ &=#?!"}'


def test_posts_are_never_merged_and_equal_gets_are(api):
    """Two equal rows are two orders, but one question."""
    frame = pd.DataFrame({"id": [1, 1, 1]})
    made = frame.aio.fetch(api + "/users", method="POST", json={"for": "{id}"}, columns={"id": "made"})
    asked = frame.aio.fetch(api + "/users/{id}", columns=["name"])
    assert made["made"].nunique() == 3
    assert asked["name"].tolist() == [user(1)["name"]] * 3
    assert [seen.method for seen in api.log] == ["POST"] * 3 + ["GET"]


def test_nested_cells_of_a_shared_answer_are_shared(api):
    """Rows of one request hold the same object, as a merge would."""
    frame = pd.DataFrame({"id": [1, 1]})
    found = frame.aio.fetch(api + "/users/{id}", max_level=0)
    assert found["address"].iloc[0] is found["address"].iloc[1]


@pytest.mark.slow
def test_fault_54_100_000_rows_with_1_000_keys_are_1_000_requests(api):
    """The server counts; every row has its own answer."""
    keys = np.random.default_rng(1).permutation(100_000) % 1_000 + 1
    found = pd.DataFrame({"id": keys}).aio.fetch(api + "/users/{id}", columns={"id": "found"})
    assert len(api.log) == 1_000
    assert (found["found"] == keys).all()


@pytest.mark.slow
def test_fault_53_no_task_per_row():
    """While 20,000 rows are on their way, the loop has no more tasks than concurrency asks for."""

    async def count():
        return len(asyncio.all_tasks())

    with paio.demo.serve() as api, paio.Client(api, concurrency=20) as client:
        future = pd.DataFrame({"id": range(20_000)}).aio.fetch_async("/echo/{id}", client=client)
        counts = []
        while len(api.log) < 2_000:
            counts.append(asyncio.run_coroutine_threadsafe(count(), client.loop).result())
        future.cancel()
        assert max(counts) < 60
        assert 0 < api.peak <= 20


def test_a_clients_values_are_ceilings():
    """A call may be stricter than its client, not laxer; the server counts what is in flight."""
    frame = pd.DataFrame({"id": range(12)})
    with paio.demo.serve() as api, paio.Client(api, concurrency=3, timeout=5) as client:
        frame.aio.fetch("/slow/{id}?ms=20", client=client, concurrency=10)
        assert api.peak == 3
        api.clear()
        frame.aio.fetch("/slow/{id}?ms=20", client=client, concurrency=1)
        assert api.peak == 1
        assert (client.limits.build_policy(timeout=60).timeout, client.limits.build_policy(timeout=2).timeout) == (5, 2)
        assert client.limits.build_policy(rate="5/s").rates == client.limits.build_policy(rate=["5/s", "5/s"]).rates


def test_max_requests_ends_the_rest_of_the_rows(api):
    """What the budget does not cover is not sent, and says so."""
    with pytest.warns(paio.FetchWarning, match=r"3 of 5 rows failed: 3 x .*max_requests=2"):
        found = pd.DataFrame({"id": range(5)}).aio.fetch(api + "/echo/{id}", max_requests=2)
    assert sorted(found.aio.outcomes["outcome"]) == ["budget_exhausted"] * 3 + ["ok"] * 2
    assert len(api.log) == 2


def test_refused_credentials_end_the_run_early():
    """Where the first answers are all 401, the rest of a long frame is not attempted."""
    frame = pd.DataFrame({"id": range(500)})
    with paio.demo.serve() as api, pytest.warns(paio.FetchWarning, match="500 of 500 rows failed"):
        found = frame.aio.fetch(api + "/flaky/{id}?status=401&fail=9", concurrency=10)
    ended = found.aio.outcomes["outcome"].value_counts()
    assert set(ended.index) == {"http_error", "not_attempted"}
    assert ended["http_error"] == len(api.log) <= 35


def test_credentials_go_to_the_clients_origin_only(api):
    """Another server of a column of URLs sees neither token nor header of the client."""
    client = paio.Client(api, auth="s3cret", headers={"X-Team": "blue"})
    with paio.demo.serve() as other:
        urls = pd.Series(
            [api + "/echo/1", other + "/echo/2", "/echo/3", None, "ftp://x/"], index=list("aabbc"), name="link"
        )
        with pytest.warns(paio.FetchWarning, match=r"1 of 5 rows failed: 1 x 'ftp://x/'"):
            found = urls.aio.fetch(client=client, columns=["path", "headers.Authorization", "headers.X-Team"])
    assert found.columns.tolist() == ["link", "path", "headers.Authorization", "headers.X-Team"]
    assert found.index.tolist() == list("aabbc")
    there = found["path"].tolist()
    assert there[:3] == ["/echo/1", "/echo/2", "/echo/3"]
    assert found["headers.Authorization"].notna().tolist() == [True, False, True, False, False]
    assert found["headers.X-Team"].notna().tolist() == [True, False, True, False, False]
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "ok", "ok", "null_key", "unsafe_url"]


def test_a_template_to_another_host_carries_no_credentials(api):
    """An absolute template that leaves the client's origin goes without token, header and parameter."""
    client = paio.Client("https://api.example.com", auth="s3cret", headers={"X-Team": "blue"}, params={"key": "s3cret"})
    found = pd.DataFrame({"id": [1]}).aio.fetch(
        api + "/echo/{id}", client=client, columns=["path", "headers"], max_level=0
    )
    assert "s3cret" not in found.astype(str).to_string()
    assert "blue" not in found.astype(str).to_string()


def test_credentials_without_a_home_are_refused_for_a_column_of_urls(api):
    """A token for nobody in particular would go to everybody."""
    with pytest.raises(paio.PlanError, match="say where they belong"):
        pd.Series([api]).aio.fetch(auth="s3cret")
    assert not api.log


def test_chained_fetches_stack_their_runs(api):
    """The last run speaks; all of them are in .runs; each belongs to its own input."""
    first = pd.DataFrame({"id": [1, 2]}).aio.fetch(api + "/users/{id}", columns=["name"])
    both = first.query("id == 1").aio.fetch(api + "/users/{id}/posts", columns=["title"])
    assert [len(run.frame()) for run in both.aio.runs] == [2, 1]
    assert both.aio.runs[0] is first.aio.runs[0]
    assert len(both.aio.outcomes) == 1
    assert len(first.aio.runs) == 1
    assert get_runs(pd.concat([both, first])) == ()
    with pytest.raises(AttributeError, match="has no record of a fetch"):
        _ = both.merge(first, on="id").aio.outcomes


def test_a_plan_sends_nothing(api):
    """What would be sent is known without a server."""
    plan = pd.DataFrame({"id": [1, 1, None, ".."]}).aio.plan(api + "/users/{id}", auth="s3cret")
    assert (plan.rows, plan.requests, plan.skipped) == (4, 1, {"null_key": 1, "unsafe_url": 1})
    assert "s3cret" not in repr(plan)
    assert not api.log


def test_fetch_async_gives_the_same_frame(api):
    """Starting and waiting is fetching."""
    frame = pd.DataFrame({"id": [3, 1]})
    future = frame.aio.fetch_async(api + "/users/{id}")
    assert_frame_equal(future.result(), frame.aio.fetch(api + "/users/{id}"))


@pytest.mark.parametrize("columns", [["emial"], {"nmae": "name"}, ["address"]])
def test_a_column_that_no_record_has_is_told(api, columns):
    """A misspelt name costs a warning, not only a column of missing values."""
    name = next(iter(columns.values() if isinstance(columns, dict) else columns))
    with pytest.warns(paio.HintWarning, match=f"no record has '{name}': columns= takes flat names"):
        found = pd.DataFrame({"id": [1, 2]}).aio.fetch(api + "/users/{id}", columns=columns)
    assert found[name].isna().all()


def test_each_call_warns_of_its_own_failures():
    """Also in a loop, from one line, with one text."""
    script = """
import pandas as pd, pandas_async_io as paio
with paio.demo.serve() as api:
    for _ in range(3):
        pd.DataFrame({"u": [9999]}).aio.fetch(api + "/users/{u}", columns=["name"])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stderr.count("FetchWarning: 1 of 1 rows failed") == 3


def test_a_base_url_without_a_scheme_says_how_it_is_written():
    """It is an argument that can't be right, and known before anything is sent."""
    with pytest.raises(
        paio.PlanError, match=r"base_url='api\.example\.com' is not a URL: write 'https://api\.example\.com'"
    ):
        paio.Client("api.example.com")
