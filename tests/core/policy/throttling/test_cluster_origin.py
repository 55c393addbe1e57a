"""What the workers of a cluster share about an origin."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.throttling.cluster_origin import ClusterOrigin, divide


@given(st.integers(1, 300), st.integers(1, 50))
def test_the_shares_add_up_to_the_slots(slots, workers):
    """And differ by at most one."""
    shares = [divide(slots, workers, rank) for rank in range(workers)]
    assert sum(shares) == slots
    assert max(shares) - min(shares) <= 1


def test_only_news_change_the_version():
    """A shorter pause, a state that is known and a worker that is known are no news."""
    origin = ClusterOrigin()
    news = [
        origin.join("a"),
        origin.join("a"),
        origin.pause(0.0, 5.0),
        origin.pause(1.0, 3.0),
        origin.set_down(is_down=True),
        origin.set_down(is_down=True),
        origin.leave("b"),
    ]
    assert news == [True, False, True, False, True, False, False]
    assert origin.version == 3


def test_a_lost_worker_leaves_its_rank_to_the_next():
    """So the shares of those that are left add up again."""
    origin = ClusterOrigin()
    for worker in "abc":
        origin.join(worker)
    origin.leave("a")
    assert [(origin.describe(worker, 0.0).rank, origin.describe(worker, 0.0).workers) for worker in "bc"] == [
        (0, 2),
        (1, 2),
    ]


def test_an_open_breaker_is_forgotten_with_the_last_worker():
    """The next call begins anew, as it does in one process."""
    origin = ClusterOrigin()
    origin.join("a")
    origin.set_down(is_down=True)
    origin.leave("a")
    origin.join("b")
    assert not origin.describe("b", 0.0).is_down
