"""Failed rows are sent again, as often as needed, and the run's complete output comes back."""

import asyncio
import functools
import gc
import os
import signal
import threading
import time
import warnings
import weakref

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal

import pandas_async_io as paio
import pandas_async_io.call.assemble
from pandas_async_io._core.report.history import get_runs
from tests.servers.handler import serve_handler
from tests.servers.scripted import http_response, serve_script

FAILS = "/flaky/{key}?fail={fail}"
ONCE = {"retry": 1}


@pytest.fixture
def api():
    """Run the sample API afresh: it counts its tries."""
    with paio.demo.serve() as url:
        yield url


def quietly(function, *args, **options):
    """Call, and expect no other warning than that rows failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", paio.FetchWarning)
        return function(*args, **options)


def frame(index=None):
    return pd.DataFrame(
        {
            "key": [f"k{n}" for n in range(6)],
            "fail": [0, 1, 0, 2, 1, 0],
            "kind": pd.Categorical(list("xyxyxy")),
            "day": pd.date_range("2024-01-01", periods=6, tz="UTC"),
            "small": pd.array([1, None, 3, 4, 5, 6], dtype="Int8"),
            "real": np.arange(6, dtype="float32"),
        },
        index=index,
    )


INDEXES = {
    "default": None,
    "duplicate": pd.Index([7, 7, 7, 8, 8, 9], name="k"),
    "multi": pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]], names=["x", "y"]),
    "dates": pd.date_range("2024-01-01", periods=6, freq="D"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
@pytest.mark.parametrize("options", [{}, {"how": "inner"}, {"join": False}], ids=["left", "inner", "alone"])
def test_the_output_is_as_if_nothing_had_failed(api, index, options):
    """Order, index, columns and dtypes are those of a run without failures, whatever the form of the output."""
    given = frame(index)
    out = quietly(given.aio.fetch, api + FAILS, **ONCE, **options)
    assert out.aio.failures["row"].tolist() == [1, 3, 4]
    before = out.copy()
    second = quietly(out.aio.retry_failed)
    assert second.aio.failures["row"].tolist() == [3]
    third = second.aio.retry_failed()
    with paio.demo.serve() as whole:
        expected = given.assign(fail=0).aio.fetch(whole + FAILS, **ONCE, **options)
    assert_frame_equal(out, before)
    assert_frame_equal(
        third.drop(columns=["tries", "fail"], errors="ignore"),
        expected.drop(columns=["tries", "fail"], errors="ignore"),
    )
    assert third["tries"].tolist() == [1, 2, 1, 3, 2, 1]
    if options.get("join", True):
        assert_index_equal(third.index, given.index)
        assert third[given.columns.to_list()].dtypes.equals(given.dtypes)
    assert third.aio.failures.empty
    assert_frame_equal(third, third.aio.retry_failed())


def test_only_the_failed_rows_are_sent(api):
    """By the server's count; and the report is that of both runs together."""
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE)
    again = quietly(out.aio.retry_failed)
    paths = [request.path_qs for request in api.log]
    assert len(paths) == 6 + 3
    assert sorted(paths[6:]) == ["/flaky/k1?fail=1", "/flaky/k3?fail=2", "/flaky/k4?fail=1"]
    assert (again.aio.report.rows, again.aio.report.distinct, again.aio.report.sent) == (6, 6, 9)
    assert again.aio.report.outcomes == {"ok": 5, "http_error": 1}


def test_several_records_repeat_their_row():
    """1:N answers take their place among the others, whether they came first or later."""
    answers = [b'[{"n":1},{"n":2}]', b"[]", b'[{"n":5},{"n":6},{"n":7}]']
    with serve_script(
        http_response(answers[0]), http_response(status="500 X"), http_response(answers[1]), http_response(answers[2])
    ) as server:
        given = pd.DataFrame({"id": ["a", "b", "c"]}, index=[5, 5, 6])
        out = quietly(given.aio.fetch, server.url + "/{id}", concurrency=1, client=paio.Client(), **ONCE)
        done = out.aio.retry_failed()
    assert done["id"].tolist() == ["a", "a", "b", "b", "b", "c"]
    assert done["n"].tolist() == [1, 2, 5, 6, 7, pd.NA]
    assert done.index.tolist() == [5, 5, 5, 5, 5, 6]
    assert str(done["n"].dtype) == "Int64"


