"""Whether a kept answer may be given without a request: RFC 9111 as a private cache.

Invariant: an answer's age is counted from its arrival on our clock, and its lifetime from the server's ``Date`` on
the server's: the two clocks are never compared. If our clock went back, the age is unknown, and the answer is stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from pandas_async_io._core.storage.cache_fields import CacheFields, read_cache_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.models import Request, Response

CACHED_METHODS = frozenset({"GET", "HEAD"})
"""Methods whose answers are kept. One to POST would need a lifetime and ``Content-Location`` (RFC 9110, 9.3.3)."""

_OWN_CONDITIONS = frozenset(
    {"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"}
)
"""Fields of a request whose caller does the work of a cache, or wants a part."""

_UNDERSTOOD_STATUSES = frozenset({200, 201, 202, 203, 204, 404, 410})
"""Statuses of answers that may be kept; a 404 only where a call takes it for no records, a part (206) never."""

_HEURISTIC_STATUSES = frozenset({200, 203, 204, 404, 410})
"""Of those, statuses that need no explicit freshness (RFC 9110, 15.1)."""

_HEURISTIC_FRACTION = 0.1
"""Of the time since the last modification (RFC 9111, 4.2.2)."""

_MAX_HEURISTIC_SECONDS = 86_400.0

_CLOCK_TOLERANCE_SECONDS = 1.0
"""Seconds by which an answer may lie in the future before its age counts as unknown."""


class Use(Enum):
    """What a kept answer is good for."""

    FRESH = auto()
    """It stands for sending the request."""
    VALIDATE = auto()
    """The server is asked whether it still holds."""
    NONE = auto()
    """It does not belong to the request, or should not have been kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a kept answer is good for, and until when if the server fails.

    Attributes
    ----------
    use : Use
        The decision.
    stale_until : float
        Seconds since the epoch until which it is given in place of a failure (stale-if-error, RFC 5861); -infinity
        if never.
    """

    use: Use
    stale_until: float = -inf


class StoredAnswer(NamedTuple):
    """A kept answer.

    Attributes
    ----------
    response : Response
        As it came.
    fetched_at : float
        When it came, or was last validated, in seconds since the epoch.
    verdict : Verdict
        What it is good for.
    """

    response: Response
    fetched_at: float
    verdict: Verdict = Verdict(Use.FRESH)

    @property
    def is_fresh(self) -> bool:
        """Whether it stands for sending the request."""
        return self.verdict.use is Use.FRESH


def judge_answer(
    request: Request,
    status: int,
    fields: CacheFields,
    *,
    fetched_at: float,
    now: float,
    is_ignored: Callable[[str], bool],
) -> Verdict:
    """Decide what a kept answer is good for (RFC 9111, section 4).

    Parameters
    ----------
    request : Request
        The request that is to be sent.
    status : int
        Of the kept answer.
    fields : CacheFields
        Of the kept answer.
    fetched_at, now : float
        When it came and what time it is, in seconds since the epoch, on our clock.
    is_ignored : callable
        Takes the name of a header; returns whether equal requests may differ in it.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> fields = read_cache_fields({"Cache-Control": "max-age=60, stale-if-error=600"})
    >>> request, ignored = Request("https://e.com"), lambda name: False
    >>> judge_answer(request, 200, fields, fetched_at=0.0, now=59.0, is_ignored=ignored).use.name
    'FRESH'
    >>> judge_answer(request, 200, fields, fetched_at=0.0, now=60.0, is_ignored=ignored)
    Verdict(use=<Use.VALIDATE: 2>, stale_until=660.0)
    """
    if not is_storable(request, status, fields, is_ignored=is_ignored):
        return Verdict(Use.NONE)
    wanted = read_cache_fields(request.headers)
    age = _count_age(fields, fetched_at, now)
    lifetime = find_lifetime(status, fields, fetched_at)
    if fields.has("no-cache") or "no-cache" in wanted.directives:
        return Verdict(Use.VALIDATE)
    max_age, min_fresh = wanted.seconds("max-age"), wanted.seconds("min-fresh") or 0
    left = min(lifetime, inf if max_age is None else max_age) - age - min_fresh
    if left > 0 or (left == 0 and min_fresh):
        return Verdict(Use.FRESH)
    if "must-revalidate" in fields.directives:
        return Verdict(Use.VALIDATE)
    if wanted.has("max-stale") or -left < (wanted.seconds("max-stale") or 0):
        return Verdict(Use.FRESH)
    grace = max(fields.seconds("stale-if-error") or 0, wanted.seconds("stale-if-error") or 0)
    return Verdict(Use.VALIDATE, now + left + grace if grace else -inf)


def is_storable(request: Request, status: int, fields: CacheFields, *, is_ignored: Callable[[str], bool]) -> bool:
    """Whether an answer may be kept (RFC 9111, section 3), and could ever be given.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> answers = [{"ETag": '"1"'}, {"ETag": '"1"', "Cache-Control": "no-store"}, {"ETag": '"1"', "Vary": "*"}, {}]
    >>> ignored = lambda name: False
    >>> [is_storable(Request("https://e.com"), 200, read_cache_fields(each), is_ignored=ignored) for each in answers]
    [True, False, False, False]
    """
    if request.method not in CACHED_METHODS or status not in _UNDERSTOOD_STATUSES:
        return False
    if "*" in fields.vary or find_unmatched_vary(request, fields, is_ignored):
        return False
    if not _OWN_CONDITIONS.isdisjoint(map(str.lower, request.headers)):
        return False
    directives = fields.directives
    if "no-store" in directives and "must-understand" not in directives:  # RFC 9111, 5.2.2.3
        return False
    has_lifetime = "max-age" in directives or fields.expires is not None
    if not (has_lifetime or status in _HEURISTIC_STATUSES or not directives.keys().isdisjoint({"public", "private"})):
        return False
    return has_lifetime or fields.etag is not None or fields.last_modified is not None or "stale-if-error" in directives


def asks_not_to_store(request: Request) -> bool:
    """Whether a request asks that its answer is not kept (RFC 9111, 5.2.1.5)."""
    return "no-store" in read_cache_fields(request.headers).directives


def find_unmatched_vary(request: Request, fields: CacheFields, is_ignored: Callable[[str], bool]) -> frozenset[str]:
    """Return the header fields of a request in which the others of its answer may differ, although ``Vary`` names them.

    Two requests with the same fingerprint have the same header fields but for the ignored ones (RFC 9111, 4.1).

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> fields = read_cache_fields({"Vary": "Accept, X-Time, X-User"})
    >>> request = Request("https://e.com", headers={"Accept": "text/csv", "X-TIME": "9"})
    >>> find_unmatched_vary(request, fields, {"x-time", "x-user"}.__contains__)
    frozenset({'x-time'})
    """
    if not fields.vary:
        return frozenset()
    return frozenset(name for name in map(str.lower, request.headers) if name in fields.vary and is_ignored(name))


def find_lifetime(status: int, fields: CacheFields, fetched_at: float) -> float:
    """Return the seconds for which an answer is fresh (RFC 9111, 4.2.1 and 4.2.2).

    ``s-maxage`` is for shared caches.

    Examples
    --------
    >>> dates = {"Date": "Thu, 01 Jan 1970 00:10:00 GMT", "Expires": "Thu, 01 Jan 1970 00:11:00 GMT"}
    >>> find_lifetime(200, read_cache_fields(dates), fetched_at=1e9)
    60.0
    """
    max_age = fields.seconds("max-age")
    if max_age is not None:
        return max_age
    date = fetched_at if fields.date is None else fields.date
    if fields.expires is not None:
        return max(fields.expires - date, 0.0)
    if fields.last_modified is None or not (status in _HEURISTIC_STATUSES or "public" in fields.directives):
        return 0.0
    return min(max(date - fields.last_modified, 0.0) * _HEURISTIC_FRACTION, _MAX_HEURISTIC_SECONDS)


def _count_age(fields: CacheFields, fetched_at: float, now: float) -> float:
    """Return the seconds since the server made or validated an answer (RFC 9111, 4.2.3).

    The kept ``Age`` holds the response's delay, see `add_to_age`. The apparent age, which compares our clock
    with the server's, is left out, as the section allows.
    """
    resident = now - fetched_at
    return inf if resident < -_CLOCK_TOLERANCE_SECONDS else fields.age + max(resident, 0.0)
