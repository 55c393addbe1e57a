"""``ddf.aio.fetch``: lazy, with columns that are known beforehand, and equal to the fetch of a pandas frame."""

from __future__ import annotations

import pickle

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio

SCHEMA = {"name": "string", "active": "boolean", "score": "float64"}
SECRET = "canary-5ecret-value"


@pytest.fixture(autouse=True)
def threads():
    """Compute in this process."""
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


def test_the_result_equals_that_of_pandas(api, users, many):
    """Values, dtypes, index and order are the same."""
    fetched = many.aio.fetch(api + "/users/{id}", schema=SCHEMA)
    want = users.aio.fetch(api + "/users/{id}", schema=SCHEMA, columns=list(SCHEMA))
    pd.testing.assert_frame_equal(fetched.compute(), want)
    pd.testing.assert_series_equal(fetched.dtypes, want.dtypes)
    assert fetched.divisions == many.divisions


def test_a_graph_sends_nothing_and_head_sends_one_partition(api, many):
    """`len` needs every answer, because an answer may have several records."""
    fetched = many.aio.fetch(api + "/users/{id}", schema=SCHEMA)
    assert [*fetched.columns, len(api.log)] == ["id", *SCHEMA, 0]
    fetched.head(1)
    assert len(api.log) == len(many.partitions[0])
    api.clear()
    assert (len(fetched), len(api.log)) == (10, 10)


def test_records_in_lists_repeat_their_rows(api, users, many):
    """A row with several records has several rows, as in pandas."""
    options = {"schema": {"title": "string", "userId": "Int64"}}
    fetched = many.aio.fetch(api + "/users/{id}/posts", **options).compute()
    want = users.aio.fetch(api + "/users/{id}/posts", columns=list(options["schema"]), **options)
    pd.testing.assert_frame_equal(fetched, want)


def test_a_probe_sends_one_request_and_says_so(api, users, many):
    """Its columns and types are those of the first answer."""
    with pytest.warns(paio.HintWarning, match="sent the request of the first row now"):
        fetched = many.aio.fetch(api + "/users/{id}", meta="probe")
    assert len(api.log) == 1
    pd.testing.assert_frame_equal(fetched.compute(), users.aio.fetch(api + "/users/{id}"))


def test_the_result_may_be_described_by_an_empty_frame(api, many):
    """``meta`` takes the result's columns and types, as in Dask's own functions."""
    meta = pd.DataFrame({"id": np.array([], "int64"), "score": np.array([], "float64")})
    fetched = many.aio.fetch(api + "/users/{id}", meta=meta, columns=["score"])
    pd.testing.assert_series_equal(fetched.compute().dtypes, meta.dtypes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs its columns and their types before the first request"),
        ({"columns": ["name"]}, "needs the type of the column 'name'"),
        ({"schema": {"name": "strin"}}, "schema"),
        ({"schema": SCHEMA, "chunksize": 5}, "chunksize=5 cannot be kept on Dask: partitions are the chunks"),
        ({"schema": SCHEMA, "join": False}, "join=False cannot be kept on Dask"),
        ({"schema": SCHEMA, "method": "POST"}, r"POST on Dask: .*idempotency_key='Idempotency-Key'"),
        ({"schema": SCHEMA, "json": {"a": "{id}"}}, "POST on Dask: a partition that is computed again"),
        ({"schema": SCHEMA, "method": "PATCH"}, "PATCH on Dask"),
    ],
    ids=["nothing", "columns", "type", "chunksize", "join", "post", "json", "patch"],
)
def test_what_cannot_be_kept_is_refused_before_a_graph_is_built(api, many, options, message):
    """The message names the option and the way out."""
    with pytest.raises(paio.PlanError, match=message):
        many.aio.fetch(api + "/users/{id}", **options)
    assert len(api.log) == 0


def test_a_wrong_field_is_refused_before_a_graph_is_built(many):
    """The message names the nearest column."""
    with pytest.raises(paio.PlanError, match="id"):
        many.aio.fetch("https://api.example.com/users/{idd}", schema=SCHEMA)


def test_a_partition_with_other_values_than_its_type_says_what_to_write(api, many):
    """A text in a column of numbers is no number."""
    meta = pd.DataFrame({"id": np.array([], "int64"), "name": np.array([], "float64")})
    with pytest.raises(paio.DriftError, match=r"the column 'name' is .* give its type in schema="):
        many.aio.fetch(api + "/users/{id}", meta=meta, columns=["name"]).compute()


def test_failed_rows_are_sent_again(api, users):
    """`retry_failed` works on the persisted collection, and sends the failed rows only."""
    rows = pd.concat([users, pd.DataFrame({"id": [99_999]}, index=[15])])
    fetched = dd.from_pandas(rows, npartitions=4).aio.fetch(api + "/users/{id}", schema=SCHEMA)
    with pytest.warns(paio.FetchWarning, match="1 of 2 rows failed"):
        kept = fetched.persist()
    api.clear()
    again = kept.aio.retry_failed(empty_when={404}).compute()
    assert len(api.log) == 1
    pd.testing.assert_frame_equal(again, kept.compute())


def test_a_graph_and_its_token_hold_no_secret_of_the_environment(api, many, monkeypatch):
    """The graph may be pickled, and its keys be shown."""
    monkeypatch.setenv("K_TOKEN", SECRET)
    client = paio.Client(api, auth=paio.env("K_TOKEN"))
    fetched = many.aio.fetch("/users/{id}", client=client, schema=SCHEMA)
    graph = fetched.optimize().dask
    assert SECRET not in repr(dict(graph))
    assert SECRET.encode() not in b"".join(pickle.dumps(task) for task in dict(graph).values())
    assert len(fetched.compute()) == 10


