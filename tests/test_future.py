"""FrameFuture: waiting, awaiting, using it as a frame, and inspecting it without waiting."""

import asyncio
import concurrent.futures
import copy
import gc
import operator
import os
import pickle
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.errors import ParseError, PortalError
from pandas_async_io.future import FrameFuture

FRAME = pd.DataFrame({"a": [1, 2], "b": [3, -4]})


def start_reading(work=None, *, loop=None, cancel=None, progress=(412, 1000)):
    """Return a future and the work it waits for."""
    work = concurrent.futures.Future() if work is None else work
    return FrameFuture(work, label="https://a", progress=lambda: progress, loop=loop, cancel=cancel), work


def read_frame(frame=FRAME):
    """Return a future whose frame is complete."""
    future, work = start_reading()
    work.set_result(frame)
    return future


def run_in_thread(call, *args):
    """Call a function in another thread."""
    threading.Thread(target=call, args=args).start()


def new_uvloop():
    """Create an event loop of uvloop; skip the test where it is not installed."""
    return pytest.importorskip("uvloop").new_event_loop()


@pytest.fixture(params=[asyncio.new_event_loop, new_uvloop], ids=["asyncio", "uvloop"])
def run(request):
    """Run coroutines on a new event loop."""
    with asyncio.Runner(loop_factory=request.param, debug=True) as runner:
        yield runner.run


class WatchedWork(concurrent.futures.Future):
    """Work that records when a thread blocks on it."""

    def __init__(self):
        super().__init__()
        self.blocked = threading.Event()

    def exception(self, timeout=None):
        self.blocked.set()
        return super().exception(timeout)


# ── waiting in a thread ──────────────────────────────────────────────────────────────────────


def test_result_waits_for_another_thread_and_is_the_same_object_every_time():
    """A blocking wait ends when the frame is complete."""
    future, work = start_reading(WatchedWork())
    run_in_thread(lambda: work.blocked.wait() and work.set_result(FRAME))
    assert future.result() is FRAME
    assert future.result(timeout=0) is FRAME
    assert future.done()


def test_a_timeout_does_not_stop_the_work():
    """TimeoutError says how long the wait was; the frame may still come."""
    future, work = start_reading()
    with pytest.raises(TimeoutError, match="the work continues"):
        future.result(timeout=0)
    work.set_result(FRAME)
    assert future.result() is FRAME


def test_a_failure_is_the_same_exception_every_time_and_its_traceback_does_not_grow():
    """Reading a failed future several times shows the work's own traceback once."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future, _ = start_reading(pool.submit(operator.truediv, 1, 0))
    depths = set()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError) as caught:
            future.result()
        depths.add(len(caught.traceback))
    assert caught.value is future._work.exception()
    assert len(depths) == 1


def test_cancel_asks_the_work_once_and_is_false_when_it_has_ended():
    """A cancelled future raises CancelledError with the finished rows, if there are any."""
    future, work = start_reading()
    assert future.cancel()
    assert not future.cancel()
    with pytest.raises(concurrent.futures.CancelledError, match="https://a"):
        future.result()
    assert repr(future) == "<FrameFuture https://a cancelled>"
    future, work = start_reading()
    work.set_exception(with_partial(asyncio.CancelledError()))
    with pytest.raises(concurrent.futures.CancelledError) as caught:
        future.result()
    assert caught.value.partial is FRAME


def with_partial(error):
    """Put finished rows on an exception."""
    error.partial = FRAME
    return error


def test_fault_59_ctrl_c_cancels_the_work_and_carries_the_finished_rows():
    """A blocking wait raises KeyboardInterrupt with `.partial`, after the work has ended."""
    script = """
import concurrent.futures, os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
import pandas as pd
from pandas_async_io.future import FrameFuture

class Work(concurrent.futures.Future):
    def exception(self, timeout=None):
        blocked.set()
        return super().exception(timeout)

def unwind():
    error = concurrent.futures.CancelledError()
    error.partial = pd.DataFrame({"a": [1]})
    threading.Thread(target=work.set_exception, args=(error,)).start()

