"""The two commands of ``python -m pandas_async_io``, run as a user runs them."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import urlopen

import pytest

from pandas_async_io.__main__ import main
from pandas_async_io.demo import data, tour

COMMAND = [sys.executable, "-W", "error", "-m", "pandas_async_io"]


@pytest.mark.slow
def test_the_demo_shows_its_frames_and_a_ratio_that_it_measured():
    """The demo prints both frames and the quotient of two times, warns of nothing, and leaves no server."""
    ran = subprocess.run([*COMMAND, "demo"], capture_output=True, encoding="utf-8", check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "[300 rows x 4 columns]" in ran.stdout
    assert "[100 rows x 4 columns]" in ran.stdout
    ours, loop, ratio = map(float, re.findall(r"^  .* ([\d.]+)(?: s)?$", ran.stdout, re.MULTILINE))
    assert ratio == pytest.approx(loop / ours, rel=0.05)
    assert re.search(r"equal frames +True$", ran.stdout)
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)", ran.stdout)[1])
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


def test_the_demo_runs_where_no_process_can_be_started(monkeypatch, capsys):
    """Without a second process the sample API runs in this one."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    tour.run(rows=3, latency=0.0)
    assert data.user(1)["name"] in capsys.readouterr().out


@contextmanager
def listening_to_interrupts():
    """Let processes that are started here listen to Ctrl-C, also where tests run in the background and do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_serve_prints_its_base_url_answers_and_ends_at_an_interrupt_without_a_traceback():
    """`serve` says where it is, waits for every answer as told, and Ctrl-C is its ordinary end."""
    command = [*COMMAND, "serve", "--latency", "0.001"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with listening_to_interrupts(), subprocess.Popen(command, **pipes) as server:
        base_url = server.stdout.readline().strip()
        with urlopen(f"{base_url}/users/1") as answer:
            assert json.load(answer) == data.user(1)
        server.send_signal(signal.SIGINT)
        assert server.communicate() == ("", "")
    assert server.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "70000"], "'70000' is no port: 0 to 65535"),
        (["serve", "--port", "http"], "'http' is no port"),
        (["serve", "--port", "{taken}"], "ddress already in use"),
        (["fech"], "invalid choice: 'fech'"),
        ([], "the following arguments are required: command"),
    ],
)
def test_a_command_that_can_not_run_says_why_in_one_line(arguments, said, capsys):
    """A wrong argument or a port that is taken ends with exit code 2, the usage and one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit) as end:
            main([argument.format(taken=port) for argument in arguments])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_the_help_names_both_commands(capsys):
    """`--help` is the way to find out what there is."""
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0
    assert "  demo " in out
    assert "  serve " in out
