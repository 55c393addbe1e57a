"""``python -m pandas_async_io demo | serve``."""

from __future__ import annotations

import argparse
import sys
import time

from pandas_async_io.demo import serve, tour


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; that of the process by default.
    """
    parser = _build_parser()
    given = parser.parse_args(arguments)
    try:
        if given.command == "demo":
            tour.run()
        else:
            _serve_until_interrupted(given.port, given.latency)
    except OSError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m pandas_async_io", description="Try pandas_async_io on a sample API.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="fetch rows from the sample API and compare the time with a loop")
    serving = commands.add_parser("serve", help="keep the sample API running until Ctrl-C")
    serving.add_argument("--port", type=_parse_port, default=0, help="a free port by default")
    serving.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="added to every response, 0 by default"
    )
    return parser


def _parse_port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return int(text)


def _serve_until_interrupted(port: int, latency: float) -> None:
    with serve(port=port, latency=latency) as base_url:
        print(base_url, flush=True)  # a program that reads this through a pipe waits for it
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
