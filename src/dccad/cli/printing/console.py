"""The terminal that results are printed on."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text


class PlainConsole(Console):
    """A console that leaves it to the command line what to do when its reader has gone."""

    def on_broken_pipe(self) -> None:
        """Raise, where rich would end the process."""
        raise BrokenPipeError

    def say(self, text: str, indent: int = 0) -> None:
        """Print text as it is, without colour or markup, wrapped at the width and indented."""
        self.print(Padding(Text(text), (0, 0, 0, indent), expand=False))


def percent(value: float | None) -> str:
    """A share as people read it; a dash where there is none.

    Examples
    --------
    >>> percent(0.125), percent(None)
    ('12%', '–')
    """
    return "–" if value is None else f"{value:.0%}"


def three_digits(value: float | None) -> str:
    """A figure with three digits behind the point; a dash where there is none.

    Examples
    --------
    >>> three_digits(0.98765), three_digits(None)
    ('0.988', '–')
    """
    return "–" if value is None else f"{value:.3f}"
