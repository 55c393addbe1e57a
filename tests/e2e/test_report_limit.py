"""What limited a run, as its report says: each cause alone and in pairs, against a server that really has it."""

import asyncio
import time

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.ids import stable
from tests.servers.handler import serve_handler


def parse_slowly(response):
    time.sleep(0.02)
    return {"ok": True}


async def answer_slowly(request):
    await asyncio.sleep(0.05)
    return 200, {}


async def answer_at_once(request):
    return 200, {}


def fetch(server, rows=40, client=None, **options):
    frame = pd.DataFrame({"id": range(rows)})
    return frame.aio.fetch(server.url + "/{id}", client=client or paio.Client(), **options).aio.report


ALONE = {
    "parser": (answer_at_once, {"parser": parse_slowly}, "parser=: it took "),
    "concurrency": (answer_slowly, {"concurrency": 2}, "concurrency: 2 were in flight"),
    "rate": (answer_at_once, {"rate": "50/s"}, "the rate that you set"),
}
CLIENTS = {
    "concurrency": (answer_slowly, {"concurrency": 3}, {"concurrency": 64}, "the client's concurrency=3: "),
    "concurrency, by default": (answer_slowly, {"concurrency": 3}, {}, "the client's concurrency=3: "),
    "rate": (answer_at_once, {"rate": "50/s"}, {"rate": "500/s"}, "the client's rate: "),
}
PAIRS = {
    "parser and concurrency": (answer_at_once, {"parser": parse_slowly, "concurrency": 2}, "parser=: it took "),
    "parser and a high rate": (answer_at_once, {"parser": parse_slowly, "rate": "1000/s"}, "parser=: it took "),
    "parser and a low rate": (answer_at_once, {"parser": parse_slowly, "rate": "20/s"}, "the rate that you set"),
    "rate and concurrency": (answer_slowly, {"rate": "20/s", "concurrency": 30}, "the rate that you set"),
    "auto and parser": (answer_at_once, {"parser": parse_slowly, "concurrency": "auto"}, "parser=: it took "),
}


@pytest.mark.parametrize(("handler", "options", "words"), [*ALONE.values(), *PAIRS.values()], ids=[*ALONE, *PAIRS])
@pytest.mark.slow
def test_the_cause_of_a_slow_run_is_named_first(handler, options, words):
    with serve_handler(handler) as server:
        report = fetch(server, **options)
    assert report.limited_by.startswith(words)
    assert report.waits["pause"] == 0


@pytest.mark.parametrize(("handler", "given", "asked", "words"), CLIENTS.values(), ids=CLIENTS)
def test_a_ceiling_of_the_client_is_named_as_the_clients(handler, given, asked, words):
    with serve_handler(handler) as server:
        report = fetch(server, client=paio.Client(**given), **asked)
    assert report.limited_by.startswith(words)
    assert "Client(" in report.limited_by


def test_a_calls_own_concurrency_below_its_clients_is_its_own():
    with serve_handler(answer_slowly) as server:
        report = fetch(server, client=paio.Client(concurrency=64), concurrency=2)
    assert report.limited_by.startswith("concurrency: 2 were in flight")


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"concurrency": "auto"}], ids=stable)
@pytest.mark.slow
def test_a_timeout_below_the_answers_time_is_named(options):
    """Not an outage of the server."""

    async def answer(request):
        await asyncio.sleep(2)
        return 200, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning):
        report = fetch(server, rows=8, timeout=0.15, retry=1, deadline=2, **options)
    assert report.limited_by.startswith("timeout=0.15: ")


def test_auto_names_one_cause():
    """Here it was still growing: the server neither refuses nor slows down."""
    with serve_handler(answer_slowly) as server:
        report = fetch(server, rows=60, concurrency="auto")
    assert "refused" not in report.limited_by


def test_a_run_without_a_refusal_waits_for_no_pause():
    """The short gaps before the first response are none."""
    with serve_handler(answer_slowly) as server:
        report = fetch(server, rows=100)
    assert report.waits["pause"] == 0
    assert "pause" not in repr(report)
