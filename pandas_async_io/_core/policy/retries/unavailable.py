"""Whether a 503 without Retry-After is the refusal of a rate limiter, or a failure.

nginx's ``limit_req`` refuses with such a 503 by default; so does an origin that is down, or one request in
ten of a server that is unwell. A limiter refuses most requests of a burst and lets some pass; when
requests are spaced, its refusals end. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from enum import Enum, auto
from math import log

_MEMORY = 6 / 7
"""Weight of the past with each response, in the share of 503 responses."""
_LIMITER_SHARE = 0.5
"""Share of 503 responses from which on a limiter sends them: five in a row reach it, one in ten at random does not."""
_DOUBTED_SHARE = 0.8
"""The same, after spaced requests had not ended them."""
_DOUBTED_ANSWERS = 200
"""Answers after which they are tried a second time; then after twice as many in all."""
_MAX_UNANSWERED = 5
"""503 responses in a row, to requests sent after the last answer, from which on the origin is down."""
_REFUSED_BY_LIMITER, _FAILED_AT_RANDOM = 0.05, 0.25
"""Shares of answers that are followed by a 503 while requests are spaced: of a limiter, and of a failing server."""
_EVIDENCE = log(_FAILED_AT_RANDOM / _REFUSED_BY_LIMITER)
_COUNTER_EVIDENCE = log((1 - _FAILED_AT_RANDOM) / (1 - _REFUSED_BY_LIMITER))
"""Log-likelihood ratios of a 503 after an answer, and of two answers in a row (Page's cumulative sum)."""
_MAX_EVIDENCE = 6.0
"""Sum from which on spaced requests fail as often as others: not because of their rate."""


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

    __slots__ = ("_accepted", "_evidence", "_is_limited", "_share", "_threshold", "_trust_from", "_unanswered")

    def __init__(self) -> None:
        self._share = 0.0  # of 503 responses, recently
        self._threshold = _LIMITER_SHARE
        self._trust_from = 0  # answers from which on a limiter may be recognised
        self._accepted = 0  # when the last 503 came
        self._unanswered = 0  # consecutive, to requests that were sent after the last answer
        self._is_limited = False
        self._evidence = 0.0  # that spaced requests fail at random

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
            self._is_limited = self._share >= self._threshold and accepted >= self._trust_from
            self._evidence = 0.0
        elif answers:
            self._evidence = max(self._evidence + _COUNTER_EVIDENCE * (answers - 1), 0.0) + _EVIDENCE
            if self._evidence > _MAX_EVIDENCE:
                self._is_limited, self._threshold = False, _DOUBTED_SHARE
                self._trust_from = accepted * 2 + _DOUBTED_ANSWERS
                return Verdict.NO_LIMITER
        return Verdict.REFUSAL if self._is_limited else Verdict.FAILURE
