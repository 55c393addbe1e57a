"""Which requests need a new connection, because an origin closes kept ones without announcing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.policy.retries.retry import may_send_twice

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request
    from pandas_async_io._core.policy.retries.retry_options import Retry

_MAX_LOST = 2
"""Requests lost on kept connections, after which no other that must not be repeated is risked on one."""


class KeptConnections:
    """What one origin does with connections that are kept open between requests.

    Attributes
    ----------
    lost : int
        Requests that died on a reused connection before the first byte of their answer.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> from pandas_async_io._core.policy.retries.retry_options import Retry
    >>> kept = KeptConnections()
    >>> kept.lost = 2
    >>> [kept.need_new(Retry(), Request("https://e.com", method), repeatable=False) for method in ("GET", "POST")]
    [False, True]
    """

    __slots__ = ("lost",)

    def __init__(self) -> None:
        self.lost = 0

    def need_new(self, retry: Retry, request: Request, *, repeatable: bool) -> bool:
        """Return whether a request needs a new connection: it would not be sent again if a kept one had ended.

        Parameters
        ----------
        repeatable : bool
            Whether the request may be repeated whatever its method.
        """
        if self.lost < _MAX_LOST:
            return False
        return retry.attempts == 1 or not (repeatable or may_send_twice(retry, request))
