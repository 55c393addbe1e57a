"""The report of a run: its figures against the server's log, its limit against what really limited the run."""

import asyncio
import sys
import warnings
from unittest.mock import ANY

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.report.tally import Tally, build_timeline
from tests.servers.handler import serve_handler
from tests.servers.scripted import http_response, serve_script

QUICK = paio.Retry(base=0.001, throttle_base=0.001)


async def fine(request):
    return 200, {}


def rows(count):
    return pd.DataFrame({"id": range(count)})


def test_the_figures_are_those_of_the_servers_log():
    """For a run with all kinds of responses."""
    tries = {}

    async def answer(request):
        tries[request.path] = tries.get(request.path, 0) + 1
        kind = {"3": 500, "5": 404, "7": 429}.get(request.path[-1], 200)
        return (200 if kind != 404 and tries[request.path] > 1 else kind), {}

    frame = pd.DataFrame({"id": [*range(20), 0, 1, None]}, dtype="Int64")
    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning):
        report = frame.aio.fetch(server.url + "/{id}", client=paio.Client(), retry=QUICK).aio.report
    statuses = [request.status for request in server.log]
    assert (report.rows, report.distinct) == (23, 20)
    assert report.sent == len(server.log) == 24
    assert report.retried == len(server.log) - len({request.path for request in server.log}) == 4
    assert report.refused == statuses.count(429) == 2
    assert report.bytes == 11 * len(server.log)
    assert report.outcomes == {"ok": 20, "http_error": 2, "null_key": 1}
    assert report.timeline[["done", "refused"]].sum().tolist() == [24, 2]
    assert report.timeline["in_flight"].max() >= max(request.in_flight for request in server.log) * 0.5


def test_latencies_and_rate_match_what_the_server_saw():
    """The quantiles are not shorter than the server's own time, nor the run than from first to last."""

    async def answer(request):
        await asyncio.sleep(0.02 if int(request.path[1:]) % 10 else 0.1)
        return 200, {}

    with serve_handler(answer) as server:
        report = rows(100).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=10).aio.report
    took = [request.finished - request.arrived for request in server.log]
    assert len(report.latencies) == 100
    for quantile, ours in ((0.5, report.p50), (0.95, report.p95), (0.99, report.p99)):
        assert ours >= np.quantile(took, quantile) * 0.99
    assert report.p50 < 0.1 <= report.p99
    assert report.seconds >= server.log[-1].finished - server.log[0].arrived - 0.01
    assert report.per_second == pytest.approx(100 / report.seconds)


@pytest.mark.parametrize(
    ("options", "count", "cause", "words"),
    [
        ({"rate": "50/s"}, 30, "rate", "rate that you set"),
        ({"concurrency": 2}, 30, None, "concurrency: 2"),
    ],
)
def test_the_limit_of_a_run_is_named_with_its_remedy(options, count, cause, words):
    """The rate, or the concurrency: with the option that would speed it up."""

    async def answer(request):
        await asyncio.sleep(0.03)
        return 200, {}

    with serve_handler(answer) as server:
        report = rows(count).aio.fetch(server.url + "/{id}", client=paio.Client(), **options).aio.report
    assert words in report.limited_by
    assert "would be faster" in report.limited_by
    if cause:
        assert report.waits[cause] > report.seconds / 2


@pytest.mark.parametrize("concurrency", [1, 32])
def test_a_pause_of_the_server_is_named_as_the_limit(concurrency):
    """Whether refused rows wait for it or fresh ones."""

    async def answer(request):
        return (200, {}) if len(server.log) > 1 else (429, {"Retry-After": "1"})

    with serve_handler(answer) as server:
        retry = paio.Retry(throttle_base=0.001)
        out = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=concurrency, retry=retry)
    assert out.aio.report.waits["pause"] >= 0.9
    assert "the server" in out.aio.report.limited_by


def test_the_report_is_shown_as_text_html_and_frame():
    """Column names from the server are escaped in the HTML."""

    async def answer(request):
        return 200, {}

    with serve_handler(answer) as server:
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
    """Without matplotlib an ImportError says what to install."""
    with serve_handler(fine) as server:
        report = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client()).aio.report
    if "matplotlib" not in sys.modules:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(ImportError, match="pip install matplotlib"):
            report.plot()
    monkeypatch.undo()
    pytest.importorskip("matplotlib")
    latency, done, in_flight = report.plot().axes
    assert sum(patch.get_height() for patch in latency.patches) == 20
    assert [axes.get_title(loc="left") != "" for axes in (latency, done, in_flight)] == [True] * 3
    assert done.patches[0].get_data()[0].tolist() == [20]
    assert 0 < done.get_xlim()[1] <= 1


