"""The notebooks in a real kernel: cell by cell, with "Run All", and with the stop button."""

from __future__ import annotations

import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from pandas_async_io.demo import serve

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
KERNEL_SECONDS = 60

FIRST_OUTPUTS = {
    "users.aio.fetch(": ["Chloé Jansen", "Tallinn"],
    "api.log": ["3"],
    "users.aio.plan(": ["5 rows, 3 requests", "Authorization: ***"],
    "found = ": ["1 of 3 rows failed: 1 x HTTP 404 Not Found", "9999"],
    "found.aio.outcomes": ["null_key", "http_error", "404"],
    "found.aio.failures": ["HTTP 404 Not Found"],
    "posts = ": ["FrameFuture"],
    "posts.groupby(": ["3    10"],
    "await posts": ["grove amber ember ember", "grove ember fjord basin"],
    "people = ": ["((200, 12), (5, 2))"],
    "record_path": ["user_name", "Kofi Haddad", "Ada Gupta"],
    "rate=": ["ok    10"],
}
"""Texts in a cell's output, by a piece of its source."""

SECOND_OUTPUTS = {
    'pages="auto"': ["1 ok", "pages=LinkHeader() was taken"],
    "every = ": ["Lisbon    95", "Osaka     95"],
    "broken = ": ["page 3 did not come", "http_error"],
    "whole = ": ["(25, 35)"],
    "batch=2": ["record 3", "record 7"],
    "paio.graphql(": ["user_login", "grace"],
    "poll=finished": ["2024  2024"],
    "limited = ": ["100 ok", "the server: it refuses more"],
    "timeline": ["in_flight"],
    "stale = ": ["pass fresh auth= to retry_failed", "not_attempted"],
    "fresh = ": ["{'ok': 100}"],
}

FOURTH_OUTPUTS = {
    "job.kill()": ["True"],
    "done = ": ["(300, True)"],
    "again = ": ["(True, 0, 300)"],
    "replayed = ": ["(True, ["],
    "parts = ": ["(100, 3)"],
    "same = ": ["(100, 0)"],
    "duckdb.read_parquet(": ["0    100  100"],
}

SIXTH_OUTPUTS = {
    "cpu_bound = ": ["64 in flight"],
    "ROUND_TRIP": ["1,000,000,000", "11.6 days"],
    "Cluster(": ["0 requests for the graph", "(100, 2) {'ok': 100}", "100 requests in all"]
    if find_spec("distributed")
    else ["needs the extra dask"],
    "simulate": ["of the rate used"],
}

OUTPUTS = dict(zip(NOTEBOOKS, (FIRST_OUTPUTS, SECOND_OUTPUTS, FOURTH_OUTPUTS, SIXTH_OUTPUTS), strict=True))

EACH_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

pytestmark = pytest.mark.slow


@contextmanager
def kernel():
    """Start a kernel and yield its manager and a client."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=KERNEL_SECONDS)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def run_all(client, sources):
    """Queue all cells at once, as "Run All" does; return the reply and the output text of each."""
    sent = [client.execute(source) for source in sources]
    texts = dict.fromkeys(sent, "")
    finished = 0
    while finished < len(sent):
        message = client.get_iopub_msg(timeout=KERNEL_SECONDS)
        content, parent = message["content"], message["parent_header"].get("msg_id")
        if parent in texts:
            texts[parent] += content.get("text", "") + content.get("data", {}).get("text/plain", "")
            finished += content.get("execution_state") == "idle"
    replies = []
    while len(replies) < len(sent):
        reply = client.get_shell_msg(timeout=KERNEL_SECONDS)
        if reply["parent_header"]["msg_id"] in sent:  # not a late reply to the client's own kernel_info request
            replies.append(reply)
    assert [reply["parent_header"]["msg_id"] for reply in replies] == sent
    return [reply["content"] for reply in replies], list(texts.values())


def evaluate(client, expression):
    """Return the repr of an expression in the kernel."""
    sent = client.execute("", silent=True, user_expressions={"value": expression})
    while (reply := client.get_shell_msg(timeout=KERNEL_SECONDS))["parent_header"]["msg_id"] != sent:
        pass
    return reply["content"]["user_expressions"]["value"]["data"]["text/plain"]


def find_missing(path, sources, texts):
    """Return the expected texts that the cells did not print."""
    expected = OUTPUTS[path]
    printed = {piece: text for piece in expected for cell, text in zip(sources, texts, strict=True) if piece in cell}
    assert set(printed) == set(expected)
    return [(piece, part) for piece, parts in expected.items() for part in parts if part not in printed[piece]]


@EACH_NOTEBOOK
def test_a_notebook_stores_no_outputs(path):
    """Outputs differ from run to run."""
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@EACH_NOTEBOOK
def test_a_notebook_runs_cell_by_cell(path):
    """Each cell runs after the one before, without an error, and prints the expected texts."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=KERNEL_SECONDS, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    texts = [
        "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        for cell in cells
    ]
    assert find_missing(path, [cell.source for cell in cells], texts) == []


