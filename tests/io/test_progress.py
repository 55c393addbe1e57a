"""The progress bar: when it is drawn, what it shows, and that it is removed."""

import asyncio
import io
import sys

import pandas as pd
import pytest
from tqdm import tqdm

import pandas_async_io as paio
from pandas_async_io._io import progress
from tests.io.bridge.scripts import fetch_ids
from tests.servers.scripted import http_response, serve_function


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


def read_bars(capsys):
    """Return the drawn lines, without the bars' own characters."""
    return [line for line in capsys.readouterr().err.replace("\n", "\r").split("\r") if "/" in line]


@pytest.mark.slow
def test_the_bar_names_the_pause_of_a_refusal(capsys):
    """And how many requests wait for it."""
    answers = iter([http_response(b"{}", "Retry-After: 1", status="429 Too Many Requests")])
    with serve_function(lambda request: next(answers, http_response())) as server:
        frame = pd.DataFrame({"id": range(3)})
        frame.aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1, progress=True)
    drawn = read_bars(capsys)
    assert any("0 in flight, 1 to repeat, 429: origin paused 1 s" in line for line in drawn)


@pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
def test_the_bar_names_the_next_probe_of_a_broken_origin(capsys):
    retry = paio.Retry(base=0.001, patience=0)
    frame = pd.DataFrame({"id": range(8)})
    frame.aio.fetch("http://127.0.0.1:9/{id}", client=paio.Client(), retry=retry, progress=True, deadline=0.5)
    assert any("breaker: next probe in 1 s" in line for line in read_bars(capsys))


def test_the_bar_names_the_rate(api, capsys):
    frame = pd.DataFrame({"id": range(1, 11)})
    frame.aio.fetch(api + "/users/{id}", client=paio.Client(), rate="20/s", progress=True)
    assert any("in flight, rate 20/s" in line for line in read_bars(capsys))


def test_pages_are_counted_as_they_are_found(api, capsys):
    paio.read_api(api + "/posts?_page=1&_limit=2", pages="auto", rate="200/s", progress=True)
    drawn = read_bars(capsys)
    assert any("/50 [" in line for line in drawn)
    assert not any("to repeat" in line for line in drawn)


def test_each_of_several_futures_has_its_bar(api, capsys):
    """The thread that waits for one of them draws all, and removes those that have ended."""
    frame = pd.DataFrame({"id": range(1, 9)})
    client = paio.Client(rate="20/s")
    futures = [frame.head(rows).aio.fetch_async(api + "/users/{id}", client=client, progress=True) for rows in (7, 8)]
    futures[1].result()
    futures[0].result()
    drawn = read_bars(capsys)
    assert {total for total in ("/7 [", "/8 [") for line in drawn if total in line} == {"/7 [", "/8 ["}
    assert not tqdm._instances


def test_an_awaited_future_has_its_bar(api, capsys):
    async def main():
        frame = pd.DataFrame({"id": range(1, 8)})
        await frame.aio.fetch_async(api + "/users/{id}", client=paio.Client(), rate="20/s", progress=True)

    asyncio.run(main())
    assert any("/7 [" in line for line in read_bars(capsys))
    assert not tqdm._instances


def test_chunks_have_a_bar(api, capsys):
    frame = pd.DataFrame({"id": range(1, 8)})
    for _ in frame.aio.fetch(api + "/users/{id}", client=paio.Client(), rate="20/s", progress=True, chunksize=3):
        pass
    assert any("/7 [" in line for line in read_bars(capsys))
    assert not tqdm._instances


def test_awaited_chunks_have_a_bar(api, capsys):
    async def main():
        frame = pd.DataFrame({"id": range(1, 8)})
        async for _ in frame.aio.fetch(
            api + "/users/{id}", client=paio.Client(), rate="20/s", progress=True, chunksize=3
        ):
            pass

    asyncio.run(main())
    assert any("/7 [" in line for line in read_bars(capsys))
    assert not tqdm._instances


def test_no_bar_is_kept_after_its_call(api):
    fetch_ids(api, progress=True)
    pd.DataFrame({"id": [1]}).aio.fetch_async(api + "/users/{id}", progress=True).result()
    assert not progress._open
