"""Errors and warnings of dccad: each message says what came, what is needed and what to do.

``NotTrainedError`` is defined beside the estimator, because one of its bases is scikit-learn's and
commands that only read files should not wait for that import.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import Any

BETWEEN = frozenset(
    ("dccad", "sklearn", "joblib", "contextlib", "importlib", "threading", "concurrent")
)
"""Packages whose frames may lie between a warning and the line that the user wrote: scikit-learn
wraps ``transform`` and calls the detector in pipelines and searches; the others make generators,
late imports and threads."""


class DccadError(Exception):
    """Base of every error that dccad raises on purpose."""


class InputError(DccadError, ValueError):
    """Data that cannot be used: the message names where, and the remedy."""


class MissingValuesError(InputError):
    """Rows have missing values; ``table`` is :func:`dccad.logs.missing.tabulate_missing`."""

    def __init__(self, message: str, table: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.table = table


class ParameterError(DccadError, ValueError):
    """One or more parameters of the detector are out of range; all are listed at once."""


class ModelFileError(DccadError, ValueError):
    """A model folder is missing, damaged, truncated, or from a later version."""


class MissingExtraError(DccadError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


class DccadWarning(UserWarning):
    """Base of every warning that dccad issues."""


class ConstantSensorWarning(DccadWarning):
    """A sensor never changes in the data that the scaling is fitted on."""


class LatentCollapseWarning(DccadWarning):
    """The clustering maps lose their variance or their centres fall together."""


class SingleClusterWarning(DccadWarning):
    """Every window of the fit lies in one region."""


class CalibrationWarning(DccadWarning):
    """The threshold stands on too few normal windows for the requested false-alarm rate."""


class ColumnNamesWarning(DccadWarning):
    """Only one of the two logs, of the fit and to score, has column names; none are compared."""


def warn(message: str, category: type[DccadWarning]) -> None:
    """Warn at the line of the user's code that led here, however many calls lie between.

    If no such line exists (in a thread that runs a method of the package itself), the warning names
    the line that called this function.

    Parameters
    ----------
    message : str
    category : subclass of DccadWarning
    """
    here = sys._getframe(1)
    frame, outer = here, here.f_back
    while _package(frame) in BETWEEN and outer is not None:
        frame, outer = outer, outer.f_back
    if _package(frame) in BETWEEN:
        frame = here
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__", "__main__"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _package(frame: FrameType) -> str:
    """Name of the package that a frame's code belongs to."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
