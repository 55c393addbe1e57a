"""Idempotency keys: which requests may be repeated, and which key each row carries."""

import asyncio
import warnings
from collections import Counter

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.handler import serve_handler


def rows(count):
    return pd.DataFrame({"id": range(count)})


@pytest.mark.parametrize(("options", "sent"), [({}, 1), ({"idempotency_key": "Idempotency-Key"}, 4)])
def test_a_post_that_timed_out_is_repeated_only_with_a_key(options, sent):
    """Each attempt carries the same key; without one, the error says that the server may have received it."""

    async def answer(request):
        await asyncio.sleep(0.3)
        return 200, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning):
        out = rows(1).aio.fetch(
            server.url + "/{id}",
            method="POST",
            timeout=0.1,
            client=paio.Client(),
            retry=paio.Retry(base=0.01, **options),
        )
    assert len(server.log) == sent
    assert out.aio.failures["outcome"].tolist() == ["timeout"]
    assert ("may have received" in out.aio.failures["error"].iloc[0]) == (sent == 1)
    assert len({request.headers.get("idempotency-key") for request in server.log}) == 1


def test_each_row_keeps_its_own_key():
    """Equal rows have different keys, which stay over attempts and two calls of retry_failed."""
    tries = Counter()

    async def answer(request):
        tries[request.headers["x-key"]] += 1
        return (408 if tries[request.headers["x-key"]] <= 5 else 200), {}  # no 500: it would be held back as an outage

    frame = pd.DataFrame({"id": [1, 1, 2, 3]}, index=[7, 7, 8, 9])
    options = {"method": "POST", "retry": paio.Retry(attempts=2, base=0.001, patience=0, idempotency_key="X-Key")}
    with serve_handler(answer) as server:
        with pytest.warns(paio.FetchWarning):
            out = frame.aio.fetch(server.url + "/{id}", json={"n": "{id}"}, client=paio.Client(), **options)
        while len(out.aio.failures):
            with warnings.catch_warnings(action="ignore", category=paio.FetchWarning):
                out = out.aio.retry_failed()
    keys = {}
    for request in server.log:
        keys.setdefault(request.headers["x-key"], set()).add(request.path)
    assert len(keys) == 4
    assert set(tries.values()) == {6}
    assert all(len(paths) == 1 for paths in keys.values())
    assert sorted(path for paths in keys.values() for path in paths) == ["/1", "/1", "/2", "/3"]


def test_a_key_in_the_headers_is_sent_unchanged():
    """A column may hold the keys."""

    async def answer(request):
        return 200, {}

    with serve_handler(answer) as server:
        rows(2).aio.fetch(
            server.url,
            method="POST",
            headers={"idempotency-key": "order-{id}"},
            client=paio.Client(),
            retry=paio.Retry(idempotency_key="Idempotency-Key"),
        )
    assert sorted(request.headers["idempotency-key"] for request in server.log) == ["order-0", "order-1"]
