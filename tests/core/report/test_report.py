"""What limited a run, from its counts alone."""

import pytest

from pandas_async_io._core.report.report import WAITS, Tally, limit_of, timeline_of


def tally(cpu=0.1, busy=0.0, sent=5, **waits):
    return Tally(sent=sent, cpu=cpu, busy=busy, waits=dict.fromkeys(WAITS, 0.0) | waits)


@pytest.mark.parametrize(
    ("counts", "seconds", "words"),
    [
        (tally(sent=0), 10.0, "nothing: no request was sent"),
        (tally(cpu=0.01), 0.01, "nothing: it took no time"),
        (tally(cpu=0.0), 0.0, "nothing: it took no time"),
        (tally(rate=0.009, busy=0.1), 0.01, "nothing: it took no time"),
        (tally(cpu=9.5), 10.0, "this machine's CPU"),
        (tally(busy=95.0), 10.0, "concurrency: 10"),
        (tally(busy=5.0), 10.0, "nothing in particular"),
        (tally(rate=9.0), 10.0, "the rate that you set"),
        (tally(rate=9.0, busy=95.0, cpu=9.5), 10.0, "the rate that you set"),
        (tally(pause=6.0), 10.0, "the server: it refuses"),
        (tally(breaker=6.0), 10.0, "the server: it was down"),
        (tally(slot=6.0), 10.0, "the client's slots: its other calls had them (give this call a Client of its own"),
        (tally(poll=6.0), 10.0, "the server's jobs"),
        (tally(backoff=6.0), 10.0, "failures"),
        (tally(rate=6.0, pause=9.0), 10.0, "the server: it refuses"),  # two origins, waited for at once
        (tally(rate=3.0, pause=3.5), 10.0, "several things, most of all the server: it refuses"),
        (tally(rate=3.0, pause=3.5, busy=95.0), 10.0, "concurrency: 10"),
        (tally(rate=1.0, pause=1.5), 10.0, "nothing in particular"),
    ],
)
def test_the_limit_is_what_explains_most_of_the_time(counts, seconds, words):
    """The longest wait, if it is most of the time; else the machine, the slots, or the longest of several."""
    assert limit_of(counts, seconds, 10).startswith(words)


def test_two_runs_that_follow_each_other_are_counted_together():
    """retry_failed makes one run of both: the second's seconds come behind the first's."""
    first, second = Tally(sent=3, began=5.0, ended=6.5, cpu=1.0), Tally(sent=2, began=9.0, ended=9.25, retried=1)
    first.seconds[0], second.seconds[0] = [3, 0, 3], [2, 1, 2]
    first.waits["rate"] = second.waits["rate"] = 0.5
    both = first.followed_by(second)
    assert (both.sent, both.retried, both.ended - both.began, both.cpu) == (5, 1, 1.75, 1.0)
    assert both.seconds == {0: [3, 0, 3], 2: [2, 1, 2]}
    assert both.waits["rate"] == 1.0


def test_the_timeline_has_every_second_and_what_was_under_way_in_it():
    """A second in which nothing ended is a line too; slow answers are in flight all the while; a retry follows."""
    first, second = Tally(ended=5.5), Tally(began=100.0, ended=103.0)
    first.attempted(0.5, 5.2, 1, refused=False, in_flight=1)
    first.attempted(1.5, 3.0, 1, refused=False, in_flight=2)
    second.attempted(100.1, 102.9, 1, refused=True, in_flight=1)
    assert timeline_of(first)["in_flight"].tolist() == [0, 1, 2, 2, 1, 1]
    both = timeline_of(first.followed_by(second))
    assert both["in_flight"].tolist() == [0, 1, 2, 2, 1, 1, 0, 1, 1]
    assert both["done"].tolist() == [0, 0, 0, 1, 0, 1, 0, 0, 1]
    assert both["refused"].sum() == 1
    assert both.index.name == "second"
    assert timeline_of(Tally()).empty


def test_attempts_are_counted_in_the_second_in_which_they_ended():
    """Done and refused are sums, in flight is the most; seconds count from the beginning of the run."""
    counts = Tally(began=100.0)
    counts.attempted(100.0, 100.5, 10, refused=False, in_flight=3)
    counts.attempted(100.2, 100.9, 0, refused=True, in_flight=1)
    counts.attempted(100.9, 102.0, 5, refused=False, in_flight=2)
    assert counts.seconds == {0: [2, 1, 3], 2: [1, 0, 2]}
    assert timeline_of(counts).to_numpy().tolist() == [[2, 1, 3], [0, 0, 1], [1, 0, 2]]
    assert (counts.received, counts.refused) == (15, 1)
    assert counts.busy == pytest.approx(2.3)
