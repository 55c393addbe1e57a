"""A client: base URL, credentials and limits, and the session that its calls share."""

from __future__ import annotations

import asyncio
import os
import re
import weakref
from typing import TYPE_CHECKING, Any, Self

from pandas_async_io._core.errors import PlanError, PortalError, UnsafeUrlError
from pandas_async_io._core.numbers import as_integer, check_positive_seconds
from pandas_async_io._core.policy.policy import Policy
from pandas_async_io._core.policy.rate import Rate, parse_rates
from pandas_async_io._core.policy.retry_options import Retry, parse_retry
from pandas_async_io._core.request.credentials import Auth, as_auth
from pandas_async_io._core.request.headers import check_headers
from pandas_async_io._core.security.origins import Origin, is_same_origin, parse_origin
from pandas_async_io._core.security.redirects import FOLLOW_CHOICES
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._io.bridge import block, portal
from pandas_async_io._io.gate.gate import Gate
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.transport import Transport

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from types import TracebackType

    import aiohttp

DEFAULT_CONCURRENCY = 32
MAX_ADAPTIVE_CONCURRENCY = 256
DEFAULT_TIMEOUT_SECONDS = 30.0

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(B|KB|KiB|MB|MiB|GB|GiB)?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "kb": 10**3, "kib": 2**10, "mb": 10**6, "mib": 2**20, "gb": 10**9, "gib": 2**30}


