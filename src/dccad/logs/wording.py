"""Quoting and shortening names and time stamps for messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def describe_column_difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """Say in a few words how two lists of column names differ.

    Examples
    --------
    >>> describe_column_difference(["a", "b"], ["b", "c"])
    "missing: 'a'; not expected: 'c'"
    >>> describe_column_difference(["a", "b"], ["b", "a"])
    "the order differs: 'b' stands where 'a' is expected"
    """
    missing = [name for name in expected if name not in set(found)]
    extra = [name for name in found if name not in set(expected)]
    words = []
    if missing:
        words.append(f"missing: {quote_names(missing)}")
    if extra:
        words.append(f"not expected: {quote_names(extra)}")
    if not words and len(expected) != len(found):
        words.append(f"{len(found)} columns where {len(expected)} are expected")
    if not words:
        here, there = next((f, e) for e, f in zip(expected, found, strict=True) if e != f)
        words.append(f"the order differs: {here!r} stands where {there!r} is expected")
    return "; ".join(words)


def quote_names(names: Sequence[str], most: int = 5) -> str:
    """A few names for a message, and how many more there are."""
    shown = ", ".join(repr(shorten(name)) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def shorten(text: str, most: int = 60) -> str:
    """Text for a message, cut where it is long.

    Examples
    --------
    >>> shorten("flow"), shorten("x" * 100, most=5)
    ('flow', 'xxxx…')
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def show_stamp(instant: Any) -> str:
    """Date and time without digits that say nothing, or seconds.

    Examples
    --------
    >>> show_stamp(np.datetime64("2024-01-01T02:45:00.500"))
    '2024-01-01T02:45:00.5'
    >>> show_stamp(np.float64(20.0))
    '20.0'
    """
    text = str(instant)
    if not isinstance(instant, np.datetime64):
        return text
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
