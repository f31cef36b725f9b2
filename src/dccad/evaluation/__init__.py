"""Metrics, protocols and baselines; they know the detector, it knows none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.evaluation.benchmark import run_benchmark
    from dccad.evaluation.custom import evaluate

__all__ = ["evaluate", "run_benchmark"]

_HOME = {
    "evaluate": "dccad.evaluation.custom",
    "run_benchmark": "dccad.evaluation.benchmark",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
