"""Whether a 503 without Retry-After is the refusal of a rate limiter, or a failure.

nginx's ``limit_req`` refuses with such a 503 by default; so does an origin that is down, or one request in
ten of a server that is unwell. A limiter refuses most requests of a burst and lets some pass; when
requests are spaced, its refusals end. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from enum import Enum, auto

_MEMORY = 6 / 7
"""Weight of the past with each response, in the share of 503 responses."""
_LIMITER_SHARE = 0.5
"""Share of 503 responses from which on a limiter sends them: five in a row reach it, one in ten at random does not."""
_DOUBTED_SHARE = 0.8
"""The same, after spaced requests had not ended them."""
_MAX_UNANSWERED = 5
"""503 responses in a row, to requests sent after the last answer, from which on the origin is down."""
_TRIAL = 100
"""Responses after which it is checked whether spacing requests ends the 503 responses."""
_FIRST_REMAINDER, _REMAINDER = 0.25, 0.08
"""Shares of 503 responses that may remain: in the first trial, which includes the search for the pace, and later."""


class Verdict(Enum):
    """What a 503 without Retry-After is."""

    FAILURE = auto()
    """The server may be down, or the request may have failed."""
    REFUSAL = auto()
    """A limiter refused the request."""
    NO_LIMITER = auto()
    """A failure, as those were that counted as refusals before."""


class UnavailableResponses:
    """Tell the 503 responses of a limiter from those of a server that fails.

    Examples
    --------
    >>> responses = UnavailableResponses()
    >>> verdicts = [responses.record(0.0, accepted=1, accepted_at=0.5) for _ in range(5)]
    >>> verdicts[0].name, verdicts[4].name
    ('FAILURE', 'REFUSAL')
    """

    __slots__ = ("_accepted", "_is_limited", "_share", "_threshold", "_trial", "_trials", "_unanswered")

    def __init__(self) -> None:
        self._share = 0.0  # of 503 responses, lately
        self._threshold = _LIMITER_SHARE
        self._accepted = 0  # when the last 503 came
        self._unanswered = 0  # consecutive, to requests that were sent after the last answer
        self._is_limited = False
        self._trial = [0, 0]  # 503 responses and answers since it began
        self._trials = 0

    def record(self, started: float, *, accepted: int, accepted_at: float) -> Verdict:
        """Record a 503 without Retry-After.

        Parameters
        ----------
        started : float
            When its request was sent.
        accepted : int
            Requests that the origin has answered so far.
        accepted_at : float
            When the last of these answers came.
        """
        answers = accepted - self._accepted
        self._accepted = accepted
        self._share = self._share * _MEMORY ** (answers + 1) + (1 - _MEMORY)
        self._unanswered = 0 if answers or started <= accepted_at else self._unanswered + 1
        if not accepted or self._unanswered >= _MAX_UNANSWERED:
            return Verdict.FAILURE
        if not self._is_limited:
            self._is_limited = self._share >= self._threshold
            self._trial, self._trials = [0, 0], 0
        elif self._has_failed_trial(answers):
            self._is_limited, self._share, self._threshold = False, 0.0, _DOUBTED_SHARE
            return Verdict.NO_LIMITER
        return Verdict.REFUSAL if self._is_limited else Verdict.FAILURE

    def _has_failed_trial(self, answers: int) -> bool:
        """Return whether the 503 responses go on although requests are spaced."""
        self._trial[0] += 1
        self._trial[1] += answers
        total = sum(self._trial)
        if total < _TRIAL:
            return False
        remaining = self._trial[0] / total
        allowed = _REMAINDER if self._trials else _FIRST_REMAINDER
        self._trial, self._trials = [0, 0], self._trials + 1
        return remaining > allowed
