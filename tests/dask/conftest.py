"""The sample API and a small collection, for the tests of ``ddf.aio``."""

from __future__ import annotations

import pandas as pd
import pytest

import pandas_async_io as paio

try:
    import dask.dataframe as dd

    import pandas_async_io.dask
except ImportError:  # the extra is not installed
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="module")
def api_server():
    """Serve the sample API."""
    with paio.demo.serve() as url:
        yield url


@pytest.fixture
def api(api_server):
    """Return the sample API's base URL, whose `log` is that of this test."""
    api_server.clear()
    return api_server


@pytest.fixture
def users():
    """Return ten rows in four partitions."""
    return pd.DataFrame({"id": range(1, 11)}, index=pd.RangeIndex(5, 15))


@pytest.fixture
def many(users):
    """Return them as a collection."""
    return dd.from_pandas(users, npartitions=4)
