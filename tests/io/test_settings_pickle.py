"""Clients are pickled by their settings."""

from __future__ import annotations

import pickle
import ssl
import subprocess
import sys

import pytest

import pandas_async_io as paio


def test_a_pickled_client_is_the_same_one_in_its_process():
    """So the tasks of one process share its connections and limits."""
    client = paio.Client("https://api.example.com", rate="20/s")
    assert pickle.loads(pickle.dumps(client)) is client


def test_another_process_has_one_client_for_each_pickled_one(tmp_path):
    """It has the settings of the first, and two copies of one pickle are one client."""
    client = paio.Client("https://api.example.com/v1", rate="20/s", concurrency=3, auth=paio.Bearer("abcdefgh"))
    (tmp_path / "client").write_bytes(pickle.dumps([client]) * 1)
    code = (
        "import pickle, sys; text = open(sys.argv[1], 'rb').read();"
        "[a], [b] = pickle.loads(text), pickle.loads(text);"
        "print(a is b, a, a.limits.concurrency, a.limits.rates[0].count, dict(a.auth.headers))"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "client"], capture_output=True, text=True, check=True)
    assert ran.stdout == "True Client('https://api.example.com/v1') 3 20.0 {'Authorization': 'Bearer abcdefgh'}\n"


def test_a_context_is_refused_and_the_way_out_is_said():
    """A CA bundle's path travels, a context does not."""
    with pytest.raises(paio.PlanError, match=r"SSLContext cannot be sent .* CA bundle"):
        pickle.dumps(paio.Client("https://api.example.com", ssl=ssl.create_default_context()))
