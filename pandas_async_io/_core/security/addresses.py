"""IP addresses: which are public, and which are written in disguise."""

from __future__ import annotations

import ipaddress
import re

from pandas_async_io._core.errors import UnsafeUrlError

_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")
_NOT_PUBLIC_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "192.0.0.0/24",  # IETF protocols: the anycast addresses in it are a near translator's
            "192.88.99.0/24",  # 6to4 relays (RFC 7526)
            "224.0.0.0/4",  # multicast, which Python counts as global
        ),
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_IPV6 = (
    ipaddress.IPv6Network("2001::/23"),  # Teredo, ORCHID, benchmarks, anycast services: no server's own address
    ipaddress.IPv6Network("3fff::/20"),  # documentation (RFC 9637), which older Pythons count as global
)
_IPV4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")
_IPV4_MASK = 0xFFFFFFFF
_ISATAP_MASK = 0xFDFFFFFF
_ISATAP_IDENTIFIER = 0x00005EFE
_CANONICAL_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII)


def is_public_address(address: str) -> bool:
    """Whether an IP address is globally routable unicast, and so is every IPv4 address that it embeds.

    Private, local, shared, documentation, multicast, anycast relay and reserved ranges are not public.

    Examples
    --------
    >>> [is_public_address(each) for each in ("93.184.215.14", "::ffff:10.0.0.1", "169.254.169.254")]
    [True, False, False]
    >>> [is_public_address(each) for each in ("64:ff9b::5db8:d70e", "64:ff9b::a00:1", "2002:a00:1::")]
    [True, False, False]
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed.is_global and not any(parsed in each for each in _NOT_PUBLIC_IPV4)
    if parsed in _IPV4_MAPPED or parsed in _NAT64:
        return is_public_address(str(ipaddress.IPv4Address(int(parsed) & _IPV4_MASK)))
    is_global = parsed.is_global or parsed in _6TO4  # from Python 3.13 on, no 6to4 address is global: its IPv4 decides
    if parsed not in _GLOBAL_UNICAST or not is_global or any(parsed in each for each in _NOT_PUBLIC_IPV6):
        return False
    return all(is_public_address(str(each)) for each in _find_embedded_ipv4(parsed))


def _find_embedded_ipv4(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses in a global unicast address: 6to4 (RFC 3056) and ISATAP (RFC 5214)."""
    number = int(address)
    found = []
    if address in _6TO4:
        found.append(number >> 80 & _IPV4_MASK)
    if number >> 32 & _ISATAP_MASK == _ISATAP_IDENTIFIER:
        found.append(number & _IPV4_MASK)
    return [ipaddress.IPv4Address(each) for each in found]


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
