"""Regions, statistics and the score of a graph: by hand, by loops, and as the package's own."""

import math

import numpy as np
import pytest
import torch

from dccad.method.regions.centres import CentrePartition
from dccad.method.regions.vote import Consensus, ConsensusPartition, Cut
from dccad.method.scoring.distances import Mahalanobis, Signatures
from dccad.method.scoring.scale import ScoreScale
from dccad.method.scoring.statistics import (
    SIGNATURE_RANGE,
    SIGNATURE_UNIT,
    CentreStatistics,
    WindowStatistics,
)
from dccad.onnx.graph import Graph
from dccad.onnx.judging import add_regions, add_score, add_statistics
from dccad.onnx.network import DepthwiseGraph
from dccad.support.tensors import to_array
from depthwise_networks import build
from graph_runs import run
from naive import naive_assign, naive_vote, naive_window_statistics


class Given:
    """A network whose pooled maps and errors are inputs of the graph."""

    def __init__(self, graph):
        self.graph = graph

    def pool(self, indices):
        return self.graph.take("maps", indices)

    def error(self):
        return "error"


def regions_of(partition, maps):
    graph = Graph()
    return run(
        graph,
        add_regions(graph, Given(graph), partition, "like"),
        np.int64,
        maps=maps,
        like=np.full(maps.shape[:2], -3.5),
    )


# -- regions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_votes_divide_windows_as_a_loop_over_the_cuts(seed):
    rng = np.random.default_rng(seed)
    maps = 2 * rng.normal(size=(2, 30, 5))
    cuts = tuple(
        Cut(
            region,
            created,
            rng.permutation(5)[:n],
            rng.normal(size=n),
            rng.random(n) + 0.1,
            rng.normal(size=n),
            0.5,
        )
        for region, created, n in ((0, 1, 3), (1, 2, 1), (0, 3, 2))
    )
    order = rng.permutation(4)
    partition = ConsensusPartition(torch.zeros(5, 2, 1), Consensus(cuts, order))
    found = regions_of(partition, maps)
    for part, regions in zip(maps, found, strict=True):
        for values, region in zip(part, regions, strict=True):
            expected = 0
            for cut in cuts:
                vote = naive_vote(values, cut.maps, cut.thresholds, cut.scales, cut.weights)
                if expected == cut.region and vote > 0:
                    expected = cut.created
            assert region == order.tolist().index(expected)
    assert len(set(found.ravel())) > 2


def test_without_a_cut_every_window_is_normal():
    partition = ConsensusPartition(torch.zeros(5, 2, 1), Consensus((), np.array([0])))
    assert regions_of(partition, np.ones((2, 3, 5))).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_windows_go_to_the_nearest_centre_even_far_from_zero(offset):
    rng = np.random.default_rng(0)
    maps, centres = rng.normal(size=(2, 20, 4)), rng.normal(size=(3, 2, 1))
    partition = CentrePartition(
        torch.zeros(4, 3, 1), torch.tensor([3, 1]), torch.from_numpy(centres + offset)
    )
    found = regions_of(partition, maps + offset)
    expected = naive_assign(maps[..., [3, 1]].reshape(40, 2).tolist(), centres[..., 0].tolist())
    assert found.ravel().tolist() == expected
    assert set(expected) == {0, 1, 2}


# -- statistics ----------------------------------------------------------------------------------


def test_distance_to_the_centres_and_error_by_hand():
    """Maps 2 and 0 are 3 and 4 away: the mean square is 12.5."""
    statistics = CentreStatistics(torch.tensor([2, 0]), torch.tensor([[1.0], [2.0]]))
    graph = Graph()
    found = run(
        graph,
        add_statistics(graph, Given(graph), statistics),
        maps=[[[6.0, 99.0, 4.0], [2.0, 99.0, 1.0]]],
        error=[[[0.25], [9.0]]],
    )
    assert found[0, 0].tolist() == pytest.approx([math.sqrt(12.5), 0.5])
    assert found[0, 1].tolist() == [0.0, 3.0]


