"""Blocking calls and futures: in scripts, threads, loops and forks, under Ctrl-C and at exit."""

import asyncio
import gc
import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import ClassVar

import aiohttp
import pandas as pd
import pytest
from tqdm import tqdm

import pandas_async_io as paio
from pandas_async_io._io import progress
from pandas_async_io._io.bridge.portal import get_portal

USERS = pd.DataFrame({"id": [3, 1, 2]})
FORK_OF_THREADS = "ignore:This process:DeprecationWarning"
PRELUDE = """
import asyncio, gc, os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
import pandas as pd
import pandas_async_io as paio
API = sys.argv[1]
users = pd.DataFrame({"id": range(1, 11)})
rows = pd.DataFrame({"k": range(10), "ms": [1] * 6 + [60000] * 4})
SLOW = API + "/slow/{k}?ms={ms}"

def fetch(**options):
    return users.aio.fetch(API + "/users/{id}", **options)["name"].notna().sum()

async def make_session():
    asyncio.get_running_loop().slow_callback_duration = 60  # a call that blocks is no news
    import aiohttp
    return aiohttp.ClientSession()
"""
WITHOUT_UVLOOP = "import sys\nsys.modules['uvloop'] = None\n"


@pytest.fixture
def api():
    """Run the sample API."""
    with paio.demo.serve() as base_url:
        yield base_url


@pytest.fixture(params=["uvloop", "asyncio"])
def loop_of(request):
    """Return the lines that choose the portal's loop."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return WITHOUT_UVLOOP if request.param == "asyncio" else ""


@contextmanager
def script(api, text, *, err="", code=0, flags=()):
    """Run a script with every warning an error; gives the process, then the list of its lines on stdout."""
    command = [sys.executable, "-X", "dev", "-W", "error", *flags, "-c", text, api]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.lines = []
        try:
            yield process
            out, errors = process.communicate(timeout=45)
        finally:
            process.kill()
    assert (errors, process.returncode) == (err, code)
    process.lines += out.splitlines()


def lines_of(api, text, **expected):
    """Run a script to its end."""
    with script(api, text, **expected) as process:
        pass
    return process.lines


def until(condition):
    """Wait for what another thread or process brings about."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def fetch(api, **options):
    """Fetch three users, and return their ids as the API spells them."""
    frame = USERS.aio.fetch(api + "/users/{id}", columns={"id": "answer"}, **options)
    return frame["answer"].tolist()


async def fetch_here(api, **options):
    """Block the running loop."""
    return fetch(api, **options)


def slow(api, **options):
    """Start one request that is not answered within a test."""
    return paio.read_api_async(api + "/slow/1?ms=60000", **options)


# ── wherever the caller stands ───────────────────────────────────────────────────────────────


def test_fault_69_a_call_blocks_in_a_thread_and_inside_a_running_loop(api):
    """The portal's loop does the work, whatever the calling thread is doing."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fetch, api).result() == [3, 1, 2]
    assert asyncio.run(fetch_here(api)) == [3, 1, 2]
    assert fetch(api) == [3, 1, 2]


def test_fault_69_a_call_blocks_inside_a_running_uvloop(api):
    """Which loop runs does not matter to a call that does not run on it."""
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(fetch_here(api)) == [3, 1, 2]


@pytest.mark.parametrize("patch", ["nest_asyncio2", "nest_asyncio"])
def test_fault_69_a_call_blocks_on_a_loop_that_is_patched_already(api, patch, loop_of):
    """Somebody else's patch breaks neither the portal's timeouts nor a client on the patched loop."""
    if find_spec(patch) is None:
        pytest.skip(f"{patch} is not installed")
    text = f"""
import {patch}
async def main():
    session = await make_session()
    {patch}.apply()
    print(fetch(), fetch(client=paio.Client(session=session)), await asyncio.sleep(0, "goes on"))
    options = {{"timeout": 0.05, "retry": 1, "errors": "coerce", "progress": False}}
    for client in (None, paio.Client(session=session)):
        try:
            rows.tail(2).aio.fetch(SLOW, client=client, **options)
        except paio.FetchWarning as warning:
            print("no complete answer" in str(warning))
    await session.close()
asyncio.run(main())
"""
    assert lines_of(api, loop_of + PRELUDE + text) == ["10 10 goes on", "True", "True"]


def test_importing_starts_and_imports_nothing(api):
    """A script that only imports the package pays for no loop, no thread and no HTTP client."""
    text = """
