"""The metal peeling machine: its workbooks, their preparation, and a synthetic stand-in.

Names are imported on first use, as in :mod:`dccad.datasets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

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
    "PeelingLog": "dccad.datasets.machining.simulation",
    "PeelingMachine": "dccad.datasets.machining.torque",
    "load_peeling": "dccad.datasets.machining.preparation",
    "prepare_peeling": "dccad.datasets.machining.preparation",
    "simulate_peeling": "dccad.datasets.machining.simulation",
    "write_peeling_workbooks": "dccad.datasets.machining.workbooks",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