def statistics_for(network, with_signatures, seed=0):
    rng = np.random.default_rng(seed)
    settings = network.settings
    cut = settings.n_sensor_directions
    first = cut or settings.n_directions
    last = settings.n_directions - cut or cut
    parts = {}
    for name, size in (("row", last), ("mean", last), ("log-variance", first), ("residual", first)):
        whitening = torch.from_numpy(np.eye(size) + 0.3 * rng.normal(size=(size, size)))
        parts[name] = Mahalanobis(torch.from_numpy(rng.normal(size=size)), whitening)
    shifts = torch.from_numpy(rng.normal(size=(2, last)))
    return WindowStatistics(parts, Signatures(parts["mean"], shifts) if with_signatures else None)


def graph_statistics(network, statistics, rows):
    graph = Graph()
    arrays = {name: to_array(value) for name, value in network.state_dict().items()}
    inputs = graph.cast("rows", np.float32)
    twin = DepthwiseGraph(graph, inputs, arrays, network.settings)
    return run(graph, add_statistics(graph, twin, statistics), rows=rows)


@pytest.mark.parametrize("with_signatures", [True, False])
@pytest.mark.parametrize("name", ["sensors and directions", "directions", "sensors"])
def test_each_statistic_is_what_a_loop_over_rows_and_features_gives(name, with_signatures):
    network = build(name, torch.float32)
    settings, statistics = network.settings, statistics_for(network, with_signatures)
    length = settings.window
    rows = np.random.default_rng(1).normal(size=(2, length + 5, settings.n_directions))
    found = graph_statistics(network, statistics, rows)
    assert found.shape == (2, 6, len(statistics.names))
    parts = {n: (p.mean.numpy(), p.whitening.numpy()) for n, p in statistics.parts.items()}
    for entry, start in ((0, 0), (0, 3), (1, 5)):
        window = rows[entry, start : start + length].T.astype(np.float32)
        with torch.no_grad():
            maps, output = (part[0].numpy() for part in network(torch.tensor(window[None])))
        expected = naive_window_statistics(
            window,
            maps,
            output,
            parts,
            settings.kernels_per_direction,
            settings.n_sensor_directions,
            (*parts["mean"], statistics.signatures.shifts.numpy()) if with_signatures else None,
        )
        assert found[entry, start].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("size", [1e12, -1e12])
def test_an_absurd_window_overflows_no_statistic(size):
    network = build("directions", torch.float32)
    n, window = network.settings.n_directions, network.settings.window
    metric = Mahalanobis(torch.zeros(n), torch.eye(n))
    levels = network.kernels[:: network.settings.kernels_per_direction].sum(dim=1).sign()
    parts = dict.fromkeys(("row", "mean", "log-variance", "residual"), metric)
    statistics = WindowStatistics(parts, Signatures(metric, levels.detach()[None]))
    found = graph_statistics(network, statistics, np.full((1, window, n), size))
    assert np.isfinite(found).all()
    limit = math.copysign(SIGNATURE_RANGE / SIGNATURE_UNIT, size)
    assert math.log(found[0, 0, -1]) == pytest.approx(limit)


# -- the score -----------------------------------------------------------------------------------


def score_of(scale, statistics):
    graph = Graph()
    return run(graph, add_score(graph, "statistics", scale), statistics=statistics)


def test_scores_by_hand():
    """Logarithms 0 and 2 over means 0 and 1, standard deviations 1 and 2."""
    scale = ScoreScale(("a", "b"), (0.0, 1.0), (1.0, 2.0), floor=(0.0, 0.5))
    found = score_of(scale, [[[1.0, math.exp(2) - 0.5], [math.exp(3), math.exp(1) - 0.5]]])
    assert found[0].tolist() == pytest.approx([0.25, 1.5])


@pytest.mark.parametrize("floor", [None, (0.01, 0.0, 3.0)])
def test_scores_are_those_of_the_package(floor):
    statistics = np.random.default_rng(0).gamma(2.0, [1.0, 50.0, 1e-4], size=(2, 30, 3))
    statistics[0, 4] = 0.0
    scale = ScoreScale(("a", "b", "c"), (0.1, 3.0, -9.0), (1.0, 0.2, 2.0), floor)
    found = score_of(scale, statistics)
    for part, scores in zip(statistics, found, strict=True):
        np.testing.assert_allclose(scores, scale.combine(part), rtol=1e-12)
