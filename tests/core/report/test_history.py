"""The runs behind a frame travel in its attrs and break no operation of pandas."""

import copy
import json
import pickle

import pandas as pd
import pytest

from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.report.history import ATTRS_KEY, Run, RunHistory, get_runs
from pandas_async_io._core.report.outcomes import Outcomes
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand


def make_run(ids):
    """Return a run of which the last request failed."""
    frame = pd.DataFrame({"id": ids}, index=["r"] * len(ids))
    outcomes = Outcomes(expand(frame, compile_request_template("https://e.com/{id}")))
    for at in range(len(outcomes.expansion)):
        last = at == len(outcomes.expansion) - 1
        outcomes.put(
            at,
            Result(
                Outcome.HTTP_ERROR if last else Outcome.OK,
                status=404 if last else 200,
                error="HTTP 404" if last else None,
            ),
        )
    return Run(outcomes, frame.index, frame, requests=len(outcomes.expansion))


@pytest.fixture
def frame():
    """Return a frame that carries one run."""
    made = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    made.attrs[ATTRS_KEY] = RunHistory("ab12", (make_run([1, 2, None]),))
    return made


def test_the_text_is_one_line_about_the_last_run(frame):
    """It includes a unique id."""
    assert str(frame.attrs[ATTRS_KEY]) == "run ab12: 3 rows, 2 requests, 1 ok, 1 null_key, 1 http_error"


@pytest.mark.parametrize(
    "operation",
    [
        lambda frame: frame.copy(),
        copy.copy,
        copy.deepcopy,
        lambda frame: frame.query("a == 1"),
        lambda frame: frame.assign(c=1),
        lambda frame: frame[["a"]],
        lambda frame: frame.head(1),
        lambda frame: frame.sort_values("a", ascending=False),
        lambda frame: frame.reset_index(drop=True),
        lambda frame: frame.rename(columns={"a": "z"}),
        lambda frame: frame.set_index("a"),
        lambda frame: pd.concat([frame, frame]),
    ],
)
def test_the_runs_survive_operations_of_pandas(frame, operation):
    """They are the same object, not a copy."""
    assert get_runs(operation(frame))[0] is get_runs(frame)[0]


def test_concat_of_frames_with_different_runs_drops_them(frame):
    """As pandas does with any attrs that differ."""
    other = frame.copy()
    other.attrs = {ATTRS_KEY: RunHistory("cd34", get_runs(frame))}
    assert get_runs(pd.concat([frame, other])) == ()


def test_security_s12_pickle_parquet_and_json_keep_the_text_only(frame, tmp_path):
    line = str(frame.attrs[ATTRS_KEY])
    frame.to_parquet(tmp_path / "x.parquet")
    back = [pickle.loads(pickle.dumps(frame)), pd.read_parquet(tmp_path / "x.parquet")]
    for found in back:
        assert type(found.attrs[ATTRS_KEY]) is str
        assert found.attrs == {ATTRS_KEY: line}
        assert get_runs(found) == ()
    assert json.loads(json.dumps(frame.attrs)) == {ATTRS_KEY: line}
    assert json.loads(frame.to_json())["a"] == {"0": 1, "1": 2}


def test_failures_are_the_failed_rows_with_their_positions():
    """A null key is no failure; a shared request fails all of its rows."""
    run = make_run([1, 2, None, 2])
    failures = run.failures()
    assert failures["row"].tolist() == [1, 3]
    assert failures["outcome"].tolist() == ["http_error", "http_error"]
    assert failures.columns.tolist() == [*run.frame().columns, "row"]
    assert failures["from_store"].tolist() == [False, False]
    assert failures.index.tolist() == ["r", "r"]


def test_a_plain_text_in_attrs_is_no_run():
    """It is what comes back from a file."""
    frame = pd.DataFrame()
    frame.attrs[ATTRS_KEY] = "run ab12: 3 rows"
    assert get_runs(frame) == ()
