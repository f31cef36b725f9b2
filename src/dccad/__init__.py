"""dccad: anomaly detection for unlabelled industrial sensor logs with a DCCA.

Names are imported on first use, so that ``import dccad`` stays fast and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dccad.detector import DCCA, load
    from dccad.logs.runs import Run

__all__ = ["DCCA", "Run", "__version__", "load"]

_HOME = {"DCCA": "dccad.detector", "load": "dccad.detector", "Run": "dccad.logs.runs"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dccad")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'dccad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
