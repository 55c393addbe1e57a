"""The options of a client's connections: checked when the client is made."""

from __future__ import annotations

import re
import ssl as tls
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError, UnsafeUrlError
from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.option_values import check_choice, check_flag, is_text
from pandas_async_io._core.security.origins import check_allow_hosts, parse_origin
from pandas_async_io._core.security.redirects import FOLLOW_CHOICES
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.words import show_value
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.tls import load_ssl

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*(B|KB|KiB|MB|MiB|GB|GiB)?\s*", re.IGNORECASE | re.ASCII)
_BYTES_PER_UNIT = {"b": 1, "kb": 10**3, "kib": 2**10, "mb": 10**6, "mib": 2**20, "gb": 10**9, "gib": 2**30}

_MAX_FIELD_SIZE = 2**31 - 1
"""Bytes of one header, at most: aiohttp's parser counts them in a C integer."""


def check_transport_options(settings: Mapping[str, Any]) -> TransportOptions:
    """Return the options of a client's connections.

    Parameters
    ----------
    settings : mapping of str to object
        The arguments of a client by name.

    Raises
    ------
    PlanError
        One of them has an unusable value.
    """
    check_choice("follow", settings["follow"], FOLLOW_CHOICES)
    http2 = check_flag("http2", settings["http2"])
    if http2:
        _check_http2(settings["ssl"])
    return TransportOptions(
        _parse_size("max_body", settings["max_body"]),
        settings["follow"],
        check_allow_hosts(settings["allow_hosts"]),
        check_flag("block_private", settings["block_private"]),
        _check_proxy(settings["proxy"]),
        load_ssl(settings["ssl"]),
        min(_parse_size("max_field_size", settings["max_field_size"]), _MAX_FIELD_SIZE),
        http2,
    )


def _check_http2(ssl: Any) -> None:
    """Refuse what HTTP/2 cannot keep."""
    if find_spec("pyreqwest") is None:
        raise PlanError('http2=True needs pyreqwest: pip install "pandas-async-io[http2]"')
    if isinstance(ssl, tls.SSLContext):
        raise PlanError("http2=True can't use an SSLContext: pass ssl= the path of a CA bundle, True or False")


def refuse_open_objects(settings: Mapping[str, Any]) -> None:
    """Refuse to send a client to another process whose settings hold open connections or certificates.

    Raises
    ------
    PlanError
        The client has a session or an SSL context.
    """
    if settings["session"] is not None:
        why = "its connections are open in this process; give base_url=, headers= and auth= instead"
        raise PlanError(f"a client with session= cannot be sent to another process: {why}")
    if isinstance(settings["ssl"], tls.SSLContext):
        raise PlanError(
            "a client with an SSLContext cannot be sent to another process: ssl= also takes a CA bundle's path"
        )


def _parse_size(option: str, size: object) -> int:
    """Return the size in bytes that an option gives.

    Examples
    --------
    >>> _parse_size("max_body", "64MiB"), _parse_size("max_body", "1.5 kB"), _parse_size("max_body", 10)
    (67108864, 1500, 10)
    """
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    value = int(float(match[1]) * _BYTES_PER_UNIT[(match[2] or "B").lower()]) if match else as_integer(size)
    if value is None or value < 1:
        raise PlanError(f"{option}={show_value(size)} is not a size: write '64MiB', '500kB' or a number of bytes")
    return value


def _check_proxy(proxy: Any) -> str | None:
    """Return the URL of a proxy. A message about it does not show it if it may hold a password."""
    if proxy is None:
        return None
    if not isinstance(proxy, str):
        raise PlanError(f"proxy={show_value(proxy)}: pass the URL of an HTTP proxy, as 'http://proxy.example:3128'")
    reason = "" if is_text(proxy) else "it holds a lone surrogate"
    try:
        parse_origin(proxy)
    except UnsafeUrlError as error:
        reason = str(error) if "://" in proxy else "write it with 'http://' before the host"
    if reason:
        shown = redact_url(proxy) if "://" in proxy and "@" not in proxy else "…"
        raise PlanError(f"proxy={show_value(shown)} is not the URL of an HTTP proxy: {reason}")
    return proxy
