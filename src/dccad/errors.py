"""Errors and warnings of dccad. Every message says what came, what is needed and what to do.

``NotTrainedError`` stands beside the estimator, because its second base is scikit-learn's and
commands that only read files should not wait for that import.
"""

from __future__ import annotations

from typing import Any


class DccadError(Exception):
    """Base of every error that dccad raises on purpose."""


class InputError(DccadError, ValueError):
    """Data that cannot be used: the message names where, and the remedy."""


class MissingValuesError(InputError):
    """Rows have missing values; ``table`` says where (:func:`dccad.missing.tabulate_missing`)."""

    def __init__(self, message: str, table: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.table = table


class ParameterError(DccadError, ValueError):
    """One or more parameters of the detector are out of range; all are listed at once."""


class ModelFileError(DccadError, ValueError):
    """A model folder is missing, damaged, truncated, or of a later version."""


class MissingExtraError(DccadError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


class DccadWarning(UserWarning):
    """Base of every warning that dccad issues."""


class ConstantSensorWarning(DccadWarning):
    """A sensor never changes in the data that the scaling is fitted on."""


class LatentCollapseWarning(DccadWarning):
    """The clustering maps lose their variance or their centres fall together."""


class SingleClusterWarning(DccadWarning):
    """Every window of the fit lands in one region."""


class CalibrationWarning(DccadWarning):
    """The threshold stands on too few normal windows for the requested false-alarm rate."""


class ColumnNamesWarning(DccadWarning):
    """Only one of the fit's log and the log to score has column names, so none are compared."""