def make_report(by_second, latencies, run_seconds):
    """Return a report with latencies and a timeline of (done, refused, in flight)."""
    tally = Tally(sent=1, ended_at=run_seconds)
    tally.by_second = {at: list(counts) for at, counts in by_second.items()}
    with serve_handler(fine) as server:
        report = rows(1).aio.fetch(server.url + "/{id}", client=paio.Client()).aio.report
    own = {"timeline": build_timeline(tally), "latencies": np.array(latencies), "seconds": run_seconds}
    return paio.Report(**{name: getattr(report, name) for name in report.__slots__} | own)


def test_the_plot_has_every_second_and_shows_refusals():
    """A pause is a gap; in flight has its own scale."""
    pytest.importorskip("matplotlib")
    report = make_report({0: (500, 100, 32), 4: (300, 0, 8)}, [0.01] * 99 + [5.0], 4.5)
    assert report.timeline.index.tolist() == [0, 1, 2, 3, 4]
    latency, done, in_flight = report.plot().axes
    assert [patch.get_data()[0].tolist() for patch in done.patches] == [[500, 0, 0, 0, 300], [100, 0, 0, 0, 0]]
    assert [text.get_text() for text in done.get_legend().get_texts()] == ["refused"]
    assert in_flight.patches[0].get_data()[0].tolist() == [32, 0, 0, 0, 8]
    assert in_flight.get_ylim()[1] < 50
    assert done.get_xlim() == in_flight.get_xlim() == (0, 4.5)
    assert latency.get_xscale() == "log"


def test_the_plot_is_a_png_without_pyplot():
    """A run that sent nothing has a plot, too."""
    pytest.importorskip("matplotlib")
    for report in (make_report({}, [], 0.0), make_report({0: (3, 0, 3)}, [0.1, 0.2, 0.4], 0.5)):
        assert report.plot()._repr_png_().startswith(b"\x89PNG")
    assert "matplotlib.pyplot" not in sys.modules


def test_the_warning_groups_failures_by_cause_and_names_remedies():

    async def answer(request):
        number = int(request.path[1:])
        return (401 if number % 4 == 1 else 404 if number % 4 == 2 else 200), {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning) as caught:
        rows(40).aio.fetch(server.url + "/{id}", client=paio.Client(server.url, auth="old"))
    [warning] = caught
    text = str(warning.message)
    assert text.startswith("20 of 40 rows failed: 10 x HTTP 401 Unauthorized: ")
    assert ": pass fresh auth= to retry_failed; 10 x HTTP 404 Not Found" in text


def test_a_raised_error_names_the_first_row_of_each_cause():
    """In a note for each cause, without secrets."""

    async def answer(request):
        number = int(request.path[1:].partition("?")[0])
        return {2: 404, 3: 404, 5: 403}.get(number, 200), {}

    with serve_handler(answer) as server, pytest.raises(paio.FetchError, match="3 of 8 rows") as caught:
        rows(8).aio.fetch(server.url + "/{id}?token=s3cret", client=paio.Client(), errors="raise")
    first, second = caught.value.__notes__
    assert first.startswith("row 2: http_error, http://127.0.0.1")
    assert "HTTP 404" in first
    assert second.startswith("row 5: http_error")
    assert "HTTP 403" in second
    assert "s3cret" not in first + second