@pytest.mark.parametrize("kind", ["template", "urls"])
def test_a_read_is_completed_too(api, kind):
    """The rows of pd.read_api come in the order of their requests, with a fresh index."""
    keys = ["a", "b", "c"]
    options = {"errors": "coerce", **ONCE}
    if kind == "template":
        out = quietly(paio.read_api, api + "/flaky/{key}?fail={fail}", over={"key": keys, "fail": [1]}, **options)
    else:
        out = quietly(paio.read_api, [f"{api}/flaky/{key}?fail=1" for key in keys], **options)
    assert len(out) == 0
    done = out.aio.retry_failed()
    assert done["tries"].tolist() == [2, 2, 2]
    assert done.filter(regex="^key").iloc[:, 0].tolist() == keys
    assert done.index.equals(pd.RangeIndex(3))


def test_fresh_credentials_finish_what_the_old_ones_could_not():
    """auth= is passed for the retried rows, and the digest said so."""

    async def answer(request):
        return 200 if request.headers["authorization"] == "Bearer new" else 401, {}

    with serve_handler(answer) as server:
        client = paio.Client(server.url, auth="old")
        with pytest.warns(paio.FetchWarning, match="pass fresh auth="):
            out = pd.DataFrame({"id": range(4)}).aio.fetch("/{id}", client=client)
        done = out.aio.retry_failed(auth="new")
    assert [request.headers["authorization"] for request in server.log] == ["Bearer old"] * 4 + ["Bearer new"] * 4
    assert done["ok"].tolist() == [True] * 4


@pytest.mark.parametrize(
    ("old", "auth", "name", "fresh"),
    [
        ({"headers": {"Authorization": "Bearer old"}}, "new", "authorization", "Bearer new"),
        ({"headers": {"x-api-key": "old", "Accept": "*/*"}}, paio.ApiKey("new"), "x-api-key", "new"),
    ],
)
def test_fresh_credentials_take_the_place_of_those_that_the_call_gave(old, auth, name, fresh):
    """A header of the call itself is old where auth= is passed for it; also for the next retry."""

    async def answer(request):
        return 200 if request.headers[name] == fresh and len(server.log) > 3 else 401, {}

    with serve_handler(answer) as server:
        out = quietly(pd.DataFrame({"id": [1, 2]}).aio.fetch, server.url + "/{id}", client=paio.Client(), **old)
        again = quietly(out.aio.retry_failed, auth=auth, concurrency=1)
        done = again.aio.retry_failed()
    assert [request.headers[name] for request in server.log[2:]] == [fresh] * 3
    assert done["ok"].tolist() == [True] * 2


def test_a_fresh_key_takes_the_place_of_the_one_in_the_query():
    """So does a parameter."""

    async def answer(request):
        return 200 if request.path == "/1?key=new" else 401, {}

    with serve_handler(answer) as server:
        options = {"client": paio.Client(server.url), "params": {"key": "old"}}
        out = quietly(pd.DataFrame({"id": [1]}).aio.fetch, "/{id}", **options)
        assert out.aio.retry_failed(auth=paio.ApiKey("new", param="key"))["ok"].tolist() == [True]


def test_headers_that_are_passed_beside_fresh_credentials_hold():
    """As in a fetch, a header of the same call goes before auth=."""

    async def answer(request):
        return 200 if request.headers["authorization"] == "mine" else 401, {}

    with serve_handler(answer) as server:
        out = quietly(pd.DataFrame({"id": [1]}).aio.fetch, server.url + "/{id}", client=paio.Client())
        assert out.aio.retry_failed(auth="new", headers={"Authorization": "mine"})["ok"].tolist() == [True]


def test_what_changes_is_kept_for_the_next_time(api):
    """Options given once hold on; so does what the run itself was told."""
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE, columns=["tries"])
    second = quietly(out.aio.retry_failed, retry=paio.Retry(attempts=2, base=0.001), errors="raise")
    assert second.columns.tolist() == [*frame().columns, "tries"]
    assert second.aio.failures.empty
    with pytest.raises(TypeError, match="columns"):
        second.aio.retry_failed(columns=["key"])


def test_errors_raise_holds_for_the_retry():
    """A retry that fails again raises with the frame so far, from which one may go on."""
    with serve_script(
        http_response(status="500 X"), http_response(status="500 X"), http_response(b'{"n":1}')
    ) as server:
        out = quietly(pd.DataFrame({"id": [1]}).aio.fetch, server.url + "/{id}", client=paio.Client(), **ONCE)
        with pytest.raises(paio.FetchError) as caught:
            out.aio.retry_failed(errors="raise")
        assert caught.value.partial.aio.retry_failed()["n"].tolist() == [1]


