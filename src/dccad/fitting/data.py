"""Which rows a fit trains on, which of them are reference-normal, and which it never sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import CalibrationWarning, InputError, warn
from dccad.fitting.recipe import FitSettings
from dccad.logs.inputs import check_log, check_same_sensors
from dccad.logs.runs import FloatArray, Log, Run
from dccad.logs.windows import check_window_count, window_starts


@dataclass(frozen=True)
class FitData:
    """The rows of one fit.

    Attributes
    ----------
    log : Log
        The rows that ``labels_`` describes, prepared.
    reference : Log or None
        The reference-normal rows as they came, none held out.
    training : list of Run
        Rows that the network and the centres see; the runs of ``normal`` come first.
    normal : list of Run
        The part of the reference that is trained on; empty without a reference.
    held_out : list of Run
        The part of the reference that only the threshold sees.
    """

    log: Log
    reference: Log | None
    training: list[Run]
    normal: list[Run]
    held_out: list[Run]

    def is_normal(self, starts: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Which training windows (by their first rows) are of the reference; None without one."""
        if not self.normal:
            return None
        flags: NDArray[np.bool_] = starts < sum(len(run) for run in self.normal)
        return flags


def prepare_fit_data(X: Any, normal: Any, settings: FitSettings) -> FitData:
    """Check the logs of a fit and divide their rows.

    Rows are divided as they came and each part is prepared by itself, so that no averaged block and
    no filter carries a held-out row into training. Nothing is held out for cross-fitting.


    Raises
    ------
    InputError
        A log cannot be used, or has fewer windows than clusters are asked for.


    Warns
    -----
    CalibrationWarning
        The reference is too short to hold a part out.


    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(200, 2))
    >>> from dccad import DCCA
    >>> settings = FitSettings.of(DCCA(window=5, calibration="held-out").get_params())
    >>> data = prepare_fit_data(rows, rows[:100], settings)
    >>> [len(run) for run in data.training], [len(run) for run in data.held_out]
    ([70, 70, 100], [30])
    """
    if X is None and normal is None:
        raise InputError("nothing to fit: pass an unlabelled log, reference-normal rows, or both")
    reading, preparation = settings.reading, settings.preparation
    window, stride, n_clusters = settings.window, settings.stride, settings.n_regions or 2
    if normal is None:
        log = preparation.apply(check_log(X, reading))
        check_window_count(log.segments, window, n_clusters, stride)
        return FitData(log, None, list(log.segments), [], [])

    reference = check_log(normal, reading)
    log = reference if X is None or X is normal else check_log(X, reading)
    check_same_sensors(log.columns, reference.columns, log.named and reference.named)
    prepared_log = preparation.apply(log)
    check_window_count(preparation.apply(reference).segments, window, n_clusters, stride)
    check_window_count(prepared_log.segments, window)
    if settings.cross_fitted:
        normal_runs = preparation.apply_to_runs(reference.segments)
        others = [] if log is reference else list(prepared_log.segments)
        return FitData(prepared_log, reference, normal_runs + others, normal_runs, [])
    fraction = settings.calibration_fraction
    shortest = (window + n_clusters * stride) * preparation.rows_per_row
    trained, held_out = hold_out(reference.segments, fraction, shortest)
    unlabelled = [] if log is reference else leave_out(log.segments, held_out)
    prepared = [preparation.apply_to_runs(runs) for runs in (trained, unlabelled, held_out)]
    if _too_few_windows(prepared[0], window, n_clusters, stride) or _too_few_windows(
        prepared[2], window, n_clusters, stride
    ):
        warn(
            "the reference-normal runs are too short to keep a part out of training, so the "
            "threshold comes from rows the model has seen and will flag more new normal rows than "
            f"asked; pass runs of at least {round(shortest / fraction + 0.5)} rows",
            CalibrationWarning,
        )
        unlabelled = [] if log is reference else list(log.segments)
        prepared = [preparation.apply_to_runs(runs) for runs in (reference.segments, unlabelled)]
        prepared.append([])
    normal_runs, others, kept_out = prepared
    return FitData(prepared_log, reference, normal_runs + others, normal_runs, kept_out)


def _too_few_windows(runs: Sequence[Run], window: int, needed: int, stride: int) -> bool:
    return len(window_starts([len(run) for run in runs], window, stride)) < needed


def hold_out(
    segments: Sequence[Run], fraction: float, shortest: int
) -> tuple[list[Run], list[Run]]:
    """Keep the last part of each reference-normal run out of training.

    No window has rows of both parts, because the parts are runs of their own.


    Examples
    --------
    >>> training, held_out = hold_out([Run(np.zeros((10, 1)), ("a",))], 0.3, shortest=3)
    >>> len(training[0]), len(held_out[0])
    (7, 3)
    """
    training, held_out = [], []
    for run in segments:
        cut = round(len(run) * (1 - fraction))
        if min(cut, len(run) - cut) < shortest:
            training.append(run)
        else:
            training.append(run.rows(0, cut))
            held_out.append(run.rows(cut, len(run)))
    return training, held_out


def leave_out(segments: Sequence[Run], held_out: Sequence[Run]) -> list[Run]:
    """Cut held-out rows out of a log that contains them, as when a user marks a quiet week of it.

    Examples
    --------
    >>> log = Run(np.arange(8.0)[:, None], ("a",))
    >>> [run.values.ravel().tolist() for run in leave_out([log], [log.rows(3, 5)])]
    [[0.0, 1.0, 2.0], [5.0, 6.0, 7.0]]
    """
    rest = list(segments)
    for block in held_out:
        parts: list[Run] = []
        for run in rest:
            start = _find_block(run.values, block.values)
            if start is None:
                parts.append(run)
            else:
                pieces = (run.rows(0, start), run.rows(start + len(block), len(run)))
                parts.extend(piece for piece in pieces if len(piece))
        rest = parts
    return rest


def _find_block(rows: FloatArray, block: FloatArray) -> int | None:
    """Row at which all rows of the block stand in a row, or None."""
    last = len(rows) - len(block)
    if last < 0:
        return None
    first = (rows[: last + 1] == block[0]) | (np.isnan(rows[: last + 1]) & np.isnan(block[0]))
    for start in np.flatnonzero(first.all(axis=1)):
        if np.array_equal(rows[start : start + len(block)], block, equal_nan=True):
            return int(start)
    return None
