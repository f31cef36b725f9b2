"""What several commands share: options for reading tables, and refusing bad options before work.

Heavy imports stay inside the functions, as in :mod:`dccad.cli.main`.
"""

from __future__ import annotations

import difflib
import inspect
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    get_type_hints,
)

import typer
from typer.core import TyperCommand

from dccad.errors import ParameterError
from dccad.tables.options import REMEMBERED, TableOptions

if TYPE_CHECKING:
    from dccad.detector import DCCA
    from dccad.onnx import OnnxDetector
    from dccad.tables import Tables

Function = TypeVar("Function", bound=Callable[..., Any])

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other parameter of DCCA, as alpha=0.9 (repeatable).",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Random seed.")]
Jobs = Annotated[int, typer.Option(metavar="N", help="Processes side by side; 0: one per core.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder that fit wrote.")]
Scorer = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Model folder, or ONNX file that export wrote.")
]
Stream = Annotated[
    bool | None,
    typer.Option(
        "--stream/--no-stream",
        help="Read Parquet in pieces, or as a whole; default: in pieces from 1 GiB of values on.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where the same command was killed or stopped.")
]
_LOG = typer.Argument(
    metavar="LOG",
    help="Tables: CSV and other text, Parquet, Arrow, Excel, OpenDocument; folders and globs; "
    "sqlite:///FILE and postgresql://USER@HOST/DB with --query; - for standard input.",
)
Log = Annotated[list[str], _LOG]
OptionalLog = Annotated[list[str] | None, _LOG]


