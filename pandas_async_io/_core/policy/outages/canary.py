"""When the first responses of an origin show that no row can succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retries.retry import Stop
from pandas_async_io._core.server_message import extract_message

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response

_STOPPING_STATUSES = frozenset({0, 401, 403})
"""Statuses that may stop a run; 0 stands for an origin without a usable address or certificate."""

_WRONG_REQUEST_STATUSES = frozenset({400, 405, 415, 422})
"""Statuses that may stop a run if the server's message is always the same: it does not depend on the row."""

_EQUAL_RESPONSES = 25
"""Equal first responses after which the run stops."""


class Canary:
    """Stops a run when its first 25 responses are all 401, all 403, all missing, or all 400 (405, 415, 422) alike.

    With ``concurrency`` requests in flight, at most ``concurrency`` + 25 are sent.

    Parameters
    ----------
    stops_wrong_requests : bool
        Whether equal 400, 405, 415 and 422 stop the run. Not where such a request is replaced by others, as a block of
        keys by its halves.

    Examples
    --------
    >>> canary = Canary()
    >>> stops = [canary.record(401) for _ in range(25)]
    >>> stops[23], stops[24].error
    (None, 'not sent: the first 25 answers were all 401: are the credentials right?')
    """

    __slots__ = ("_count", "_message", "_mixed", "_status", "_wrong_request_statuses")

    def __init__(self, *, stops_wrong_requests: bool = True) -> None:
        self._wrong_request_statuses = _WRONG_REQUEST_STATUSES if stops_wrong_requests else frozenset[int]()
        self._status: int | None = None
        self._message: str | None = None
        self._mixed = False
        self._count = 0

    def record(self, status: int, response: Response | None = None) -> Stop | None:
        """Count a response that is no refusal, and return how unsent rows end if the run stops.

        Parameters
        ----------
        status : int
            0 if the origin cannot be reached at all.
        response : Response, optional
            Its message counts where a status alone does not show that the next row fails the same way.
        """
        if self._mixed:
            return None
        if self._status is None:
            self._status = status
        if status != self._status or not (status in _STOPPING_STATUSES or self._is_same_message(status, response)):
            self._mixed = True
            return None
        self._count += 1
        return _stop(status) if self._count >= _EQUAL_RESPONSES else None

    def _is_same_message(self, status: int, response: Response | None) -> bool:
        """Whether a response calls the request wrong, in the words of the first one."""
        if status not in self._wrong_request_statuses or response is None:
            return False
        message = extract_message(response)
        if self._message is None:
            self._message = message
        return message == self._message


def _stop(status: int) -> Stop:
    if not status:
        why = "failed for good, all alike"
    elif status in _STOPPING_STATUSES:
        why = f"were all {status}: are the credentials right?"
    else:  # the message stays with the rows that were sent: it may quote their secrets
        why = f"were all {status} with one message: is the request right?"
    return Stop(Outcome.NOT_ATTEMPTED, f"not sent: the first {_EQUAL_RESPONSES} answers {why}", is_outage=not status)
