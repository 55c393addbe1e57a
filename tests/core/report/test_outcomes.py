"""Outcomes of rows: each row has exactly one of twelve."""

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.report.causes import summarize_causes
from pandas_async_io._core.report.outcomes import Outcomes
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand

URL = "https://api.example.com/{id}?token=s3cret"
INDEX = pd.Index(["x", "x", "y", "y", "z", "z"], name="k")


@pytest.fixture
def outcomes():
    """Return the outcomes of six rows without responses: two share a request, one is null, one unsafe."""
    return Outcomes(expand(pd.DataFrame({"id": ["a", "b", None, "a", "..", "c"]}), compile_request_template(URL)))


def test_a_request_without_a_result_is_cancelled(outcomes):
    """Every row has an outcome at any time."""
    assert outcomes.row_outcomes().tolist() == [
        "cancelled",
        "cancelled",
        "null_key",
        "cancelled",
        "unsafe_url",
        "cancelled",
    ]
    assert outcomes.done == 0


@pytest.mark.parametrize("kind", [kind for kind in Outcome if kind is not Outcome.NULL_KEY])
def test_an_outcome_belongs_to_all_rows_of_its_request(outcomes, kind):
    """Only ok and null_key do not count as failures."""
    outcomes.put(0, Result(kind, error=None if kind is Outcome.OK else "why"))
    found = outcomes.row_outcomes()
    assert (found[0], found[3]) == (kind, kind)
    assert outcomes.failed_rows()[[0, 2, 3]].tolist() == [kind is not Outcome.OK, False, kind is not Outcome.OK]


def test_the_frame_has_one_line_per_row_in_order(outcomes):
    """The dtypes are fixed, and the URLs are redacted."""
    outcomes.put(
        0, Result(Outcome.OK, status=200, attempts=2, elapsed=0.5, url="https://e.com/?sig=s3cret", fetched_at=86_400.0)
    )
    outcomes.put(1, Result(Outcome.HTTP_ERROR, status=404, attempts=1, elapsed=0.1, error="HTTP 404", fetched_at=1.0))
    outcomes.put(2, Result(Outcome.TIMEOUT, attempts=3, elapsed=1.0, error="too slow", from_store=True))
    frame = outcomes.to_frame(INDEX)
    assert frame.index.equals(INDEX)
    assert frame["status"].tolist() == [200, 404, pd.NA, 200, pd.NA, pd.NA]
    assert str(frame["status"].dtype) == "Int64"
    assert frame["attempts"].tolist() == [2, 1, 0, 2, 0, 3]
    assert frame["elapsed"].isna().tolist() == [False, False, True, False, True, False]
    assert frame["fetched_at"].iloc[[0, 3]].tolist() == [pd.Timestamp("1970-01-02", tz="UTC")] * 2
    assert frame["from_store"].tolist() == [False, False, False, False, False, True]
    assert frame["error"].notna().tolist() == [False, True, True, False, True, True]
    assert frame["error"].iloc[2] == "missing value in 'id'"
    assert frame["url"].iloc[0] == "https://e.com/?sig=***"
    assert "s3cret" not in frame.to_string()


def test_a_payload_that_cannot_be_flattened_is_a_parse_error(outcomes):
    """An error after the response ends its rows too."""
    outcomes.put(0, Result(Outcome.OK, status=200, attempts=1))
    outcomes.mark_parse_errors({0: ParseError("no key 'data'")})
    assert outcomes.to_frame(INDEX)[["outcome", "status", "error"]].iloc[3].tolist() == [
        "parse_error",
        200,
        "no key 'data'",
    ]


def test_the_summary_counts_rows_by_cause(outcomes):
    """The most frequent causes come first, long texts are cut, further causes are counted."""
    outcomes.put(0, Result(Outcome.HTTP_ERROR, error="HTTP 404 Not Found"))
    outcomes.put(1, Result(Outcome.TRANSPORT_ERROR, error="x" * 300))
    outcomes.put(2, Result(Outcome.TIMEOUT))
    text = summarize_causes(outcomes.find_causes(), 6)
    assert text.startswith("5 of 6 rows failed: 2 x HTTP 404 Not Found; 1 x xxx")
    assert text.endswith("; 1 other cause")
    assert len(text) < 600


def test_an_empty_run_has_an_empty_frame_with_the_same_columns():
    empty = Outcomes(expand(pd.DataFrame({"id": []}), compile_request_template(URL)))
    full = Outcomes(expand(pd.DataFrame({"id": [1]}), compile_request_template(URL)))
    assert empty.count_by_outcome() == {}
    assert not empty.failed_rows().any()
    assert len(empty.to_frame(pd.RangeIndex(0))) == 0
    np.testing.assert_array_equal(empty.to_frame(pd.RangeIndex(0)).columns, full.to_frame(pd.RangeIndex(1)).columns)


def test_one_status_on_several_pages_is_one_cause():
    found = Outcomes(expand(pd.DataFrame({"id": ["a", "b"]}), compile_request_template(URL)))
    for position, page in ((0, 3), (1, 5)):
        error = f"page {page}: HTTP 500 Internal Server Error: no page {page}"
        found.put(position, Result(Outcome.HTTP_ERROR, status=500, attempts=1, error=error))
    assert [(cause.text, cause.rows) for cause in found.find_causes()] == [("HTTP 500 Internal Server Error", [0, 1])]


def test_a_cause_quotes_the_most_frequent_of_the_messages_that_differ():
    """Slack answers 200 with `{"ok": false, "error": …}`; one message for all rows stands in the text itself."""
    frame = pd.DataFrame({"id": list("abcd")})
    found = Outcomes(expand(frame, compile_request_template(URL)))
    for position, message in enumerate(["no scope", "no channel", "no scope", "no scope"]):
        error = f"HTTP 200, but error_when says: {message} (2 attempts)"
        found.put(position, Result(Outcome.HTTP_ERROR, status=200, attempts=2, error=error))
    (cause,) = found.find_causes()
    assert (cause.text, cause.example) == ("HTTP 200, but error_when says", "no scope")
    found.put(1, Result(Outcome.HTTP_ERROR, status=200, attempts=2, error=error))
    (cause,) = found.find_causes()
    assert (cause.text, cause.example) == (error, "")
