"""Regions, statistics and the score as nodes of a graph, from the numbers of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import DccadError
from dccad.method.network.pooling import recent_positions
from dccad.method.scoring.scale import SMALLEST
from dccad.method.scoring.statistics import (
    SIGNATURE_RANGE,
    SIGNATURE_UNIT,
    Feature,
)
from dccad.onnx.graph import Graph
from dccad.onnx.network import NetworkGraph
from dccad.support.tensors import to_array

if TYPE_CHECKING:
    from dccad.method.regions.centres import CentrePartition
    from dccad.method.regions.partition import Partition
    from dccad.method.regions.vote import ConsensusPartition
    from dccad.method.scoring.distances import Mahalanobis, Signatures
    from dccad.method.scoring.scale import ScoreScale
    from dccad.method.scoring.statistics import CentreStatistics, Statistics, WindowStatistics
    from dccad.onnx.network import DepthwiseGraph


def add_regions(graph: Graph, network: NetworkGraph, partition: Partition, like: str) -> str:
    """Region of each window, (batch, windows), int64: the twin of ``partition.assign``."""
    kinds: dict[str, Any] = {"vote": _add_vote, "centres": _add_nearest}
    regions: str = kinds[partition.kind](graph, network, partition, like)
    return regions


def _add_vote(graph: Graph, network: NetworkGraph, partition: ConsensusPartition, like: str) -> str:
    consensus = partition.consensus
    regions = graph.cast(graph.add("Mul", like, np.float64(0.0)), np.int64)
    for cut in consensus.cuts:
        beyond = graph.add("Sub", network.pool(cut.maps.tolist()), cut.thresholds)
        votes = graph.add("Tanh", graph.add("Mul", beyond, 2 / cut.scales))
        total = graph.add("Squeeze", graph.add("MatMul", votes, cut.weights[:, None]), _axes(2))
        upper = graph.add(
            "And",
            graph.add("Equal", regions, np.int64(cut.region)),
            graph.add("Greater", total, np.float64(0.0)),
        )
        regions = graph.add("Where", upper, np.int64(cut.created), regions)
    renumber = graph.constant(np.argsort(consensus.order).astype(np.int64))
    return graph.add("Gather", renumber, regions, axis=0)


def _add_nearest(graph: Graph, network: NetworkGraph, partition: CentrePartition, _: str) -> str:
    centres = to_array(partition.region_centres).astype(np.float64)
    centres = centres.reshape(len(centres), -1)
    offset = centres.mean(axis=0)
    centres = centres - offset
    maps = network.pool(to_array(partition.clustering_maps).tolist())
    # ‖x‖² is the same for every centre
    inner = graph.add("MatMul", graph.add("Sub", maps, offset), -2 * centres.T)
    partial = graph.add("Add", inner, np.square(centres).sum(axis=1))
    return graph.add("ArgMin", partial, axis=2, keepdims=0)


def add_statistics(graph: Graph, network: NetworkGraph, statistics: Statistics) -> str:
    """Statistics of each window, (batch, windows, n_statistics), float64.

    Raises
    ------
    DccadError
        A statistic that this version does not know how to write.
    """
    kinds: dict[str, Any] = {
        "centres": _add_centre_statistics,
        "statistics": _add_window_statistics,  # parameters allow no other than a DepthwiseGraph
    }
    columns: str = kinds[statistics.kind](graph, network, statistics)
    return columns


def _add_centre_statistics(
    graph: Graph, network: NetworkGraph, statistics: CentreStatistics
) -> str:
    centres = to_array(statistics.centres).astype(np.float64)
    maps = network.pool(to_array(statistics.clustering_maps).tolist())
    away = graph.add("Sub", maps, centres.reshape(-1))
    squares = graph.add("ReduceSum", graph.add("Mul", away, away), _axes(2))
    distance = graph.add("Div", squares, np.float64(len(centres)))
    return graph.add("Sqrt", graph.add("Concat", distance, network.error(), axis=2))


def _add_window_statistics(
    graph: Graph, network: DepthwiseGraph, statistics: WindowStatistics
) -> str:
    features, length = network.features(), network.length
    unknown = sorted(set(statistics.parts) - set(features))
    if unknown:
        raise DccadError(f"the statistic {str(unknown[0])!r} cannot be written as ONNX yet")
    rows = _add_distance(graph, features[Feature.ROW], statistics.parts[Feature.ROW])
    columns = [graph.moving_mean(rows, length)]
    columns.append(graph.moving_mean(rows, length, recent_positions(length)))
    for name, part in statistics.parts.items():
        if name != Feature.ROW:
            columns.append(_add_distance(graph, features[name], part))
    if statistics.signatures is not None:
        columns.append(_add_signature(graph, features[Feature.MEAN], statistics.signatures))
    return graph.add("Concat", *columns, axis=2)


def _add_whitened(graph: Graph, features: str, metric: Mahalanobis) -> str:
    centred = graph.add("Sub", features, to_array(metric.mean).astype(np.float64))
    return graph.add("MatMul", centred, to_array(metric.whitening).astype(np.float64))


def _add_distance(graph: Graph, features: str, metric: Mahalanobis) -> str:
    """Squared distance over the number of features, (..., 1)."""
    whitened = _add_whitened(graph, features, metric)
    squares = graph.add("ReduceSum", graph.add("Mul", whitened, whitened), _axes(2))
    return graph.add("Div", squares, np.float64(len(metric.mean)))


def _add_signature(graph: Graph, features: str, signatures: Signatures) -> str:
    shifts = to_array(signatures.shifts).astype(np.float64)
    ratios = graph.add("MatMul", _add_whitened(graph, features, signatures.metric), shifts.T)
    ratios = graph.add("Sub", ratios, np.square(shifts).sum(axis=1) / 2)
    largest = graph.add("ReduceMax", ratios, axes=[2])
    largest = graph.add("Clip", largest, np.float64(-SIGNATURE_RANGE), np.float64(SIGNATURE_RANGE))
    return graph.add("Exp", graph.add("Div", largest, np.float64(SIGNATURE_UNIT)))


def add_score(graph: Graph, statistics: str, scale: ScoreScale) -> str:
    """Score of each window, (batch, windows), float64: the twin of ``ScoreScale.combine``."""
    values = statistics
    if scale.floor is not None:
        values = graph.add("Log", graph.add("Add", values, np.array(scale.floor) + SMALLEST))
    standard = graph.add("Div", graph.add("Sub", values, np.array(scale.mean)), np.array(scale.std))
    return graph.add("ReduceMean", standard, axes=[2], keepdims=0)


def _axes(*axes: int) -> NDArray[Any]:
    return np.array(axes, dtype=np.int64)
