"""The report of a run: every figure is compared with the server's own log, and what limited it with what did."""

import asyncio
import sys

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.io.answering import answering

QUICK = paio.Retry(base=0.001, throttle_base=0.001)


async def fine(seen):
    return 200, {}


def rows(count):
    return pd.DataFrame({"id": range(count)})


def test_the_figures_are_those_of_the_servers_log():
    """Rows, distinct, sent, repeated, refused, bytes and outcomes of a run with all kinds of answers."""
    tries = {}

    async def answer(seen):
        tries[seen.path] = tries.get(seen.path, 0) + 1
        kind = {"3": 500, "5": 404, "7": 429}.get(seen.path[-1], 200)
        return (200 if kind != 404 and tries[seen.path] > 1 else kind), {}

    frame = pd.DataFrame({"id": [*range(20), 0, 1, None]}, dtype="Int64")
    with answering(answer) as server, pytest.warns(paio.FetchWarning):
        report = frame.aio.fetch(server.url + "/{id}", client=paio.Client(), retry=QUICK).aio.report
    statuses = [seen.status for seen in server.log]
    assert (report.rows, report.distinct) == (23, 20)
    assert report.sent == len(server.log) == 24
    assert report.retried == len(server.log) - len({seen.path for seen in server.log}) == 4
    assert report.refused == statuses.count(429) == 2
    assert report.bytes == 11 * len(server.log)
    assert report.outcomes == {"ok": 20, "http_error": 2, "null_key": 1}
    assert report.timeline[["done", "refused"]].sum().tolist() == [24, 2]
    assert report.timeline["in_flight"].max() >= max(seen.in_flight for seen in server.log) * 0.5


def test_latencies_and_rate_are_those_that_the_server_saw():
    """The quantiles are no shorter than the server's own time, and the run no shorter than from first to last."""

    async def answer(seen):
        await asyncio.sleep(0.02 if int(seen.path[1:]) % 10 else 0.1)
        return 200, {}

    with answering(answer) as server:
        report = rows(100).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=10).aio.report
    took = [seen.until - seen.at for seen in server.log]
    assert len(report.latencies) == 100
    for quantile, ours in ((0.5, report.p50), (0.95, report.p95), (0.99, report.p99)):
        assert ours >= np.quantile(took, quantile) * 0.99
    assert report.p50 < 0.1 <= report.p99
    assert report.seconds >= server.log[-1].until - server.log[0].at - 0.01
    assert report.per_second == pytest.approx(100 / report.seconds)


@pytest.mark.parametrize(
    ("options", "count", "cause", "words"),
    [
        ({"rate": "50/s"}, 30, "rate", "rate that you set"),
        ({"concurrency": 2}, 30, None, "concurrency: 2"),
    ],
)
def test_what_limited_the_run_is_named_with_its_remedy(options, count, cause, words):
    """The rate of the user's own, or the number in flight: each with the option that would speed it up."""

    async def answer(seen):
        await asyncio.sleep(0.03)
        return 200, {}

    with answering(answer) as server:
        report = rows(count).aio.fetch(server.url + "/{id}", client=paio.Client(), **options).aio.report
    assert words in report.limited_by
    assert "would be faster" in report.limited_by
    if cause:
        assert report.waits[cause] > report.seconds / 2


@pytest.mark.parametrize("concurrency", [1, 32])
def test_the_waits_for_a_server_are_named(concurrency):
    """A pause that the server asked for is its limit, whether rows wait for it that were refused or fresh ones."""

    async def answer(seen):
        return (200, {}) if len(server.log) > 1 else (429, {"Retry-After": "1"})

    with answering(answer) as server:
        retry = paio.Retry(throttle_base=0.001)
        out = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=concurrency, retry=retry)
    assert out.aio.report.waits["pause"] >= 0.9
    assert "the server" in out.aio.report.limited_by


def test_the_report_is_shown_as_text_html_and_frame():
    """repr and to_frame hold each figure; a column's name from the server is escaped in the HTML."""

    async def answer(seen):
        return 200, {}

    with answering(answer) as server:
        report = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client()).aio.report
    assert "3 (0 repeated, 0 refused)" in repr(report)
    frame = report.to_frame()
    assert frame.columns.tolist() == ["figure", "value"]
    assert frame.set_index("figure")["value"]["outcomes"] == "3 ok"
    assert len(repr(report).splitlines()) == len(frame)
    bold = paio.Report(**{n: getattr(report, n) for n in report.__slots__} | {"drifted": {"<b>": ("int", "<i>")}})
    html = bold._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_the_plot_shows_latencies_and_the_timeline(monkeypatch):
    """One figure with both where the library is installed; else an ImportError that says what to install."""
    with answering(fine) as server:
        report = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client()).aio.report
    if "matplotlib" not in sys.modules:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(ImportError, match="pip install matplotlib"):
            report.plot()
    monkeypatch.undo()
    pytest.importorskip("matplotlib")
    left, right = report.plot().axes
    assert sum(patch.get_height() for patch in left.patches) == 20
    assert [line.get_label() for line in right.lines] == ["done", "refused", "in_flight"]


def test_the_digest_groups_by_cause_and_says_the_next_step():
    """One warning: each cause with its number, and what to do about it."""

    async def answer(seen):
        number = int(seen.path[1:])
        return (401 if number % 4 == 1 else 404 if number % 4 == 2 else 200), {}

    with answering(answer) as server, pytest.warns(paio.FetchWarning) as caught:
        rows(40).aio.fetch(server.url + "/{id}", client=paio.Client(server.url, auth="old"))
    [warning] = caught
    text = str(warning.message)
    assert text.startswith("20 of 40 rows failed: 10 x HTTP 401 Unauthorized: ")
    assert ": pass fresh auth= to retry_failed; 10 x HTTP 404 Not Found" in text


def test_a_raised_error_names_the_first_row_of_each_cause():
    """errors="raise": one error after the run, with a note for each cause and no secret in any."""

    async def answer(seen):
        number = int(seen.path[1:].partition("?")[0])
        return {2: 404, 3: 404, 5: 403}.get(number, 200), {}

    with answering(answer) as server, pytest.raises(paio.FetchError, match="3 of 8 rows") as caught:
        rows(8).aio.fetch(server.url + "/{id}?token=s3cret", client=paio.Client(), errors="raise")
    first, second = caught.value.__notes__
    assert first.startswith("row 2: http_error, http://127.0.0.1")
    assert "HTTP 404" in first
    assert second.startswith("row 5: http_error")
    assert "HTTP 403" in second
    assert "s3cret" not in first + second
