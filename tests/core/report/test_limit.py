"""What limited a run, decided from its counts alone."""

import pytest

from pandas_async_io._core.report.limit import RunLimits, describe_limit
from pandas_async_io._core.report.tally import WAIT_CAUSES, Tally


def tally(cpu=0.1, busy=0.0, sent=5, **waits):
    return Tally(sent=sent, cpu_seconds=cpu, busy_seconds=busy, waits=dict.fromkeys(WAIT_CAUSES, 0.0) | waits)


@pytest.mark.parametrize(
    ("counts", "seconds", "words"),
    [
        (tally(sent=0), 10.0, "nothing: no request was sent"),
        (tally(cpu=0.01), 0.01, "nothing: the run was too short"),
        (tally(cpu=0.0), 0.0, "nothing: the run was too short"),
        (tally(rate=0.009, busy=0.1), 0.01, "nothing: the run was too short"),
        (tally(cpu=9.5), 10.0, "this machine's CPU"),
        (tally(busy=95.0), 10.0, "concurrency: 10"),
        (tally(busy=5.0), 10.0, "nothing in particular"),
        (tally(rate=9.0), 10.0, "the rate that you set"),
        (tally(rate=9.0, busy=95.0, cpu=9.5), 10.0, "the rate that you set"),
        (tally(pause=6.0), 10.0, "the server: it refuses"),
        (tally(breaker=6.0), 10.0, "the server: it was down"),
        (tally(slot=6.0), 10.0, "the client's slots: its other calls used them (give this call a Client of its own"),
        (tally(auto=6.0), 10.0, "concurrency='auto': with more requests in flight the server answered more slowly;"),
        (tally(growth=6.0), 10.0, "concurrency='auto': it was still growing"),
        (tally(files=6.0), 10.0, "this process's open files: raise ulimit -n"),
        (tally(poll=6.0), 10.0, "the server's jobs"),
        (tally(backoff=6.0), 10.0, "failures"),
        (tally(rate=6.0, pause=9.0), 10.0, "the server: it refuses"),  # two origins, waited for at the same time
        (tally(rate=3.0, pause=3.5), 10.0, "several things, most of all the server: it refuses"),
        (tally(rate=3.0, pause=3.5, busy=95.0), 10.0, "concurrency: 10"),
        (tally(rate=1.0, pause=1.5), 10.0, "nothing in particular"),
    ],
)
def test_the_limit_is_what_explains_most_of_the_time(counts, seconds, words):
    """The longest wait, if it is most of the time; else the CPU, the concurrency, or the longest of several waits."""
    assert describe_limit(counts, seconds, RunLimits(10)).startswith(words)
