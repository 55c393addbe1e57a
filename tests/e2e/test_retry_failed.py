"""Retry failed rows: they are sent again, and the run's complete output is returned."""

import gc
import warnings
import weakref

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal

import pandas_async_io as paio
import pandas_async_io.call.assemble.assemble
from pandas_async_io._core.report.history import get_runs
from tests.servers.handler import serve_handler
from tests.servers.scripted import http_response, serve_script

FAILS = "/flaky/{key}?fail={fail}"
ONCE = {"retry": 1}


@pytest.fixture
def api():
    """Serve a new sample API: it counts the attempts of each path."""
    with paio.demo.serve() as url:
        yield url


def quietly(function, *args, **options):
    """Call a function and ignore the warning that rows failed."""
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
def test_the_output_equals_that_of_a_run_without_failures(api, index, options):
    """Order, index, columns and dtypes are the same, for each form of output."""
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


def test_only_failed_rows_are_sent_and_the_report_adds_up_both_runs(api):
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE)
    retried = quietly(out.aio.retry_failed)
    paths = [request.path_qs for request in api.log]
    assert len(paths) == 6 + 3
    assert sorted(paths[6:]) == ["/flaky/k1?fail=1", "/flaky/k3?fail=2", "/flaky/k4?fail=1"]
    assert (retried.aio.report.rows, retried.aio.report.distinct, retried.aio.report.sent) == (6, 6, 9)
    assert retried.aio.report.outcomes == {"ok": 5, "http_error": 1}


def test_several_records_of_a_retried_row_stand_in_its_place():
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
def test_a_read_is_completed_in_the_order_of_its_requests(api, kind):
    """The index stays a RangeIndex."""
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


def test_fresh_credentials_complete_rows_that_ended_with_401():
    """The warning of the first run suggests auth=."""

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
def test_fresh_credentials_replace_a_header_of_the_call(old, auth, name, fresh):
    """The next retry uses them, too."""

    async def answer(request):
        return 200 if request.headers[name] == fresh and len(server.log) > 3 else 401, {}

    with serve_handler(answer) as server:
        out = quietly(pd.DataFrame({"id": [1, 2]}).aio.fetch, server.url + "/{id}", client=paio.Client(), **old)
        again = quietly(out.aio.retry_failed, auth=auth, concurrency=1)
        done = again.aio.retry_failed()
    assert [request.headers[name] for request in server.log[2:]] == [fresh] * 3
    assert done["ok"].tolist() == [True] * 2


def test_a_fresh_key_replaces_a_query_parameter_of_the_call():
    async def answer(request):
        return 200 if request.path == "/1?key=new" else 401, {}

    with serve_handler(answer) as server:
        options = {"client": paio.Client(server.url), "params": {"key": "old"}}
        out = quietly(pd.DataFrame({"id": [1]}).aio.fetch, "/{id}", **options)
        assert out.aio.retry_failed(auth=paio.ApiKey("new", param="key"))["ok"].tolist() == [True]


def test_a_header_that_is_passed_with_fresh_credentials_precedes_them():
    """As in a fetch."""

    async def answer(request):
        return 200 if request.headers["authorization"] == "mine" else 401, {}

    with serve_handler(answer) as server:
        out = quietly(pd.DataFrame({"id": [1]}).aio.fetch, server.url + "/{id}", client=paio.Client())
        assert out.aio.retry_failed(auth="new", headers={"Authorization": "mine"})["ok"].tolist() == [True]


def test_options_of_a_retry_hold_for_the_next_one(api):
    """Options of the first run that the retry does not change hold as well."""
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE, columns=["tries"])
    second = quietly(out.aio.retry_failed, retry=paio.Retry(attempts=2, base=0.001, patience=0), errors="raise")
    assert second.columns.tolist() == [*frame().columns, "tries"]
    assert second.aio.failures.empty
    with pytest.raises(TypeError, match="columns"):
        second.aio.retry_failed(columns=["key"])


def test_errors_raise_raises_with_a_frame_that_can_be_retried():
    with serve_script(
        http_response(status="500 X"), http_response(status="500 X"), http_response(b'{"n":1}')
    ) as server:
        out = quietly(pd.DataFrame({"id": [1]}).aio.fetch, server.url + "/{id}", client=paio.Client(), **ONCE)
        with pytest.raises(paio.FetchError) as caught:
            out.aio.retry_failed(errors="raise")
        assert caught.value.partial.aio.retry_failed()["n"].tolist() == [1]


def test_only_the_last_of_chained_fetches_is_retried(api):
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
def test_a_frame_with_other_rows_is_refused_before_anything_is_sent(api, change, words):
    """The message names the difference, length or index, and says what to do."""
    out = quietly(frame(pd.Index(list("abcdef"))).aio.fetch, api + FAILS, **ONCE)
    api.clear()
    with pytest.raises(paio.PlanError, match=f"needs the 6 rows that the fetch returned; {words}"):
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
def test_the_runs_own_output_is_completed_however_the_frame_was_changed(api, change):
    """Successful rows come from the run's output: none is lost, doubled or incomplete."""
    changed = change(quietly(frame().aio.fetch, api + FAILS, **ONCE))
    before = changed.copy()
    with warnings.catch_warnings(action="ignore", category=paio.HintWarning):
        done = quietly(changed.aio.retry_failed, retry=paio.Retry(base=0.001))
    with paio.demo.serve() as whole:
        expected = quietly(frame().aio.fetch, whole + FAILS, retry=paio.Retry(base=0.001))
    assert_frame_equal(done, expected)
    assert_frame_equal(changed, before)


