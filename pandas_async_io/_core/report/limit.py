"""What held a run back most, and what would speed it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.report.tally import WAIT_CAUSES

if TYPE_CHECKING:
    from pandas_async_io._core.report.tally import Tally

_REMEDIES = {
    "rate": "the rate that you set: a higher rate= would be faster",
    "pause": "the server: it refuses more requests; ask its owner for a higher limit, or set rate= to what it allows",
    "breaker": "the server: it was down, or failed repeatedly, so requests to it were held back",
    "slot": "the client's slots: its other calls used them (give this call a Client of its own, or raise that client's "
    "concurrency=)",
    "growth": "concurrency='auto': it was still growing; a number, as concurrency=32, begins there",
    "files": "this process's open files: raise ulimit -n",
    "poll": "the server's jobs: they needed time; a shorter Poll(every=...) may notice their end earlier",
    "backoff": "failures: the last rows waited for another attempt",
}
"""For each wait: what held the run back, and what would speed it up."""

_AUTO = "concurrency='auto': with more requests in flight the server {}; set a number to have more all the same"
_CLIENTS_RATE = "the client's rate: a higher Client(rate=...) would be faster"
_NEGLIGIBLE_SECONDS = 0.2
"""A run this short has no limit worth naming."""

_DOMINANT_SHARE = 0.5
"""The share of a run's time above which a wait or the parser is named as the limit."""

_TIMEOUT_SHARE = 0.5
"""The share of requests without a complete answer above which ``timeout=`` is named."""

_CPU_BOUND_SHARE = 0.85
_BUSY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What a call allowed itself, and what its client allowed it.

    Attributes
    ----------
    concurrency : int
        Requests allowed in flight, over all origins.
    client_concurrency : int or None
        The client's ceiling for one origin, if the call wanted more.
    is_rate_of_client : bool
        Whether the strictest rate is the client's.
    timeout : float
        Seconds of an attempt.
    timed_out : int
        Requests that had no complete answer within it.
    parser_seconds : float
        Seconds spent in the user's ``parser=``.
    """

    concurrency: int = 1
    client_concurrency: int | None = None
    is_rate_of_client: bool = False
    timeout: float = 30.0
    timed_out: int = 0
    parser_seconds: float = 0.0


def describe_limit(tally: Tally, seconds: float, limits: RunLimits) -> str:
    """Return what held a run back most, and what would speed it up.

    Examples
    --------
    >>> from pandas_async_io._core.report.tally import Tally
    >>> tally, limits = Tally(sent=100, busy_seconds=9.5), RunLimits(10)
    >>> describe_limit(tally, 1.0, limits)
    'concurrency: 10 were in flight nearly all the time; a higher concurrency= would be faster'
    >>> tally.waits["rate"] = 0.9
    >>> describe_limit(tally, 1.0, limits)
    'the rate that you set: a higher rate= would be faster'
    """
    longest = max(WAIT_CAUSES, key=tally.waits.__getitem__)
    waited = tally.waits[longest]
    alternatives = (
        (not tally.sent, "nothing: no request was sent"),
        (limits.timed_out > _TIMEOUT_SHARE * (tally.sent - tally.retried), _describe_timeout(limits)),
        (seconds < _NEGLIGIBLE_SECONDS, "nothing: the run was too short to tell"),
        (_is_parser_bound(limits, seconds, waited), _describe_parser(limits, seconds)),
        (waited > _DOMINANT_SHARE * seconds, _describe_wait(longest, tally, limits)),
        (
            tally.cpu_seconds > _CPU_BOUND_SHARE * seconds,
            "this machine's CPU: fewer columns=, or the extra `speed`, would be faster",
        ),
        (tally.busy_seconds > _BUSY_SHARE * seconds * limits.concurrency, _describe_concurrency(limits)),
        (
            sum(tally.waits.values()) > _DOMINANT_SHARE * seconds,
            f"several things, most of all {_describe_wait(longest, tally, limits)}",
        ),
        (True, "nothing in particular: the run was short, or its last answers were slow"),
    )
    return next(text for applies, text in alternatives if applies)


def _is_parser_bound(limits: RunLimits, seconds: float, longest_wait: float) -> bool:
    """Whether the parser took most of the time: while it runs, nothing is sent."""
    return limits.parser_seconds > max(_DOMINANT_SHARE * seconds, longest_wait)


def _describe_parser(limits: RunLimits, seconds: float) -> str:
    share = min(limits.parser_seconds / seconds, 1.0) if seconds else 0.0
    return f"parser=: it took {share:.0%} of the time, and nothing else runs meanwhile; a faster one would help"


def _describe_timeout(limits: RunLimits) -> str:
    return (
        f"timeout={limits.timeout:g}: most requests had no complete answer within it; the answers may need a longer "
        "timeout="
    )


def _describe_wait(cause: str, tally: Tally, limits: RunLimits) -> str:
    if cause == "auto":
        return _AUTO.format("refused some" if tally.refused else "answered more slowly")
    return _CLIENTS_RATE if cause == "rate" and limits.is_rate_of_client else _REMEDIES[cause]


def _describe_concurrency(limits: RunLimits) -> str:
    busy = "were in flight nearly all the time; a higher"
    if limits.client_concurrency is not None:
        name = f"the client's concurrency={limits.client_concurrency}"
        return f"{name}: that many {busy} Client(concurrency=...) would be faster"
    return f"concurrency: {limits.concurrency} {busy} concurrency= would be faster"
