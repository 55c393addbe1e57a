"""Fetch a column for each row: values in their rows, columns, dtypes and indexes."""

import asyncio
import copy
from collections import Counter
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from pandas_async_io._core.report.history import get_runs
from pandas_async_io.demo.data import post, user


def hard_frame():
    """Return a filtered, unsorted frame with a duplicate MultiIndex, nulls and many dtypes."""
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
    """The frame has duplicate labels, nulls, categorical and pyarrow columns, and is filtered and unsorted."""
    frame = hard_frame()
    found = frame.aio.fetch(api + "/{kind}/{id}")
    assert_frame_equal(found[frame.columns], frame)
    for key, kind, *values in found[["id", "kind", "id_api", "name", "title"]].itertuples(index=False):
        known = pd.notna(key) and pd.notna(kind)
        record = {"users": user, "posts": post}[kind](key) if known else {}
        assert [None if pd.isna(one) else one for one in values] == [
            record.get(name) for name in ("id", "name", "title")
        ]
    distinct = frame[["kind", "id"]].dropna().drop_duplicates()
    assert len(api.log) == len(distinct)
    assert found.aio.outcomes.index.equals(frame.index)
    assert Counter(found.aio.outcomes["outcome"]) == {
        "ok": int(frame[["kind", "id"]].notna().all(axis=1).sum()),
        "null_key": int(frame[["kind", "id"]].isna().any(axis=1).sum()),
    }


def test_the_input_frame_is_unchanged(api):
    """Values, nested cells, labels, dtypes and attrs stay."""
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


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.__setitem__("id", 7),
        lambda frame: frame.__setitem__("new", 1),
        lambda frame: frame.__setitem__(slice(0, 1), 7),
        lambda frame: setattr(frame, "index", [4, 5]),
        lambda frame: setattr(frame, "columns", ["key"]),
        lambda frame: frame.pop("id"),
    ],
    ids=["column", "new column", "row", "index", "labels", "removed"],
)
def test_a_frame_that_is_changed_while_it_is_fetched_does_not_change_the_result(api, change):
    """Answers would stand beside the values of other rows."""
    frame = pd.DataFrame({"id": [2, 1]})
    future = frame.aio.fetch_async(api + "/echo/{id}", columns={"path": "path"})
    change(frame)
    found = future.result()
    assert found.columns.tolist() == ["id", "path"]
    assert found["id"].tolist() == [2, 1]
    assert found["path"].tolist() == ["/echo/2", "/echo/1"]
    assert found.index.equals(pd.RangeIndex(2))


def test_fault_56_an_empty_frame_keeps_its_columns_and_sends_nothing(api):
    frame = hard_frame().iloc[:0]
    found = frame.aio.fetch(api + "/{kind}/{id}")
    assert_frame_equal(found, frame)
    assert len(found.aio.outcomes) == 0
    assert not api.log


def test_fault_56_a_frame_without_columns_keeps_its_index(api):
    """An index level can be a field; a URL without a field is one request."""
    frame = pd.DataFrame(index=pd.Index([2, 1, 2], name="id"))
    found = frame.aio.fetch(api + "/users/{id}", columns=["name"])
    assert found["name"].tolist() == [user(key)["name"] for key in (2, 1, 2)]
    assert found.index.equals(frame.index)
    with pytest.warns(paio.FetchWarning, match="no field in the request"):
        same = frame.aio.fetch(api + "/users/1", columns=["id"])
    assert same["id"].tolist() == [1, 1, 1]
    assert len(api.log) == 3


def test_dtypes_do_not_depend_on_failures(api):
    """Integers are Int64 and booleans boolean, whether a row fails or not."""
    fine = pd.DataFrame({"id": [1, 2]}).aio.fetch(api + "/users/{id}")
    with pytest.warns(paio.FetchWarning):
        failed = pd.DataFrame({"id": [1, 0]}).aio.fetch(api + "/users/{id}")
    assert fine.dtypes.astype(str).to_dict() == failed.dtypes.astype(str).to_dict()
    assert (str(fine["id_api"].dtype), str(fine["active"].dtype)) == ("Int64", "boolean")
    assert str(fine["id"].dtype) == "int64"


def test_many_records_repeat_their_row(api):
    """A list adds one row per element; how="inner" drops rows without records."""
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


def test_fault_58_a_new_column_never_replaces_another(api):
    """The prefix is always added, the suffix only to a name that is taken."""
    frame = pd.DataFrame({"id": [1], "name": ["mine"], "name_api": ["mine too"]})
    columns = ["id", "name", "score"]
    found = frame.aio.fetch(api + "/users/{id}", columns=columns)
    assert found.columns.tolist() == ["id", "name", "name_api", "id_api", "name_api2", "score"]
    assert found.iloc[0, :3].tolist() == [1, "mine", "mine too"]
    found = frame.aio.fetch(api + "/users/{id}", columns=columns, prefix="u_", suffix="_new")
    assert found.columns.tolist() == ["id", "name", "name_api", "u_id", "u_name", "u_score"]


