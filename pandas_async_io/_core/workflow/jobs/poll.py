"""Submit, poll, download: what an answer of a job's API asks for next.

The law of this file: every job ends. A state that is neither done nor failed
is asked for again, later, and not for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, AttemptTimeoutError, ParseError, PayloadError, PlanError
from pandas_async_io._core.json_path import Path, find_value
from pandas_async_io._core.models import NO_HEADERS, Outcome
from pandas_async_io._core.policy.header_times import read_requested_delay
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.workflow.jobs.job_states import (
    DONE_STATES,
    FAILED_STATES,
    compile_end_states,
    describe_unfinished,
    is_number,
    quote_state,
    state_key,
)
from pandas_async_io._core.workflow.paging.links import follow_link

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page, Request

_STATUS_URL_HEADERS = ("Azure-AsyncOperation", "Operation-Location", "Location", "Content-Location")
_RESOURCE_METHODS = frozenset({"GET", "PUT", "PATCH"})
"""Methods whose URL is that of what they make or change; a POST's is another's (RFC 9110, 9.3)."""


class RetryAfterTooLongError(AttemptError):
    """The server wants to be asked again later than anyone would wait."""

    outcome = Outcome.RATE_LIMITED_TOO_LONG


@dataclass(frozen=True, slots=True)
class JobRequest:
    """Send this request after so many seconds.

    Attributes
    ----------
    request : Request
        Without headers; whether it may be sent there has not been looked at.
    after : float
        Seconds.
    last : bool
        Whether its answer is the result.
    state : object
        The job's, if it is known.
    floor : float
        Of the seconds, those that the server asks for.
    """

    request: Request
    after: float
    last: bool = False
    state: Any = None
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Poll:
    """How a job is followed to its end.

    A submission that is answered with a 202 and a URL to ask is asked for, whatever its body says; any other
    answer is the result if its body says that the job is done. From then on it is the state in the body that
    counts, not the status: a 202 without a state is an error, and a redirect (303) is followed as any other, to
    an answer that has to hold the state. A job that is not known (404) right after its submission is asked for
    a few times more, for it may not be known everywhere yet; then it, or a 410, means that the job is gone.

    ``format=``, ``parser=`` and ``error_when=`` apply to the result only, not to the submission's answer and
    to those that tell the state; ``record_path=`` and all else that makes columns is the result's as well.

    Parameters
    ----------
    status : path
        Of the state in an answer.
    done, failed : collection of str, bool or number
        The states in which the job has ended, well or not; all others are waited for. Texts are compared
        without their case, numbers by their value; True is not 1, and "1" is neither.
    url : path, optional
        Of the URL to ask, absolute or relative; by default, and where it leads nowhere, the answer's
        ``Operation-Location`` or ``Location``, else the URL that answered, unless that took a POST.
    every : float or sequence of float
        Seconds between two questions; of several the last repeats. ``Retry-After`` is a floor.
    result : path, optional
        Of the result's URL; by default the last answer is the result.
    error : path
        Of the message in the answer of a job that failed, or was not taken.
    patience : float
        Seconds after which a job counts as lost. It is not: ``retry_failed`` goes on asking.

    Raises
    ------
    PlanError
        A value is none of these.
    """

    status: Path = "status"
    done: Collection[Any] = DONE_STATES
    failed: Collection[Any] = FAILED_STATES
    url: Path | None = None
    every: float | Sequence[float] = 1.0
    result: Path | None = None
    error: Path = "error"
    patience: float = 3_600.0
    _pauses: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _done: frozenset[Any] = field(init=False, repr=False, compare=False)
    _failed: frozenset[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("status", "url", "result", "error"):
            path = getattr(self, name)
            if not _is_path(path) and not (path is None and name in {"url", "result"}):
                raise PlanError(f"Poll: {name}={path!r} is a path: 'links.self', or its keys as a list")
        if not is_number(self.patience) or self.patience <= 0:
            raise PlanError(f"Poll: patience={self.patience!r} is a number of seconds above 0")
        object.__setattr__(self, "_pauses", _compile_delays(self.every))
        for name, states in zip(("_done", "_failed"), compile_end_states(self.done, self.failed), strict=True):
            object.__setattr__(self, name, states)

    def submitted(self, page: Page, *, epoch: float) -> JobRequest | None:
        """Return the first question after the submission; None if its answer is the result already.

        Parameters
        ----------
        page, epoch
            As in `answered`.

        Raises
        ------
        AttemptError
            As `answered`.

        Examples
        --------
        >>> from pandas_async_io._core.models import Page, Request, Response
        >>> receipt = Response(202, {"Location": "/jobs/7"}, b"", "")
        >>> page = Page(Request("http://e.com/jobs", "POST"), receipt, {"status": "success"})
        >>> Poll().submitted(page, epoch=0.0).request.url
        'http://e.com/jobs/7'
        """
        state = find_value(page.payload, self.status)
        if state is None or isinstance(state, dict | list):
            return self._again(page, 0, epoch, None)
        if page.response.status == 202 and self._named(page):  # it was received; an envelope may say "success" of that
            over = state_key(state) in self._done | self._failed
            return self._again(page, 0, epoch, None if over else state)
        return self.answered(page, turn=0, epoch=epoch)

    def answered(self, page: Page, *, turn: int, epoch: float) -> JobRequest | None:
        """Return what to ask next; None if the page is the result.

        Parameters
        ----------
        page : Page
            Of the submission or of a question.
        turn : int
            Questions so far.
        epoch : float
            Our clock, in seconds since the epoch.

        Raises
        ------
        UnsafeUrlError
            What the server names is no URL.
        PayloadError
            The job failed.
        ParseError
            The answer holds no state, or not the URL that it should.

        Examples
        --------
        >>> from pandas_async_io._core.models import Page, Request, Response
        >>> poll = Poll("state", url="links.self", every=(1, 5))
        >>> page = Page(
        ...     Request("http://e.com/jobs", "POST", body=b"{}"),
        ...     Response(202, {}, b"", ""),
        ...     {"state": "queued", "links": {"self": "/jobs/7"}},
        ... )
        >>> ask = poll.answered(page, turn=3, epoch=0.0)
        >>> ask.request.method, ask.request.url, ask.after
        ('GET', 'http://e.com/jobs/7', 5)
        """
        state = find_value(page.payload, self.status)
        if state is None or isinstance(state, dict | list):
            raise ParseError(f"Poll: the answer has no state at {self.status!r}")
        if (key := state_key(state)) in self._failed:
            raise PayloadError(f"the job ended as {quote_state(state)}{self._said(page)}")
        if key not in self._done:
            return self._again(page, turn, epoch, state)
        if self.result is None:
            return None
        link = find_value(page.payload, self.result)
        if not isinstance(link, str) or not link:
            raise ParseError(f"Poll: the answer has no URL at {self.result!r}")
        return JobRequest(_status_request(page, link), 0.0, last=True, state=state)

    def check(self, ask: JobRequest, waited: float) -> None:
        """Refuse a question that would come too late.

        Parameters
        ----------
        ask : Ask
            What is to be asked; a result is never late.
        waited : float
            Seconds since the submission.

        Raises
        ------
        AttemptTimeoutError
            The patience would be over.
        PauseTooLongError
            The server asks for a pause that is longer than all of it.

        Examples
        --------
        >>> from pandas_async_io._core.models import Request
        >>> Poll(patience=60).check(JobRequest(Request("http://e.com/jobs/7"), 2.0, state="running"), 59.0)
        Traceback (most recent call last):
        pandas_async_io._core.errors.AttemptTimeoutError: the job was still 'running' after 60 s: retry_failed goes \
