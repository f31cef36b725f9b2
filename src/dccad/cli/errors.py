"""What a user sees when something is wrong: one line on standard error, and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

LONGEST_LINE = 900
"""Characters of a message; of a longer one the middle is left out."""

MOST_MISSING = 15
"""Most sensors in the table of missing values that a terminal shows."""


def explain_usage(error: Any) -> str:
    """Say what came in a wrong call, what is needed, and which help to read."""
    context: Any = getattr(error, "ctx", None)
    message = str(error.format_message()).rstrip(".")
    cause = error.__cause__
    if hasattr(cause, "errors"):  # a value of the wrong type; typer's text leaves the value out
        found = cause.errors()[0]
        kind = found["type"].partition("_")[0]
        needed = {"int": "needed is a whole number", "float": "needed is a number"}
        reason = needed.get(kind, found["msg"].removeprefix("Value error, ").rstrip("."))
        message = f"{error.param.opts[0]} {found['input']!r}: {reason}"
    elif hasattr(error, "possibilities"):
        message = f"no such option {error.option_name}"
        if error.possibilities:
            message += f"; did you mean {' or '.join(error.possibilities)}?"
    elif message.startswith(("Missing command", "No such command")) and "?" not in message:
        message += f"; choose from {', '.join(context.command.commands)}"
    message = message[:1].lower() + message[1:]
    return message + (f" (see {context.command_path} --help)" if context is not None else "")


def explain(error: Exception) -> int:
    """Print one line for an error that a command raised; return the exit code."""
    from dccad.errors import DccadError, MissingValuesError

    if isinstance(error, MissingValuesError):
        _print_missing(error.table)
    if isinstance(error, DccadError):
        return fail(str(error), 2)
    if isinstance(error, OSError):
        drop_broken_output()
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return fail(f"cannot write the result: {reason}; free space or write elsewhere", 2)
        where = f" {error.filename}" if error.filename else ""
        return fail(f"cannot read or write{where}: {reason}", 2)
    if os.environ.get("DCCAD_DEBUG"):
        raise error
    first = str(error).splitlines()[0] if str(error) else "no message"
    return fail(
        f"unexpected {type(error).__name__}: {first}; set DCCAD_DEBUG=1 for a traceback to report",
        1,
    )


def fail(message: str, code: int) -> int:
    """Print one line of printable characters on standard error, and return the code."""
    line = " ".join(message.splitlines()).replace("\t", " ")
    line = "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in line
    )
    if len(line) > LONGEST_LINE:  # a cell or a column name went on and on; the remedy comes last
        line = f"{line[: LONGEST_LINE - 300]} … {line[-300:]}"
    typer.echo(f"dccad: error: {line}", err=True)
    return code


def drop_broken_output() -> None:
    """Keep the interpreter, as it exits, from writing to an output that takes no more."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # open until the process ends


def _print_missing(table: Sequence[Mapping[str, Any]]) -> None:
    """Print where values are missing, above the line that says what to do."""
    width = min(max(len(str(row["sensor"])) for row in table[:MOST_MISSING]), 40)
    typer.echo(f"{'missing':>9} {'share':>7} {'first row':>9} {'longest':>8}  sensor", err=True)
    for row in table[:MOST_MISSING]:
        name = str(row["sensor"])
        name = name if len(name) <= width else name[: width - 1] + "…"
        typer.echo(
            f"{row['missing']:>9} {row['share']:>7.2%} {row['first_row']:>9} {row['longest']:>8}  "
            + name,
            err=True,
        )
    if len(table) > MOST_MISSING:
        typer.echo(f"  and {len(table) - MOST_MISSING} more sensors", err=True)