@EACH_NOTEBOOK
def test_a_notebook_survives_run_all(path):
    """All cells are queued at once; the kernel runs each of them, in order."""
    notebook = nbformat.read(path, as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    with kernel() as (_, client):
        replies, texts = run_all(client, sources)
    assert {reply["status"] for reply in replies} == {"ok"}
    assert find_missing(path, sources, texts) == []


def test_fault_69_cells_queued_behind_a_call_in_the_kernels_own_loop_are_not_dropped():
    """A blocking fetch on the user's own session nests the kernel's loop; the cells queued behind it still run."""
    with serve(latency=0.1) as api, kernel() as (_, client):
        sources = [
            "import aiohttp, pandas as pd, pandas_async_io as paio",
            f"client = paio.Client({str(api)!r}, session=aiohttp.ClientSession())",
            "frame = pd.DataFrame({'id': range(1, 9)})",
            "frame.aio.fetch('/users/{id}', client=client, concurrency=2, columns=['score']).shape",
            *[f"print('cell', {number})" for number in range(5)],
            "frame.aio.fetch('/users/{id}', client=client, columns=['score']).shape",
            "(await frame.aio.fetch_async('/users/{id}', client=client, columns=['score'])).shape",
            "await client.session.close()",
        ]
        replies, texts = run_all(client, sources)
    assert {reply["status"] for reply in replies} == {"ok"}
    assert texts[3] == texts[9] == texts[10] == "(8, 2)"
    assert texts[4:9] == [f"cell {number}\n" for number in range(5)]


@pytest.mark.parametrize(
    "call",
    [
        "rows.aio.fetch('/slow/{key}?ms={ms}', client=client)",
        "await rows.aio.fetch_async('/slow/{key}?ms={ms}', client=client)",
    ],
    ids=["blocking", "awaited"],
)
@pytest.mark.parametrize("session", ["None", "aiohttp.ClientSession()"], ids=["ours", "own"])
def test_fault_59_the_stop_button_leaves_the_finished_rows(call, session):
    """An interrupt ends a fetch of ten minutes; ``sys.last_value.partial`` has the finished rows."""
    with serve() as api, kernel() as (manager, client):
        run_all(
            client,
            [
                "import aiohttp, sys, pandas as pd, pandas_async_io as paio",
                # One request at a time: when the third arrives, the first two rows are finished.
                f"client = paio.Client({str(api)!r}, session={session}, concurrency=1)",
                "rows = pd.DataFrame({'key': ['a', 'b', 'c'], 'ms': [1, 1, 600_000]})",
            ],
        )
        client.execute(call, stop_on_error=False)
        while len(api.log) < 3 and not client.shell_channel.msg_ready():
            time.sleep(0.01)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=KERNEL_SECONDS)["content"]
        # ipykernel interrupts a cell that awaits by cancelling its task.
        assert reply["ename"] == ("CancelledError" if "await" in call else "KeyboardInterrupt")
        outcomes = evaluate(client, "sys.last_value.partial.aio.outcomes['outcome'].tolist()")
        assert outcomes == "['ok', 'ok', 'cancelled']"
        assert evaluate(client, "6 * 7") == "42"
