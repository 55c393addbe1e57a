"""Shared by all tests: the line at the end about slow tests; property tests have no deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # a loaded machine would fail tests at random
settings.load_profile("no deadline")


def pytest_terminal_summary(terminalreporter, config):
    """Say what the default selection leaves out."""
    if config.getoption("markexpr") == "not slow and not long":
        terminalreporter.write_line("slow and long tests were left out: python -m pytest -m 'slow or long' runs them")
