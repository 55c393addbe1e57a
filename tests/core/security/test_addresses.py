"""Public addresses, and addresses in disguise."""

import pytest

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.security.addresses import check_host, is_public_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:127.0.0.1", False),
    ],
)
def test_security_s8_private_addresses_are_not_public(address, expected):
    """An IPv4-mapped address is judged as its IPv4 address."""
    assert is_public_address(address) is expected


PRIVATE = ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
PUBLIC = ["8.8.8.8", "93.184.215.14"]


def embed(ipv4):
    """Return the ways in which an IPv6 address carries an IPv4 address, by name."""
    high, low = ipv4.split(".")[:2], ipv4.split(".")[2:]
    a, b = (f"{int(one):02x}{int(two):02x}" for one, two in (high, low))
    inverted = ":".join(f"{int(part, 16) ^ 0xFFFF:x}" for part in (a, b))
    return {
        "mapped": f"::ffff:{ipv4}",
        "NAT64": f"64:ff9b::{a}:{b}",
        "6to4": f"2002:{a}:{b}::1",
        "ISATAP": f"2600:1::5efe:{a}:{b}",
        "ISATAP global": f"2600:1::200:5efe:{a}:{b}",
        "compatible": f"::{ipv4}",
        "local NAT64": f"64:ff9b:1::{a}:{b}",
        "local NAT64 by RFC 6052": f"64:ff9b:1:{a}:{b[:2]}:{b[2:]}00::",
        "Teredo server": f"2001:0:{a}:{b}::f7f7:f7f7",
        "Teredo client": f"2001:0:808:808::{inverted}",
        "translated": f"::ffff:0:{ipv4}",
    }


@pytest.mark.parametrize("form", embed("8.8.8.8"))
@pytest.mark.parametrize("ipv4", PRIVATE)
def test_security_s8_a_private_address_is_found_in_each_ipv6_form(ipv4, form):
    """A router or translator would deliver to the private address."""
    assert not is_public_address(embed(ipv4)[form])


@pytest.mark.parametrize("form", ["mapped", "NAT64", "6to4", "ISATAP"])
@pytest.mark.parametrize("ipv4", PUBLIC)
def test_security_s8_a_public_address_in_ipv6_is_public(ipv4, form):
    """An IPv6-only network reaches IPv4 servers by NAT64."""
    assert is_public_address(embed(ipv4)[form])


@pytest.mark.parametrize(
    "address",
    [
        "192.88.99.1",
        "192.0.0.9",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.1",
        "240.0.0.1",
        "255.255.255.255",
        "239.1.1.1",
        "::",
        "::2",
        "fec0::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "ff0e::1",
        "100::1",
        "2001:db8::1",
        "2001:20::1",
        "2001:1::1",
        "3fff::1",
        "5f00::1",
        "4000::1",
        "fe80::1",
    ],
)
def test_security_s8_only_globally_routable_unicast_is_public(address):
    """Site-local, multicast, relay, documentation, benchmark and reserved addresses are not."""
    assert not is_public_address(address)


@pytest.mark.parametrize("address", ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001::200e", "2620:fe::fe"])
def test_security_s8_addresses_of_public_servers_are_public(address):
    """Global unicast of IPv6."""
    assert is_public_address(address)


@pytest.mark.parametrize("host", ["0x7f.1", "127.1", "2130706433", "127.0.0.01", "h.0x7f"])
def test_security_s8_an_address_in_disguise_is_refused(host):
    """A resolver would take it for an IPv4 address."""
    with pytest.raises(UnsafeUrlError, match="four decimal numbers"):
        check_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "1.example", "0x7f.example"])
def test_security_s8_names_and_canonical_addresses_are_hosts(host):
    """Only the last label decides."""
    assert check_host(host) == host
