"""asyncio's CancelledError in a user's code fails one row: the run ends, and the other rows have their answers."""

import asyncio

import aiohttp
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._io.gate.gate import Gate

USERS = pd.DataFrame({"id": [1, 2, 3]})


def cancel_row_two(url):
    if str(url).endswith("/users/2"):
        raise asyncio.CancelledError


def parse(response):
    """Read the body, or raise what no code of this package asked for."""
    cancel_row_two(response.url)
    return {"name": "read"}


def is_error(payload):
    """Tell no payload for an error, but raise for one."""
    cancel_row_two(f"/users/{payload['id']}")


def is_to_repeat(response, error):
    """Repeat nothing, but raise for one response."""
    cancel_row_two(response.url)
    return False


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"parser": parse}, "parser= raised CancelledError, in parse"),
        ({"error_when": is_error}, "error_when= raised CancelledError, in is_error"),
        ({"retry": paio.Retry(when=is_to_repeat)}, r"Retry\(when=...\) raised CancelledError, in is_to_repeat"),
    ],
    ids=["parser", "error_when", "retry"],
)
def test_fault_85_a_cancelled_error_of_a_users_function_fails_its_row(api, options, where):
    """No worker is lost: the run ends, and the others go on."""
    with pytest.warns(paio.FetchWarning, match=where):
        frame = USERS.aio.fetch(api + "/users/{id}", concurrency=1, **options)
    assert frame.aio.outcomes["outcome"].tolist() == ["ok", "parse_error", "ok"]
    assert frame["name"].notna().tolist() == [True, False, True]


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit], ids=lambda error: error.__name__)
def test_fault_78_whatever_a_parser_raises_fails_its_row(api, error):
    """Only KeyboardInterrupt and SystemExit end the run."""

    def parse(response):
        if response.url.endswith("/users/2"):
            raise error
        return {"name": "read"}

    with pytest.warns(paio.FetchWarning, match=error.__name__):
        frame = USERS.aio.fetch(api + "/users/{id}", parser=parse)
    assert frame.aio.outcomes["outcome"].tolist() == ["ok", "parse_error", "ok"]


def build_endless_dict():
    payload = {"n": 1}
    payload["inner"] = payload
    return payload


def build_endless_list():
    payload = [1]
    payload.append([payload])
    return payload


@pytest.mark.parametrize("build", [build_endless_dict, build_endless_list])
def test_fault_78_a_payload_that_holds_itself_fails_its_row(api, build):
    """Flattening it would never end, and hold every call of the process."""
    with pytest.warns(paio.FetchWarning, match="parser= returned a dict or list that holds itself"):
        frame = USERS.aio.fetch(
            api + "/users/{id}", parser=lambda response: build() if response.url.endswith("2") else {"n": 1}
        )
    assert frame.aio.outcomes["outcome"].tolist() == ["ok", "parse_error", "ok"]


def test_fault_85_a_cancelled_error_of_a_sessions_middleware_fails_its_row(api):
    """Nobody asked the worker's task to cancel, so the error belongs to the row."""

    async def middleware(request, handler):
        cancel_row_two(request.url)
        return await handler(request)

    async def main():
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            return await USERS.aio.fetch_async(api + "/users/{id}", client=paio.Client(session=session), concurrency=1)

    with pytest.warns(paio.FetchWarning, match="CancelledError was raised while the request was sent"):
        frame = asyncio.run(main())
    assert frame.aio.outcomes["outcome"].tolist() == ["ok", "transport_error", "ok"]
    assert frame["name"].notna().tolist() == [True, False, True]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_fault_86_a_worker_that_ends_without_a_result_ends_the_run(api, monkeypatch, concurrency):
    """A fault of our own, injected: the run raises instead of waiting for ever."""

    async def enter(*args, **options):
        raise asyncio.CancelledError

    monkeypatch.setattr(Gate, "enter", enter)
    with pytest.raises(paio.ApiError, match="a worker of the run was cancelled, and nobody asked for it"):
        USERS.aio.fetch(api + "/users/{id}", concurrency=concurrency, rate="100/s")