@pytest.mark.parametrize("kind", ["alone", "read"])
def test_a_sorted_output_without_input_columns_is_completed(api, kind):
    """Like a sorted frame with a new index, it has a RangeIndex."""
    if kind == "alone":
        out = quietly(frame().aio.fetch, api + FAILS, **ONCE, join=False)
    else:
        over = {"key": ["a", "b", "c"], "fail": [0, 1]}
        out = quietly(paio.read_api, api + "/flaky/{key}{fail}?fail={fail}", over=over, errors="coerce", **ONCE)
    turned = out.iloc[::-1].reset_index(drop=True)
    with pytest.warns(paio.HintWarning, match="the rows are in the order of the fetch"):
        done = turned.aio.retry_failed(retry=3)
    assert_frame_equal(done.drop(columns="tries"), out.aio.retry_failed(retry=3).drop(columns="tries"))
    assert (done["tries"] == 1).sum() == out["tries"].notna().sum() == len(done) // 2


def test_a_run_is_freed_with_the_last_frame_of_its_output(api):
    """The output that the run keeps has no attrs, so there is no reference cycle."""
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


def test_the_name_of_the_columns_and_kinds_of_missing_values_stay():
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


def test_later_changes_of_the_input_do_not_change_what_is_sent(api):
    given = frame()
    out = quietly(given.aio.fetch, api + FAILS, **ONCE)
    given["key"] = "other"
    quietly(out.aio.retry_failed)
    assert min(request.path_qs for request in api.log[6:]) == "/flaky/k1?fail=1"


def test_a_column_keeps_values_of_both_types_when_a_retry_brings_another():
    with serve_script(
        http_response(b'{"n":1}'), http_response(status="500 X"), http_response(b'{"n":"x","more":2.5}')
    ) as server:
        given = pd.DataFrame({"id": [1, 2]})
        out = quietly(given.aio.fetch, server.url + "/{id}", concurrency=1, client=paio.Client(), **ONCE)
        done = out.aio.retry_failed()
    assert done["n"].tolist() == [1, "x"]
    assert done["more"].tolist()[1] == 2.5


def test_columns_that_were_added_or_changed_since_the_fetch_are_named(api):
    """The hint says how to keep them, unless rows may have moved, too."""
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE)
    changed = out.assign(note="x", tries=-1, **{"old path": 0})
    with pytest.warns(paio.HintWarning) as caught:
        done = changed.aio.retry_failed(retry=3)
    assert len(caught) == 1
    assert "without what was added since ('note', 'old path') and changed since ('tries')" in str(caught[0].message)
    assert "the rows are in the order of the fetch" in str(caught[0].message)
    with pytest.warns(paio.HintWarning, match=r"added since \('note'\): keep it with new\['note'\] = old\['note'\]"):
        out.assign(note="x").aio.retry_failed(retry=3)
    assert caught[0].filename == __file__
    assert caught[0].message.partial is done
    done["note"] = changed["note"]
    assert done.aio.report.outcomes == {"ok": 6}


def test_columns_that_were_changed_are_named_beside_rows_that_failed_again(api):
    """One warning, and with errors="raise" one error."""
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE)
    with pytest.warns(UserWarning, match=r"rows failed.*without what was added since \('note'\)") as caught:
        out.assign(note="x").aio.retry_failed(max_requests=1)
    assert [type(each.message) for each in caught] == [paio.FetchWarning]
    with pytest.raises(paio.FetchError, match=r"added since \('note'\)"):
        out.assign(note="x").aio.retry_failed(max_requests=1, errors="raise")


@pytest.mark.parametrize("change", [lambda out: out, lambda out: out.copy(), lambda out: out.drop(columns="tries")])
def test_a_frame_that_only_lost_columns_gives_no_hint(api, change):
    """They come back."""
    out = quietly(frame().aio.fetch, api + FAILS, **ONCE)
    done = change(out).aio.retry_failed(retry=3)
    with pytest.warns(paio.HintWarning, match="added since"):
        done.assign(note="x").aio.retry_failed()


def test_dicts_that_are_changed_after_the_fetch_change_no_retry():
    """A program may fill the same dict for its next call."""
    headers, params, body = {"X-Tag": "old"}, {"year": "2023"}, {"tags": ["old", "{id}"]}
    answers = [http_response(status="500 X"), http_response(b'{"n": 1}')]
    with serve_script(*answers) as server:
        options = {"headers": headers, "params": params, "json": body, "method": "POST", **ONCE}
        out = quietly(pd.DataFrame({"id": [7]}).aio.fetch, server.url + "/{id}", **options)
        headers["X-Tag"] = params["year"] = body["tags"][0] = "new"
        assert out.aio.retry_failed()["n"].tolist() == [1]
    first, second = server.requests
    assert (first.line, first.headers, first.body) == (second.line, second.headers, second.body)
