"""The client: base URL, credentials, limits, and the connections that its calls share."""

from __future__ import annotations

import asyncio
import os
import weakref
from typing import TYPE_CHECKING, Any, Self

from pandas_async_io._core import option_values
from pandas_async_io._core.errors import PortalError
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.policy.policy import ClientLimits
from pandas_async_io._core.request import credentials
from pandas_async_io._core.request.base_url import parse_base_url
from pandas_async_io._core.request.cell_values.values import check_params
from pandas_async_io._core.request.headers import check_client_headers
from pandas_async_io._core.security import origins
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._io.bridge import portal
from pandas_async_io._io.bridge.blocking_call import run_blocking
from pandas_async_io._io.engine.running_calls import RunningCalls
from pandas_async_io._io.gate.origins import EndpointGates
from pandas_async_io._io.settings_pickle import reduce_to_settings
from pandas_async_io._io.storage.store import Store, as_store
from pandas_async_io._io.transport import options as transport_options
from pandas_async_io._io.transport.transport import Transport

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from pandas_async_io._core.policy.retries.retry_options import Retry
    from pandas_async_io._core.policy.throttling.rate import Rate
    from pandas_async_io._io.gate.gate import Gate


@explains_names
class Client:
    """Share a base URL, credentials, limits and connections between calls.

    Parameters
    ----------
    base_url : str, default ""
        Prefix of relative URL templates; its path is kept. Credentials are sent to its origin only.
    headers : mapping of str to str, optional
        Header fields of every request to the client's origin.
    params : mapping, optional
        Query parameters of every request to the client's origin.
    auth : Auth, str or (str, str), optional
        ``Bearer(token)``, ``Basic(user, password)`` or ``ApiKey(key)``. A str is a bearer token; ``env("NAME")`` reads
        it from the environment when it is sent.
    rate : str, Rate or sequence of them, optional
        Requests per time, ``"20/s"``, shared by all calls to one origin. A call may only be stricter. No limit by
        default.
    concurrency : int, optional
        Requests in flight to one origin. A call may only be stricter. By default each call has its own, 32.
    retry : Retry or int, optional
        Which failed requests are repeated. A number counts attempts, the first included. A call's own ``retry``
        replaces it, with no more attempts than this one has. By default each call has its own.
    timeout : float, optional
        Seconds of one attempt, from the start of connecting to the last byte. A call may only be stricter. By default
        each call has its own, 30 s.
    allow_hosts : sequence of str, default ()
        Hosts that rows and redirects may lead to, besides the literal one: ``"*.example.com"``, ``"*"``.
    follow : {"same_origin", "none", "any"}, default "same_origin"
        Which redirects are followed. "any" drops headers and credentials on another origin.
    block_private : bool, default False
        Refuse to connect to addresses that are not globally routable, or that embed such an IPv4 address. It cannot
        be kept through a proxy or on your own session.
    max_body : int or str, default "64MiB"
        Decoded bytes of one body, at most.
    strict_json : bool, default False
        Refuse JSON that holds NaN, Infinity, a number beyond the range of a float (``1e400``), or a key twice in one
        object. Otherwise these are floats, and the last value counts; a `HintWarning` names the columns that hold
        infinite numbers, also of CSV and XML, and a duplicate key in the first 20 bodies of a call.
    proxy : str, optional
        URL of an HTTP proxy. The environment's proxy settings are not read.
    ssl : bool, ssl.SSLContext, str or Path, optional
        What verifies a server's certificate: by default, and with True, the system's authorities; the path of a CA
        bundle trusts only the authorities in it. False verifies nothing, and each call warns.
    session : aiohttp.ClientSession or httpx.AsyncClient, optional
        Your own session, or httpx2's: requests run on its event loop, with its cookies and connections. It stays open.
        An httpx session belongs to the loop that runs where the client is made; without one to ours, and is closed with
        this client. Its base URL, auth flow, event hooks, proxies and transports hold, its redirects and timeouts not.
    store : str, Path or Store, optional
        Where the answers of all calls are kept. A call's own ``store`` replaces it.
    max_field_size : int or str, default "64KiB"
        Bytes of one response header, at most.
    hooks : callable or sequence of callable, default ()
        Functions of an event, called as it happens in any call: see `events`.
    http2 : bool, default False
        Use HTTP/2 where the server offers it over TLS, one connection to each origin; needs the extra ``http2``. The
        server's limit of streams caps ``concurrency``. A request without TLS, with a header ``Host``, or whose URL
        would be rewritten (``'`` in a query) goes over HTTP/1.1, as does all in a forked process. ``ssl`` takes no
        SSLContext then, and the authorities of a CA bundle are trusted beside the system's.

    Raises
    ------
    PlanError
        An option has an unusable value.

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
        auth: credentials.AuthOption | None = None,
        rate: str | Rate | Sequence[str | Rate] | None = None,
        concurrency: int | None = None,
        retry: Retry | int | None = None,
        timeout: float | None = None,
        allow_hosts: Sequence[str] = (),
        follow: str = "same_origin",
        block_private: bool = False,
        max_body: int | str = "64MiB",
        max_field_size: int | str = "64KiB",
        strict_json: bool = False,
        proxy: str | None = None,
        ssl: bool | tls.SSLContext | str | os.PathLike[str] | None = None,
        session: Any = None,
        store: str | os.PathLike[str] | Store | None = None,
        hooks: Callable[[Any], object] | Sequence[Callable[[Any], object]] = (),
        http2: bool = False,
    ) -> None:
        self._settings = {name: value for name, value in locals().items() if name != "self"}
        self.headers = check_client_headers(headers)
        self.params = check_params(params)
        self.auth = credentials.as_auth(auth)
        self.limits = ClientLimits.parse(concurrency=concurrency, rate=rate, retry=retry, timeout=timeout)
        self.strict_json = option_values.check_flag("strict_json", strict_json)
        self.session = session
        self.store = as_store(store)
        self.hooks = option_values.check_hooks(hooks)
        self._transport_options = transport_options.check_transport_options(self._settings)
        self.allow_hosts = self._transport_options.allow_hosts
        self._gates = EndpointGates(self.limits.concurrency)
        self._pid = os.getpid()
        self._session_loop: asyncio.AbstractEventLoop | None = None
        self._open_transport()
        own = self.transport.session
        origin = parse_base_url(base_url)
        self.base_url = base_url if origin or own is None else own.base_url
        self.origin = origin or parse_base_url(self.base_url)
        portal.register_resource(self)

    def _open_transport(self) -> None:
        self.transport = Transport(self._transport_options, self.session, self._gates.limit_streams)
        self.running_calls = RunningCalls()
        self._finalizer = weakref.finalize(self, portal.spawn_on_portal, self.transport.close)
        self._finalizer.atexit = False  # the portal closes its resources at exit

    def __repr__(self) -> str:
        return f"Client({redact_url(self.base_url)!r})" if self.base_url else "Client()"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings, never an open connection; a secret goes with them, unless it is an ``env("NAME")``."""
        transport_options.refuse_open_objects(self._settings)
        return reduce_to_settings(self, self._settings)

    def without_credentials(self) -> Client:
        """Return a client with the same settings but its credentials: for checks where nothing is sent."""
        return Client(**{**self._settings, "auth": None})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close_async()

    def close(self) -> None:
        """Close the connections and wait for it. The next call opens new ones; your own session stays open.

        Running calls of other threads end: requests under way finish, rows that were not sent are ``not_attempted``.
        """
        if self.session is None:
            self.run_blocking(self._end_calls_and_close)
        elif self._session_loop is not None:
            self.run_blocking(self.close_connections)

    async def close_async(self) -> None:
        """Close the connections, from any event loop, as `close` does."""
        if self.session is None or self._session_loop is not None:
            close = self._end_calls_and_close if self.session is None else self.close_connections
            await asyncio.wrap_future(portal.start_coroutine(close, self.loop))

    async def _end_calls_and_close(self) -> None:
        transport, calls = self.transport, self.running_calls
        self._finalizer.detach()
        self._open_transport()
        try:
            await calls.end()
        finally:
            await transport.close()

    async def close_connections(self) -> None:
        """Close the connections at once; call it on the client's own loop."""
        await self.transport.close()
        if self._session_loop is not None:
            await self.session.aclose()  # nobody else can: its connections belong to our loop

    def replace_connections(self) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Open a new transport for another event loop; return what closes the old one, None for your own session."""
        if self.session is not None:
            return None
        close = self.transport.close
        self._start_anew()
        return close

    def reset_after_fork(self) -> None:
        """Open a new transport in a forked child: the open connections belong to the parent process."""
        portal.leak_object((self.transport, self._gates))
        self._start_anew()

    def _start_anew(self) -> None:
        """Leave the connections and gates to the event loop that they belong to."""
        self._gates = EndpointGates(self.limits.concurrency)
        self._finalizer.detach()
        self._open_transport()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that this client's requests run on."""
        session = self.transport.session
        if session is None:
            return portal.get_portal().loop
        if self._pid != os.getpid():
            raise PortalError("the session of this client belongs to the parent process: open a new one in this one")
        if session.loop is not None:
            return session.loop
        self._session_loop = self._session_loop or portal.get_portal().loop  # its connections belong to one loop
        return self._session_loop

    def credentials_for(
        self, origin: origins.Origin, auth: credentials.Auth | None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the headers and parameters that this client sends to an origin: none to a foreign one.

        Without a base URL, the origin that a call names literally is the client's own.
        """
        if self.origin is not None and not origins.is_same_origin(self.origin, origin):
            return {}, {}
        credential = self.auth if auth is None else auth
        return {**self.headers, **credential.headers}, {**self.params, **credential.params}

    def gate_for(self, origin: origins.Origin, endpoint: str = "") -> Gate:
        """Return the gate of an origin's endpoint, which all calls of this client share."""
        return self._gates.gate_for(origin, endpoint)

    @property
    def share_limits(self) -> Callable[..., None]:
        """The gates' `share`: rate, pauses, concurrency and breakers are kept together with other processes."""
        return self._gates.share

    def run_blocking(
        self,
        make_coroutine: Callable[[], Coroutine[Any, Any, Any]],
        on_heartbeat: Callable[[], None] = lambda: None,
    ) -> Any:
        """Run a coroutine on this client's loop and block until it is done, wherever the caller stands.

        Raises
        ------
        PortalError
            The wait could never end.
        """
        session = self.transport.session
        is_callers_loop = session is not None and session.loop is not None
        return run_blocking(make_coroutine, self.loop, on_heartbeat, is_callers_loop=is_callers_loop)


_default: list[Client] = []
"""The default client once it exists; two threads may add one each, and all calls use the first."""


def get_default_client() -> Client:
    """Return the client of calls that name none, so that they share connections."""
    if not _default:
        _default.append(Client())
    return _default[0]
