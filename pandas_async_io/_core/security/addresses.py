"""IP addresses: which are public, and which are written in disguise."""

from __future__ import annotations

import ipaddress
import re

from pandas_async_io._core.errors import UnsafeUrlError

_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")
_CANONICAL_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII)


def is_public_address(address: str) -> bool:
    """Whether an IP address is globally reachable. IPv4-mapped IPv6 addresses are unmapped first.

    Examples
    --------
    >>> [is_public_address(each) for each in ("93.184.215.14", "::ffff:10.0.0.1", "169.254.169.254")]
    [True, False, False]
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_global)


def check_host(host: str) -> str:
    """Return a host that is a name or a canonical address (RFC 6943, 3.1.1).

    A resolver takes ``0x7f.1`` for 127.0.0.1, which bypasses an ``allow_hosts`` that lists names.

    Raises
    ------
    UnsafeUrlError
        The last label is a number, and the host is not a canonical address.

    Examples
    --------
    >>> check_host("127.0.0.1"), check_host("0x7f.example")
    ('127.0.0.1', '0x7f.example')
    """
    if ":" not in host and _ENDS_IN_NUMBER.search(host) and not _CANONICAL_IPV4.fullmatch(host):
        raise UnsafeUrlError(f"{host} is an address in disguise: write it as four decimal numbers")
    return host
