"""What several commands share: options for reading tables, and refusing bad options before work.

Heavy imports stay inside the functions, as in :mod:`dccad.cli.main`.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

from dccad.errors import InputError, MissingExtraError, ParameterError
from dccad.tables.options import REMEMBERED, TableOptions

if TYPE_CHECKING:
    from dccad.detector import DCCA
    from dccad.onnx import OnnxDetector

Function = TypeVar("Function", bound=Callable[..., Any])

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of text.")
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other parameter of DCCA, such as alpha=0.9 (repeatable).",
    ),
]
SeedOption = Annotated[int, typer.Option(metavar="N", help="Random seed.")]
JobsOption = Annotated[
    int, typer.Option(metavar="N", help="Number of processes side by side; 0 means one per core.")
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Model folder that fit wrote.")
]
ScorerArgument = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="Model folder that fit wrote, or ONNX file that export wrote."
    ),
]
StreamOption = Annotated[
    bool | None,
    typer.Option(
        "--stream/--no-stream",
        help="Read Parquet in pieces, or as a whole; by default in pieces if the values take "
        "1 GiB or more.",
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on where the same command was killed or stopped.")
]
_LOG = typer.Argument(
    metavar="LOG",
    help="Tables: files of CSV or other text, Parquet, Arrow, Excel or OpenDocument; folders and "
    "patterns of such files; sqlite:///FILE or postgresql://USER@HOST/DB with --query; or - for "
    "standard input.",
)
LogArgument = Annotated[list[str], _LOG]
OptionalLogArgument = Annotated[list[str] | None, _LOG]


class Command(TyperCommand):
    """A command that prints each warning on one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        from dccad.support.progress import warnings_in_one_line

        with warnings_in_one_line():
            return super().invoke(ctx)


def command(group: typer.Typer, name: str, example: str) -> Callable[[Function], Function]:
    """Register a command whose help ends in an example."""
    return group.command(name, cls=Command, epilog=f"Example: {example}")


_TABLE_OPTIONS = {
    "time": ("COLUMN", "Column of the time stamps, or DATE+TIME; by default the only one."),
    "time_format": ("FORMAT", "Format of the stamps, such as %d.%m.%Y %H:%M; or s, ms, us or ns."),
    "timezone": ("ZONE", "Time zone of stamps that name none, such as Europe/Berlin."),
    "run": ("COLUMN", "Column whose values tell the runs apart."),
    "columns": ("COLUMNS", "Sensors to read: a name, a range a:b or a pattern flow* (repeatable)."),
    "drop": ("COLUMNS", "Columns to leave out, written in the same ways (repeatable)."),
    "label": ("COLUMN", "Column of labels, which no model is shown (repeatable)."),
    "separator": ("CHARACTER", "Separator of the columns of a CSV file: , ; | tab or a blank."),
    "decimal": ("CHARACTER", "Decimal separator of a CSV file: . or ,"),
    "encoding": ("NAME", "Encoding of a CSV file, such as utf-8 or cp1252."),
    "header": ("LINE", "Line that holds the column names; 0 if no line does."),
    "sheet": ("SHEET", "Sheet of a workbook, by name or number; by default the first one."),
    "query": ("SQL", "Query that reads the log from a database."),
    "long": (None, "Each row holds one value of one tag, or all values at one time."),
    "tag": ("COLUMN", "Column of the tag names in a long table."),
    "value": ("COLUMN", "Column of the values in a long table."),
    "quality": ("COLUMN", "Column of the quality of the values in a long table."),
    "good": ("VALUE", "Value of the quality that means good (repeatable)."),
    "resample": ("SECONDS", "Bring the rows onto a grid of this interval."),
    "fill": (None, "Fill the grid with the last value, a line between two values, or a mean."),
    "max_gap": ("SECONDS", "Longest time between rows of a run; by default 5 times the median."),
    "join": (None, "Read the files as parts of one log."),
}
"""Placeholder of the value, and text of the help, for each field of :class:`TableOptions`."""

_FLAGS = {"long": "--long/--wide", "join": "--join"}
"""Options whose flags typer would not make of their names."""


