"""The counts of a run, and the timeline made of them."""

import pytest

from pandas_async_io._core.report.tally import Tally, build_timeline


def test_an_attempt_is_counted_in_the_second_in_which_it_ends():
    """Done and refused are added up, in flight is the maximum; seconds count from the start of the run."""
    tally = Tally(started_at=100.0)
    tally.count_attempt(100.0, 100.5, 10, refused=False, in_flight=3)
    tally.count_attempt(100.2, 100.9, 0, refused=True, in_flight=1)
    tally.count_attempt(100.9, 102.0, 5, refused=False, in_flight=2)
    assert tally.by_second == {0: [2, 1, 3], 2: [1, 0, 2]}
    assert build_timeline(tally).to_numpy().tolist() == [[2, 1, 3], [0, 0, 1], [1, 0, 2]]
    assert (tally.received_bytes, tally.refused) == (15, 1)
    assert tally.busy_seconds == pytest.approx(2.3)


def test_two_consecutive_runs_are_added_up():
    """retry_failed makes one run of both: the seconds of the second follow those of the first."""
    first = Tally(sent=3, started_at=5.0, ended_at=6.5, cpu_seconds=1.0)
    second = Tally(sent=2, started_at=9.0, ended_at=9.25, retried=1)
    first.by_second[0], second.by_second[0] = [3, 0, 3], [2, 1, 2]
    first.waits["rate"] = second.waits["rate"] = 0.5
    both = first.append(second)
    assert (both.sent, both.retried, both.ended_at - both.started_at, both.cpu_seconds) == (5, 1, 1.75, 1.0)
    assert both.by_second == {0: [3, 0, 3], 2: [2, 1, 2]}
    assert both.waits["rate"] == 1.0


def test_the_timeline_has_every_second_and_the_attempts_in_flight_in_it():
    """Seconds in which no attempt ended are included; a slow attempt is in flight in each of its seconds."""
    first, second = Tally(ended_at=5.5), Tally(started_at=100.0, ended_at=103.0)
    first.count_attempt(0.5, 5.2, 1, refused=False, in_flight=1)
    first.count_attempt(1.5, 3.0, 1, refused=False, in_flight=2)
    second.count_attempt(100.1, 102.9, 1, refused=True, in_flight=1)
    assert build_timeline(first)["in_flight"].tolist() == [0, 1, 2, 2, 1, 1]
    both = build_timeline(first.append(second))
    assert both["in_flight"].tolist() == [0, 1, 2, 2, 1, 1, 0, 1, 1]
    assert both["done"].tolist() == [0, 0, 0, 1, 0, 1, 0, 0, 1]
    assert both["refused"].sum() == 1
    assert both.index.name == "second"


def test_a_run_without_attempts_has_an_empty_timeline():
    assert build_timeline(Tally()).empty