def test_new_columns_beside_a_multiindex_are_padded_and_can_be_fields(api):
    frame = pd.DataFrame([[2]], columns=pd.MultiIndex.from_tuples([("key", "id")]))
    found = frame.aio.fetch(api + "/users/{key.id}", columns={"id": "user"}).aio.fetch(
        api + "/posts/{user}", columns=["title"]
    )
    assert found.columns.tolist() == [("key", "id"), ("user", ""), ("title", "")]
    assert found[("title", "")].tolist() == [post(2)["title"]]


def test_columns_may_be_named_like_options(api):
    frame = pd.DataFrame({"method": [1], "rate": ["x"], "errors": ["y"]})
    found = frame.aio.fetch(
        api + "/echo/{method}?r={rate}", headers={"X-E": "{errors}"}, columns=["method", "path", "headers.X-E"]
    )
    assert found.iloc[0].tolist() == [1, "x", "y", "GET", "/echo/1?r=x", "y"]


def test_params_headers_and_bodies_reach_the_server_as_given(api):
    """Values are encoded once, headers are raw, and JSON values keep their types."""
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


def test_a_body_is_posted_unless_a_method_is_given(api):
    """With GET it is sent as it is. Whole URLs have no body and are fetched."""
    frame = pd.DataFrame({"id": [1, 1]})
    url, columns = api + "/echo/x", ["method", "body"]
    for options, received in (
        ({"json": {"a": "{id}"}}, ["POST", '{"a":1}']),
        ({"data": {"a": "{id}"}}, ["POST", "a=1"]),
        ({"json": {"a": "{id}"}, "method": "GET"}, ["GET", '{"a":1}']),
    ):
        found = frame.aio.fetch(url, columns=columns, **options)
        assert found[columns].to_numpy().tolist() == [received] * 2
    assert [request.method for request in api.log] == ["POST"] * 4 + ["GET"]
    assert pd.read_api(url, data="{id}", over={"id": [2]})["method"].tolist() == ["POST"]
    assert pd.Series([url]).aio.fetch(columns=["method"])["method"].tolist() == ["GET"]


def test_equal_gets_are_sent_once_and_equal_posts_each(api):
    frame = pd.DataFrame({"id": [1, 1, 1]})
    made = frame.aio.fetch(api + "/users", method="POST", json={"for": "{id}"}, columns={"id": "made"})
    fetched = frame.aio.fetch(api + "/users/{id}", columns=["name"])
    assert made["made"].nunique() == 3
    assert fetched["name"].tolist() == [user(1)["name"]] * 3
    assert [request.method for request in api.log] == ["POST"] * 3 + ["GET"]


def test_rows_of_one_request_share_its_nested_cells(api):
    """They hold the same object, as after `merge`."""
    frame = pd.DataFrame({"id": [1, 1]})
    found = frame.aio.fetch(api + "/users/{id}", max_level=0)
    assert found["address"].iloc[0] is found["address"].iloc[1]


@pytest.mark.slow
def test_fault_54_100_000_rows_with_1_000_keys_are_1_000_requests(api):
    keys = np.random.default_rng(1).permutation(100_000) % 1_000 + 1
    found = pd.DataFrame({"id": keys}).aio.fetch(api + "/users/{id}", columns={"id": "found"})
    assert len(api.log) == 1_000
    assert (found["found"] == keys).all()


@pytest.mark.slow
def test_fault_53_there_is_no_task_per_row():
    """With 20,000 rows in progress, the loop has no more tasks than the concurrency requires."""

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


def test_chained_fetches_add_their_runs(api):
    """`outcomes` is that of the last run, `runs` has all; each has the rows of its own input."""
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
    plan = pd.DataFrame({"id": [1, 1, None, ".."]}).aio.plan(api + "/users/{id}", auth="s3cret")
    assert (plan.rows, plan.requests, plan.skipped) == (4, 1, {"null_key": 1, "unsafe_url": 1})
    assert "s3cret" not in repr(plan)
    assert not api.log


def test_fetch_async_returns_the_same_frame(api):
    frame = pd.DataFrame({"id": [3, 1]})
    future = frame.aio.fetch_async(api + "/users/{id}")
    assert_frame_equal(future.result(), frame.aio.fetch(api + "/users/{id}"))


def test_a_plan_says_how_long_the_rate_takes():
    """The call's and the client's rate; without one, or for no request, it says nothing."""
    frame, url = pd.DataFrame({"id": range(50_000)}), "https://api.example.com/users/{id}"
    assert "\n  50 000 requests at 20/s (18/s paced): 46 min\n" in repr(frame.aio.plan(url, rate="20/s"))
    client = paio.Client("https://api.example.com", rate="10/s")
    assert "10/s (9/s paced): 1 h 33 min" in frame.aio.plan(url, rate="20/s", client=client).pace
    assert frame.aio.plan(url, rate="20/s", pages="auto").pace.endswith("at least 46 min")
    assert frame.aio.plan(url).pace == ""
    assert frame.head(0).aio.plan(url, rate="20/s").pace == ""
