"""The hint about a first answer whose shape nothing was said about."""

from __future__ import annotations

import pytest

from pandas_async_io._core.models import Response
from pandas_async_io._core.report.look.first_answer import FirstAnswers

RESPONSE = Response(200, {}, b"", "")


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ([["id", "n"], [1, 2]], "orient='values', names=0 makes 1 record of it"),
        ([{"page": 1, "pages": 4}, [{"id": 1}]], "record_path=[1] makes 1 record of it"),
        ({"t": [1, 2], "v": [3, 4]}, "orient='columns' makes 2 records of it"),
    ],
)
def test_a_hint_says_what_to_write(payload, text):
    """It can be pasted into the call."""
    assert FirstAnswers().describe(0, RESPONSE, payload).endswith(text)


def test_at_most_three_answers_are_looked_at():
    """Those of one API are alike; an empty one shows nothing."""
    answers = FirstAnswers()
    for payload in ([], None, {"id": 1}, {"id": 2}, {"id": 3}):
        assert not answers.is_done
        assert answers.describe(0, RESPONSE, payload) is None
    assert answers.is_done


@pytest.mark.parametrize(
    "payload",
    [
        {"items": [{"id": 1}]},
        {"type": "LineString", "coordinates": [[1.5, 2.5], [3.5, 4.5]]},
        {"home": {"lat": 1}, "work": {"lat": 2}},
        {"id": 1, "tags": ["a", "b"]},
        "text",
    ],
)
def test_what_may_be_a_record_gives_no_hint(payload):
    """The result is what the call says."""
    assert FirstAnswers().describe(0, RESPONSE, payload) is None
