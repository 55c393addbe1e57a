"""Send a request through the caller's own `httpx.AsyncClient`, or httpx2's, which is recognised by its methods.

Invariant: the client sends what its auth flow yields and nothing else: it follows no redirect, and its timeouts do not
apply. Its base URL, headers, parameters, cookies, auth flow, event hooks, proxies and transports do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from pandas_async_io._core.body.coding.content_coding import accept_encoding, decompress
from pandas_async_io._core.errors import PlanError, SessionClosedError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.security.addresses import check_host
from pandas_async_io._core.security.origins import parse_origin, strip_userinfo
from pandas_async_io._io.transport.connection import check_body_size
from pandas_async_io._io.transport.exceptions import (
    CONNECT_SECONDS,
    SendState,
    make_header_size_error,
    make_status_error,
)
from pandas_async_io._io.transport.httpx_exceptions import find_response, is_connection_loss, map_httpx_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._io.transport.connection import TransportOptions

_METHODS = ("build_request", "send", "aclose")
_DEFAULT_HEADERS = frozenset({"accept", "accept-encoding", "connection", "user-agent"})
"""Header fields that each of its clients has; they do not tell one session from another."""

_TIMEOUT = {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None}
"""httpx limits connecting only; `asyncio.timeout` limits the attempt."""


def is_httpx_client(session: object) -> bool:
    """Whether an object is an `httpx.AsyncClient` or one like it."""
    return all(callable(getattr(type(session), name, None)) for name in _METHODS)


class HttpxSession:
    """Sends through a caller's `httpx.AsyncClient`, which is never closed here.

    Parameters
    ----------
    session : httpx.AsyncClient
        The caller's.
    options : TransportOptions
        How to use the network.

    Attributes
    ----------
    base_url : str
        The client's own.
    loop : AbstractEventLoop or None
        The loop that runs where this is made; None without one.
    """

    def __init__(self, session: Any, options: TransportOptions) -> None:
        for option, instead in (("proxy", "proxy=…"), ("ssl", "verify=…")):
            if getattr(options, option) not in (None, True):
                raise PlanError(f"{option}= can't be kept on an httpx session: write httpx.AsyncClient({instead})")
        self._session, self.options = session, options
        self.base_url = str(getattr(session, "base_url", ""))
        self.loop = asyncio._get_running_loop()  # noqa: SLF001 - the public function raises where none runs

    @property
    def headers(self) -> list[Mapping[str, str]]:
        """Header fields and credentials that it adds to each request."""
        return [self._session.headers, self._session.params, _read_credentials(self._session.auth)]

    @property
    def identity(self) -> str:
        """Its headers, parameters, credentials and cookies; "" without any."""
        session = self._session
        headers = sorted(item for item in session.headers.multi_items() if item[0].lower() not in _DEFAULT_HEADERS)
        credentials = sorted(_read_credentials(session.auth).items())
        auth = None if session.auth is None else (type(session.auth).__qualname__, credentials)
        cookies = sorted((cookie.name, cookie.value) for cookie in session.cookies.jar)
        parts = headers, str(session.params), auth, cookies
        return repr(parts) if any(parts) else ""

    def for_other_origin(self) -> _BareSender:
        """Return what sends over the session's transports, without its headers, cookies, auth flow and event hooks."""
        return _BareSender(self._session, self.options)

    def map_exception(self, exc: Exception, url: str, state: SendState, timeout: float) -> AttemptError | None:
        """Return the error for an exception of `send`, whatever code of the session raised it."""
        return map_httpx_exception(exc, url, state, timeout=timeout)

    async def close(self) -> None:
        """Leave the session open."""

    async def send(self, request: Request, state: SendState, *, new_connection: bool) -> Response:
        """Send a request and return its response, which may be a redirect."""
        while True:
            trace = _Trace(state, new_connection=new_connection)
            try:
                return await self._send_traced(request, trace)
            except Exception:
                if not trace.met_kept_connection:
                    raise

    async def _send_traced(self, request: Request, trace: _Trace) -> Response:
        session = self._session
        if session.is_closed:
            raise SessionClosedError("the session of the client is closed: open a new one", received=False)
        check_host(parse_origin(request.url).host)
        own = {name.lower() for name in request.headers}
        url, auth = request.url, {}
        if "authorization" in own:  # the request's credential counts, not the session's
            auth = {"auth": None}
        if "authorization" in own or "authorization" in session.headers:
            url = strip_userinfo(url)
        headers = dict(request.headers)
        if "accept-encoding" not in own and not _can_decode(session.headers.get("accept-encoding", "")):
            headers["Accept-Encoding"] = accept_encoding()
        built = session.build_request(
            request.method,
            url,
            headers=_encode_headers(headers),
            content=request.body,
            extensions={"timeout": _TIMEOUT, "trace": trace},
        )
        built.url = type(built.url)(_add_params(url, session.params))
        try:
            response = await session.send(built, stream=True, follow_redirects=False, **auth)
        except Exception as exc:
            response = find_response(exc)
            if response is None:
                raise
        return await _read_response(response, request, self.options)


