"""The layout of docs/architecture.md: wings import inwards, no file is in a circle, and importing
is cheap.
"""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parents[1]
SOURCE, TESTS = ROOT / "src" / "dccad", ROOT / "tests"

WINGS = [
    {"__main__"},
    {"cli"},
    {"demo"},
    {"__init__", "cluster", "evaluation", "live", "onnx", "report"},
    {"detector", "results"},
    {"alarms", "datasets", "fitting", "parameters", "saving", "streaming"},
    {"explanation"},
    {"calibration", "method", "plots", "tables"},
    {"logs", "support"},
    {"errors"},
]
"""Outer ones first. A wing imports inner ones only: none beside it, none outside it."""

METHOD = [{"scoring"}, {"training", "regions"}, {"network", "clustering", "representation"}]
"""The same within ``method``."""

LOGS = [
    {"inputs", "source"},
    {"missing", "windows", "episodes", "preparation"},
    {"runs", "wording"},
]
"""The same within ``logs``."""

MOST_LINES = 400
LONGER = {"detector.py"}  # its docstring is the reference of every parameter


def dotted(path):
    name = ".".join(("dccad", *path.relative_to(SOURCE).with_suffix("").parts))
    return name.removesuffix(".__init__")


MODULES = {dotted(path): path for path in SOURCE.rglob("*.py")}


def imports_of(module):
    """Modules of the package that one imports anywhere: in functions and for type checking too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [(f"{node.module}.{alias.name}", node.module) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.name, alias.name) for alias in node.names]
        for name, package in names:
            found = name if name in MODULES else package
            if found in MODULES and found != module:
                yield found


def place(module, part, order):
    """Position of a module's wing (-1: it has none), and the wing's name."""
    parts = module.split(".")
    name = parts[part] if len(parts) > part else "__init__"
    return next((i for i, wings in enumerate(order) if name in wings), -1), name


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_wing_imports_inner_wings_only(module):
    mine, name = place(module, 1, WINGS)
    for other in imports_of(module):
        theirs, wing = place(other, 1, WINGS)
        assert wing == name or theirs > mine, f"{module} imports {other}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("dccad.method.")))
def test_a_step_of_the_method_imports_earlier_steps_only(module):
    mine, name = place(module, 2, METHOD)
    assert mine >= 0, f"{module} has no row in METHOD"
    for other in imports_of(module):
        if other.startswith("dccad.method."):
            theirs, step = place(other, 2, METHOD)
            assert step == name or theirs > mine, f"{module} imports {other}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("dccad.logs.")))
def test_a_module_of_the_logs_imports_inner_modules_only(module):
    mine, name = place(module, 2, LOGS)
    assert mine >= 0, f"{module} has no row in LOGS"
    for other in imports_of(module):
        if other.startswith("dccad.logs."):
            theirs, inner = place(other, 2, LOGS)
            assert inner == name or theirs > mine, f"{module} imports {other}"


def test_every_entry_of_the_package_is_a_wing():
    found = {
        path.stem
        for path in SOURCE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found <= set().union(*WINGS)  # some wings come later


def test_no_module_is_in_a_circle():
    TopologicalSorter({module: set(imports_of(module)) for module in MODULES}).prepare()


def test_no_module_asks_to_be_split():
    lengths = {p.name: len(p.read_text("utf-8").splitlines()) for p in MODULES.values()}
    assert {name for name, n in lengths.items() if n > MOST_LINES} <= LONGER


def has(owner, name):
    """Whether an object has a name, or a dataclass or ``__init__`` of it gives one."""
    if hasattr(owner, name) or name in getattr(owner, "__annotations__", {}):
        return True
    made = getattr(getattr(owner, "__init__", None), "__code__", None)
    return made is not None and name in made.co_names


def leads_somewhere(target, module):
    """Whether a cross reference names a module, a name in one, or a field of a class.

    Without the package's name it is looked for in the module, then in each of its classes, as
    readers and Sphinx do.
    """
    owner, _, name = target.rpartition(".")
    if target.startswith("dccad."):
        try:
            return has(resolve_name(owner), name) or target in MODULES
        except (ImportError, AttributeError):
            return False
    here = importlib.import_module(module)
    if owner:
        return hasattr(here, owner) and has(getattr(here, owner), name)
    classes = [thing for thing in vars(here).values() if isinstance(thing, type)]
    own = [thing for thing in classes if thing.__module__ == module]
    return hasattr(here, name) or any(has(thing, name) for thing in own)


def test_cross_references_of_docstrings_lead_somewhere():
    pattern = re.compile(r":(?:func|class|mod|meth|attr|data):`~?([\w.]+)`")
    broken = {
        f"{path.relative_to(SOURCE)}: {target}"
        for module, path in MODULES.items()
        for target in pattern.findall(path.read_text("utf-8"))
        if not leads_somewhere(target, module)
    }
    assert not broken, "\n".join(sorted(broken))


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import dccad", ["torch", "sklearn", "polars", "matplotlib", "numpy"]),
        ("import dccad.cli.main", ["torch", "sklearn", "polars", "matplotlib", "numpy"]),
        ("import dccad.datasets", ["torch", "polars", "tep_studio", "matplotlib"]),
        ("from dccad.onnx import load_onnx", ["torch", "sklearn", "polars", "matplotlib"]),
        ("from dccad import DCCA", ["matplotlib", "polars", "tep_studio", "openTSNE"]),
    ],
)
def test_importing_stays_cheap(statement, heavy):
    code = f"import sys; {statement}; print(*(m for m in {heavy!r} if m in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_tests_mirror_the_package():
    wanted = {
        TESTS / path.relative_to(SOURCE).with_name(f"test_{path.stem}.py")
        for path in MODULES.values()
        if path.stem not in ("__init__", "__main__")
    }
    missing = sorted(str(path.relative_to(TESTS)) for path in wanted if not path.exists())
    assert not missing, "\n".join(missing)