def interrupt():
    blocked.wait()
    os.kill(os.getpid(), signal.SIGINT)

blocked, work = threading.Event(), Work()
future = FrameFuture(work, label="L", progress=lambda: (0, 1), loop=None, cancel=unwind)
threading.Thread(target=interrupt).start()
try:
    len(future)
except KeyboardInterrupt as error:
    print(len(error.partial), future)
"""
    assert run_script(script) == "1 <FrameFuture L cancelled>\n"


def run_script(script, **environment):
    """Run a script with warnings as errors and return what it prints."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", script]
    env = os.environ | environment
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_fault_67_a_forked_child_does_not_wait_for_its_parents_future():
    """In a child, a finished frame is available and an unfinished one raises at once."""
    unfinished, work = start_reading()
    finished = read_frame()
    child = os.fork()
    if child == 0:
        try:
            finished.result()
            unfinished.result()
        except PortalError as error:
            os._exit(7 if "parent process" in str(error) and not unfinished.cancel() else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not work.done()


def test_fault_69_blocking_the_works_own_loop_raises_and_awaiting_there_works(run):
    """The work is a task on this loop: only `await` can end."""

    async def main():
        loop = asyncio.get_running_loop()
        future, work = start_reading(loop=loop)
        for wait in (future.result, lambda: len(future), lambda: future.columns):
            with pytest.raises(PortalError, match="use `await`"):
                wait()
        loop.call_soon(work.set_result, FRAME)
        assert await future is FRAME
        assert len(future) == 2

    run(main())


def test_fault_69_waiting_for_work_of_a_closed_loop_raises():
    """A closed loop completes nothing."""
    loop = asyncio.new_event_loop()
    future, _ = start_reading(loop=loop)
    loop.close()
    with pytest.raises(PortalError, match="closed"):
        future.result()
    with pytest.raises(PortalError, match="closed"):
        asyncio.run(future)


# ── awaiting ─────────────────────────────────────────────────────────────────────────────────


def test_asyncio_run_takes_the_future(run):
    """Any number of times."""
    future, work = start_reading()
    assert asyncio.iscoroutine(future)
    run_in_thread(work.set_result, FRAME)
    assert run(future) is FRAME
    assert run(future) is FRAME
    assert asyncio.run(future) is FRAME


def test_gather_takes_several_futures_and_one_twice(run):
    """They are awaited together."""
    (first, work1), (second, work2) = start_reading(), start_reading()

    async def main():
        gathered = asyncio.gather(first, second, first)
        await asyncio.sleep(0)
        run_in_thread(work2.set_result, FRAME.tail(1))
        run_in_thread(work1.set_result, FRAME)
        return await gathered

    one, two, three = run(main())
    assert one is three is FRAME
    assert len(two) == 1


def test_several_tasks_run_the_same_future(run):
    """Each task has its own wait, and all get the same frame."""
    future, work = start_reading()

    async def awaiting():
        return await future

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(c) for c in (future, future, awaiting(), awaiting())]
            tasks += [asyncio.create_task(future), asyncio.ensure_future(future)]
            await asyncio.sleep(0)
            run_in_thread(work.set_result, FRAME)
        return [await task for task in tasks] + [await future]

    assert all(frame is FRAME for frame in run(main()))


def test_several_loops_await_the_same_future():
    """Two threads with a loop each get the same frame."""
    future, work = start_reading()
    begun = threading.Barrier(3)

    async def main():
        task = asyncio.create_task(future)
        await asyncio.sleep(0)
        begun.wait()
        return await task

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        frames = [pool.submit(asyncio.run, main()) for _ in range(2)]
        begun.wait()
        work.set_result(FRAME)
    assert all(frame.result() is FRAME for frame in frames)


def test_wait_for_cancels_the_work(run):
    """A timeout around the await cancels the work."""
    future, work = start_reading()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(future, 0.001)

    run(main())
    assert work.cancelled()


