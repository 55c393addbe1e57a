"""Which limits of a call are its own, and which are its client's: for the report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.report.limit import RunLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.models import Response
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


class TimedParser:
    """The user's ``parser=``, and the seconds that it took."""

    __slots__ = ("_parser", "seconds")

    def __init__(self, parser: Callable[[Response], Any]) -> None:
        self._parser = parser
        self.seconds = 0.0

    def __call__(self, response: Response) -> Any:
        """Return what the parser returns."""
        started = time.perf_counter()
        try:
            return self._parser(response)
        finally:
            self.seconds += time.perf_counter() - started


def describe_limits(call: PreparedCall) -> RunLimits:
    """Return the limits of a call, once it was sent."""
    policy, ceilings, asked = call.policy, call.client.limits, call.options.concurrency
    wants_more = not isinstance(asked, int) or ceilings.concurrency is None or asked > ceilings.concurrency
    strictest = max(policy.rates, key=lambda rate: rate.spacing, default=None)
    parser = call.decode.parser
    return RunLimits(
        concurrency=policy.concurrency * max(len(call.requests.sent.origins), 1),
        client_concurrency=ceilings.concurrency if wants_more else None,
        is_rate_of_client=strictest is not None and strictest in ceilings.rates,
        timeout=policy.timeout,
        parser_seconds=parser.seconds if isinstance(parser, TimedParser) else 0.0,
    )
