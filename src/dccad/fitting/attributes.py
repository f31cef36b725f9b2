"""What a fit leaves on the detector: one list for fit, save and load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.fitting.model import Fitted
from dccad.fitting.recipe import FitSettings
from dccad.logs.episodes import MOST_EPISODES, RowTable, describe_states
from dccad.method.clustering.kernel_split import order_kernels
from dccad.method.regions.normal import RegionReport
from dccad.support.tensors import to_array

ARRAYS = (
    "cluster_centers_",
    "map_distances_",
    "map_ranks_",
    "map_qualities_",
    "clustering_maps_",
    "clustering_kernels_",
    "reconstruction_kernels_",
    "assignment_counts_",
    "labels_",
    "decision_scores_",
    "regions_",
)
"""Attributes that a model folder keeps as arrays."""

RECORDS = (
    "columns_",
    "n_features_in_",
    "threshold_",
    "n_calibration_windows_",
    "data_digest_",
    "filled_share_",
    "left_out_share_",
    "reading_",
    "reference_digest_",
    "sample_",
    "seed_",
    "history_",
    "updates_",
)
"""Attributes that a model folder keeps as JSON, under their names without the underscore."""


def describe_fit(fitted: Fitted, settings: FitSettings, seed: int) -> dict[str, Any]:
    """Attributes of a detector after a fit, beside its model and calibration."""
    data, training = fitted.data, fitted.training
    log, split = data.log, training.split
    scores, regions = fitted.model.score_log(log)
    states = describe_states(fitted.report.states, regions, RowTable.of(log), MOST_EPISODES)
    ranks = to_array(split.ranks)
    order = np.argsort(ranks)
    kernels = order_kernels(split, training.network.kernel_of_map)
    n_clusters = split.clusters.centres.shape[1]
    attributes = {
        "n_calibration_windows_": fitted.n_calibration_windows,
        "threshold_": fitted.calibration.threshold(settings.false_alarm_rate),
        "decision_scores_": scores,
        "regions_": regions,
        "region_report_": replace(fitted.report, states=tuple(states)),
        "sample_": fitted.sample,
        "seed_": seed,
        "n_features_in_": len(log.columns),
        "columns_": log.columns,
        "data_digest_": log.digest(),
        "left_out_share_": 0.0 if log.source is None else float((log.source < 0).mean()),
        "reading_": None,
        "filled_share_": {name: n / log.n_rows for name, n in log.filled.items()},
        "reference_digest_": None if data.reference is None else data.reference.digest(),
        "cluster_centers_": to_array(split.clusters.centres),
        "map_distances_": to_array(split.distances),
        "map_ranks_": ranks,
        "map_qualities_": to_array(split.qualities),
        "clustering_maps_": order[to_array(split.clustering)[order]],
        "clustering_kernels_": kernels[0],
        "reconstruction_kernels_": kernels[1],
        "assignment_counts_": np.stack(
            [
                np.bincount(clusters, minlength=n_clusters)
                for clusters in to_array(split.clusters.assignments).T
            ]
        ),
        "history_": training.history,
        "updates_": training.updates,
        "latents_": to_array(training.latents) if settings.keep_latents else None,
    }
    return attributes | _names(log.columns, log.named)


def to_parts(attributes: Mapping[str, Any]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and JSON values of the attributes, for a model folder."""
    arrays = {name: np.asarray(attributes[name]) for name in ARRAYS}
    record = {name.rstrip("_"): attributes[name] for name in RECORDS}
    record["named"] = "feature_names_in_" in attributes
    record["regions_of_fit"] = vars(attributes["region_report_"])
    return arrays, record


def from_parts(arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> dict[str, Any]:
    """Undo :func:`to_parts`.

    Raises
    ------
    LookupError, TypeError, ValueError
        Something is missing or is no report of regions.
    """
    attributes: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    attributes |= {name: record[name.rstrip("_")] for name in RECORDS}
    attributes["columns_"] = tuple(attributes["columns_"])
    report: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record["regions_of_fit"].items()
    }
    attributes["region_report_"] = RegionReport(**report)
    return attributes | _names(attributes["columns_"], record["named"])


def _names(columns: tuple[str, ...], named: bool) -> dict[str, Any]:
    return {"feature_names_in_": np.array(columns, dtype=object)} if named else {}
