"""Fixtures of the tests of input and output."""

import pytest

import pandas_async_io as paio


@pytest.fixture
def api():
    """Run the sample API."""
    with paio.demo.serve() as base_url:
        yield base_url