import sys, threading
import pandas_async_io
print(sorted({"aiohttp", "asyncio", "orjson", "tqdm", "uvloop"} & set(sys.modules)), threading.active_count())
"""
    assert lines_of(api, text) == ["[] 1"]


def test_the_portal_runs_on_uvloop_where_it_is_installed(api):
    """Without it asyncio's own loop does."""
    text = (
        PRELUDE
        + """
from pandas_async_io._io.bridge.portal import get_portal
print(fetch(), type(get_portal().loop).__module__)
"""
    )
    assert lines_of(api, WITHOUT_UVLOOP + text) == ["10 asyncio.unix_events"]
    assert type(get_portal().loop).__module__ == ("uvloop" if find_spec("uvloop") else "asyncio.unix_events")


def test_a_callback_that_blocks_its_own_loop_is_refused(api):
    """A wait for oneself would never end."""
    caught = []

    def when(*_):
        future = slow(api)
        for wait in (lambda: fetch(api), future.result):
            with pytest.raises(paio.PortalError) as error:
                wait()
            caught.append(str(error.value))
        return not future.cancel()

    assert fetch(api, retry=paio.Retry(when=when)) == [3, 1, 2]
    assert len(caught) == 6
    assert "inside a callback" in caught[0]
    assert "use `await`" in caught[1]


def test_a_callback_that_exits_ends_its_own_call(api):
    """sys.exit() comes out of the call whose callback it was; the loop goes on for all others."""
    with pytest.raises(SystemExit, match="enough"):
        fetch(api, retry=paio.Retry(when=lambda *_: sys.exit("enough")))
    assert fetch(api) == [3, 1, 2]


# ── many at once ─────────────────────────────────────────────────────────────────────────────


def test_fault_68_sixteen_threads_share_one_client(api):
    """Every thread gets its own rows, and all together keep to the client's limit."""
    with paio.Client(api, concurrency=4) as client, ThreadPoolExecutor(16) as pool:
        keys = [range(20 * n, 20 * n + 20) for n in range(16)]
        frames = pool.map(lambda k: pd.DataFrame({"k": k}).aio.fetch("/broken/a{k}", client=client), keys)
        assert [frame["key"].tolist() for frame in frames] == [[f"a{k}" for k in some] for some in keys]
    assert api.peak <= 4
    assert api.connections <= 4


def test_two_futures_run_at_the_same_time(api):
    """Starting the second does not wait for the first."""
    futures = [slow(api), slow(api)]
    until(lambda: api.in_flight == 2)
    assert [future.cancel() for future in futures] == [True, True]
    until(lambda: api.in_flight == 0)


def test_a_call_whose_partial_result_fails_ends_with_that_failure(api):
    """Whoever waits for cancelled work must not wait for ever."""
    from pandas_async_io._io.bridge.portal import start_coroutine

    def broken():
        raise ValueError("no partial result")

    started = start_coroutine(lambda: asyncio.sleep(60), get_portal().loop, broken)
    started.request_cancel()
    with pytest.raises(ValueError, match="no partial result"):
        started.result(30)


# ── a client around the caller's own session ─────────────────────────────────────────────────


def mine(api, session):
    """Tell whether a request carries the session's own header."""
    frame = pd.DataFrame({"k": [1]}).aio.fetch(api + "/echo/{k}", client=paio.Client(session=session))
    return frame["headers.X-Mine"].tolist() == ["yes"]


async def own_session():
    """Open a session that can be told from ours."""
    return aiohttp.ClientSession(headers={"X-Mine": "yes"})


def test_a_session_is_used_on_its_own_loop_by_await_and_from_a_thread(api):
    """Its requests run where it lives, and it is left open."""

    async def main():
        session = await own_session()
        client = paio.Client(session=session)
        first = await USERS.aio.fetch_async(api + "/users/{id}", client=client)
        assert await asyncio.to_thread(mine, api, session)
        client.close()
        await client.close_async()
        assert not session.closed
        await session.close()
        return first

    assert asyncio.run(main())["name"].notna().all()


def test_a_session_whose_loop_is_not_running_is_run_by_the_call(api):
    """From several threads too: whoever waits runs the loop, one at a time."""
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(own_session())
    assert mine(api, session)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: mine(api, session), range(8)))
    loop.run_until_complete(session.close())
    loop.close()
    for call in (lambda: mine(api, session), lambda: slow(api, client=paio.Client(session=session))):
        with pytest.raises(paio.PortalError, match="loop that is closed"):
            call()


