"""The states of a job: which ones end it, and how they are compared."""

import numpy as np
import pytest

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
