"""A user's function that does not return: it is named, and the calls after it run on a fresh loop."""

import signal

import pytest

from tests.io.bridge.scripts import PRELUDE, open_script, run_script

HOLD = (
    PRELUDE
    + """
import logging, time

class PrintingHandler(logging.Handler):
    def emit(self, record):
        print(record.getMessage(), flush=True)

logging.getLogger("pandas_async_io").addHandler(PrintingHandler())
released = threading.Event()

def parse_for_ever(response):
    while not released.is_set():
        time.sleep(0.01)
    return {}

def portal_threads():
    return sum(thread.name == "pandas_async_io" for thread in threading.enumerate())
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["released.set()", "pass"], ids=["returns later", "never returns"])
def test_fault_78_a_function_that_holds_the_loop_is_named_and_left_behind(api, choose_loop, end):
    """The wait says after 5 s whose function it is; after Ctrl-C the next call gets a fresh loop; the exit is quiet."""
    text = f"""
try:
    fetch(parser=parse_for_ever, concurrency=2)
except KeyboardInterrupt as interrupt:
    print(interrupt.partial.aio.outcomes["outcome"].unique().tolist())
print(fetch(), portal_threads())
{end}
while released.is_set() and portal_threads() > 1:
    time.sleep(0.01)
print(fetch())
"""
    with open_script(api, choose_loop + HOLD + text) as process:
        process.lines.append(process.stdout.readline().rstrip())
        process.send_signal(signal.SIGINT)
    said, *others = process.lines
    assert "parse_for_ever() (<string>:" in said
    assert "has held the event loop for 5 s" in said
    assert others == ["['cancelled']", "10 2", "10"]


@pytest.mark.slow
def test_fault_78_a_cancelled_future_on_a_held_loop_does_not_hold_later_calls(api):
    """Its `cancel` says True; a call that had not begun on that loop is refused; the next one runs."""
    text = """
held = users.aio.fetch_async(API + "/users/{id}", parser=parse_for_ever)
entered = threading.Event()
while "parse_for_ever" not in str([frame.f_code.co_name for frame in sys._current_frames().values()]):
    time.sleep(0.01)
waiting = users.aio.fetch_async(API + "/users/{id}")
print(held.cancel(), held.done())
time.sleep(1.1)
print(fetch())
try:
    waiting.result()
except paio.PortalError as error:
    print(error)
released.set()
while portal_threads() > 1:
    time.sleep(0.01)
print(held.done())
"""
    assert run_script(api, HOLD + text) == [
        "True False",
        "10",
        "not sent: a function of another call holds the event loop; call again, on a fresh one",
        "True",
    ]
