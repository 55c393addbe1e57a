"""The commands of ``python -m pandas_async_io``, run as a user runs them."""

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
def test_the_demo_prints_its_frames_and_the_measured_ratio():
    """The ratio is the quotient of the printed times; there is no warning, and the server ends."""
    completed = subprocess.run([*COMMAND, "demo"], capture_output=True, encoding="utf-8", check=False)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "[300 rows x 4 columns]" in completed.stdout
    assert "[100 rows x 4 columns]" in completed.stdout
    ours, loop, ratio = map(float, re.findall(r"^  .* ([\d.]+)(?: s)?$", completed.stdout, re.MULTILINE))
    assert ratio == pytest.approx(loop / ours, rel=0.05)
    assert re.search(r"equal frames +True$", completed.stdout)
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)", completed.stdout)[1])
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


def test_the_demo_runs_where_no_process_can_be_started(monkeypatch, capsys):
    """The sample API then runs in this process."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    tour.run(rows=3, latency=0.0)
    assert data.user(1)["name"] in capsys.readouterr().out


@contextmanager
def default_interrupt_handler():
    """Let child processes receive Ctrl-C: processes started in the background inherit that SIGINT is ignored."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@pytest.mark.slow
def test_serve_prints_its_base_url_and_ends_at_ctrl_c_without_a_traceback():
    """It serves requests until Ctrl-C, and then exits with code 130."""
    command = [*COMMAND, "serve", "--latency", "0.001"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with default_interrupt_handler(), subprocess.Popen(command, **pipes) as server:
        base_url = server.stdout.readline().strip()
        with urlopen(f"{base_url}/users/1") as response:
            assert json.load(response) == data.user(1)
        server.send_signal(signal.SIGINT)
        assert server.communicate() == ("", "")
    assert server.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--port", "70000"], "'70000' is not a port: 0 to 65535"),
        (["serve", "--port", "http"], "'http' is not a port"),
        (["serve", "--port", "{taken}"], "ddress already in use"),
        (["fech"], "invalid choice: 'fech'"),
        ([], "the following arguments are required: command"),
    ],
)
def test_a_wrong_command_ends_with_code_2_and_one_line(arguments, message, capsys):
    """A wrong argument or a port in use prints the usage and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit) as exit_info:
            main([argument.format(taken=port) for argument in arguments])
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


def test_the_help_names_both_commands(capsys):
    """`--help` lists demo and serve."""
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    out = capsys.readouterr().out
    assert exit_info.value.code == 0
    assert "  demo " in out
    assert "  serve " in out
