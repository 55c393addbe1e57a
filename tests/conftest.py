"""Shared by all tests: the line at the end that says how many slow tests were left out."""

from __future__ import annotations


def pytest_terminal_summary(terminalreporter, config):
    """Say what the default selection leaves out."""
    if config.getoption("markexpr") == "not slow":
        terminalreporter.write_line("slow tests were left out: python -m pytest -m slow runs them")
