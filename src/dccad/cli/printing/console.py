"""The terminal that results are printed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text


class PlainConsole(Console):
    """A console that leaves a reader that has gone to the command line."""

    def on_broken_pipe(self) -> None:
        """Raise, where rich would end the process."""
        raise BrokenPipeError

    def say(self, text: str, indent: int = 0) -> None:
        """Print text as it is, without colour or markup, wrapped at the width and indented."""
        self.print(Padding(Text(text), (0, 0, 0, indent), expand=False))


def percent(value: float | None) -> str:
    """A share in percent; a dash instead of None.

    Examples
    --------
    >>> percent(0.125), percent(None)
    ('12%', '–')
    """
    return "–" if value is None else f"{value:.0%}"


def three_digits(value: float | None) -> str:
    """A number with three decimals; a dash instead of None.

    Examples
    --------
    >>> three_digits(0.98765), three_digits(None)
    ('0.988', '–')
    """
    return "–" if value is None else f"{value:.3f}"


def count_of(number: int, what: str = "episode") -> str:
    """A number with its noun.

    Examples
    --------
    >>> count_of(1), count_of(2, "alarm")
    ('1 episode', '2 alarms')
    """
    return f"{number} {what}{'s' * (number != 1)}"


def describe_promise(promise: Mapping[str, Any]) -> str:
    """The promised false-alarm rate and its interval in plain words.

    Examples
    --------
    >>> describe_promise({"rate": 0.01, "rows": 500, "lower": 0.0, "upper": 0.04, "level": 0.9})
    '1% of new normal rows on average; of 500 in a row, 0.0% to 4.0% in 90 of 100 cases'
    """
    asked = f"{promise['rate'] * 100:.3g}% of new normal rows on average"
    if promise["lower"] is None:
        return (
            f"{asked}, as if rows were independent of one another; how far it may be off is not "
            "known without calibration='cross-fitted'"
        )
    return (
        f"{asked}; of {promise['rows']} in a row, {promise['lower']:.1%} to "
        f"{promise['upper']:.1%} in {promise['level'] * 100:.0f} of 100 cases"
    )
