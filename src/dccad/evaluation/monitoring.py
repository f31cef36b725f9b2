"""Judging a monitor: scores and alarms of a fit on normal rows against the labels of test rows."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.evaluation.methods import MonitorMethod
from dccad.evaluation.metrics import alarm_figures, count_alarms, detection_row, ranking_figures
from dccad.evaluation.tasks import Judged, Task, join_rows, known_kinds
from dccad.logs.runs import Run

MONITOR_SETTINGS = {"false_alarm_rate": 0.01}
"""What every monitor is asked for; its calibrated threshold sees no row that is judged."""


def judge_monitor(method: MonitorMethod, task: Task) -> dict[str, Any]:
    """Figures of a fitted monitor on the judged rows of a task.

    Rows without a score (no window is full yet) are not judged.

    Returns
    -------
    dict
        ``figures``: ``roc_auc`` and ``average_precision`` (None where all rows have one label);
        ``far``, ``fdr``, ``mar`` and ``f1`` at the calibrated threshold; ``counts`` (rows by label
        and flag), ``rows_judged``, ``rows_without_score``; ``rows_scored`` and ``score_seconds``
        (all rows of the test runs); ``events`` (see :func:`find_delays`); and, where the data set
        knows kinds of anomaly, ``per_kind`` with the columns ``kind``, ``rows`` (of that kind),
        and, with these rows against all normal ones, ``roc_auc``, ``average_precision``, ``fdr``.
    """
    started = perf_counter()
    per_run = method.decision_function([part.run for part in task.test])
    seconds = perf_counter() - started
    rows, scores = join_rows(task.test), np.concatenate(per_run)
    scored = ~np.isnan(scores)
    judged = rows.judged & scored
    flags_per_run = flag_rows(method, [part.run for part in task.test], per_run)
    flags = np.concatenate(flags_per_run)
    counts = count_alarms(rows.labels[judged], flags[judged])
    found: dict[str, Any] = {
        "figures": {
            **ranking_figures(rows.labels[judged], scores[judged]),
            **alarm_figures(counts),
        },
        "counts": counts,
        "rows_judged": int(judged.sum()),
        "rows_without_score": int((rows.judged & ~scored).sum()),
        "rows_scored": len(scores),
        "score_seconds": seconds,
        "events": find_delays(task.test, per_run, flags_per_run),
    }
    kinds = known_kinds(task.test)
    if kinds:
        normal = judged & (rows.labels == 0)
        masks = [judged & (rows.kinds == kind) for kind in kinds]
        ranked = [ranking_figures(rows.labels[m | normal], scores[m | normal]) for m in masks]
        found["per_kind"] = {
            "kind": kinds,
            "rows": [int(mask.sum()) for mask in masks],
            "roc_auc": [figures["roc_auc"] for figures in ranked],
            "average_precision": [figures["average_precision"] for figures in ranked],
            "fdr": [float(flags[mask].mean()) if mask.any() else None for mask in masks],
        }
    return found


def flag_rows(
    method: MonitorMethod, runs: Sequence[Run], scores: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.bool_]]:
    """Rows that a method flags: by its own ``predict``, or where it has none, by its threshold."""
    if hasattr(method, "predict"):
        return [np.asarray(flags) == 1 for flags in method.predict(runs)]
    return [found > method.threshold_ for found in scores]  # NaN compares as False


def find_delays(
    parts: Sequence[Judged],
    scores: Sequence[NDArray[np.float64]],
    flags: Sequence[NDArray[np.bool_]],
) -> list[dict[str, Any]]:
    """Time from the onset of each anomaly to its detection.

    An event is a run with time stamps, anomalous rows, and a score from its onset on. It is
    detected at the first of 3 consecutive flagged rows.


    Examples
    --------
    >>> run = Run(np.zeros((6, 1)), ("torque",), time=np.arange(6) / 2, onset=1)
    >>> scores = [np.array([9.0, np.nan, 0.0, 5.0, 5.0, 5.0])]
    >>> judged = [Judged(run, run.labels.astype(np.int64), kind="chatter")]
    >>> find_delays(judged, scores, [scores[0] > 1.0])
    [{'kind': 'chatter', 'delay_seconds': 1.0}]
    """
    events = []
    for part, found, flagged in zip(parts, scores, flags, strict=True):
        seconds = _seconds(part.run)
        if seconds is None or not part.labels.any():
            continue
        onset = int(part.labels.argmax())
        if np.isnan(found[onset:]).all():
            continue
        row = detection_row(flagged[onset:])
        delay = None if row is None else float(seconds[onset + row] - seconds[onset])
        events.append({"kind": part.kind, "delay_seconds": delay})
    return events


def _seconds(run: Run) -> NDArray[np.float64] | None:
    if run.time is None:
        return None
    if run.time.dtype.kind != "M":
        return run.time.astype(np.float64)
    return np.asarray((run.time - run.time[0]) / np.timedelta64(1, "s"), dtype=np.float64)
