"""Fixtures of the tests of blocking calls."""

import pytest

from tests.io.bridge.scripts import WITHOUT_UVLOOP


@pytest.fixture(params=["uvloop", "asyncio"])
def choose_loop(request):
    """Return the lines of a script that choose the portal's loop."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return WITHOUT_UVLOOP if request.param == "asyncio" else ""