class _BareSender:
    """Sends over a session's transports what it is given, and nothing of the session."""

    def __init__(self, session: Any, options: TransportOptions) -> None:
        self._session, self.options = session, options

    def for_other_origin(self) -> _BareSender:
        return self

    def map_exception(self, exc: Exception, url: str, state: SendState, timeout: float) -> AttemptError | None:
        return map_httpx_exception(exc, url, state, timeout=timeout)

    async def close(self) -> None:
        pass

    async def send(self, request: Request, state: SendState, *, new_connection: bool) -> Response:
        session = self._session
        check_host(parse_origin(request.url).host)
        request_type = type(session.build_request(request.method, request.url))
        defaults = {"Accept": "*/*", "Accept-Encoding": accept_encoding(), "User-Agent": "pandas-async-io"}
        built = request_type(
            request.method,
            request.url,
            headers=_encode_headers({**defaults, **request.headers}),
            content=request.body,
            extensions={"timeout": _TIMEOUT, "trace": _Trace(state, new_connection=new_connection)},
        )
        transport = session._transport_for_url(built.url)  # noqa: SLF001 - the only way to its proxies and transports
        return await _read_response(await transport.handle_async_request(built), request, self.options)


class _KeptConnectionError(Exception):
    """The client chose a kept connection for a request that needs a new one."""


class _Trace:
    """Learns from httpcore's events how far the sending of a request has come.

    A transport that is not httpcore's tells nothing: then the server may have received the request.
    """

    __slots__ = ("_connected", "_new_connection", "_sent", "_state", "met_kept_connection")

    def __init__(self, state: SendState, *, new_connection: bool) -> None:
        self._state, self._new_connection = state, new_connection
        self._connected = self._sent = self.met_kept_connection = False
        state.started, state.reused = True, False

    async def __call__(self, event: str, _info: object) -> None:
        protocol, _, step = event.partition(".")
        if step in ("connect_tcp.started", "connect_unix_socket.started"):
            self._connected = True
            self._state.started = self._sent
        elif step == "send_request_headers.started":
            if self._new_connection and not self._connected and protocol == "http11":
                self.met_kept_connection = True
                raise _KeptConnectionError  # httpcore closes the connection
            self._sent = self._state.started = True
            self._state.reused = not self._connected
        elif step == "receive_response_headers.complete":
            self._state.reused = False


def _encode_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return header fields as bytes: httpx would refuse text outside ASCII."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _add_params(url: str, params: Any) -> str:
    """Return a URL with a client's parameters; httpx would replace the URL's own."""
    if not params:
        return url
    given = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    added = str(type(params)([(name, value) for name, value in params.multi_items() if name not in given]))
    return url + ("&" if "?" in url else "?") + added if added else url


def _can_decode(codings: str) -> bool:
    """Whether we decode each coding that a session asks for; it asks for those that httpx decodes."""
    known = {"identity", *accept_encoding().split(", ")}
    return {coding.partition(";")[0].strip().lower() for coding in codings.split(",")} <= known


def _read_credentials(auth: object) -> dict[str, str]:
    """Return the texts that an auth flow keeps, by name."""
    texts = {}
    for name, value in getattr(auth, "__dict__", {}).items():
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        if isinstance(text, str):
            texts["Authorization" if name == "_auth_header" else name.strip("_")] = text
    return texts


async def _read_response(response: Any, request: Request, options: TransportOptions) -> Response:
    """Read a response within the options; close it."""
    try:
        fields = response.headers.raw
        if any(len(name) + len(value) > options.max_field_size for name, value in fields):
            raise make_header_size_error(str(parse_origin(request.url)), options.max_field_size)
        status: int = response.status_code
        if status < 100:
            raise make_status_error(status, None)
        headers = CIMultiDictProxy(CIMultiDict((_decode(name), _decode(value)) for name, value in fields))
        body = b""
        if response.is_stream_consumed:  # by an event hook or the auth flow: decoded already
            body = response.content
            check_body_size(len(body), options.max_body)
        elif status < 300 or not response.is_closed:  # `raise_for_status` in an event hook closes it unread
            has_body = request.method != "HEAD" and status not in (204, 304)
            length = headers.get("Content-Length", "") if has_body else ""
            check_body_size(int(length) if length.isdecimal() else 0, options.max_body)
            body = decompress(
                await _read_raw(response.stream, options.max_body), headers.get("Content-Encoding"), options.max_body
            )
        return Response(status, headers, body, request.url)
    finally:
        await response.aclose()


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")  # as aiohttp's parser does


async def _read_raw(stream: Any, max_body: int) -> bytes:
    """Read a body as it was sent, until its end or until it is larger than `max_body`."""
    pieces: list[bytes] = []
    size = 0
    is_cut = False
    try:
        async for piece in stream:
            size += len(piece)
            check_body_size(size, max_body)
            pieces.append(piece)
    except Exception as exc:
        is_cut = is_connection_loss(exc)
        if not is_cut:
            raise
    if is_cut:
        raise aiohttp.ClientPayloadError
    await _close_unclean_connection(stream)
    return b"".join(pieces)


async def _close_unclean_connection(stream: Any) -> None:
    """Close a connection on which more has come than the response: httpcore would read it as the next response."""
    while stream is not None and not hasattr(stream, "_connection"):
        stream = getattr(stream, "_stream", None) or getattr(stream, "_httpcore_stream", None)
    connection = getattr(stream, "_connection", None)
    parser = getattr(connection, "_h11_state", None)
    if connection is not None and parser is not None and parser.trailing_data[0]:
        await connection.aclose()
