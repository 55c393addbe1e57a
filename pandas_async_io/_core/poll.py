"""Submit, poll, download: what an answer of a job's API asks for next.

The law of this file: every job ends. A state that is neither done nor failed
is asked for again, later, and not for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptTimeoutError, ParseError, PayloadError, PlanError, UnsafeUrlError
from pandas_async_io._core.links import admitted, follow
from pandas_async_io._core.places import Path, find
from pandas_async_io._core.safety import redact_text
from pandas_async_io._core.waits import asked_delay

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page, Request

_HEADERS = ("Operation-Location", "Location", "Content-Location")


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this request after so many seconds; ``last`` if its answer is the result."""

    request: Request
    after: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class Poll:
    """How a job is followed to its end.

    Parameters
    ----------
    status : path
        Of the state in an answer.
    done, failed : collection
        The states in which the job has ended, well or not; all others are waited for.
    url : path, optional
        Of the URL to ask, absolute or relative; by default the answer's ``Operation-Location`` or
        ``Location``, else the URL that answered.
    every : float or sequence of float
        Seconds between two questions; of several the last repeats. ``Retry-After`` is a floor.
    result : path, optional
        Of the result's URL; by default the last answer is the result.
    error : path
        Of the message in a failed job's answer.
    patience : float
        Seconds after which a job counts as lost.

    Raises
    ------
    PlanError
        A value is out of its range.
    """

    status: Path = "status"
    done: Collection[Any] = frozenset({"done", "finished", "completed", "succeeded", "success"})
    failed: Collection[Any] = frozenset({"failed", "error", "cancelled", "canceled"})
    url: Path | None = None
    every: float | Sequence[float] = 1.0
    result: Path | None = None
    error: Path = "error"
    patience: float = 3_600.0

    def __post_init__(self) -> None:
        waits = [self.every] if isinstance(self.every, int | float) else list(self.every)
        if not waits or not all(isinstance(each, int | float) and 0 <= each < float("inf") for each in waits):
            raise PlanError(f"Poll: every={self.every!r} is a number of seconds, or several")
        for name in ("done", "failed"):
            states = getattr(self, name)
            if isinstance(states, str) or not isinstance(states, Collection):
                raise PlanError(f"Poll: {name}={states!r} is a set of states, as {{{states!r}}}")

    def submitted(self, page: Page, *, epoch: float, allow_hosts: Sequence[str] = ()) -> Ask | None:
        """Return the first question after the submission; None if its answer is the result already.

        Parameters
        ----------
        page, epoch, allow_hosts
            As in `answered`.

        Raises
        ------
        AttemptError
            As `answered`.
        """
        if find(page.payload, self.status) is not None:
            return self.answered(page, page.request, turn=0, waited=0.0, epoch=epoch, allow_hosts=allow_hosts)
        return _admitted(page.request, self._again(page, 0, 0.0, epoch), allow_hosts)

    def answered(
        self,
        page: Page,
        home: Request,
        *,
        turn: int,
        waited: float,
        epoch: float,
        allow_hosts: Sequence[str] = (),
    ) -> Ask | None:
        """Return what to ask next; None if the page is the result.

        Parameters
        ----------
        page : Page
            Of the submission or of a question.
        home : Request
            The submission: all questions go to its origin.
        turn : int
            Questions so far.
        waited : float
            Seconds since the submission.
        epoch : float
            Our clock, in seconds since the epoch.
        allow_hosts : sequence of str
            Where else a question or a result may be; headers stay behind.

        Raises
        ------
        UnsafeUrlError
            The server sends us elsewhere.
        PayloadError
            The job failed.
        ParseError
            The answer holds no state, or not the URL that it should.
        AttemptTimeoutError
            The patience is over.

        Examples
        --------
        >>> from pandas_async_io._core.models import Page, Request, Response
        >>> poll = Poll("state", url="links.self", every=(1, 5))
        >>> page = Page(
        ...     Request("http://e.com/jobs", "POST", body=b"{}"),
        ...     Response(202, {}, b"", ""),
        ...     {"state": "queued", "links": {"self": "/jobs/7"}},
        ... )
        >>> ask = poll.answered(page, page.request, turn=3, waited=7.0, epoch=0.0)
        >>> ask.request.method, ask.request.url, ask.after
        ('GET', 'http://e.com/jobs/7', 5)
        """
        state = find(page.payload, self.status)
        if state is None or isinstance(state, dict | list):
            raise ParseError(f"Poll: the answer has no state at {self.status!r}")
        if state in self.failed:
            said = find(page.payload, self.error)
            why = f": {redact_text(str(said))[:200]}" if said else ""
            raise PayloadError(f"the job ended as {state!r}{why}")
        if state not in self.done:
            return _admitted(home, self._again(page, turn, waited, epoch), allow_hosts)
        if self.result is None:
            return None
        return _admitted(home, Ask(_question(page, _url(page, self.result)), 0.0, last=True), allow_hosts)

    def _again(self, page: Page, turn: int, waited: float, epoch: float) -> Ask:
        pauses = [self.every] if isinstance(self.every, int | float) else self.every
        asked = asked_delay({name.lower(): value for name, value in page.response.headers.items()}, epoch=epoch)
        after = max(pauses[min(turn, len(pauses) - 1)], asked or 0.0)
        if waited + after > self.patience:
            raise AttemptTimeoutError(f"the job has not ended within {self.patience:g} s (Poll(patience=...))")
        if self.url is not None and (turn == 0 or find(page.payload, self.url) is not None):
            return Ask(_question(page, _url(page, self.url)), after)
        named = next((url for name in _HEADERS if (url := page.response.header(name))), None)
        return Ask(_question(page, named or ""), after)


def _admitted(home: Request, ask: Ask, allow_hosts: Sequence[str]) -> Ask:
    try:
        return replace(ask, request=admitted(home, ask.request, allow_hosts))
    except UnsafeUrlError as exc:
        raise UnsafeUrlError(str(exc).replace("the next page", "the job", 1)) from None


def _url(page: Page, path: Path) -> str:
    url = find(page.payload, path)
    if not isinstance(url, str) or not url:
        raise ParseError(f"Poll: the answer has no URL at {path!r}")
    return url


def _question(page: Page, url: str) -> Request:
    """Return a GET of a URL with the headers of the page's request; its own URL if there is none."""
    request = follow(page, url or page.response.url or page.request.url)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
    return replace(request, method="GET", body=None, headers=headers)
