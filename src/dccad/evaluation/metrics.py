"""How well clusters, scores and alarms match labels.

NMI, ARI, ROC-AUC and average precision are scikit-learn's; ACC needs an assignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    adjusted_rand_score,
    average_precision_score,
    normalized_mutual_info_score,
    roc_auc_score,
)
from sklearn.metrics.cluster import contingency_matrix

NEVER = 800
"""Delay of a fault that is never detected, in rows: as long as the classic test runs are faulty."""


def cluster_accuracy(
    truth: NDArray[np.int64], clusters: NDArray[np.int64], balanced: bool = False
) -> float:
    """ACC: share of rows right under the best one-to-one match of clusters to labels.

    Parameters
    ----------
    truth, clusters : ndarray of shape (n,), int
        Numbers are names only; there may be more clusters than labels or fewer.
    balanced : bool
        Give every label the same weight, however many rows it has: the mean over labels of the
        share of its rows that are right. One cluster for everything then scores 1 / labels.

    Returns
    -------
    float, 0 to 1

    Examples
    --------
    >>> cluster_accuracy(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]))
    0.75
    >>> cluster_accuracy(np.array([0, 0, 0, 1]), np.array([7, 7, 7, 7]), balanced=True)
    0.5
    """
    if not balanced and truth.max(initial=0) < 2 and clusters.max(initial=0) < 2:
        equal = float((truth == clusters).mean())  # two against two: one of two matches
        return max(equal, 1 - equal)
    table = contingency_matrix(truth, clusters)
    if balanced:
        table = table / table.sum(axis=1, keepdims=True)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / (len(table) if balanced else len(truth)))


def cluster_figures(truth: NDArray[np.int64], clusters: NDArray[np.int64]) -> dict[str, float]:
    """ACC, NMI (arithmetic mean) and ARI of one clustering.

    Examples
    --------
    >>> cluster_figures(np.array([0, 0, 1, 1]), np.array([5, 5, 2, 2]))
    {'acc': 1.0, 'nmi': 1.0, 'ari': 1.0}
    """
    return {
        "acc": cluster_accuracy(truth, clusters),
        "nmi": float(normalized_mutual_info_score(truth, clusters)),
        "ari": float(adjusted_rand_score(truth, clusters)),
    }


def ranking_figures(labels: NDArray[Any], scores: NDArray[np.float64]) -> dict[str, float | None]:
    """ROC-AUC and average precision of scores; None where all rows have one label.

    Parameters
    ----------
    labels : ndarray of shape (n,), 0 / 1
    scores : ndarray of shape (n,)
        Higher is more anomalous; no NaN.

    Examples
    --------
    >>> ranking_figures(np.array([0, 0, 1]), np.array([0.1, 0.7, 0.4]))
    {'roc_auc': 0.5, 'average_precision': 0.5}
    >>> ranking_figures(np.array([0, 0]), np.array([0.1, 0.7]))
    {'roc_auc': None, 'average_precision': None}
    """
    if len(np.unique(labels)) < 2:
        return {"roc_auc": None, "average_precision": None}
    return {
        "roc_auc": float(roc_auc_score(labels, scores)),
        "average_precision": float(average_precision_score(labels, scores)),
    }


def count_alarms(labels: NDArray[Any], flags: NDArray[np.bool_]) -> dict[str, int]:
    """Rows of each kind: flagged or not, anomalous or not.

    Examples
    --------
    >>> count_alarms(np.array([0, 0, 1, 1, 1]), np.array([False, True, True, True, False]))
    {'true_alarms': 2, 'false_alarms': 1, 'missed': 1, 'quiet': 1}
    """
    anomalous = labels.astype(bool)
    return {
        "true_alarms": int((flags & anomalous).sum()),
        "false_alarms": int((flags & ~anomalous).sum()),
        "missed": int((~flags & anomalous).sum()),
        "quiet": int((~flags & ~anomalous).sum()),
    }


def alarm_figures(counts: Mapping[str, int]) -> dict[str, float | None]:
    """FAR, FDR, MAR and F1 from the counts of :func:`count_alarms`, which may be sums over runs.

    FAR is the share of normal rows that are flagged, FDR the share of anomalous rows that are,
    MAR = 1 − FDR, and F1 that of the flagged rows. None where there is no such row.

    Examples
    --------
    >>> alarm_figures({"true_alarms": 2, "false_alarms": 1, "missed": 2, "quiet": 3})
    {'far': 0.25, 'fdr': 0.5, 'mar': 0.5, 'f1': 0.571...}
    >>> alarm_figures({"true_alarms": 0, "false_alarms": 1, "missed": 0, "quiet": 3})
    {'far': 0.25, 'fdr': None, 'mar': None, 'f1': 0.0}
    """
    true, false = counts["true_alarms"], counts["false_alarms"]
    missed, quiet = counts["missed"], counts["quiet"]
    return {
        "far": _ratio(false, false + quiet),
        "fdr": _ratio(true, true + missed),
        "mar": _ratio(missed, true + missed),
        "f1": _ratio(2 * true, 2 * true + false + missed),
    }


def detection_row(flags: NDArray[np.bool_], consecutive: int = 3) -> int | None:
    """Find the first row of the first ``consecutive`` flagged rows in a row; None if there is none.

    Examples
    --------
    >>> detection_row(np.array([True, False, True, True, True, True]))
    2
    >>> detection_row(np.array([True, True, False])) is None
    True
    """
    if len(flags) < consecutive:
        return None
    stretches = np.lib.stride_tricks.sliding_window_view(flags, consecutive).all(axis=1)
    return int(stretches.argmax()) if stretches.any() else None


def threshold_at_rate(scores: NDArray[np.float64], rate: float) -> float:
    """Lowest score of normal rows that at most the share ``rate`` of them pass.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of normal rows, without NaN.
    rate : float, 0 to 1

    Examples
    --------
    >>> scores = np.arange(200.0)
    >>> threshold_at_rate(scores, 0.01), int((scores > threshold_at_rate(scores, 0.01)).sum())
    (197.0, 2)
    >>> threshold_at_rate(np.array([4.0, 1.0, 4.0, 2.0]), 0.25)  # equal scores pass together
    4.0
    """
    allowed = int(rate * len(scores) + 1e-9)  # 0.29 * 100 is less than 29
    return float(np.sort(scores)[len(scores) - 1 - min(allowed, len(scores) - 1)])


def share_of(flags: NDArray[np.bool_]) -> float | None:
    """Share of the rows (or runs) that are marked; None where there are none to count.

    Examples
    --------
    >>> share_of(np.array([True, False, False, False])), share_of(np.empty(0, dtype=bool))
    (0.25, None)
    """
    return float(flags.mean()) if len(flags) else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
