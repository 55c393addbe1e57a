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


@pytest.mark.parametrize("host", ["0x7f.1", "127.1", "2130706433", "127.0.0.01", "h.0x7f"])
def test_security_s8_an_address_in_disguise_is_refused(host):
    """A resolver would take it for an IPv4 address."""
    with pytest.raises(UnsafeUrlError, match="four decimal numbers"):
        check_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "1.example", "0x7f.example"])
def test_security_s8_names_and_canonical_addresses_are_hosts(host):
    """Only the last label decides."""
    assert check_host(host) == host
