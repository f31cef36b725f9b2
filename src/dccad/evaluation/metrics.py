"""How well clusters match labels. NMI and ARI are scikit-learn's; ACC needs an assignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix


def cluster_accuracy(truth: NDArray[np.int64], clusters: NDArray[np.int64]) -> float:
    """ACC: share of rows right under the best one-to-one match of clusters to labels.

    Parameters
    ----------
    truth, clusters : ndarray of shape (n,), int
        Numbers are names only; there may be more clusters than labels or fewer.

    Returns
    -------
    float, 0 to 1

    Examples
    --------
    >>> cluster_accuracy(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]))
    0.75
    """
    table = contingency_matrix(truth, clusters)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(truth))


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
