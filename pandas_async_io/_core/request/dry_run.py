"""The dry run: what a call would send, described without sending it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from html import escape
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

from pandas_async_io._core.security.redaction import SecretRedactor
from pandas_async_io._core.security.secrets import redact_text, redact_url
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pandas_async_io._core.models import Request
    from pandas_async_io._core.request.rows.expansion import Expansion
    from pandas_async_io._core.security.origins import Origin

_SAMPLE_SIZE = 3
"""Requests, and unsafe rows, that a plan shows."""

_NO_SECRETS = SecretRedactor()


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests that a fetch would send. Nothing was sent.

    Attributes
    ----------
    rows : int
        Input rows.
    requests : int
        Distinct requests.
    skipped : mapping of str to int
        Rows without a request, by outcome.
    origins : mapping of str to int
        Requests by origin.
    samples : tuple of str
        ``method URL`` of the first three requests, with credentials masked.
    curl : tuple of str
        The same requests as shell commands, with credentials masked.
    reasons : mapping of int to str
        Why the first three unsafe rows are not sent, by row position.
    pace : str
        How long the requests take at the rate; "" without one.
    store : str
        What the store answers, and what is sent all the same; "" without one.
    """

    rows: int
    requests: int
    skipped: Mapping[str, int]
    origins: Mapping[str, int]
    samples: tuple[str, ...]
    curl: tuple[str, ...]
    reasons: Mapping[int, str]
    pace: str = ""
    store: str = ""

    def __repr__(self) -> str:
        skipped = ", ".join(f"{count} {outcome}" for outcome, count in self.skipped.items())
        counts = f"{format_count(self.rows, 'row')}, {format_count(self.requests, 'request')}"
        lines = [f"Plan: {counts}" + (f", skipped: {skipped}" if skipped else "")]
        lines += [f"  {count} to {origin}" for origin, count in self.origins.items()]
        lines += [f"  {text}" for text in (self.pace, self.store) if text]
        lines += [f"  row {row}: {reason}" for row, reason in self.reasons.items()]
        lines += [f"  {line}" for line in self.curl]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def make_plan(
    sent: Expansion,
    rows: Expansion,
    headers: Callable[[Origin], Mapping[str, str]],
    to_first_request: Callable[[Request], Request] = lambda request: request,
    redactor: SecretRedactor = _NO_SECRETS,
    *,
    pace: str = "",
    store: str = "",
) -> Plan:
    """Describe an expansion.

    Parameters
    ----------
    sent : Expansion
        The requests.
    rows : Expansion
        What each row asks for: one of the requests, or with ``batch`` one of the keys.
    headers : callable
        Returns the headers that the client adds for an origin.
    to_first_request : callable
        Returns the first request of a workflow that starts with a request.
    redactor : SecretRedactor, optional
        Masks the call's credentials, by their values and in their places.
    pace, store : str
        As in `Plan`.
    """
    requests = [to_first_request(request) for request in _samples(sent, headers)]
    unsafe = len(rows.unsafe)
    null = int((rows.row_to_request < 0).sum()) - unsafe
    skipped = {outcome: count for outcome, count in (("null_key", null), ("unsafe_url", unsafe)) if count}
    return Plan(
        rows=len(rows.row_to_request),
        requests=len(sent),
        skipped=skipped,
        origins={str(origin): len(positions) for origin, positions in sent.origins.items()},
        samples=tuple(f"{request.method} {redactor.redact(redact_url(request.url))}" for request in requests),
        curl=tuple(to_curl(request, redactor) for request in requests),
        reasons={row: rows.unsafe[row] for row in sorted(rows.unsafe)[:_SAMPLE_SIZE]},
        pace=pace,
        store=store,
    )


def _samples(expansion: Expansion, headers: Callable[[Origin], Mapping[str, str]]) -> list[Request]:
    found = [
        item
        for origin in expansion.origins
        for item in islice(expansion.requests(origin, headers(origin)), _SAMPLE_SIZE)
    ]
    return [request for _, request in sorted(found, key=itemgetter(0))[:_SAMPLE_SIZE]]


def to_curl(request: Request, redactor: SecretRedactor = _NO_SECRETS) -> str:
    """Return a request as a curl command, with credentials masked.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> to_curl(Request("https://e.com/?token=abc", headers={"Authorization": "Bearer x"}))
    "curl -H 'Authorization: ***' 'https://e.com/?token=***'"
    """
    is_curls_default = request.method == "GET" and request.body is None  # with a body, curl sends a POST
    words = ["curl"] + ([] if is_curls_default else ["-X", request.method])
    for name, value in redactor.redact_headers(request.headers).items():
        words += ["-H", f"{name}: {value}"]
    if request.body is not None:
        words += ["--data-raw", redactor.redact(redact_text(request.body.decode(errors="replace")))]
    return shlex.join([*words, redactor.redact(redact_url(request.url))])
