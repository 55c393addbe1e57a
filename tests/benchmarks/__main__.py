"""``python -m tests.benchmarks [NAME ...]``: run the named benchmarks, by default all."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def main(names):
    known = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(unknown)}: choose among {', '.join(known)}")
    for name in names or known:
        import_module(f"{__package__}.{name}").run()


if __name__ == "__main__":
    main(sys.argv[1:])
