"""The two kinds of calibration, and how a record names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.predictive import Calibration

AnyCalibration: TypeAlias = Calibration | ConformalCalibration

KINDS: dict[str, type[AnyCalibration]] = {
    kind.KIND: kind for kind in (Calibration, ConformalCalibration)
}
"""Both classes by the ``kind`` of their records."""


def calibration_from_record(record: Mapping[str, Any]) -> AnyCalibration:
    """Undo ``to_record`` of either kind.

    Raises
    ------
    LookupError, TypeError, ValueError
        The record is of no known kind, or incomplete.

    Examples
    --------
    >>> calibration_from_record({"kind": "conformal", "scores": [1.0, 2.0]})
    ConformalCalibration(scores=(1.0, 2.0))
    """
    return KINDS[record["kind"]].from_record(record)
