"""How far a run is, and what it waits for, in words: the text beside a progress bar."""

from __future__ import annotations

from dataclasses import dataclass

from pandas_async_io._core.policy.durations import format_seconds

_MAX_WAITS = 2
"""Different waits that are shown: a run may have many origins."""


@dataclass(frozen=True, slots=True)
class OriginState:
    """How far the run of one origin is.

    Attributes
    ----------
    in_flight, to_repeat : int
        Requests under way, and those that failed and wait for their time.
    wait : str
        What requests wait for; empty if for nothing but a response.
    """

    in_flight: int
    to_repeat: int
    wait: str = ""


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is.

    Attributes
    ----------
    done, total : int
        Requests with a result, and all; with pages those found so far.
    unit : str
        What is counted.
    origins : tuple of OriginState
        The origins that requests are sent to.
    """

    done: int
    total: int
    unit: str = "request"
    origins: tuple[OriginState, ...] = ()

    def describe(self) -> str:
        """Return what is under way and what is waited for.

        Examples
        --------
        >>> RunState(5, 9, origins=(OriginState(3, 0), OriginState(1, 2, "rate 20/s"))).describe()
        '4 in flight, 2 to repeat, rate 20/s'
        """
        to_repeat = sum(each.to_repeat for each in self.origins)
        waits = dict.fromkeys(each.wait for each in self.origins if each.wait)
        parts = [f"{sum(each.in_flight for each in self.origins)} in flight"]
        parts += [f"{to_repeat} to repeat"] if to_repeat else []
        return ", ".join([*parts, *list(waits)[:_MAX_WAITS]])


def describe_wait(reason: str, seconds: float, *, rate: str, backoff: float | None, cause: str) -> str:
    """Return what the requests to an origin wait for.

    Parameters
    ----------
    reason : str
        Why no request starts: the status of a refusal, "limit" or "breaker"; "pace": refusals have slowed starts down.
    seconds : float
        For how long; 0 if requests may start.
    rate : str
        The rate that holds a request back, "" if none does.
    backoff : float or None
        If nothing is under way: seconds until the next request may start.
    cause : str
        What that request waits for: "poll", or another cause of the report.

    Examples
    --------
    >>> waits = dict(rate="", backoff=None, cause="")
    >>> [describe_wait(*held, **waits) for held in (("429", 11.6), ("limit", 60.0), ("breaker", 4.0), ("breaker", 0.0))]
    ['429: origin paused 12 s', 'limit used up: origin paused 1 min', 'breaker: next probe in 4 s', 'breaker: probing']
    >>> describe_wait("", 0.0, rate="20/s", backoff=None, cause="")
    'rate 20/s'
    >>> describe_wait("pace", 0.0, **waits)
    'pace learnt from refusals'
    >>> [describe_wait("", 0.0, rate="", backoff=3.2, cause=cause) for cause in ("poll", "backoff")]
    ['next poll in 4 s', 'next repeat in 4 s']
    """
    if reason == "breaker":
        return f"breaker: next probe in {_round_up(seconds)}" if seconds > 0 else "breaker: probing"
    if seconds > 0:
        return f"{'limit used up' if reason == 'limit' else reason}: origin paused {_round_up(seconds)}"
    if reason == "pace" and not backoff:
        return "pace learnt from refusals"
    if rate:
        return f"rate {rate}"
    if backoff is not None:
        return f"next {'poll' if cause == 'poll' else 'repeat'} in {_round_up(backoff)}"
    return ""


def _round_up(seconds: float) -> str:
    return format_seconds(float(-(-max(seconds, 0.0) // 1)))