@pytest.mark.parametrize("steps", [0, 1], ids=["before it began", "while it waits"])
def test_cancelling_the_awaiting_task_cancels_the_work(run, steps):
    """Other awaiting tasks get CancelledError, too."""
    future, work = start_reading()

    async def main():
        task = asyncio.create_task(future)
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(asyncio.CancelledError, match="https://a was cancelled"):
            await future

    run(main())
    assert work.cancelled()


def test_a_cancelled_await_lets_the_work_unwind_and_carries_its_rows(run):
    """CancelledError is raised after the work has ended, with `.partial`."""
    work = concurrent.futures.Future()
    error = with_partial(concurrent.futures.CancelledError())
    future, _ = start_reading(work, cancel=lambda: run_in_thread(work.set_exception, error))

    async def main():
        task = asyncio.create_task(future)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert work.done()
        assert caught.value.partial is FRAME

    run(main())


def test_work_that_refuses_to_stop_continues_without_its_awaiting_task(run):
    """Running work of a plain executor cannot be cancelled; its frame still comes."""
    future, work = start_reading()
    work.set_running_or_notify_cancel()

    async def main():
        task = asyncio.create_task(future)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    work.set_result(FRAME)
    assert future.result() is FRAME


def test_an_interrupt_inside_the_await_cancels_the_work(run):
    """KeyboardInterrupt raised in the awaiting coroutine counts as Ctrl-C."""
    future, work = start_reading()

    async def main():
        future.send(None)
        with pytest.raises(KeyboardInterrupt):
            future.throw(KeyboardInterrupt)

    run(main())
    assert work.cancelled()


@pytest.mark.parametrize("wait", [FrameFuture.result, asyncio.run], ids=["blocking", "awaiting"])
def test_a_wait_wakes_once_per_heartbeat(monkeypatch, wait):
    """The waiting thread runs regularly, so that it sees a signal that another thread received."""

    class Loop:
        beats = 0

        def is_closed(self):
            self.beats += 1
            if self.beats == 3:
                work.set_result(FRAME)
            return False

        def is_running(self):
            return False

    monkeypatch.setattr("pandas_async_io._io.bridge.wait.HEARTBEAT_SECONDS", 0.001)
    future, work = start_reading(loop=Loop())
    assert wait(future) is FRAME


def test_a_loop_closed_before_the_frame_came_is_not_logged(caplog):
    """Work may end after all awaiting loops are closed."""
    future, work = start_reading()
    loop = asyncio.new_event_loop()
    task = loop.create_task(future)
    loop.run_until_complete(asyncio.sleep(0))
    task._log_destroy_pending = False
    loop.close()
    work.set_result(FRAME)
    assert not caplog.records


def test_closing_does_not_cancel():
    """`close` is a method of coroutines; the work continues."""
    future, work = start_reading()
    future.close()
    assert not work.done()


@pytest.mark.parametrize("debug", ["0", "1"])
def test_a_task_of_a_future_has_a_repr_and_warns_of_nothing(debug):
    """This holds in dev mode and in asyncio's debug mode."""
    script = """
import asyncio, concurrent.futures
from pandas_async_io.future import FrameFuture

async def main():
    future = FrameFuture(work, label="L", progress=lambda: (0, None), loop=None)
    task = asyncio.create_task(future)
    print(repr(task).split("coro=")[1].split()[0], task.get_stack())
    future.__await__()
    task.cancel()
    await asyncio.wait([task])

work = concurrent.futures.Future()
asyncio.run(main())
"""
    assert run_script(script, PYTHONASYNCIODEBUG=debug).startswith("<FrameFuture()")


# ── use as a frame ───────────────────────────────────────────────────────────────────────────────

