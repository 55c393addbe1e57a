"""The option `Poll`: which values it takes, and how long it waits between polls."""

from __future__ import annotations

import numpy as np
import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.workflow.jobs.poll import Poll


def test_the_last_delay_repeats():
    assert [Poll(every=(1, 5)).delay_after(polls) for polls in (0, 1, 2, 9)] == [1, 5, 5, 5]


@pytest.mark.parametrize("every", [2, [1, 2], np.array([1, 2]), range(1, 3)], ids=str)
def test_delays_may_come_in_any_kind_of_sequence(every):
    assert Poll(every=every).delay_after(1) == 2


def test_a_poll_is_equal_to_one_with_the_same_options_and_shows_only_them():
    assert Poll(every=[1], url=["a.b"], done={"x"}) == Poll(every=[1], url=["a.b"], done={"x"})
    assert repr(Poll(done={"x"}, failed=())) == (
        "Poll(status='status', done={'x'}, failed=(), url=None, every=1.0, result=None, error='error', patience=3600.0)"
    )


DELAY, PATIENCE = "is not a number of seconds, nor several", "is not a number of seconds above 0"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"every": -1}, DELAY),
        ({"every": ()}, DELAY),
        ({"every": None}, DELAY),
        ({"every": True}, DELAY),
        ({"every": "1s"}, DELAY),
        ({"every": {1, 5}}, DELAY),
        ({"every": [1, "2"]}, DELAY),
        ({"every": [1, float("nan")]}, DELAY),
        ({"patience": "1h"}, PATIENCE),
        ({"patience": None}, PATIENCE),
        ({"patience": True}, PATIENCE),
        ({"patience": -1}, PATIENCE),
        ({"patience": 0}, PATIENCE),
        ({"patience": float("nan")}, PATIENCE),
        ({"patience": float("inf")}, PATIENCE),
        ({"status": None}, "status=None is not a path"),
        ({"status": 5}, "status=5 is not a path"),
        ({"status": ""}, "status='' is not a path"),
        ({"status": ["a", 1.5]}, "is not a path"),
        ({"status": []}, "is not a path"),
        ({"error": None}, "error=None is not a path"),
        ({"url": 5}, "url=5 is not a path"),
        ({"url": b"links.self"}, "is not a path"),
        ({"result": 5}, "result=5 is not a path"),
        ({"result": True}, "result=True is not a path"),
        ({"done": "done"}, "is not a set of states: write {'done'}"),
        ({"done": None}, "is not a set of states"),
        ({"done": set()}, "is empty: the job would never end"),
        ({"done": len}, "is not a set of states"),
        ({"done": [100, [1]]}, r"holds \[1\]: a state is a text, a number, True or False"),
        ({"done": {None}}, "holds None"),
        ({"failed": 7}, "is not a set of states"),
        ({"done": {"a"}, "failed": {"a"}}, "'a' is in both done and failed"),
        ({"done": {"Cancelled"}}, "'Cancelled' is in both done and failed: pass both options"),
    ],
)
def test_a_wrong_option_raises_before_anything_is_sent(options, expected):
    """The message says what is expected."""
    with pytest.raises(PlanError, match="Poll: ") as caught:
        Poll(**options)
    assert caught.match(expected)
