"""Causes and remedies, from the texts of errors alone."""

import pytest

from pandas_async_io._core.report.causes import Cause, find_remedy, generalize_error, summarize_causes

ON = "call retry_failed to continue"
FRESH, OTHER = "pass fresh auth= to retry_failed", "pass auth= that may do this to retry_failed"
LONGER = "pass a longer timeout= to retry_failed, up to its client's"
TWICE = "retry_failed sends again what the server may have received"
LATER, UP = "call retry_failed when its pause is over", "call retry_failed when it is up again"
POST = "(POST is not repeated: the server may have received it; send Key or name POST in Retry(methods=...))"
CANARY = "not sent: the first 25 answers were all 403: are the credentials right?"
PAUSE = "HTTP 429 X (the server asks for 400 s, max_wait is 300 s)"


@pytest.mark.parametrize(
    ("error", "outcome", "status", "remedy"),
    [
        ("HTTP 401 Unauthorized: no", "http_error", 401, FRESH),
        ("page 2: HTTP 403 Forbidden", "http_error", 403, OTHER),
        ("HTTP 429 Too Many Requests (refused 10 times)", "http_error", 429, "pass a lower rate= to retry_failed"),
        ("HTTP 404 Not Found", "http_error", 404, ""),
        ("not sent: the run's deadline has passed", "not_attempted", 0, ON),
        ("no complete answer from https://e.com before the run's deadline", "timeout", 0, ON),
        ("HTTP 503 Service Unavailable (not sent: the run's deadline has passed)", "http_error", 503, ON),
        ("HTTP 503 Service Unavailable (not sent: max_requests=5 is spent)", "http_error", 503, ON),
        ("not sent: max_requests=5 is spent", "budget_exhausted", 0, ON),
        ("not sent: nothing came through to this origin for 30 s", "not_attempted", 0, UP),
        ("no complete answer from https://e.com within 30 s", "timeout", 0, LONGER),
        (f"no complete answer from https://e.com within 30 s {POST}", "timeout", 0, TWICE),
        ("no connection to https://e.com within 10 s", "timeout", 0, ""),
        ("the job has not ended within 60 s (Poll(patience=...))", "timeout", 0, ""),
        ("no complete answer within 5 s (pass timeout=60)", "timeout", 0, ""),
        ("more than 9 bytes: raise Client(max_body=...) if you want it", "body_too_large", 200, ""),
        (CANARY, "not_attempted", 0, OTHER),
        ("not sent: the first 25 answers failed for good, all alike", "not_attempted", 0, ""),
        (PAUSE, "rate_limited_too_long", 0, LATER),
    ],
)
def test_the_remedy_depends_on_text_then_status_then_outcome(error, outcome, status, remedy):
    """There is none beside a remedy that the text names itself."""
    assert find_remedy(error, outcome, status) == remedy


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        (["HTTP 500 Internal Server Error: a", "page 7: HTTP 500 Internal Server Error (3 attempts)"], "http_error"),
        (["HTTP 503 X (2 attempts)", "HTTP 503 X (not sent: the run's deadline has passed)"], "http_error"),
        (
            [
                "no complete answer from https://a.com before the run's deadline",
                f"page 2: no complete answer from https://b.com through the proxy p before the run's deadline {POST}",
            ],
            "timeout",
        ),
    ],
)
def test_what_differs_between_rows_is_not_part_of_the_cause(errors, outcome):
    """Pages, origins, attempts and the server's message differ."""
    assert len({generalize_error(error, outcome) for error in errors}) == 1


def test_the_most_frequent_cause_is_in_the_summary():
    """Three other causes precede it because their rows were sent."""
    causes = [Cause(f"HTTP 50{n}", [n], "http_error", was_sent=True) for n in range(4)]
    text = summarize_causes([*causes, Cause("not sent", list(range(10, 99)), "not_attempted")], 100)
    assert text == "93 of 100 rows failed: 1 x HTTP 500; 1 x HTTP 501; 89 x not sent; 2 other causes"


def test_credentials_that_were_not_sent_are_named_once():
    """In the error, or behind a text that several errors share or that is cut."""
    note = "the client's credentials were not sent: they belong to http://127.0.0.1:1, this is http://localhost:1"
    for text in (f"HTTP 401 Unauthorized ({note})", "HTTP 401 Unauthorized", "HTTP 401 Unauthorized: " + "x" * 300):
        summary = summarize_causes([Cause(text, [0], "http_error", 401, f"HTTP 401 Unauthorized ({note})")], 1)
        assert summary.count(note) == 1
        assert "fresh auth=" not in summary


def test_a_cause_of_several_messages_quotes_one_of_them():
    """Behind the remedy, and cut to one line's length."""
    denied = Cause("HTTP 401 Unauthorized", [0, 1], "http_error", 401, "HTTP 401", example="key 1 is unknown")
    assert summarize_causes([denied], 2) == f"2 of 2 rows failed: 2 x {denied.text}: {FRESH} (e.g. key 1 is unknown)"
    long = Cause("HTTP 404 Not Found", [0, 1], "http_error", 404, example="x" * 999)
    assert summarize_causes([long], 2).endswith(f"2 x HTTP 404 Not Found (e.g. {'x' * 159}…)")