def test_chained_fetches_retry_the_last_one(api):
    """The runs stack; retry_failed speaks of the last, and the earlier ones stay."""
    first = frame().assign(user=1).aio.fetch(api + "/users/{user}", columns=["name"])
    second = quietly(first.aio.fetch, api + FAILS, **ONCE)
    done = quietly(second.aio.retry_failed, retry=paio.Retry(base=0.001))
    assert len(done.aio.runs) == 2
    assert done["name"].notna().all()
    assert done["tries"].tolist() == [1, 2, 1, 3, 2, 1]
    assert done.aio.runs[0] is first.aio.runs[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda out: out.head(3), "this frame has 3: .*filter or concatenate what comes back"),
        (lambda out: pd.concat([out, out]), "this frame has 12: "),
        (lambda out: out.reset_index(drop=True), "this frame has another index, .*sorted or reindexed"),
        (lambda out: out.iloc[::-1], "this frame has another index, .*sort what comes back"),
    ],
    ids=["filtered", "longer", "renumbered", "sorted"],
)
def test_a_frame_with_other_rows_is_refused(api, change, words):
    """Nothing is sent, and the message says whether it is the length or the index, and what to do."""
    out = quietly(frame(pd.Index(list("abcdef"))).aio.fetch, api + FAILS, **ONCE)
    api.clear()
    with pytest.raises(ValueError, match=f"needs the 6 rows that the fetch returned; {words}"):
        change(out).aio.retry_failed()
    assert not api.log


@pytest.mark.parametrize(
    "change",
    [
        lambda out: out.sort_values("key", ascending=False, ignore_index=True),
        lambda out: out.rename(columns={"key": "k", "tries": "t"}),
        lambda out: out.drop(columns=["key", "tries"]),
        lambda out: out.assign(note="x", tries=-1),
        lambda out: out.astype({"small": "float64", "key": "category"}),
        lambda out: out.assign(number=range(6)).set_index("number"),
        lambda out: out[["real"]],
    ],
    ids=["sorted", "renamed", "dropped", "added", "cast", "index", "one"],
)
def test_whatever_the_user_made_of_the_frame_the_runs_own_output_is_completed(api, change):
    """The rows that were fine are taken from what the run returned: none is lost, doubled or half-filled."""
    changed = change(quietly(frame().aio.fetch, api + FAILS, **ONCE))
    before = changed.copy()
    done = quietly(changed.aio.retry_failed, retry=paio.Retry(base=0.001))
    with paio.demo.serve() as whole:
        expected = quietly(frame().aio.fetch, whole + FAILS, retry=paio.Retry(base=0.001))
    assert_frame_equal(done, expected)
    assert_frame_equal(changed, before)


@pytest.mark.parametrize("kind", ["alone", "read"])
def test_answers_alone_are_completed_after_they_were_sorted_too(api, kind):
    """The output of join=False and of a read has a RangeIndex, as a sorted one with a fresh index has."""
    if kind == "alone":
        out = quietly(frame().aio.fetch, api + FAILS, **ONCE, join=False)
    else:
        over = {"key": ["a", "b", "c"], "fail": [0, 1]}
        out = quietly(paio.read_api, api + "/flaky/{key}{fail}?fail={fail}", over=over, errors="coerce", **ONCE)
    turned = out.iloc[::-1].reset_index(drop=True)
    done = turned.aio.retry_failed(retry=3)
    assert_frame_equal(done.drop(columns="tries"), out.aio.retry_failed(retry=3).drop(columns="tries"))
    assert (done["tries"] == 1).sum() == out["tries"].notna().sum() == len(done) // 2


def test_a_run_does_not_hold_itself(api):
    """The output that it keeps carries no attrs, so that it goes with the last frame that was made of it."""
    given = frame()
    given.attrs["origin"] = "mine"
    out = quietly(given.aio.fetch, api + FAILS, **ONCE)
    done = quietly(paio.aio(out).retry_failed)  # pandas 2 keeps `out.aio` on the frame, in a cycle of its own
    assert done.attrs["origin"] == out.attrs["origin"] == "mine"
    gone = [weakref.ref(array) for found in (out, done) for array in (get_runs(found)[-1].output["kind"].array,)]
    assert all(get_runs(found)[-1].output.attrs == {} for found in (out, done))
    gc.disable()
    try:
        del out, done
        assert all(ref() is None for ref in gone)
    finally:
        gc.enable()