CANARY = "c4n4ry/s3cret+key"
ECHOES = {
    "message": b'{"error": {"message": "Incorrect API key provided: %s. See the docs"}}',
    "text": b'"token %s is expired"',
    "title": b"<html><title>%s</title></html>",
    "cut off": b'{"message": "' + b"x" * 190 + b' %s"}',
    "no message": b'{"given": "%s"}',
}
GIVEN = {
    "bearer": {"auth": CANARY},
    "password": {"auth": ("me", CANARY)},
    "key": {"auth": paio.ApiKey(CANARY, header="X-Mine")},
    "key in the query": {"auth": paio.ApiKey(CANARY, param="appid")},
    "header": {"headers": {"Authorization": f"Token {CANARY}"}},
    "cookie": {"headers": {"Cookie": f"a=1; b={CANARY}"}},
    "parameter": {"params": {"access_token": CANARY}},
    "body": {"method": "POST", "json": {"login": {"password": CANARY}}},
    "a row's own": {"headers": {"X-Api-Key": "{key}"}},
    "a row's parameter": {"params": {"access_token": "{key}"}},
    "a row's body": {"method": "POST", "json": {"login": {"password": "{key}"}}},
    "a row's form": {"method": "POST", "data": {"password": "{key}"}},
    "a row's text": {"method": "POST", "data": '{"password": "{key}"}'},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN.keys())
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_security_s11_a_credential_that_the_server_repeats_is_in_no_text(echo, given):
    """Warning, failures, outcomes, error, notes, and the reprs of runs and sources have no part of it."""
    frame = pd.DataFrame({"id": [1], "key": CANARY if "{key}" in str(given) else "-"})
    body = echo.replace(b"%s", CANARY.encode())
    with serve_script(http_response(body, status="401 X"), http_response(body, status="401 X")) as server:
        options = {"client": paio.Client(), "retry": 1, **given}
        with pytest.warns(paio.FetchWarning) as warned:
            out = frame.aio.fetch(server.url + "/{id}", **options)
        with pytest.raises(paio.FetchError) as caught:
            frame.aio.fetch(server.url + "/{id}", **options, errors="raise")
    texts = [str(warned[0].message), str(caught.value), *caught.value.__notes__, repr(caught.value)]
    texts += [out.aio.failures.to_csv(), out.aio.outcomes.to_csv(), str(out.attrs), repr(out.aio.report)]
    texts += [repr(out.aio.runs), *(repr(run.source) for run in out.aio.runs)]
    assert "401" in texts[0]
    for text in texts:
        for piece in (CANARY[:8], CANARY[-8:], "c4n4ry%2F"):
            assert piece not in text


def test_security_s11_findings_hold_no_credential():
    """They name keys of the payload, which may repeat one."""
    pages = [b'{"next":"/?x=1","items":[{"n":1}]}', b'{"items":[{"n":2}]}']
    odd = b'{"next_%s":"abc","items":[{"n":3}],"more":true}' % CANARY.replace("/", "").encode()
    with serve_script(*map(http_response, [*pages, odd])) as server:
        client = paio.Client(server.url, auth=CANARY.replace("/", ""))
        with pytest.warns(paio.HintWarning, match=r"next_\*\*\*"):
            out = rows(2).aio.fetch("/{id}", client=client, pages="auto", concurrency=1)
    assert "next_***" in repr(out.aio.report)
    assert "s3cret" not in repr(out.aio.report)


def test_security_s11_retry_failed_redacts_the_credentials_of_both_runs():
    with serve_script(
        http_response(b'"no OLDKEY-1"', status="401 X"), http_response(b'"no NEWKEY-2"', status="401 X")
    ) as server:
        client = paio.Client(server.url, auth=paio.ApiKey("OLDKEY-1", param="appid"))
        with pytest.warns(paio.FetchWarning):
            out = rows(1).aio.fetch("/{id}", client=client)
        with pytest.warns(paio.FetchWarning):
            again = out.aio.retry_failed(auth=paio.ApiKey("NEWKEY-2", param="appid"))
    assert [request.line.split()[1] for request in server.requests] == ["/0?appid=OLDKEY-1", "/0?appid=NEWKEY-2"]
    assert again.aio.outcomes.loc[0, ["error", "url"]].tolist() == ["HTTP 401 Unauthorized: no ***", ANY]
    assert "KEY-" not in again.aio.outcomes.to_csv()


def test_the_responses_that_stopped_a_run_come_before_its_unsent_rows():
    """The number of unsent rows does not matter. Both causes have the remedy."""

    async def answer(request):
        return 401, {}

    with serve_handler(answer) as server, pytest.raises(paio.FetchError) as caught:
        rows(500).aio.fetch(server.url + "/{id}", client=paio.Client(server.url, auth="old"), errors="raise")
    sent, unsent = str(caught.value).split("; ")[:2]
    assert " x HTTP 401 Unauthorized" in sent
    assert sent.endswith(": pass fresh auth= to retry_failed")
    assert unsent.startswith(f"{500 - len(server.log)} x not sent: ")
    assert "credentials right? pass fresh auth= to retry_failed" in unsent
    first, second = caught.value.__notes__
    assert "HTTP 401" in first
    assert "not sent" in second


def test_with_warnings_as_errors_the_frame_is_on_the_warning():
    """``.partial`` is what the fetch would have returned."""

    async def answer(request):
        return (404 if request.path == "/1" else 200), {}

    with serve_handler(answer) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(paio.FetchWarning, match="1 of 3 rows failed") as caught:
            rows(3).aio.fetch(server.url + "/{id}", client=paio.Client())
    assert caught.value.partial["ok"].tolist() == [True, pd.NA, True]
    assert caught.value.partial.aio.failures["row"].tolist() == [1]
