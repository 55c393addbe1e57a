"""The queue detector: which windows of round trips show a queue."""

from pandas_async_io._core.policy.throttling.queue_detector import QueueDetector

SLOW_AND_NOISY = [0.1, 0.12, 0.15, 0.18, 0.2, 0.22, 0.25, 0.3]


def judge_all(windows, **options):
    detector = QueueDetector()
    return [detector.judge(window, **options) for window in windows]


def test_round_trips_up_to_a_quarter_longer_show_no_queue():
    assert judge_all([[0.1] * 12, [0.124] * 12]) == [None, None]


def test_a_queue_lowers_the_concurrency_in_proportion_but_at_most_to_half():
    _, slightly, much = judge_all([[0.1] * 12, [0.15] * 12, [10.0] * 12])
    assert 0.7 < slightly < 0.8
    assert much == 0.5


def test_one_slow_window_of_varying_round_trips_may_be_chance_and_two_are_a_queue():
    _, first, second = judge_all([[0.05] * 8, SLOW_AND_NOISY, SLOW_AND_NOISY])
    assert first == 1.0
    assert 0.5 <= second < 0.6


def test_requests_that_are_alone_cannot_queue():
    assert judge_all([[0.1] * 12, [0.5] * 12], alone=True) == [None, None]


def test_a_window_at_reduced_concurrency_sets_the_round_trip_without_a_queue():
    """The server became slower for all requests."""
    detector = QueueDetector()
    detector.judge([0.1] * 12)
    assert detector.judge([0.3] * 12, reduced=True) is None
    assert detector.judge([0.3] * 12) is None
