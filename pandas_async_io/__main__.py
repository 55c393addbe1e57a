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
        By default those of the process.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        if given.command == "demo":
            tour.run()
        else:
            _serve(given.port, given.latency)
    except OSError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m pandas_async_io", description="Rows to requests, tried out.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="run the main job on the sample API and measure it against a loop")
    serving = commands.add_parser("serve", help="keep the sample API running until Ctrl-C")
    serving.add_argument("--port", type=_port, default=0, help="by default a free one")
    serving.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="added to every answer (0)")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _serve(port: int, latency: float) -> None:
    with serve(port=port, latency=latency) as base_url:
        # Flushed: whoever reads this through a pipe waits for it.
        print(base_url, flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
