"""Rate limiters of common servers and frameworks, as handlers for `serve_handler`.

Each has `rate`, the requests per second that it accepts in the long run, and counts its refusals by its own clock.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.handler import ServedRequest

    Answer = tuple[int, dict[str, str]]


class LeakyBucket:
    """nginx's ``limit_req``: a bucket that leaks `rate` requests a second and overflows above `burst` + 1 of them."""

    def __init__(
        self, rate: float, headers: dict[str, str] | None = None, *, burst: int = 0, status: int = 429
    ) -> None:
        self.rate, self.headers, self.burst, self.status = rate, headers or {}, burst, status
        self._level, self._at = 0.0, -math.inf

    async def __call__(self, request: ServedRequest) -> Answer:
        level = max(0.0, self._level - (request.arrived - self._at) * self.rate)
        self._level, self._at = level, request.arrived
        if level > self.burst + 1e-9:
            return self.status, self.headers
        self._level += 1
        return 200, {}


class FixedWindow:
    """express-rate-limit 7: a count per window that begins with the first request; every response tells what is left.

    Parameters
    ----------
    count, seconds
        Requests per window, and its length.
    dialect : {"draft-6", "draft-7", "legacy"}
        ``RateLimit-Remaining``, one ``RateLimit`` field, or ``X-RateLimit-Reset`` as an epoch.
    """

    def __init__(self, count: int, seconds: float, *, dialect: str = "draft-6", ms: float = 0.0) -> None:
        self.count, self.seconds, self.dialect = count, seconds, dialect
        self.rate = count / seconds
        self._used, self._end = 0, -math.inf

    async def __call__(self, request: ServedRequest) -> Answer:
        if request.arrived >= self._end:
            self._used, self._end = 0, request.arrived + self.seconds
        self._used += 1
        left, reset = max(self.count - self._used, 0), math.ceil(self._end - request.arrived)
        headers = self._describe(left, reset)
        if self._used > self.count:
            return 429, {**headers, "Retry-After": str(reset)}
        return 200, headers

    def _describe(self, left: int, reset: int) -> dict[str, str]:
        match self.dialect:
            case "draft-7":
                return {"RateLimit": f"limit={self.count}, remaining={left}, reset={reset}"}
            case "legacy":
                epoch = math.ceil(time.time() + self._end - time.monotonic())
                names = {"Limit": self.count, "Remaining": left, "Reset": epoch}
                return {f"X-RateLimit-{name}": str(value) for name, value in names.items()}
            case _:
                names = {"Limit": self.count, "Remaining": left, "Reset": reset}
                return {f"RateLimit-{name}": str(value) for name, value in names.items()}


class SlidingWindow:
    """Django REST framework's throttle: a count within the last seconds, and Retry-After in whole seconds."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds, self.rate = count, seconds, count / seconds
        self._history: deque[float] = deque()

    async def __call__(self, request: ServedRequest) -> Answer:
        history = self._history
        while history and history[0] <= request.arrived - self.seconds:
            history.popleft()
        if len(history) >= self.count:
            wait = self.seconds - (request.arrived - history[0])  # as `SimpleRateThrottle.wait` computes it
            return 429, {"Retry-After": str(math.ceil(wait))}
        history.append(request.arrived)
        return 200, {}


class CallLimit:
    """Shopify's bucket: every response tells its level, as ``used/size``."""

    def __init__(self, size: int, rate: float) -> None:
        self.size, self.rate = size, rate
        self._level, self._at = 0.0, -math.inf

    async def __call__(self, request: ServedRequest) -> Answer:
        self._level = max(0.0, self._level - (request.arrived - self._at) * self.rate)
        self._at = request.arrived
        accepted = self._level + 1 <= self.size
        self._level += accepted
        headers = {"X-Shopify-Shop-Api-Call-Limit": f"{math.ceil(self._level)}/{self.size}"}
        return (200, headers) if accepted else (429, {**headers, "Retry-After": "2.0"})


class ByPath:
    """A limiter of its own for each first segment of the path; other paths are free."""

    def __init__(self, **limiters: LeakyBucket) -> None:
        self._limiters = limiters

    async def __call__(self, request: ServedRequest) -> Answer:
        limiter = self._limiters.get(request.path.split("/")[1])
        return (200, {}) if limiter is None else await limiter(request)
