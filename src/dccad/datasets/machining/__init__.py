"""The metal peeling machine: its workbooks, their preparation, and a synthetic stand-in.

Names are imported on first use, as in :mod:`dccad.datasets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.datasets.machining.preparation import load_peeling, prepare_peeling
    from dccad.datasets.machining.simulation import PeelingLog, simulate_peeling
    from dccad.datasets.machining.torque import PeelingMachine
    from dccad.datasets.machining.workbooks import write_peeling_workbooks

__all__ = [
    "PeelingLog",
    "PeelingMachine",
    "load_peeling",
    "prepare_peeling",
    "simulate_peeling",
    "write_peeling_workbooks",
]

_HOME = {
    "PeelingLog": "simulation",
    "PeelingMachine": "torque",
    "load_peeling": "preparation",
    "prepare_peeling": "preparation",
    "simulate_peeling": "simulation",
    "write_peeling_workbooks": "workbooks",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
