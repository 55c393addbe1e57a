"""A sample API for the tests of a module, and one with an empty log for each test."""

from __future__ import annotations

import pytest

from pandas_async_io.demo import serve


@pytest.fixture(scope="module")
def base_url():
    with serve() as sample_api:
        yield sample_api


@pytest.fixture
def sample_api(base_url):
    base_url.clear()
    return base_url
