"""The package: what importing it costs, registers and offers."""

import subprocess
import sys

import pytest

import pandas_async_io as paio


@pytest.mark.parametrize("name", paio.__all__)
def test_every_public_name_can_be_imported_and_is_listed(name):
    """A name that is imported at first use exists, and `dir` shows it."""
    assert getattr(paio, name) is not None
    assert name in dir(paio)


def test_an_unknown_name_is_an_attribute_error():
    """A misspelt name fails as in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Cliant'"):
        _ = paio.Cliant


def test_importing_imports_no_slow_module_and_starts_no_thread():
    """A script that only imports the package pays for no event loop, thread or HTTP client."""
    script = """
import sys, threading
import pandas_async_io
slow = {"aiohttp", "asyncio", "orjson", "tqdm", "uvloop", "nest_asyncio2"}
print(sorted(slow & set(sys.modules)), threading.active_count())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("[] 1\n", "")
