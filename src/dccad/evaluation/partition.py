"""Judging a partition: regions of a fit without labels against the labels of the same rows.

Windows are labelled by their last row; rows without a full window are not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.detector import DCCA
from dccad.evaluation.methods import PartitionMethod
from dccad.evaluation.metrics import cluster_accuracy, cluster_figures
from dccad.evaluation.protocol import Column
from dccad.evaluation.tasks import Judged, Task, join_rows, known_kinds
from dccad.logs.runs import split_at_gaps
from dccad.logs.windows import window_starts

FEW_MAPS = 200
"""Above this many maps, only the accuracy of each is computed: the others take minutes."""


REGION_FIGURES = {"acc": "ACC", "nmi": "NMI", "ari": "ARI"}

MAP_FIGURES = {
    "mean_clustering_maps_acc": ("ACC clustering maps", "clust.\nmaps"),
    "mean_reconstruction_maps_acc": ("ACC reconstruction maps", "recon.\nmaps"),
    "top_map_acc": ("ACC top map", "top map"),
    "oracle_map_acc": ("*ACC oracle map*", "oracle*"),
}
"""Name in the record, and headings on the results page and on the terminal."""


def region_columns(prefix: str = "", suffix: str = "") -> tuple[Column, ...]:
    """ACC, NMI and ARI of the regions, for tables; ``suffix`` is say that of K or of the faults."""
    return tuple(Column(prefix + n + suffix, title, title) for n, title in REGION_FIGURES.items())


def map_columns(prefix: str = "", suffix: str = "") -> tuple[Column, ...]:
    """ACC of single activation maps and groups of them, for tables."""
    return tuple(Column(prefix + n + suffix, *titles) for n, titles in MAP_FIGURES.items())


def suffixes_of(results: Mapping[str, Any]) -> list[str]:
    """Suffixes of ACC among the figures of all methods, in alphabetical order.

    Examples
    --------
    >>> suffixes_of({"kmeans-windows": {"acc_k22": {}, "nmi_k22": {}, "acc": {}}})
    ['', '_k22']
    """
    names = {name for found in results.values() for name in found}
    return sorted(name.removeprefix("acc") for name in names if name.startswith("acc"))


def judge(
    method: PartitionMethod, task: Task
) -> tuple[dict[str, float], dict[str, list[Any]] | None]:
    """Figures of a fitted method on the judged rows of a task.

    Returns
    -------
    (figures, per_map)
        ``per_map`` has one column per figure and one entry per activation map; None for methods
        without such maps.
    """
    if isinstance(method, DCCA):
        return _judge_maps(method, task)
    figures: dict[str, float] = {}
    for prefix, parts in _parts(task):
        rows = join_rows(parts)
        regions = _regions(method, parts)
        kept = rows.judged & (regions >= 0)
        figures |= _prefixed(prefix, cluster_figures(rows.labels[kept], regions[kept]))
    return figures, None


def judge_kinds(method: PartitionMethod, task: Task) -> dict[str, Any]:
    """How well the regions of the test rows tell normal rows from anomalous ones of each kind.

    Returns
    -------
    dict
        ``figures``: ``balanced_acc`` gives both labels the same weight; ``region_fdr`` and
        ``region_far`` are the shares of anomalous and of normal rows outside region 0.
        ``per_kind``, where the data set knows kinds, has the columns ``kind``, ``rows`` (of that
        kind), and, with these rows against all normal ones, ``balanced_acc``, ``nmi``, ``ari``
        and ``region_fdr``.
    """
    rows, regions = join_rows(task.test), _regions(method, task.test)
    judged = rows.judged & (regions >= 0)
    normal = judged & (rows.labels == 0)

    def compare(anomalous: NDArray[np.bool_]) -> dict[str, float | None]:
        if not (anomalous.any() and normal.any()):
            return dict.fromkeys(("balanced_acc", "nmi", "ari", "region_fdr"))
        truth, clusters = rows.labels[normal | anomalous], regions[normal | anomalous]
        figures = cluster_figures(truth, clusters)
        return {
            "balanced_acc": cluster_accuracy(truth, clusters, balanced=True),
            "nmi": figures["nmi"],
            "ari": figures["ari"],
            "region_fdr": float((regions[anomalous] != 0).mean()),
        }

    overall = compare(judged & (rows.labels == 1))
    found: dict[str, Any] = {
        "figures": {
            "balanced_acc": overall["balanced_acc"],
            "region_fdr": overall["region_fdr"],
            "region_far": float((regions[normal] != 0).mean()) if normal.any() else None,
        }
    }
    kinds = known_kinds(task.test)
    if kinds:
        masks = [judged & (rows.kinds == kind) for kind in kinds]
        columns = [compare(mask) for mask in masks]
        found["per_kind"] = {
            "kind": kinds,
            "rows": [int(mask.sum()) for mask in masks],
            **{name: [column[name] for column in columns] for name in columns[0]},
        }
    return found


def _judge_maps(detector: DCCA, task: Task) -> tuple[dict[str, float], dict[str, list[Any]]]:
    """Figures of the consensus regions, of every activation map, and of groups of maps."""
    figures: dict[str, float] = {}
    n_maps = len(detector.map_ranks_)
    is_clustering = np.isin(np.arange(n_maps), detector.clustering_maps_)
    names = ("acc", "nmi", "ari") if n_maps <= FEW_MAPS else ("acc",)
    per_map: dict[str, list[Any]] = {
        "map": list(range(n_maps)),
        "centre_distance": detector.map_distances_.tolist(),
        "quality": detector.map_qualities_.tolist(),
        "rank": detector.map_ranks_.tolist(),
        "group": ["clustering" if flag else "reconstruction" for flag in is_clustering],
    }
    for prefix, parts in _parts(task):
        truth, kept = _judged_windows(parts, detector.window, detector.max_gap)
        results = detector.score_windows([judged.run for judged in parts])
        figures |= _prefixed(prefix, cluster_figures(truth[kept], results.regions[kept]))
        assert results.assignments is not None
        columns = results.assignments[kept].T
        for name in names:
            values = np.array([_map_figure(name, truth[kept], column) for column in columns])
            per_map[prefix + name] = values.tolist()
            groups = {
                "mean_clustering_maps": values[is_clustering].mean(),
                "top_map": values[detector.map_ranks_ == 1][0],
                "oracle_map": values.max(),  # chosen with the labels: never the method's figure
            }
            if not is_clustering.all():
                groups["mean_reconstruction_maps"] = values[~is_clustering].mean()
            figures |= {f"{prefix}{group}_{name}": float(v) for group, v in groups.items()}
    return figures, per_map


def _map_figure(name: str, truth: NDArray[np.int64], clusters: NDArray[np.int64]) -> float:
    if name == "acc":
        return cluster_accuracy(truth, clusters)
    return cluster_figures(truth, clusters)[name]


def _judged_windows(
    parts: Sequence[Judged], window: int, max_gap: float | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Label of each window by its last row, and which windows are judged."""
    rows = join_rows(parts)
    segments = [segment for part in parts for segment in split_at_gaps(part.run, max_gap)]
    last = window_starts([len(segment) for segment in segments], window) + window - 1
    return rows.labels[last], rows.judged[last]


def _parts(task: Task) -> list[tuple[str, Sequence[Judged]]]:
    """What is judged, by the prefix of its figures; the same rows are judged once."""
    parts: list[tuple[str, Sequence[Judged]]] = [("", task.test)]
    return parts if task.train is task.test else [*parts, ("train_", task.train)]


def _regions(method: PartitionMethod, parts: Sequence[Judged]) -> NDArray[np.int64]:
    return np.concatenate(method.predict_region([part.run for part in parts]))


def _prefixed(prefix: str, figures: Mapping[str, float]) -> dict[str, float]:
    return {prefix + name: value for name, value in figures.items()}