def test_two_calls_are_two_tokens_and_a_secret_changes_none(api, many):
    """Two tenants never share a partition."""
    calls = [many.aio.fetch(api + "/users/{id}", schema=SCHEMA, auth=token) for token in ("tenant-one", "tenant-two")]
    assert calls[0]._name != calls[1]._name


def test_a_partition_that_is_computed_again_sends_the_same_idempotency_keys(api, many):
    """Rows of different partitions have different keys; those of another call have others."""
    retry = paio.Retry(idempotency_key="Idempotency-Key")
    options = {"json": {"id": "{id}"}, "columns": {"headers.Idempotency-Key": "key"}, "schema": {"key": "string"}}
    fetched, other = (many.aio.fetch(api + "/echo/x", retry=retry, **options) for _ in range(2))
    keys = [each.compute()["key"].tolist() for each in (fetched, fetched, fetched.partitions[1], other)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 10
    assert set(keys[2]) < set(keys[0])
    assert not set(keys[3]) & set(keys[0])


def test_a_collection_without_a_fetch_says_so(many):
    """As a frame does."""
    with pytest.raises(AttributeError, match="no record of a fetch"):
        many.aio.retry_failed()


@pytest.fixture
def broken(users):
    """Return a collection with a row that fails in its last partition."""
    return dd.from_pandas(pd.concat([users, pd.DataFrame({"id": [99_999]}, index=[15])]), npartitions=4)


@pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
def test_the_report_is_that_of_all_partitions(api, broken):
    """It is computed: on a persisted collection nothing is sent for it."""
    kept = broken.aio.fetch(api + "/users/{id}", schema=SCHEMA).persist()
    api.clear()
    report = kept.aio.report()
    assert (report.rows, report.distinct, report.sent, dict(report.outcomes)) == (
        11,
        11,
        11,
        {"ok": 10, "http_error": 1},
    )
    assert report.timeline["done"].sum() == 11
    assert len(report.latencies) == 11
    assert len(api.log) == 0


@pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
def test_failures_name_the_partition_and_the_row_of_the_whole_input(api, broken):
    """The other columns are those of a frame's failures."""
    kept = broken.aio.fetch(api + "/users/{id}", schema=SCHEMA).persist()
    failures = kept.aio.failures()
    assert failures[["partition", "row", "status"]].to_numpy().tolist() == [[3, 10, 404]]
    assert list(failures.index) == [15]


@pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
def test_the_run_of_a_partition_travels_without_secrets(api, broken, monkeypatch):
    """A pickled partition still has its report, can be retried, and holds no credential."""
    client = paio.Client(api, auth=SECRET)
    kept = broken.aio.fetch("/users/{id}", client=client, schema=SCHEMA).persist()
    last = kept.partitions[3].compute()
    copied = pickle.loads(pickle.dumps(last))
    assert SECRET.encode() not in pickle.dumps(last)
    assert copied.aio.report.rows == 2
    assert copied.aio.failures["status"].tolist() == [404]


def test_partitions_become_one_parquet_folder_and_are_written_once(api, users, many, tmp_path):
    """The same call again sends nothing; the folder is one table for every reader."""
    parts = many.aio.fetch_to_parquet(api + "/users/{id}", tmp_path / "out", schema=SCHEMA)
    want = users.aio.fetch(api + "/users/{id}", schema=SCHEMA, columns=list(SCHEMA))
    api.clear()
    again = many.aio.fetch_to_parquet(api + "/users/{id}", tmp_path / "out", schema=SCHEMA)
    assert (parts.rows, len(parts.parts), again.parts, len(api.log)) == (10, 4, parts.parts, 0)
    read = parts.read()
    assert read["id"].tolist() == want["id"].tolist()
    assert read["name"].tolist() == want["name"].tolist()


def test_a_lost_part_is_fetched_again_and_no_other(api, many, tmp_path):
    """Each partition has a manifest of its own."""
    parts = many.aio.fetch_to_parquet(api + "/users/{id}", tmp_path, schema=SCHEMA)
    parts.parts[1].unlink()
    api.clear()
    assert many.aio.fetch_to_parquet(api + "/users/{id}", tmp_path, schema=SCHEMA).rows == 10
    assert len(api.log) == len(many.partitions[1])


def test_a_folder_of_stores_keeps_the_answers_of_each_machine(api, many, tmp_path):
    """A collection that is computed again sends nothing."""
    fetched = many.aio.fetch(api + "/users/{id}", schema=SCHEMA, store=tmp_path)
    first = fetched.compute()
    api.clear()
    pd.testing.assert_frame_equal(fetched.compute(), first)
    assert len(api.log) == 0
    assert [path.suffix for path in tmp_path.glob("*.sqlite")] == [".sqlite"]


def test_a_pickled_collection_still_knows_its_call(api, many):
    """Dask sends collections to its scheduler and takes them back."""
    fetched = many.aio.fetch(api + "/users/{id}", schema=SCHEMA)
    meta = pickle.loads(pickle.dumps(fetched._meta))
    assert meta.attrs == fetched._meta.attrs
    assert pickle.loads(pickle.dumps(fetched)).aio.report().rows == 10


@pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
def test_a_deadline_is_that_of_all_partitions(api, many):
    """It runs from the first one on; the rows of the others are not sent."""
    fetched = many.aio.fetch(api + "/slow/{id}?ms=60000", schema={"key": "string"}, deadline=0.3)
    with dask.config.set(num_workers=1):
        kept = fetched.persist()
    outcomes = kept.aio.report().outcomes
    assert outcomes["timeout"] in {2, 3}  # the rows of one partition
    assert outcomes["not_attempted"] == 10 - outcomes["timeout"]
