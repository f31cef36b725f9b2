"""Printing results as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def to_json(document: Any) -> str:
    r"""One JSON document in ASCII; NaN becomes null, numpy numbers become numbers.

    Examples
    --------
    >>> to_json({"a": float("nan"), "b": np.float32(0.5)})
    '{"a": null, "b": 0.5}\n'
    """
    return json.dumps(_plain(document), allow_nan=False) + "\n"


def print_json(document: Any) -> None:
    """Print one JSON document on standard output and nothing else."""
    print(to_json(document), end="")  # noqa: T201  # unwrapped, for machines


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
