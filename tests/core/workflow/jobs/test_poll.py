"""The option `Poll`: which values it takes, which states end a job, how long it waits between polls."""

from __future__ import annotations

import numpy as np
import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.workflow.jobs.poll import JobStatus, Poll


@pytest.mark.parametrize("state", ["Succeeded", "SUCCEEDED", "Complete", "completed", "Done", "successful"])
def test_the_usual_words_for_a_done_job_are_known_in_any_case(state):
    """As Azure, Jenkins and many others write them."""
    assert Poll().classify_state(state) is JobStatus.DONE
    assert Poll(done={state.swapcase()}).classify_state(state) is JobStatus.DONE


@pytest.mark.parametrize("state", ["Failed", "FAILURE", "errored", "Canceled", "ABORTED", "expired", "TIMED_OUT"])
def test_the_usual_words_for_a_failed_job_are_known_in_any_case(state):
    assert Poll().classify_state(state) is JobStatus.FAILED


@pytest.mark.parametrize("state", ["ready", "stopped", "ok", "active", "cancelling", "completing", "", "None"])
def test_a_word_that_may_mean_a_running_job_does_not_end_it(state):
    """Otherwise a receipt would be taken for a result."""
    assert Poll().classify_state(state) is JobStatus.RUNNING


@pytest.mark.parametrize(
    ("done", "ends", "others"),
    [
        ({True}, [True], [1, 1.0, "True", "true", False]),
        ({1}, [1, 1.0], [True, "1", 2]),
        ([np.int64(100)], [100, 100.0], ["100", 99]),
        ({"1"}, ["1"], [1, True]),
        ([1, True], [1, True], [0, False]),
    ],
)
def test_states_are_compared_by_type_and_value(done, ends, others):
    """True is not 1, and "1" is neither."""
    poll = Poll(done=done, failed=())
    assert {poll.classify_state(state) for state in ends} == {JobStatus.DONE}
    assert {poll.classify_state(state) for state in others} == {JobStatus.RUNNING}


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
        ({"status": ["a", 1]}, "is not a path"),
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