EXPRESSIONS = {
    "add": lambda f: f + 1,
    "reflected": lambda f: 1 - f,
    "divmod": lambda f: divmod(f, 2)[1],
    "pow": lambda f: 2.0**f,
    "matmul": lambda f: f @ np.eye(2),
    "frame on the left": lambda f: FRAME + f,
    "array on the left": lambda f: np.array([1, 2]) * f,
    "frame compares": lambda f: FRAME.head() >= f,
    "equal": lambda f: f == 1,
    "not equal": lambda f: f != 1,
    "bits": lambda f: (f > 1) | ~(f < 3),
    "reflected bits": lambda f: FRAME.gt(2) ^ (f > 1),
    "itself": lambda f: f * f,
    "unary": lambda f: abs(-f) + +f,
    "round": lambda f: round(f / 3, 1),
    "len": len,
    "in": lambda f: ("a" in f, "z" in f),
    "iter": list,
    "item": lambda f: f["b"],
    "mask": lambda f: f[f > 1],
    "ufunc": np.exp,
    "ufunc of two": lambda f: np.add(FRAME, f),
    "shape": lambda f: f.shape,
    "columns": lambda f: f.columns,
    "T": lambda f: f.T,
    "loc": lambda f: f.loc[1, "b"],
    "method": lambda f: f.query("a > 1"),
    "method with a future": lambda f: f.merge(f, on="a"),
    "attrs": lambda f: f.attrs,
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_gives_the_same_with_the_future_and_the_frame(name):
    """The future waits and forwards."""
    expression = EXPRESSIONS[name]
    future, work = start_reading(WatchedWork())
    run_in_thread(lambda: work.blocked.wait() and work.set_result(FRAME))
    actual, expected = expression(future), expression(FRAME)
    assert type(actual) is type(expected)
    assert pickle.dumps(actual) == pickle.dumps(expected) or actual.equals(expected)


def test_changes_reach_the_frame():
    """Items and attributes are set on the frame itself."""
    future = read_frame(frame := FRAME.copy())
    future["c"] = 5
    future.loc[0, "a"] = 9
    del future["b"]
    future.columns = ["x", "y"]
    future.insert(0, "z", 1)
    alias = future
    alias += 1
    assert alias is frame
    assert frame.to_dict("list") == {"z": [2, 2], "x": [10, 3], "y": [6, 6]}


def test_an_accessor_registered_later_works():
    """Accessors of other packages may be registered after our import."""
    future = read_frame()
    pd.api.extensions.register_dataframe_accessor("late")(lambda frame: ("late", frame))
    try:
        assert future.late[1] is FRAME
        assert hasattr(future, "late")
    finally:
        del pd.DataFrame.late


@pytest.mark.filterwarnings("ignore:The Dataframe Interchange")
def test_arrow_and_the_interchange_protocol_take_a_future():
    """They need no `.result()`."""
    pa = pytest.importorskip("pyarrow")
    assert pa.table(read_frame()).to_pydict() == FRAME.to_dict("list")
    assert list(read_frame().__dataframe__().column_names()) == ["a", "b"]


NEEDS_THE_FRAME = {
    "DataFrame": pd.DataFrame,
    "DataFrame of a dict": lambda f: pd.DataFrame({"a": f}),
    "DataFrame of a list": lambda f: pd.DataFrame([f, f]),
    "Series": pd.Series,
    "Index": pd.Index,
    "concat": lambda f: pd.concat([FRAME, f]),
    "merge left": partial(pd.merge, right=FRAME),
    "merge right": partial(pd.merge, FRAME),
    "isna": pd.isna,
    "assign": lambda f: FRAME.assign(c=f),
    "asarray": np.asarray,
    "array": lambda f: np.array([f]),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("name", NEEDS_THE_FRAME)
def test_a_function_that_would_misread_a_future_raises_and_names_result(name):
    """pandas and numpy would take a future for a list of column names."""
    future, _ = start_reading()
    with pytest.raises(TypeError, match=r"\.result\(\)"):
        NEEDS_THE_FRAME[name](future)


# ── inspecting never waits ──────────────────────────────────────────────────────────────────────

PROBES = [
    "_ipython_display_",
    "_repr_mimebundle_",
    "_repr_latex_",
    "_repr_json_",
    "_repr_pretty_",
    "getdoc",
    "trait_names",
    "_ipython_canary_method_should_not_exist_",
    "cr_code",
    "cr_frame",
    "cr_await",
    "cr_running",
    "gi_code",
    "gi_frame",
    "gi_running",
    "__qualname__",
    "__wrapped__",
    "__array_interface__",
    "__array_struct__",
    "__fspath__",
    "__deepcopy__",
    "mro",
    "userId",
]


@pytest.mark.parametrize("name", PROBES)
def test_an_attribute_that_no_frame_has_raises_at_once_and_names_result(name):
    """Tools probe objects by attribute; a probe must not wait."""
    future, _ = start_reading()
    with pytest.raises(AttributeError, match=r"\.result\(\)"):
        getattr(future, name)


def test_setting_an_attribute_that_no_frame_has_raises_and_names_result():
    """It would be lost on the future."""
    future, _ = start_reading()
    with pytest.raises(AttributeError, match=r"\.result\(\)"):
        future.userId = 1


def test_inspecting_an_unfinished_future_does_not_wait():
    """Display, dir, hash, truth and methods that are not called return at once."""
    future, _ = start_reading()
    assert f"{future}" == str(future) == repr(future)
    assert repr(future) == "<FrameFuture https://a still reading, 412 of 1 000>"
    assert future._repr_html_() is None
    assert {"result", "query", "columns", "T"} <= set(dir(future))
    assert callable(future.query)
    assert {future: 1}[future] == 1
    assert bool(future)


def test_completion_does_not_wait():
    """Neither of IPython's completers evaluates an attribute that would wait."""
    completer = pytest.importorskip("IPython.core.completer")
    future, work = start_reading(WatchedWork())
    for use_jedi in (False, True):
        ipython = completer.IPCompleter(namespace={"future": future}, use_jedi=use_jedi)
        with completer.provisionalcompleter():
            found = {c.text.lstrip(".") for c in ipython.completions("future.", 7)}
        assert {"query", "T"} <= found
    assert not work.blocked.is_set()


def test_the_repr_shows_progress_result_or_failure():
    """The total may be unknown."""
    future, work = start_reading(progress=(1234, None))
    assert repr(future) == "<FrameFuture https://a still reading, 1 234 so far>"
    work.set_result(pd.DataFrame({"a": range(1000)}))
    assert repr(future) == "<FrameFuture https://a done, 1 000 rows x 1 columns>"
    assert "<table" in future._repr_html_()
    future, work = start_reading()
    work.set_exception(ParseError("no JSON"))
    assert repr(future) == "<FrameFuture https://a failed: ParseError: no JSON>"
    assert future._repr_html_() is None
    with pytest.raises(ParseError):
        future.result()


# ── unread failures ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("early", [True, False], ids=["failed, then dropped", "dropped, then failed"])
def test_an_unread_failure_is_logged(caplog, early):
    """An error must not vanish with its future."""
    future, work = start_reading()
    if early:
        work.set_exception(ParseError("no JSON"))
    del future
    gc.collect()
    if not early:
        work.set_exception(ParseError("no JSON"))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("pandas_async_io", "ERROR")
    assert record.getMessage() == "https://a failed and its result was never read: ParseError: no JSON"


def test_a_read_failure_and_a_cancellation_are_not_logged(caplog):
    """The log holds what the program has not seen."""
    future, work = start_reading()
    work.set_exception(ParseError("no JSON"))
    with pytest.raises(ParseError):
        asyncio.run(future)
    cancelled, _ = start_reading()
    cancelled.cancel()
    del future, cancelled
    gc.collect()
    assert not caplog.records


def test_an_unread_failure_is_logged_at_exit():
    """It is logged, not raised."""
    script = """
import concurrent.futures, logging, sys
from pandas_async_io.future import FrameFuture

logging.basicConfig(stream=sys.stdout, format="%(message)s")
work = concurrent.futures.Future()
future = FrameFuture(work, label="L", progress=lambda: (0, 1), loop=None)
work.set_exception(ValueError("bad"))
"""
    assert run_script(script) == "L failed and its result was never read: ValueError: bad\n"