class Client:
    """What several calls share: base URL, credentials, limits and one reused session.

    Parameters
    ----------
    base_url : str
        What relative URL templates are put behind; its path is kept. Credentials go to its origin only.
    headers, params : mapping, optional
        Sent with every request to the client's origin.
    auth : Auth, str or (str, str), optional
        ``Bearer(token)``, ``Basic(user, password)`` or ``ApiKey(key)``; a str is a bearer token.
    rate : str, Rate or sequence of them, optional
        ``"20/s"``; shared by all calls to one origin. A ceiling: a call may only be stricter.
    concurrency : int, optional
        Requests in flight to one origin. A ceiling: a call may only be stricter.
    retry : Retry or int, optional
        What is sent again; a number counts attempts, the first included (3).
    timeout : float
        Seconds of one attempt, from the start of connecting to the last byte (30). A ceiling.
    allow_hosts : sequence of str
        Hosts that rows and redirects may lead to beside the literal one; ``"*.example.com"``, ``"*"``.
    follow : {"same_origin", "none", "any"}
        Which redirects are followed; "any" drops headers and credentials on another origin.
    block_private : bool
        Refuse to connect to addresses that are not public.
    max_body : int or str
        Decoded bytes of one body (``"64MiB"``).
    strict_json : bool
        Refuse NaN and Infinity.
    proxy : str, optional
        URL of an HTTP proxy; the environment is not read.
    ssl : bool or ssl.SSLContext, optional
        None verifies; False does not, and warns.
    session : aiohttp.ClientSession, optional
        Yours: requests run on its event loop, with its cookies and connector, and it is yours to close.

    Examples
    --------
    >>> Client("https://api.example.com/v1", auth="s3cret", rate="20/s")
    Client('https://api.example.com/v1')
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        auth: Auth | str | tuple[str, str] | None = None,
        rate: str | Rate | Sequence[str | Rate] | None = None,
        concurrency: int | None = None,
        retry: Retry | int | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        allow_hosts: Sequence[str] = (),
        follow: str = "same_origin",
        block_private: bool = False,
        max_body: int | str = "64MiB",
        strict_json: bool = False,
        proxy: str | None = None,
        ssl: bool | tls.SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        if follow not in FOLLOW_CHOICES:
            raise PlanError(f"follow={follow!r}: choose one of {', '.join(FOLLOW_CHOICES)}")
        if isinstance(allow_hosts, str):
            raise PlanError(f"allow_hosts={allow_hosts!r} is a list of hosts: write [{allow_hosts!r}]")
        self.base_url = base_url
        self.origin: Origin | None = _parse_base_url(base_url) if base_url else None
        self.headers = check_headers(headers)
        self.params = dict(params or {})
        self.auth = as_auth(auth)
        self.rates = parse_rates(rate)
        self.concurrency = None if concurrency is None else _parse_ceiling(concurrency)
        self.retry = parse_retry(retry)
        self.timeout = check_positive_seconds("timeout", timeout)
        self.allow_hosts = tuple(allow_hosts)
        self.strict_json = strict_json
        self.session = session
        self._transport_options = TransportOptions(
            _parse_size(max_body), follow, self.allow_hosts, block_private, proxy, ssl
        )
        self._gates: dict[Origin, Gate] = {}
        self._pid = os.getpid()
        self._open_transport()
        portal.register_resource(self)

    def _open_transport(self) -> None:
        self._transport = Transport(self._transport_options, self.session)
        self._finalizer = weakref.finalize(self, portal.spawn_on_portal, self._transport.close)
        self._finalizer.atexit = False

    def __repr__(self) -> str:
        return f"Client({redact_url(self.base_url)!r})" if self.base_url else "Client()"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close_async()

    def close(self) -> None:
        """Close the connections and wait for it; the next call opens new ones. Your own session is left open."""
        if self.session is None:
            self.run_blocking(self.close_connections)

    async def close_async(self) -> None:
        """Close the connections, from any event loop; see `close`."""
        if self.session is None:
            await asyncio.wrap_future(portal.start_coroutine(self.close_connections, self.loop))

    async def close_connections(self) -> None:
        """Close the connections; on the client's own loop."""
        await self._transport.close()

    def reset_after_fork(self) -> None:
        """Start afresh in a forked child: what is open belongs to the parent process."""
        portal.leak_object((self._transport, self._gates))
        self._gates = {}
        self._finalizer.detach()
        self._open_transport()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that this client's requests run on."""
        if self.session is None:
            return portal.get_portal().loop
        if self._pid != os.getpid():
            raise PortalError("the session of this client belongs to the parent process: open a new one in this one")
        return self.session._loop  # noqa: SLF001 - `session.loop` is deprecated without a successor

    @property
    def send(self) -> Callable[..., Any]:
        """How its requests are sent."""
        return self._transport.send

    def credentials_for(self, origin: Origin, auth: Auth | None) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the headers and parameters that this client sends to an origin: none to a strange one.

        Without a base URL the origin that a call names literally is its own.
        """
        if self.origin is not None and not is_same_origin(self.origin, origin):
            return {}, {}
        who = self.auth if auth is None else auth
        return {**self.headers, **who.headers}, {**self.params, **who.params}

    @property
    def verifies_certificates(self) -> bool:
        """Whether it verifies certificates."""
        return self._transport_options.ssl is not False

    def gate_for(self, origin: Origin) -> Gate:
        """Return the way to an origin, which all calls of this client share."""
        gate = self._gates.get(origin)
        if gate is None:
            gate = self._gates[origin] = Gate(self.concurrency)
        return gate

    def build_policy(
        self,
        *,
        concurrency: int | str | None = None,
        rate: str | Rate | Sequence[str | Rate] | None = None,
        retry: Retry | int | None = None,
        timeout: float | None = None,
    ) -> Policy:
        """Return a call's policy: what it asks for, within this client's ceilings."""
        adaptive = isinstance(concurrency, str) and concurrency == "auto"  # an array would answer for each element
        if concurrency is None:
            asked = self.concurrency or DEFAULT_CONCURRENCY
        else:
            asked = MAX_ADAPTIVE_CONCURRENCY if adaptive else _parse_concurrency(concurrency, ", or 'auto'")
        return Policy(
            concurrency=asked if self.concurrency is None else min(asked, self.concurrency),
            adaptive=adaptive,
            rates=tuple(dict.fromkeys([*self.rates, *parse_rates(rate)])),
            retry=self.retry if retry is None else parse_retry(retry),
            timeout=self.timeout if timeout is None else min(check_positive_seconds("timeout", timeout), self.timeout),
        )

    def run_blocking(
        self, make: Callable[[], Coroutine[Any, Any, Any]], tick: Callable[[], None] = lambda: None
    ) -> Any:
        """Run a coroutine on this client's loop and wait for it, wherever the caller stands.

        Raises
        ------
        PortalError
            If the wait could never end.
        """
        return block.run_blocking(make, self.loop, tick, is_callers_loop=self.session is not None)


def _parse_ceiling(concurrency: int | str) -> int:
    if concurrency == "auto":
        raise PlanError("a client's concurrency= is a ceiling: a number; pass concurrency='auto' to the call")
    return _parse_concurrency(concurrency)


def _parse_concurrency(concurrency: int | str, otherwise: str = "") -> int:
    found = as_integer(concurrency)
    if found is None or found < 1:
        raise PlanError(f"concurrency={concurrency!r} is not a number of requests: 1 or more{otherwise}")
    return found


def _parse_size(size: int | str) -> int:
    """Return a size in bytes.

    Examples
    --------
    >>> _parse_size("64MiB"), _parse_size("1.5 kB"), _parse_size(10)
    (67108864, 1500, 10)
    """
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    value = int(float(match[1]) * _UNITS[(match[2] or "B").lower()]) if match else as_integer(size)
    if value is None or value < 1:
        raise PlanError(f"max_body={size!r} is not a size: write '64MiB', '500kB' or a number of bytes")
    return value


_default: list[Client] = []


def get_default_client() -> Client:
    """Return the one client of calls that name none, so that they share its session."""
    if not _default:
        _default.append(Client())
    return _default[0]


def _parse_base_url(base_url: str) -> Origin:
    try:
        return parse_origin(base_url)
    except UnsafeUrlError as error:
        hint = f": write {'https://' + base_url!r}" if "://" not in base_url else ""
        raise PlanError(f"base_url={redact_url(base_url)!r} is no URL{hint} ({error})") from None
