"""The sample API, for the end-to-end tests of one module."""

from __future__ import annotations

import pytest

import pandas_async_io as paio


@pytest.fixture(scope="module")
def api_server():
    """Serve the sample API."""
    with paio.demo.serve() as url:
        yield url


@pytest.fixture
def api(api_server):
    """Return the sample API's base URL, whose `log` and `peak` are those of this test."""
    api_server.clear()
    return api_server
