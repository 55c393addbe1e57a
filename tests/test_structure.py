"""The structure that CONTRIBUTING.md describes: sizes, directions and names of modules, measured from the source."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "pandas_async_io"
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}
PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_IMPORTED_NAMES = 22
MAX_CORE_LEVELS = 9
MAX_PACKAGE_ENTRIES = 17


def imports(module):
    """Yield (module, name) for each name that a module imports from this package, types included."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pandas_async_io"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, "") if whole in MODULES else (node.module, alias.name)


def length(function):
    """Return the lines of a function without its decorators and docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def levels(graph):
    """Return the groups of a graph of imports, lowest first; raise CycleError for a cycle."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(sorted(ready))
        sorter.done(*ready)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_and_says_what_it_does(module):
    """A module has at most 300 lines and a docstring."""
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= MAX_MODULE_LINES
    assert ast.get_docstring(TREES[module])


@pytest.mark.parametrize("module", MODULES)
def test_a_function_fits_on_a_screen(module):
    """A function has at most 50 lines without its docstring."""
    functions = [node for node in ast.walk(TREES[module]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {each.name: length(each) for each in functions if length(each) > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("module", [name for name in MODULES if name != "pandas_async_io"])
def test_a_module_imports_few_names_and_no_private_one(module):
    """A module imports at most about 20 names from this package, and no private name of another module."""
    found = list(imports(module))
    assert len(found) <= MAX_IMPORTED_NAMES
    assert [name for _, name in found if name.startswith("_") and not name.startswith("__")] == []


def test_no_two_modules_import_each_other():
    """The imports between files have no cycle, types included."""
    graph = {module: {source for source, _ in imports(module) if source != module} for module in MODULES}
    levels(graph)


def test_a_cycle_would_be_found():
    """The search for cycles finds one."""
    with pytest.raises(CycleError):
        levels({"a": {"b"}, "b": {"a"}})


def test_the_packages_of_core_import_in_one_direction():
    """The packages of `_core` have no cycle and at most 9 levels."""

    def package(module):
        parts = module.split(".")
        return parts[2] if parts[1:2] == ["_core"] and len(parts) > 3 else None

    graph = {}
    for module in MODULES:
        mine = package(f"{module}.x" if module in PACKAGES else module)
        if mine is not None:
            found = {package(f"{source}.x" if source in PACKAGES else source) for source, _ in imports(module)}
            graph.setdefault(mine, set()).update(found - {mine, None})
    assert len(levels(graph)) <= MAX_CORE_LEVELS


@pytest.mark.parametrize("package", [name for name in PACKAGES if name.count(".")])
def test_a_package_lists_its_modules(package):
    """The docstring of a package names each of its modules."""
    listed = ast.get_docstring(TREES[package])
    inside = [name.rsplit(".", 1)[1] for name in MODULES if name.rsplit(".", 1)[0] == package]
    assert [name for name in inside if f"`{name}`" not in listed] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_few_entries(package):
    """A package has at most 17 modules and packages, so that a reader sees its parts at once."""
    assert len([name for name in MODULES if name.rpartition(".")[0] == package]) <= MAX_PACKAGE_ENTRIES


@pytest.mark.parametrize("package", PACKAGES)
def test_the_parts_of_a_package_import_in_one_direction(package):
    """The modules and packages of a package have no cycle, types included."""

    def part(module):
        return module.removeprefix(f"{package}.").partition(".")[0] if module.startswith(f"{package}.") else None

    graph = {}
    for module in MODULES:
        if (mine := part(module)) is not None:
            graph.setdefault(mine, set()).update({part(source) for source, _ in imports(module)} - {mine, None})
    levels(graph)
