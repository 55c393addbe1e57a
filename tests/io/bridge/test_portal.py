"""The portal: its loop, cancellation, forks and the end of the interpreter."""

import asyncio
import os
import sys
from importlib.util import find_spec

import pytest

import pandas_async_io as paio
from pandas_async_io._io.bridge.portal import get_portal
from tests.io.bridge.scripts import PRELUDE, WITHOUT_UVLOOP, fetch_ids, run_script, start_slow_read, wait_until


@pytest.mark.slow
def test_the_portal_runs_on_uvloop_where_it_is_installed(api):
    """Without uvloop it runs on asyncio's loop."""
    text = (
        PRELUDE
        + """
from pandas_async_io._io.bridge.portal import get_portal
print(fetch(), type(get_portal().loop).__module__)
"""
    )
    assert run_script(api, WITHOUT_UVLOOP + text) == ["10 asyncio.unix_events"]
    assert type(get_portal().loop).__module__ == ("uvloop" if find_spec("uvloop") else "asyncio.unix_events")


def test_a_callback_that_exits_ends_its_own_call(api):
    """The call raises SystemExit; the loop goes on for other calls."""
    with pytest.raises(SystemExit, match="enough"):
        fetch_ids(api, retry=paio.Retry(when=lambda *_: sys.exit("enough")))
    assert fetch_ids(api) == [3, 1, 2]


def test_two_futures_run_at_the_same_time(api):
    """Starting the second does not wait for the first."""
    futures = [start_slow_read(api), start_slow_read(api)]
    wait_until(lambda: api.in_flight == 2)
    assert [future.cancel() for future in futures] == [True, True]
    wait_until(lambda: api.in_flight == 0)


def test_a_call_whose_partial_result_fails_ends_with_that_failure(api):
    """A caller that waits for cancelled work must not wait for ever."""
    from pandas_async_io._io.bridge.portal import start_coroutine

    def broken():
        raise ValueError("no partial result")

    started = start_coroutine(lambda: asyncio.sleep(60), get_portal().loop, broken)
    started.request_cancel()
    with pytest.raises(ValueError, match="no partial result"):
        started.result(30)


IGNORE_FORK_WARNING = "ignore:This process:DeprecationWarning"


BEFORE_FORK = """
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


FORK_SCRIPTS = {
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
@pytest.mark.parametrize("way", FORK_SCRIPTS)
def test_fault_67_a_forked_child_has_its_own_portal_and_leaves_the_parents_alone(api, way, choose_loop):
    """The child has its own loop and connections; its end closes nothing of the parent's."""
    after = """
print(fetch(), fetch(client=mine), future.done())
future.cancel()
loop.run_until_complete(session.close())
loop.close()
"""
    text = choose_loop + PRELUDE + BEFORE_FORK + FORK_SCRIPTS[way] + after
    lines = run_script(api, text, flags=["-W", IGNORE_FORK_WARNING])
    assert lines == ["10 10", "10 10 (10, 12)", "True", "True", "0", "10 10 False"]


CANCELLED_LINE = "1 call(s) still running at exit: cancelled\n"


SCRIPTS = {
    "idle": ("fetch()", "", 0),
    "never closed": ("client = paio.Client(API); fetch(client=client)", "", 0),
    "collected": ("client = paio.Client(API); fetch(client=client); del client; gc.collect()", "", 0),
    "just started": ("future = rows.aio.fetch_async(SLOW)", CANCELLED_LINE, 0),
    "nobody waits": ("rows.aio.fetch_async(SLOW); gc.collect()", CANCELLED_LINE, 0),
    "half finished": (
        """
future = rows.aio.fetch_async(SLOW, concurrency=2)
while "6 of 10" not in repr(future):
    threading.Event().wait(0.01)
sys.exit(3)
""",
        CANCELLED_LINE,
        3,
    ),
    "name server is silent": (
        """
import socket
lookup = threading.Event()
socket.getaddrinfo = lambda *_, **__: lookup.set() or threading.Event().wait()
future = paio.read_api_async("http://silent.example/")
lookup.wait()
""",
        CANCELLED_LINE,
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
@pytest.mark.parametrize("how", SCRIPTS)
def test_fault_71_the_interpreter_ends_at_once_and_quietly(api, how, choose_loop):
    """No warning, no open connection, no wait; running work is cancelled with one line."""
    text, err, code = SCRIPTS[how]
    if how == "name server is silent":
        choose_loop = WITHOUT_UVLOOP  # which asks in C
    lines = run_script(api, choose_loop + PRELUDE + text, err=err, code=code)
    assert lines == (["10 10"] if how == "other threads go on" else [])


@pytest.mark.slow
def test_fault_71_tls_connections_are_closed_at_exit(tmp_path, choose_loop):
    """A TLS connection takes more than one turn of the loop to close."""
    import ssl

    import trustme

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    text = f"import ssl; fetch(client=paio.Client(ssl=ssl.create_default_context(cafile={str(tmp_path / 'ca.pem')!r})))"
    with paio.demo.serve(ssl=context) as secure:
        assert run_script(secure, choose_loop + PRELUDE + text) == []
        assert len(secure.log) == 10


@pytest.mark.slow
@pytest.mark.parametrize("before", ["", "print(fetch())"], ids=["first fetch", "fetched before"])
def test_fault_71_a_fetch_from_a_handler_at_exit_leaves_nothing_open(api, choose_loop, before):
    """The handler was registered before this package was imported, so it runs after the portal was closed."""
    handler = "lambda: print(fetch(), len(paio.read_api_async(API + '/users/1').result()))"
    text = f"import atexit\natexit.register({handler})\n"
    lines = run_script(api, choose_loop + text + PRELUDE + before)
    assert lines == [*(["10"] if before else []), "10 1"]
