"""The layout that the documents promise: imports point one way, and importing is cheap."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "dccad"

LAYERS = [
    {"errors", "extras", "files", "progress", "console", "lazy", "pieces"},
    {"runs"},
    {
        "missing",
        "preparation_pieces",
        "windows",
        "scaling",
        "network",
        "long_run",
        "autocorrelation",
        "pooling",
        "moments",
        "losses",
        "fused_losses",
        "sliding",
        "threads",
        "splitting",
        "kmeans",
        "restarts",
    },
    {"inputs", "preparation_steps", "directional", "representation", "clustering"},
    {"preparation", "ranking", "objective", "statistics", "kernel_split"},
    {"consensus", "dense", "row_source", "running_statistics"},
    {"regions", "sampling"},
    {
        "training",
        "scoring",
        "calibration",
        "cross_fitting",
        "calibrated_scores",
        "alarms",
        "states",
    },
    {"learning"},
    {"reference"},
    {"model", "parameters", "fit_data", "alarm_report"},
    {"fitting", "attributes", "incremental", "arriving_rows", "large_fit"},
    {"persistence_parts"},
    {"detector", "persistence", "stream"},
    {"large_summary", "large_scores"},
    {"datasets", "plots"},
    {"onnx"},
    {"results", "evaluation"},
    {
        "display",
        "display_benchmark",
        "display_machining",
        "display_tables",
        "demo",
        "demo_common",
        "demo_machining",
    },
    {"cli_options", "cli_errors", "cli_large"},
    {"cli_data", "cli_export", "cli_benchmark"},
    {"cli"},
    {"__init__", "__main__"},
]
"""Inner layers first; a module may import its own layer or an inner one."""


def module_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def layer_of(module):
    return next(i for i, layer in enumerate(LAYERS) if module in layer)


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "dccad" and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE))
)
def test_no_module_imports_an_outer_one(path):
    mine = module_of(path)
    known = {name for layer in LAYERS for name in layer}
    for other in imported_modules(path):
        if other in known:
            assert layer_of(other) <= layer_of(mine), f"{mine} imports {other}"


def test_every_module_has_its_layer():
    found = {module_of(path) for path in SOURCE.rglob("*.py")}
    assert found == {name for layer in LAYERS for name in layer}


def dotted(path):
    name = ".".join(("dccad", *path.relative_to(SOURCE).with_suffix("").parts))
    return name.removesuffix(".__init__")


MODULES = {dotted(path): path for path in SOURCE.rglob("*.py")}


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
        ("import dccad.cli", ["torch", "sklearn", "polars", "matplotlib", "numpy"]),
        ("import dccad.datasets", ["torch", "polars", "tep_studio", "matplotlib"]),
        ("from dccad.onnx import load_onnx", ["torch", "sklearn", "polars", "matplotlib"]),
        ("from dccad import DCCA", ["matplotlib", "polars", "tep_studio", "openTSNE"]),
    ],
)
def test_importing_stays_cheap(statement, heavy):
    code = f"import sys; {statement}; print(*(m for m in {heavy!r} if m in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