class Command(TyperCommand):
    """A command whose warnings are one line each; its ``--help`` imports nothing for that."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        from dccad.support.progress import warnings_in_one_line

        with warnings_in_one_line():
            return super().invoke(ctx)


def command(group: typer.Typer, name: str, example: str) -> Callable[[Function], Function]:
    """Register a command whose help ends in an example."""
    return group.command(name, cls=Command, epilog=f"Example: {example}")


def _text(flag: str, metavar: str, text: str) -> Any:
    return Annotated[str | None, typer.Option(flag, metavar=metavar, help=text)]


def _several(flag: str, metavar: str, text: str) -> Any:
    return Annotated[list[str] | None, typer.Option(flag, metavar=metavar, help=text)]


_TABLE_OPTIONS: dict[str, Any] = {
    "time": _text("--time", "COLUMN", "Column of times, or DATE+TIME; default: the only one."),
    "time_format": _text("--time-format", "FORMAT", "As %d.%m.%Y %H:%M, or s, ms, us, ns."),
    "timezone": _text("--timezone", "ZONE", "Zone of stamps without one, as Europe/Berlin."),
    "run": _text("--run", "COLUMN", "Column whose values separate runs."),
    "columns": _several(
        "--columns", "COLUMNS", "Sensors: name, range a:b or pattern flow* (repeatable)."
    ),
    "drop": _several("--drop", "COLUMNS", "Columns to leave out, in the same forms (repeatable)."),
    "label": _several("--label", "COLUMN", "Labels, kept apart from the model (repeatable)."),
    "separator": _text("--separator", "SIGN", "Of CSV: , ; tab | or a blank."),
    "decimal": _text("--decimal", "SIGN", "Decimal sign of CSV: . or ,"),
    "encoding": _text("--encoding", "NAME", "Of CSV, as utf-8 or cp1252."),
    "header": Annotated[
        int | None,
        typer.Option("--header", metavar="LINE", help="Line of the column names; 0: none."),
    ],
    "sheet": _text("--sheet", "SHEET", "Sheet of a workbook: name or number; default: the first."),
    "query": _text("--query", "SQL", "What to read from a database."),
    "long": Annotated[
        bool | None,
        typer.Option("--long/--wide", help="One row per value of a tag, or per instant."),
    ],
    "tag": _text("--tag", "COLUMN", "Of a long table: the tags' names."),
    "value": _text("--value", "COLUMN", "Of a long table: the values."),
    "quality": _text("--quality", "COLUMN", "Of a long table: the values' quality."),
    "good": _several("--good", "VALUE", "Quality that is good (repeatable)."),
    "resample": Annotated[
        float | None,
        typer.Option("--resample", metavar="SECONDS", help="Bring rows onto a regular grid."),
    ],
    "fill": Annotated[
        Literal["hold", "linear", "mean"],
        typer.Option("--fill", help="Grid values: last value, line between two, or mean."),
    ],
    "max_gap": Annotated[
        float | None,
        typer.Option(
            "--max-gap",
            metavar="SECONDS",
            help="Longest time between two rows of a run; default: 5 x the median.",
        ),
    ],
    "join": Annotated[bool, typer.Option("--join", help="Files are parts of one log.")],
}


def takes_tables(function: Function) -> Function:
    """Give a command the options of :class:`TableOptions`, which it gets as ``options``."""

    @wraps(function)
    def call(**arguments: Any) -> Any:
        given = {}
        for field in fields(TableOptions):
            value = arguments.pop(field.name)
            if isinstance(field.default, tuple):
                value = tuple(value or ())
            given[field.name] = value
        return function(options=TableOptions(**given), **arguments)

    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "options"
    ]
    defaults = {
        field.name: None if isinstance(field.default, tuple) else field.default
        for field in fields(TableOptions)
    }
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=annotation
        )
        for name, annotation in _TABLE_OPTIONS.items()
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    # without a default first; typer takes them by name
    ordered = sorted([*keyword, *added], key=lambda p: p.default is not inspect.Parameter.empty)
    call.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]  # read by typer
    call.__annotations__ = {p.name: p.annotation for p in ordered}
    del call.__wrapped__  # inspect would look through to the function
    return call  # type: ignore[return-value]  # typer calls it by keywords


def read_logs(inputs: Sequence[str], options: TableOptions) -> Tables:
    """Runs of all tables by name, and what was decided about each."""
    from dccad.tables import read_tables

    return read_tables(inputs, options)


def load_scorer(path: Path) -> DCCA | OnnxDetector:
    """A model folder, or an exported model (by its suffix), which needs no torch."""
    if path.suffix.lower() == ".onnx" and not path.is_dir():
        from dccad.onnx import load_onnx

        return load_onnx(path)
    from importlib.util import find_spec

    from dccad.errors import MissingExtraError

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
    """How a log to score is read: as the fit's was, but for what is said anew.

    ``sensors``: the model's columns, where they have names; no other column is read.
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
    """What ``--set`` gives; ``fixed`` parameters have another place, which the message names."""
    from dccad.detector import DCCA
    from dccad.errors import ParameterError

    pass  # moved

    given = parse_settings(pairs or [])
    refuse_unknown_settings(given, DCCA().get_params())
    for name, place in fixed.items():
        if name in given:
            raise ParameterError(f"--set {name}: here {place} sets it; leave this --set out")
    return given


def count_processes(jobs: int) -> int:
    """Processes to run side by side: what was asked for, or one per core for 0."""
    from dccad.errors import ParameterError

    if jobs < 0:
        raise ParameterError(f"--jobs {jobs}: needed is a number of processes, or 0: one per core")
    return jobs or os.cpu_count() or 1


def check_choice(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones, and list these."""
    from dccad.errors import ParameterError

    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ParameterError(f"unknown {what} {name!r}; choose from {', '.join(known)}{hint}")


def check_output(path: Path, suffixes: Sequence[str] = (), inputs: Sequence[str] = ()) -> None:
    """Refuse a file that cannot be written, or must not be, before the work and not after it."""
    from dccad.errors import InputError

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

    Raises
    ------
    ParameterError
        A setting without ``=``.

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


def refuse_unknown_settings(settings: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse names that are no parameter, suggesting the nearest one.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> refuse_unknown_settings({"alhpa": 0.5}, {"alpha": 0.5})
    Traceback (most recent call last):
    dccad.errors.ParameterError: 'alhpa' is no parameter of DCCA (did you mean 'alpha'?)
    """
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else f"; known: {', '.join(known)}"
            raise ParameterError(f"{name!r} is no parameter of DCCA{hint}")
