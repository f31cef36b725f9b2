"""Data sets and table files as runs of sensor rows.

Names are imported on first use: ``import dccad.datasets`` loads no table library, no simulator
and no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dccad.datasets.dataset import Dataset
    from dccad.datasets.embedded import load_tep_simulated, simulated_record
    from dccad.datasets.simulation import simulate_tep, simulate_tep_run
    from dccad.datasets.tables import read_table, write_scores
    from dccad.datasets.tep import load_tep

__all__ = [
    "Dataset",
    "load_tep",
    "load_tep_simulated",
    "read_table",
    "simulate_tep",
    "simulate_tep_run",
    "simulated_record",
    "write_scores",
]

_HOME = {
    "Dataset": "dataset",
    "load_tep": "tep",
    "load_tep_simulated": "embedded",
    "read_table": "tables",
    "simulate_tep": "simulation",
    "simulate_tep_run": "simulation",
    "simulated_record": "embedded",
    "write_scores": "tables",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
