"""Which request follows a response of a job's API, and when.

Invariant: every job ends. A state that is neither done nor failed is polled again, until the patience is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, AttemptTimeoutError, ParseError, PayloadError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.models import NO_HEADERS, Outcome
from pandas_async_io._core.policy.server_limits.header_times import read_requested_delay
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.workflow.jobs.job import JobRequest, Phase
from pandas_async_io._core.workflow.jobs.job_states import describe_unfinished, quote_state
from pandas_async_io._core.workflow.jobs.poll import JobStatus
from pandas_async_io._core.workflow.paging.links.links import follow_link

if TYPE_CHECKING:
    from pandas_async_io._core.json_path import Path
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.workflow.jobs.poll import Poll

_STATUS_URL_HEADERS = ("Azure-AsyncOperation", "Operation-Location", "Location", "Content-Location")

_OWN_URL_METHODS = frozenset({"GET", "PUT", "PATCH"})
"""Methods whose URL is that of the job itself; a POST makes a job with another URL (RFC 9110, 9.3)."""

_MAX_ERROR_LENGTH = 200


class RetryAfterTooLongError(AttemptError):
    """The server asks for a longer delay than the patience allows."""

    outcome = Outcome.RATE_LIMITED_TOO_LONG


def find_next_request(poll: Poll, page: Page, *, polls: int, epoch: float) -> JobRequest | None:
    """Return the request that follows a response; None if the response is the result.

    Parameters
    ----------
    page : Page
        The response and its payload.
    polls : int
        Polls so far; 0 for the response to the submission.
    epoch : float
        Our clock, in seconds since the epoch.

    Raises
    ------
    UnsafeUrlError
        The server names something that is not a URL.
    PayloadError
        The job failed, or the submission made none.
    ParseError
        The response has no state, or not the URL that it should have.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> from pandas_async_io._core.workflow.jobs.poll import Poll
    >>> submission = Request("http://e.com/jobs", "POST", body=b"{}")
    >>> receipt = Page(submission, Response(202, {"Location": "/jobs/7"}, b"", ""), {"status": "success"})
    >>> find_next_request(Poll(), receipt, polls=0, epoch=0.0).request.url
    'http://e.com/jobs/7'
    >>> running = Page(Request("http://e.com/jobs/7"), Response(200, {}, b"", ""), {"status": "running"})
    >>> following = find_next_request(Poll(every=(1, 5)), running, polls=3, epoch=0.0)
    >>> following.request.method, following.request.url, following.delay
    ('GET', 'http://e.com/jobs/7', 5)
    """
    state = find_value(page.payload, poll.status)
    has_state = state is not None and not isinstance(state, dict | list)
    if polls == 0:
        if not has_state:
            return _poll_again(poll, page, 0, epoch, None)
        if page.response.status == 202 and _find_status_url(poll, page):
            # The 202 says that the job was received; an end state beside it may be that of the envelope.
            is_running = poll.classify_state(state) is JobStatus.RUNNING
            return _poll_again(poll, page, 0, epoch, state if is_running else None)
    if not has_state:
        raise ParseError(f"Poll: the response has no state at {poll.status!r}")
    status = poll.classify_state(state)
    if status is JobStatus.FAILED:
        raise PayloadError(f"the job ended as {quote_state(state)}{_find_error(poll, page)}")
    if status is JobStatus.RUNNING:
        return _poll_again(poll, page, polls, epoch, state)
    return None if poll.result is None else _download(page, poll.result, state)


def check_patience(poll: Poll, following: JobRequest, waited: float) -> None:
    """Refuse a poll that would be sent after the patience is over; a download is always allowed.

    Parameters
    ----------
    following : JobRequest
        The request to be sent.
    waited : float
        Seconds since the submission.

    Raises
    ------
    AttemptTimeoutError
        The patience would be over.
    RetryAfterTooLongError
        The server asks for a delay that is longer than the whole patience.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> from pandas_async_io._core.workflow.jobs.poll import Poll
    >>> check_patience(Poll(patience=60), JobRequest(Request("http://e.com/jobs/7"), 2.0, state="running"), 59.0)
    Traceback (most recent call last):
    pandas_async_io._core.errors.AttemptTimeoutError: the job was still 'running' after 60 s: retry_failed continues \
to poll it, Poll(patience=...) waits longer; if this state is an end, name it in done= or failed=
    """
    if following.phase is Phase.DOWNLOAD or waited + following.delay <= poll.patience:
        return
    job, limit = describe_unfinished(following.state), f"{poll.patience:g} s"
    if following.min_delay > poll.patience:
        text = f"{job}, and the server asks to wait {following.min_delay:g} s (Poll's patience is {limit})"
        raise RetryAfterTooLongError(text)
    text = f"{job} after {limit}: retry_failed continues to poll it, Poll(patience=...) waits longer"
    hint = "" if following.state is None else "; if this state is an end, name it in done= or failed="
    raise AttemptTimeoutError(text + hint)


def _download(page: Page, path: Path, state: Any) -> JobRequest:
    link = find_value(page.payload, path)
    if not isinstance(link, str) or not link:
        raise ParseError(f"Poll: the response has no URL at {path!r}")
    return JobRequest(_get(page, link), 0.0, Phase.DOWNLOAD, state)


def _poll_again(poll: Poll, page: Page, polls: int, epoch: float, state: Any) -> JobRequest:
    url = _find_status_url(poll, page)
    if polls == 0 and not url and (poll.url is not None or not _answers_at_own_url(page)):
        if error := _find_error(poll, page):
            raise PayloadError(f"the submission made no job{error}")
        missing = "no URL" if poll.url is None else f"no URL at {poll.url!r}"
        raise ParseError(
            f"Poll: the response has {missing} and no Location header: pass url=, the path of the job's URL in the body"
        )
    headers = {name.lower(): value for name, value in page.response.headers.items()}
    min_delay = read_requested_delay(headers, epoch=epoch) or 0.0
    return JobRequest(_get(page, url), max(poll.delay_after(polls), min_delay), state=state, min_delay=min_delay)


def _find_error(poll: Poll, page: Page) -> str:
    """Return the server's error message after a colon, "" if there is none."""
    error = find_value(page.payload, poll.error)
    return f": {redact_text(str(error))[:_MAX_ERROR_LENGTH]}" if error else ""


def _find_status_url(poll: Poll, page: Page) -> str:
    """Return the URL to poll that a response names, "" if it names none."""
    url = None if poll.url is None else find_value(page.payload, poll.url)
    if isinstance(url, str) and url.strip():
        return url
    return next((url for name in _STATUS_URL_HEADERS if (url := page.response.header(name))), "")


def _answers_at_own_url(page: Page) -> bool:
    """Whether the response to a submission came from the job's own URL.

    Another scheme or a final slash is not another URL: that is still where the POST went.
    """
    answered, requested = page.response.url or page.request.url, page.request.url
    return page.request.method in _OWN_URL_METHODS or _url_path(answered) != _url_path(requested)


def _url_path(url: str) -> str:
    return url.partition("://")[2].partition("/")[2].partition("?")[0].rstrip("/")


def _get(page: Page, url: str) -> Request:
    """Return a GET of a URL that a page names; "" is the page's own URL."""
    request = follow_link(page, url or page.response.url or page.request.url)
    return replace(request, method="GET", body=None, headers=NO_HEADERS)