def test_the_labels_and_what_is_missing_stay_as_they_were():
    """The columns' own name comes back, and each kind of missing value of an object column."""
    given = pd.DataFrame({"id": [1, 2, 3], "any": pd.Series([np.nan, None, pd.NA], dtype=object)})
    given.columns.name = "C"
    with serve_script(
        http_response(b'{"n":1}'), http_response(status="500 X"), http_response(b"{}"), http_response(b'{"more":"x"}')
    ) as server:
        out = quietly(given.aio.fetch, server.url + "/{id}", concurrency=1, client=paio.Client(), **ONCE)
        done = out.aio.retry_failed()
    assert done.columns.name == "C"
    assert done.columns.tolist() == ["id", "any", "n", "more"]
    assert [type(value) for value in done["any"]] == [float, type(None), type(pd.NA)]
    assert done["more"].isna().tolist() == [True, False, True]


def test_the_users_later_changes_do_not_reach_what_is_sent(api):
    """The call keeps the columns that it was made with."""
    given = frame()
    out = quietly(given.aio.fetch, api + FAILS, **ONCE)
    given["key"] = "other"
    quietly(out.aio.retry_failed)
    assert min(request.path_qs for request in api.log[6:]) == "/flaky/k1?fail=1"


def test_answers_of_another_kind_than_before_lose_nothing():
    """Numbers first and texts later: the column holds both as they are."""
    with serve_script(
        http_response(b'{"n":1}'), http_response(status="500 X"), http_response(b'{"n":"x","more":2.5}')
    ) as server:
        given = pd.DataFrame({"id": [1, 2]})
        out = quietly(given.aio.fetch, server.url + "/{id}", concurrency=1, client=paio.Client(), **ONCE)
        done = out.aio.retry_failed()
    assert done["n"].tolist() == [1, "x"]
    assert done["more"].tolist()[1] == 2.5


@pytest.mark.parametrize("step", ["the fetch", "retry_failed"])
def test_fault_59_an_interrupt_while_a_frame_is_made_keeps_it(monkeypatch, step):
    """All answers are there: the frame is made, and then the interrupt raised, with it."""
    made, asked = pandas_async_io.call.assemble.join_columns, []

    def interrupted(*args, **options):
        signal.raise_signal(signal.SIGINT)
        return made(*args, **options)

    async def answer(request):
        asked.append(request.path)
        return (500 if len(asked) == 1 and step == "retry_failed" else 200), {}

    with serve_handler(answer) as server:
        frame = pd.DataFrame({"id": [1, 2]})
        fetch = functools.partial(frame.aio.fetch, server.url + "/{id}", retry=1, client=paio.Client(), concurrency=1)
        if step == "retry_failed":
            with pytest.warns(paio.FetchWarning):
                fetch = fetch().aio.retry_failed
        monkeypatch.setattr(pandas_async_io.call.assemble, "join_columns", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            fetch()
    assert caught.value.partial["ok"].tolist() == [True, True]


def test_fault_59_rows_that_were_under_way_say_so():
    """They were sent: a POST may have been received, and what waited for another attempt keeps its cause."""
    came = threading.Event()

    async def answer(request):
        if request.path == "/1":
            return 500, {}
        came.set()
        await asyncio.sleep(60)
        return 200, {}

    def stop():
        came.wait(10)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    retry = paio.Retry(base=20.0, idempotency_key="K")
    with serve_handler(answer) as server:
        threading.Thread(target=stop).start()
        frame = pd.DataFrame({"id": [1, 2, 3]})
        options = {"method": "POST", "concurrency": 1, "client": paio.Client(), "retry": retry}
        with pytest.raises(KeyboardInterrupt) as caught:
            frame.aio.fetch(server.url + "/{id}", **options)
        lines = caught.value.partial.aio.outcomes
    assert lines["outcome"].tolist() == ["http_error", "cancelled", "cancelled"]
    assert lines["attempts"].tolist() == [1, 1, 0]
    assert lines["error"].iloc[0].startswith("HTTP 500")
    assert "not sent again: the run was stopped" in lines["error"].iloc[0]
    assert "the server may have received it" in lines["error"].iloc[1]
    assert ".partial" in caught.value.__notes__[0]
