"""The README: its examples print what it shows, and its tables match the code."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import re
import warnings
from pathlib import Path

import pandas as pd
import pytest

import pandas_async_io as paio

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", README, re.MULTILINE | re.DOTALL)


def execute(source, namespace):
    """Run a cell as a notebook does, top-level await included, and return what it printed."""
    code = compile(source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = eval(code, namespace)
        if inspect.iscoroutine(result):
            asyncio.run(result)
    return printed.getvalue()


def table(heading):
    """Return the cells of the first table under a heading, row by row."""
    section = README.partition(f"\n## {heading}\n")[2]
    rows = re.search(r"^\|[-|]+\|\n((?:\|.*\|\n)+)", section, re.MULTILINE)[1].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_examples_print_what_the_readme_shows(tmp_path, monkeypatch):
    """The examples run in order in one namespace; the README has the text of every warning."""
    monkeypatch.chdir(tmp_path)  # one of them keeps answers in a file
    namespace, printed = {"__name__": "__main__"}, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            printed = [execute(source, namespace) for source, _ in EXAMPLES]
        finally:
            namespace["stack"].close()
    assert printed == [text for _, text in EXAMPLES]
    assert len(printed) > 10
    assert [str(warning.message) for warning in caught if str(warning.message) not in README] == []


@pytest.mark.parametrize("command", ["python -m pip install . && python -m pandas_async_io demo"])
def test_the_demo_command_comes_before_the_first_example(command):
    """A reader can try the package before reading code."""
    assert 0 < README.find(command) < README.find("```python")


def test_the_table_of_options_matches_the_signatures():
    """It has every option of fetch and read_api once, with the default of each of the two."""
    defaults = {}
    for function in (pd.DataFrame().aio.fetch, paio.read_api):
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                defaults.setdefault(name, []).append(repr(parameter.default))
    listed = [(option.strip("`"), re.findall(r"`(.*?)`", default)) for option, default, _ in table("Options")]
    assert sorted(listed) == sorted((name, list(dict.fromkeys(values))) for name, values in defaults.items())


def test_the_table_of_options_says_which_function_has_an_option():
    """`fetch:` or `reads:` begins the meaning of an option that the other one lacks."""
    fetch, read = (inspect.signature(each).parameters for each in (pd.DataFrame().aio.fetch, paio.read_api))
    for option, _, meaning in table("Options"):
        name = option.strip("`")
        assert meaning.startswith("`fetch`: ") == (name not in read), name
        assert meaning.startswith("reads: ") == (name not in fetch), name


def test_the_readme_names_every_argument_of_a_client():
    """In the order of the signature."""
    listed = README.partition("`Client(base_url=")[2].partition(". Its limits")[0]
    arguments = list(inspect.signature(paio.Client).parameters)
    assert re.findall(r"`(\w+)`", listed.partition("` holds")[2]) == arguments[1:]


def test_the_table_of_outcomes_has_every_outcome():
    """One row each."""
    assert sorted(outcome.strip("`") for outcome, _ in table("Outcomes and errors")) == sorted(paio.Outcome)


def test_the_links_of_the_readme_have_a_target():
    """An anchor is a heading, a path is a file of the repository."""
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("https://")]
    assert len(links) > 10
    assert [link for link in links if link not in anchors and not (ROOT / link).is_file()] == []


def test_the_contributing_guide_names_existing_files():
    """A path in it exists in the repository or in the package."""
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`([\w./]+/(?:[\w.]+\.py)?)`", guide)
    assert len(paths) > 20
    assert [
        path for path in paths if not any((root / path).exists() for root in (ROOT, ROOT / "pandas_async_io"))
    ] == []
