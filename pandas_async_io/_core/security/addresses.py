"""TODO."""

from __future__ import annotations

import ipaddress


def is_public_address(address: str) -> bool:
    """Whether an IP address is reachable by all, v4-mapped ones unmapped.

    Examples
    --------
    >>> is_public_address("93.184.215.14"), is_public_address("::ffff:10.0.0.1"), is_public_address("169.254.169.254")
    (True, False, False)
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_global)
