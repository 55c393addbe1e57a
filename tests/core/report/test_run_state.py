"""How far a run is, in words."""

from pandas_async_io._core.report.run_state import OriginState, RunState


def test_the_origins_of_a_run_are_counted_together():
    """Each wait is named once."""
    origins = (OriginState(2, 1, "rate 20/s"), OriginState(0, 0, "rate 20/s"), OriginState(1, 0))
    assert RunState(1, 9, origins=origins).describe() == "3 in flight, 1 to repeat, rate 20/s"


def test_a_run_of_many_origins_names_two_waits():
    origins = tuple(OriginState(0, 0, f"breaker: next probe in {seconds} s") for seconds in (1, 2, 4))
    text = "0 in flight, breaker: next probe in 1 s, breaker: next probe in 2 s"
    assert RunState(0, 9, origins=origins).describe() == text