def grouped_options(function: Function) -> Function:
    """Let each parameter of a command whose type is a dataclass stand for one option per field.

    The annotation of a field says which option it is; ``_TABLE_OPTIONS`` says it for
    :class:`TableOptions`.
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(function)
    def call(**arguments: Any) -> Any:
        for name, group in groups.items():
            given = {}
            for field in fields(group):
                value = arguments.pop(field.name)
                given[field.name] = (
                    tuple(value or ()) if isinstance(field.default, tuple) else value
                )
            arguments[name] = group(**given)
        return function(**arguments)

    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in groups:
            parameters += _options_of(groups[name])
        else:
            parameters.append(parameter.replace(annotation=hints[name]))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by typer
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del call.__wrapped__  # inspect would look through to the function
    return call  # type: ignore[return-value]  # typer calls it by keywords


def _options_of(group: Any) -> list[inspect.Parameter]:
    """One parameter for each field of a dataclass; typer takes lists, and None for an empty one."""
    hints = get_type_hints(group, include_extras=True)
    parameters = []
    for field in fields(group):
        kind, default = hints[field.name], field.default
        if group is TableOptions:
            several = isinstance(default, tuple)
            metavar, text = _TABLE_OPTIONS[field.name]
            flags = [_FLAGS[field.name]] if field.name in _FLAGS else []
            kind = list[str] | None if several else kind
            default = typer.Option(None if several else default, *flags, metavar=metavar, help=text)
        parameters.append(
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
            )
        )
    return parameters


def load_scorer(path: Path) -> DCCA | OnnxDetector:
    """Load a model folder, or a file that ``dccad export`` wrote, which needs no torch."""
    if path.suffix.lower() == ".onnx" and not path.is_dir():
        from dccad.onnx import load_onnx

        return load_onnx(path)
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise MissingExtraError(
            "a model folder needs torch, which is not installed: pass a file that dccad export "
            "wrote, or pip install torch"
        )
    from dccad.detector import load

    return load(path)


def remembered_options(options: TableOptions) -> dict[str, Any]:
    """What a model keeps of how its log was read, for the logs that it will score."""
    default = TableOptions()
    return {
        name: getattr(options, name)
        for name in REMEMBERED
        if getattr(options, name) != getattr(default, name)
    }


def scoring_options(
    given: TableOptions, remembered: Mapping[str, Any] | None, sensors: Sequence[str] | None
) -> TableOptions:
    """How a log to score is read: as the log of the fit was, except for what is given anew.

    ``sensors`` are the columns of the model where these have names; no other column is read.
    """
    default = TableOptions()
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (remembered or {}).items()
        if name in REMEMBERED and getattr(given, name) == getattr(default, name)
    }
    if sensors is not None and not given.columns:
        kept["columns"] = tuple(sensors)
    return replace(given, **kept)


def read_settings(
    pairs: list[str] | None, fixed: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """What ``--set`` gives; ``fixed`` says for other parameters what sets them instead."""
    from dccad.detector import DCCA

    given, known = parse_settings(pairs or []), DCCA().get_params()
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else f"; known: {', '.join(known)}"
            raise ParameterError(f"{name!r} is no parameter of DCCA{hint}")
        if name in fixed:
            raise ParameterError(f"--set {name}: here {fixed[name]} sets it; leave this --set out")
    return given


def count_processes(jobs: int) -> int:
    """Number of processes to run side by side; 0 asks for one per core."""
    if jobs < 0:
        raise ParameterError(f"--jobs {jobs}: needed is a number of processes, or 0: one per core")
    return jobs or os.cpu_count() or 1


def check_choice(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not known, and list the known ones."""
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ParameterError(f"unknown {what} {name!r}; choose from {', '.join(known)}{hint}")


def check_output(path: Path, suffixes: Sequence[str] = (), inputs: Sequence[str] = ()) -> None:
    """Refuse, before the work begins, a file that cannot or must not be written."""
    folder = path.resolve().parent
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(
            f"{path}: the suffix {path.suffix!r} says no format; write to {' or '.join(suffixes)}"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file to write")
    if not folder.is_dir():
        raise InputError(f"{path}: folder {path.parent} does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: folder {path.parent} is not writable; name another one")
    from dccad.tables.files.sources import expand_sources

    files = [source.path for source in expand_sources(inputs)] if path.exists() and inputs else []
    if any(file is not None and file.resolve() == path.resolve() for file in files):
        raise InputError(f"{path} is the log itself and would be overwritten; name another file")


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` settings of the command line; values are JSON, else text.

    Examples
    --------
    >>> parse_settings(["alpha=0.9", "strides=[2, 3, 1]", "routing=two-step"])
    {'alpha': 0.9, 'strides': [2, 3, 1], 'routing': 'two-step'}
    """
    settings = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise ParameterError(f"--set {pair!r} has no value; write NAME=VALUE, as alpha=0.9")
        try:
            settings[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            settings[name.strip()] = {"True": True, "False": False, "None": None}.get(text, text)
    return settings
