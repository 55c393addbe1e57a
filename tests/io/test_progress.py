"""The progress bar: when it is drawn, and that it is removed."""

import io
import sys

import pandas as pd
import pytest
from tqdm import tqdm

import pandas_async_io as paio
from pandas_async_io._io import progress
from tests.io.bridge.scripts import fetch_ids


def test_progress_is_drawn_and_removed(api, capsys):
    """A requested bar is drawn however short the call is, and removed after it; no row, no bar."""
    fetch_ids(api, progress=True)
    drawn = capsys.readouterr().err
    assert "/3 [" in drawn
    assert drawn.endswith("\r")
    assert not tqdm._instances
    pd.DataFrame({"id": []}).aio.fetch(api + "/users/{id}", progress=True)
    assert capsys.readouterr().err == ""


def test_progress_is_removed_when_a_call_fails(api, capsys):
    """The next output must not run into a bar."""
    with pytest.raises(SystemExit):
        fetch_ids(api, progress=True, retry=paio.Retry(when=lambda *_: sys.exit()))
    assert capsys.readouterr().err.endswith("\r")
    assert not tqdm._instances


class Terminal(io.StringIO):
    """An interactive stream."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("stderr", "shown"), [(Terminal(), True), (io.StringIO(), False), (None, False)])
def test_progress_shows_by_default_only_on_a_terminal(api, monkeypatch, stderr, shown):
    """A log file and a program without a console get none."""
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", 0.0)
    assert fetch_ids(api) == [3, 1, 2]
    assert bool(stderr and stderr.getvalue()) is shown
