"""What a transport sends with: own connections, HTTP/2, or a session of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._io.transport.exceptions import SendState


class Sender(Protocol):
    """Sends one request once and reads its whole response, which may be a redirect.

    A sender follows no redirect, has no timeout of its own beyond that of connecting, and decodes a body itself,
    within ``max_body``. It is used on one event loop.
    """

    async def send(self, request: Request, state: SendState, *, new_connection: bool) -> Response:
        """Send a request once and return its response.

        Parameters
        ----------
        state : SendState
            Learns how far the sending has come.
        new_connection : bool
            Whether the request must not go over a kept connection, which may have ended.

        Raises
        ------
        AttemptError
            The attempt failed.
        Exception
            `map_exception` maps it.
        """
        ...

    def for_other_origin(self) -> Sender:
        """Return what sends a redirected request to another origin, without the credentials of a caller's session."""
        ...

    def map_exception(self, exc: Exception, url: str, state: SendState, timeout: float) -> AttemptError | None:
        """Return the error for an exception of `send`; None for a programming error of this package."""
        ...

    async def close(self) -> None:
        """Close the own connections; a caller's session stays open."""
        ...


class CallerSession(Sender, Protocol):
    """A session that the caller opened and closes, and what it adds to each request."""

    base_url: str
    """Prefix of relative URLs; "" if it has none."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop of the caller's that it belongs to; None if it belongs to ours."""
        ...

    @property
    def headers(self) -> Sequence[Mapping[str, str]]:
        """Header fields that it adds to each request, credentials among them."""
        ...

    @property
    def identity(self) -> str:
        """What tells its requests from those of another session, for a store."""
        ...
