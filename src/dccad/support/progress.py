"""Progress bars on a terminal but not in a pipe, and warnings of one line each."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Advance(Protocol):
    """A function that moves a progress bar."""

    def __call__(self, done: int, note: str, total: int | None = None) -> None:
        """Report the steps done, a note on the latest one, and the total if it has changed."""


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Show each different warning once, as ``warning: …`` on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dccad.errors import DccadWarning

        warnings.simplefilter("always", DccadWarning)
        shown: set[str] = set()

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            if str(message) not in shown:
                shown.add(str(message))
                sys.stderr.write(f"dccad: warning: {message}\n")

        warnings.showwarning = show
        yield


@contextmanager
def progress_bar(title: str, total: int, enabled: bool = True) -> Iterator[Advance]:
    """Show a progress bar on standard error while the block runs.

    Parameters
    ----------
    title : str
        Name of the work.
    total : int
        Number of steps.
    enabled : bool
        If False, nothing is shown; nor is it if standard error is not a terminal.

    Yields
    ------
    Advance

    Examples
    --------
    >>> with progress_bar("training", 2, enabled=False) as advance:
    ...     advance(1, "epoch 1")
    """
    if not enabled:
        yield lambda done, note, total=None: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    ]
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total, note="")

        def advance(done: int, note: str, total: int | None = None) -> None:
            progress.update(task, completed=done, note=note, total=total)

        yield advance