on asking, Poll(patience=...) waits longer; if that is an end, name it in done= or failed=
        """
        if ask.last or waited + ask.after <= self.patience:
            return
        job, limit = describe_unfinished(ask.state), f"{self.patience:g} s"
        if ask.floor > self.patience:
            raise RetryAfterTooLongError(
                f"{job}, and the server asks to wait {ask.floor:g} s (Poll's patience is {limit})"
            )
        text = f"{job} after {limit}: retry_failed goes on asking, Poll(patience=...) waits longer"
        end = "" if ask.state is None else "; if that is an end, name it in done= or failed="
        raise AttemptTimeoutError(text + end)

    def pause(self, turn: int) -> float:
        """Return the seconds before the question after so many.

        Examples
        --------
        >>> [Poll(every=(1, 5)).pause(turn) for turn in range(3)]
        [1, 5, 5]
        """
        return self._pauses[min(turn, len(self._pauses) - 1)]

    def _again(self, page: Page, turn: int, epoch: float, state: Any) -> JobRequest:
        named = self._named(page)
        if turn == 0 and not named and (self.url is not None or not _answers_for_job(page)):
            if said := self._said(page):
                raise PayloadError(f"no job was made of it{said}")
            missing = "no URL" if self.url is None else f"no URL at {self.url!r}"
            raise ParseError(
                f"Poll: the answer has {missing}, nor a Location: pass url=, the path of the job's URL in it"
            )
        asked = (
            read_requested_delay({name.lower(): value for name, value in page.response.headers.items()}, epoch=epoch)
            or 0.0
        )
        return JobRequest(_status_request(page, named), max(self.pause(turn), asked), state=state, floor=asked)

    def _said(self, page: Page) -> str:
        said = find_value(page.payload, self.error)
        return f": {redact_text(str(said))[:200]}" if said else ""

    def _named(self, page: Page) -> str:
        """Return the URL to ask that an answer names, "" if none."""
        found = None if self.url is None else find_value(page.payload, self.url)
        if isinstance(found, str) and found.strip():
            return found
        return next((url for name in _STATUS_URL_HEADERS if (url := page.response.header(name))), "")


def _answers_for_job(page: Page) -> bool:
    """Whether a submission's answer came from where its job is; a slash or a scheme more is still the POST's URL."""
    own, asked = page.response.url or page.request.url, page.request.url
    return page.request.method in _RESOURCE_METHODS or _path(own) != _path(asked)


def _path(url: str) -> str:
    return url.partition("://")[2].partition("/")[2].partition("?")[0].rstrip("/")


def _status_request(page: Page, url: str) -> Request:
    """Return a GET of a URL that an answer names; of the answer's own if that is none."""
    asked = follow_link(page, url or page.response.url or page.request.url)
    return replace(asked, method="GET", body=None, headers=NO_HEADERS)


def _is_path(value: Any) -> bool:
    keys = [value] if isinstance(value, str) else value
    return isinstance(keys, Sequence) and len(keys) > 0 and all(isinstance(key, str) and key for key in keys)


def _compile_delays(every: Any) -> tuple[float, ...]:
    """Return the pauses that ``every`` means.

    Raises
    ------
    PlanError
        If it means none.
    """
    listed = isinstance(every, Iterable) and not isinstance(every, str | bytes | AbstractSet | Mapping)
    pauses = tuple(every) if listed else (every,)
    if not pauses or not all(is_number(pause) and pause >= 0 for pause in pauses):
        raise PlanError(f"Poll: every={every!r} is a number of seconds, or several")
    return pauses
