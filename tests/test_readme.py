"""The README: each example runs as printed, and its tables name what there is."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import re
import warnings
from dataclasses import fields
from pathlib import Path

import pytest

import pandas_async_io as paio
from pandas_async_io.options import FetchOptions, ReadOptions

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", README, re.MULTILINE | re.DOTALL)


def execute(source, namespace):
    """Run a cell as a notebook would, top-level await included, and return what it printed."""
    code = compile(source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        waiting = eval(code, namespace)
        if inspect.iscoroutine(waiting):
            asyncio.run(waiting)
    return printed.getvalue()


def table(heading):
    """Return the names in the first column of the first table under a heading."""
    lines = README.partition(f"\n## {heading}\n")[2].partition("\n|---|---|\n")[2].partition("\n\n")[0]
    return [name for line in lines.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]


def test_the_examples_print_what_the_readme_says_and_warn_of_nothing_else():
    """All examples, run in order in one namespace, print the text below them; a warning stands in the README."""
    namespace, printed = {"__name__": "__main__"}, []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            printed = [execute(source, namespace) for source, _ in EXAMPLES]
        finally:
            namespace["stack"].close()
    assert printed == [text for _, text in EXAMPLES]
    assert len(printed) > 10
    assert [str(warning.message) for warning in warned if str(warning.message) not in README] == []


@pytest.mark.parametrize("command", ["python -m pip install . && python -m pandas_async_io demo"])
def test_the_first_command_comes_before_the_first_example(command):
    """Whoever reads from the top meets the command that tries it out before any code."""
    assert 0 < README.find(command) < README.find("```python")


def test_the_table_of_options_names_each_option_once():
    """The options in the README are those that fetch and read_api take."""
    options = {each.name for kind in (FetchOptions, ReadOptions) for each in fields(kind)}
    assert sorted(table("Options")) == sorted(options)


def test_the_client_takes_what_the_readme_says():
    """The README names all arguments of a client, and no others."""
    listed = README.partition("`Client(base_url=")[2].partition(". Its limits")[0]
    arguments = list(inspect.signature(paio.Client).parameters)
    assert re.findall(r"`(\w+)`", listed.partition("` holds")[2]) == arguments[1:]


def test_the_table_of_outcomes_has_the_twelve():
    """The outcomes in the README are those that a row can have."""
    assert sorted(table("Outcomes and errors")) == sorted(paio.Outcome)
