"""Fixtures of the engine's tests."""

import pytest


@pytest.fixture
def set_probe_delays(monkeypatch):
    """Return what shortens the delays before the probes of an origin that is down."""
    return lambda *seconds: monkeypatch.setattr("pandas_async_io._core.policy.outages.breaker.PROBE_DELAYS", seconds)
