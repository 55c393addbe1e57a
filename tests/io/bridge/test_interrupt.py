"""Ctrl-C during a blocking call."""

import asyncio
import signal

import pytest

from tests.io.bridge.scripts import PRELUDE, USERS, open_script, wait_until

IN_LOOP = """
async def main():
    session = await make_session()
    attempt({})
    await session.close()
{}(main())
"""


CALLS = {
    "script": "attempt(call)",
    "result": "attempt(lambda: rows.aio.fetch_async(SLOW, concurrency=2).result())",
    "result in a loop": IN_LOOP.format("lambda: rows.aio.fetch_async(SLOW, concurrency=2).result()", "asyncio.run"),
    "in a loop": IN_LOOP.format("call", "asyncio.run"),
    "in uvloop": "import uvloop" + IN_LOOP.format("call", "uvloop.run"),
    "nested": IN_LOOP.format("lambda: call(client=paio.Client(session=session))", "asyncio.run"),
    "own session": """
loop = asyncio.new_event_loop()
session = loop.run_until_complete(make_session())
attempt(lambda: call(client=paio.Client(session=session)))
loop.run_until_complete(session.close())
loop.close()
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("where", CALLS)
def test_fault_59_an_interrupt_carries_the_finished_rows(api, where):
    """Ctrl-C closes the requests in flight, keeps the finished rows, and the next call works."""
    if where == "in uvloop":
        pytest.importorskip("uvloop")
    text = (
        PRELUDE
        + """
def call(**options):
    return rows.aio.fetch(SLOW, concurrency=2, **options)

def attempt(call):
    try:
        call()
    except KeyboardInterrupt as interrupt:
        partial = interrupt.partial
        print(partial.aio.outcomes["outcome"].value_counts().to_dict(), partial["key"].count(), flush=True)
        sys.stdin.readline()
        print(fetch())
"""
    )
    with open_script(api, text + CALLS[where]) as process:
        wait_until(lambda: sum("60000" in request.path_qs for request in api.log) == 2)  # all before them are delivered
        process.send_signal(signal.SIGINT)
        process.lines.append(process.stdout.readline().rstrip())
        wait_until(lambda: api.in_flight == 0)
        process.stdin.write("\n")
    assert process.lines == ["{'ok': 6, 'cancelled': 4} 6", "10"]


def test_fault_59_an_interrupt_that_came_before_a_blocking_call_waits_ends_it_once(api):
    """`asyncio.run` only cancels its main task, which notices at its next await; then a call to clean up runs."""
    outcomes, names = [], []

    async def main():
        signal.raise_signal(signal.SIGINT)
        try:
            USERS.aio.fetch(f"{api}/slow/{{id}}?ms=60000")
        except KeyboardInterrupt as interrupt:
            outcomes.extend(interrupt.partial.aio.outcomes["outcome"])
        names.extend(USERS.aio.fetch(f"{api}/users/{{id}}")["name"])
        try:
            await asyncio.sleep(0)
        finally:
            names.extend(USERS.aio.fetch(f"{api}/users/{{id}}")["name"])

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcomes == ["cancelled"] * 3
    assert names == ["Grace Jansen", "Chloé Jansen", "Ivo Ito"] * 2
