"""Ctrl-C at every point where an answer is stored, and at every await: what is ``ok`` is in the frame.

The points are injected, because a real Ctrl-C meets them only by luck.
"""

import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from itertools import count

import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.report.outcomes import Outcomes
from pandas_async_io._core.table.columns import collectors
from pandas_async_io._io.bridge import wait
from pandas_async_io._io.bridge.loop_future import unfinished_futures
from pandas_async_io._io.bridge.portal import get_portal
from pandas_async_io.call.run import Call

USERS = pd.DataFrame({"id": [1, 2, 3]})

CALLS = {
    "plain": ("/users/{id}", {"columns": ["name"], "concurrency": 2}),
    "pages": (
        "/paged/next?n=25&q={id}",
        {"pages": paio.NextUrl(), "columns": {"id": "name"}, "concurrency": 2},
    ),
    "batch": ("/batch?ids={id*}", {"batch": 2, "columns": ["name"], "concurrency": 1}),
}
"""Paths and options of a call for each kind of workflow."""


def fetch(api, call):
    """Make a call and block."""
    path, options = CALLS[call]
    return USERS.aio.fetch(api + path, **options)


POINTS = [
    (Outcomes, "put"),
    (collectors.PayloadCollector, "add"),
    (collectors.PageCollector, "add"),
    (collectors.PageCollector, "complete"),
    (collectors, "flatten_payloads"),
]


def inject(monkeypatch, act):
    """Call `act` before and after each store of an answer, with the number of the point."""
    numbers = count()
    for owner, name in POINTS:
        function = getattr(owner, name)

        def wrapped(*args, _function=function, _name=name):
            act(next(numbers))
            returned = _function(*args)
            returned = list(returned) if _name == "flatten_payloads" else returned
            act(next(numbers))
            return returned

        monkeypatch.setattr(owner, name, wrapped)


def assert_nothing_is_lost(partial, whole):
    """What is ok has its data, the rest is among the failures, and a retry brings the rest."""
    outcomes = partial.aio.outcomes["outcome"]
    sound = outcomes.index[outcomes == "ok"]
    expected = whole[whole.index.isin(sound)]
    assert partial[partial.index.isin(sound)]["name"].tolist() == expected["name"].tolist()
    assert len(partial.aio.failures) == len(USERS) - len(sound)
    healed = partial.aio.retry_failed() if len(sound) < len(USERS) else partial
    assert healed["name"].tolist() == whole["name"].tolist()


@pytest.fixture
def default_sigint():
    """Let SIGINT raise KeyboardInterrupt: it is ignored where tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_fault_84_an_interrupt_while_an_answer_is_stored_loses_none_that_is_ok(api, default_sigint, monkeypatch, call):
    """The loop's thread is between two stores for longer than the caller waits."""
    whole = fetch(api, call)
    monkeypatch.setattr(wait, "UNWIND_SECONDS", 0.02)
    main = threading.main_thread().ident
    for number in count():
        in_finish, has_finished = threading.Event(), threading.Event()

        def finish(*args, _begun=in_finish, _ended=has_finished, _finish=Call._finish, **options):
            _begun.set()
            frame = _finish(*args, **options)
            _ended.set()
            return frame

        def interrupt(point, _number=number, _begun=in_finish, _ended=has_finished):
            if point == _number and threading.get_ident() != main:
                signal.pthread_kill(main, signal.SIGINT)
                _begun.wait(10)
                _ended.wait(0.1)  # it ends at once if the caller makes its frame while an answer is half stored

        with monkeypatch.context() as patch:
            patch.setattr(Call, "_finish", finish)
            inject(patch, interrupt)
            try:
                fetch(api, call)
                break
            except KeyboardInterrupt as error:
                partial = error.partial
        assert_nothing_is_lost(partial, whole)
    assert number > len(USERS)


@pytest.mark.parametrize("call", CALLS)
def test_fault_84_an_interrupt_inside_the_storing_of_an_answer_loses_none_that_is_ok(api, monkeypatch, call):
    """KeyboardInterrupt is raised before and after each store, as in a loop that runs in the main thread."""
    whole = fetch(api, call)
    main = threading.main_thread().ident
    for number in count():

        def interrupt(point, _number=number):
            if point == _number and threading.get_ident() != main:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            inject(patch, interrupt)
            try:
                fetch(api, call)
                break
            except KeyboardInterrupt as error:
                partial = error.partial
        assert_nothing_is_lost(partial, whole)
    assert number > len(USERS)


class CountedCoroutine(Coroutine):
    """A coroutine that calls a function each time it awaits something that is not ready."""

    def __init__(self, coroutine, suspended):
        self.coroutine, self.suspended = coroutine, suspended

    def send(self, value):
        """Resume it."""
        yielded = self.coroutine.send(value)
        self.suspended()
        return yielded

    def throw(self, *error):
        """Raise inside it."""
        return self.coroutine.throw(*error)

    def close(self):
        """Close it."""
        self.coroutine.close()

    def __await__(self):
        return self.coroutine.__await__()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"rate": "300/s"}], ids=["free", "rate"])
@pytest.mark.parametrize("call", CALLS)
def test_fault_84_a_cancellation_at_any_await_loses_no_answer_that_is_ok(api, monkeypatch, call, options):
    """Each await of the call's tasks is once the last one before the cancellation."""
    (path, given), whole, loop = CALLS[call], fetch(api, call), get_portal().loop
    create_task = loop.get_task_factory()
    for number in count():
        numbers = count()

        def suspended(_number=number, _numbers=numbers):
            if next(_numbers) == _number:
                for future in unfinished_futures(loop):
                    future.request_cancel()

        def counting(loop, coroutine, _suspended=suspended, **rest):
            return create_task(loop, CountedCoroutine(coroutine, _suspended), **rest)

        loop.set_task_factory(counting)
        try:
            USERS.aio.fetch_async(api + path, **given, **options).result()
            break
        except CancelledError as error:
            partial = error.partial
        finally:
            loop.set_task_factory(create_task)
        assert_nothing_is_lost(partial, whole)
    assert number > len(USERS)