def test_a_session_of_another_loop_that_does_not_run_is_refused(api):
    """A thread runs one loop at a time."""
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(own_session())

    async def main():
        with pytest.raises(paio.PortalError, match="not running"):
            mine(api, session)

    asyncio.run(main())
    loop.run_until_complete(session.close())
    loop.close()


def test_a_blocking_call_inside_a_running_uvloop_of_the_session_is_refused(api):
    """uvloop can't be nested: the error says what to do, and asyncio stays unpatched."""
    uvloop = pytest.importorskip("uvloop")

    async def main():
        session = await own_session()
        with pytest.raises(paio.PortalError, match="running uvloop loop: use `await`"):
            mine(api, session)
        await session.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert not hasattr(asyncio, "_nest_patched")


# ── Ctrl-C ───────────────────────────────────────────────────────────────────────────────────

LOOP = """
async def main():
    session = await make_session()
    attempt({})
    await session.close()
{}(main())
"""
INTERRUPTED = {
    "script": "attempt(call)",
    "result": "attempt(lambda: rows.aio.fetch_async(SLOW, concurrency=2).result())",
    "result in a loop": LOOP.format("lambda: rows.aio.fetch_async(SLOW, concurrency=2).result()", "asyncio.run"),
    "in a loop": LOOP.format("call", "asyncio.run"),
    "in uvloop": "import uvloop" + LOOP.format("call", "uvloop.run"),
    "nested": LOOP.format("lambda: call(client=paio.Client(session=session))", "asyncio.run"),
    "own session": """
loop = asyncio.new_event_loop()
session = loop.run_until_complete(make_session())
attempt(lambda: call(client=paio.Client(session=session)))
loop.run_until_complete(session.close())
loop.close()
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("where", INTERRUPTED)
def test_fault_59_an_interrupt_returns_with_the_finished_rows(api, where):
    """Ctrl-C closes what is in flight, keeps what has come, and the next call works."""
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
    with script(api, text + INTERRUPTED[where]) as process:
        until(lambda: sum("60000" in seen.path_qs for seen in api.log) == 2)  # all before them are delivered
        process.send_signal(signal.SIGINT)
        process.lines.append(process.stdout.readline().rstrip())
        until(lambda: api.in_flight == 0)
        process.stdin.write("\n")
    assert process.lines == ["{'ok': 6, 'cancelled': 4} 6", "10"]


# ── fork ─────────────────────────────────────────────────────────────────────────────────────

FORK = """
future = rows.aio.fetch_async(SLOW)
mine = paio.Client(API)
print(fetch(), fetch(client=mine), flush=True)
loop = asyncio.new_event_loop()
session = loop.run_until_complete(make_session())

def child():
    global future, mine
    print(fetch(), fetch(client=mine), users.aio.fetch_async(API + "/users/{id}").shape, flush=True)
    for refused in (future.result, lambda: fetch(client=paio_session)):
        try:
            refused()
        except paio.PortalError as error:
            print("parent process" in str(error), flush=True)
    del future, mine
    gc.collect()

paio_session = paio.Client(session=session)
"""
FORKS = {
    "os.fork": """
if (pid := os.fork()) == 0:
    child()
    loop.run_until_complete(session.close())
    loop.close()
    sys.exit()
print(os.waitpid(pid, 0)[1])
""",
    "multiprocessing": """
import multiprocessing
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
print(process.exitcode)
""",
}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("way", FORKS)
def test_fault_67_a_forked_child_starts_afresh_and_leaves_the_parent_alone(api, way, loop_of):
    """The child has a loop and sessions of its own; its end takes nothing from the parent's."""
    after = """
print(fetch(), fetch(client=mine), future.done())
future.cancel()
loop.run_until_complete(session.close())
loop.close()
"""
    text = loop_of + PRELUDE + FORK + FORKS[way] + after
    lines = lines_of(api, text, flags=["-W", FORK_OF_THREADS])
    assert lines == ["10 10", "10 10 (10, 12)", "True", "True", "0", "10 10 False"]


# ── the end ──────────────────────────────────────────────────────────────────────────────────

WARNED = "1 call(s) still running at exit: cancelled\n"
ENDS = {
    "idle": ("fetch()", "", 0),
    "never closed": ("client = paio.Client(API); fetch(client=client)", "", 0),
    "collected": ("client = paio.Client(API); fetch(client=client); del client; gc.collect()", "", 0),
    "just started": ("future = rows.aio.fetch_async(SLOW)", WARNED, 0),
    "nobody waits": ("rows.aio.fetch_async(SLOW); gc.collect()", WARNED, 0),
    "half finished": (
        """
future = rows.aio.fetch_async(SLOW, concurrency=2)
while "6 of 10" not in repr(future):
    threading.Event().wait(0.01)
sys.exit(3)
""",
        WARNED,
        3,
    ),
    "name server is silent": (
        """
import socket
asked = threading.Event()
socket.getaddrinfo = lambda *_, **__: asked.set() or threading.Event().wait()
future = paio.read_api_async("http://silent.example/")
asked.wait()
""",
        WARNED,
        0,
    ),
    "other threads go on": (
        """
fetch()
def late():
    threading.main_thread().join()
    print(fetch(), len(users.aio.fetch_async(API.replace("127.0.0.1", "localhost") + "/users/{id}").result()))
threading.Thread(target=late).start()
""",
        "",
        0,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", ENDS)
def test_fault_71_the_interpreter_ends_at_once_and_quietly(api, how, loop_of):
    """No warning, no open connection, no wait; work that was still running is worth one line."""
    text, err, code = ENDS[how]
    if how == "name server is silent":
        loop_of = WITHOUT_UVLOOP  # which asks in C
    lines = lines_of(api, loop_of + PRELUDE + text, err=err, code=code)
    assert lines == (["10 10"] if how == "other threads go on" else [])


@pytest.mark.slow
def test_fault_71_tls_connections_are_closed_at_exit(tmp_path, loop_of):
    """An open TLS connection takes more than one turn of the loop to close."""
    import ssl

    import trustme

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    text = f"import ssl; fetch(client=paio.Client(ssl=ssl.create_default_context(cafile={str(tmp_path / 'ca.pem')!r})))"
    with paio.demo.serve(ssl=context) as secure:
        assert lines_of(secure, loop_of + PRELUDE + text) == []
        assert len(secure.log) == 10


class Answer(BaseHTTPRequestHandler):
    """Answers one record, and knows which connections are open."""

    protocol_version = "HTTP/1.1"
    open_now: ClassVar[set] = set()

    def setup(self):
        super().setup()
        self.open_now.add(self)

    def finish(self):
        super().finish()
        self.open_now.discard(self)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b'{"answer":1}')

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def counted():
    """Run a server whose open connections can be counted; gives a client of it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve_forever, 0.01)
        yield [paio.Client(f"http://127.0.0.1:{server.server_port}")]
        server.shutdown()
        serving.result()


def ask(client):
    """Fetch three answers."""
    return USERS.aio.fetch("/{id}", client=client)["answer"].tolist() == [1, 1, 1]


def test_fault_71_a_collected_client_closes_its_connections(counted):
    """Nobody has to close a client."""
    assert ask(counted[0])
    assert Answer.open_now
    counted.clear()
    gc.collect()
    until(lambda: not Answer.open_now)


def test_a_closed_client_opens_new_connections(counted):
    """Closing is not the end: sync, async and as a context, from any thread and any loop."""
    (client,) = counted

    async def main():
        async with client:
            assert len(await USERS.aio.fetch_async("/{id}", client=client)) == 3

    def enter():
        with client:
            assert ask(client)

    for close in (client.close, lambda: asyncio.run(client.close_async()), lambda: asyncio.run(main()), enter):
        assert ask(client)
        assert Answer.open_now
        close()
        until(lambda: not Answer.open_now)


# ── progress ─────────────────────────────────────────────────────────────────────────────────


def test_progress_is_drawn_and_taken_away(api, capsys):
    """A bar that was asked for is there however short the call is, and gone after it."""
    fetch(api, progress=True)
    drawn = capsys.readouterr().err
    assert "/3 [" in drawn
    assert drawn.endswith("\r")
    assert not tqdm._instances
    pd.DataFrame({"id": []}).aio.fetch(api + "/users/{id}", progress=True)
    assert capsys.readouterr().err == ""


def test_progress_is_taken_away_when_a_call_fails(api, capsys):
    """The next output must not run into a bar."""
    with pytest.raises(SystemExit):
        fetch(api, progress=True, retry=paio.Retry(when=lambda *_: sys.exit()))
    assert capsys.readouterr().err.endswith("\r")
    assert not tqdm._instances


class Terminal(io.StringIO):
    """Somebody watches."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("stderr", "shown"), [(Terminal(), True), (io.StringIO(), False), (None, False)])
def test_progress_shows_by_itself_only_where_somebody_watches(api, monkeypatch, stderr, shown):
    """A log file and a program without a console get none."""
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", 0.0)
    assert fetch(api) == [3, 1, 2]
    assert bool(stderr and stderr.getvalue()) is shown
