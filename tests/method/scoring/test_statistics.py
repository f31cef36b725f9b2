"""What the statistics measure of a window, and each of them by loops and by hand."""

import math

import numpy as np
import pytest
import torch

from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.scoring.batches import BatchReading, read_batch
from dccad.method.scoring.distances import (
    Mahalanobis,
    Signatures,
)
from dccad.method.scoring.statistics import (
    PERSISTENCE_WEIGHTS,
    SIGNATURE_RANGE,
    SIGNATURE_UNIT,
    WindowStatistics,
    window_features,
)
from naive import (
    naive_depthwise_maps,
    naive_mahalanobis,
    naive_pool,
)

SHAPES = {
    "sensors+whitened": DirectionalSettings(5, 2, 11, 2, 3, 3),
    "whitened": DirectionalSettings(3, 0, 9, 2, 3, 2),
    "sensors": DirectionalSettings(3, 3, 9, 1, 2, 2),
}


def build(kind):
    torch.manual_seed(4)
    network = DirectionalAutoencoder(SHAPES[kind]).double().eval()
    with torch.no_grad():
        network.kernels.add_(torch.randn_like(network.kernels), alpha=0.1)
        windows = torch.randn(40, SHAPES[kind].n_directions, SHAPES[kind].window).double()
        maps, reconstruction = network(windows)
    return network, windows, maps, reconstruction


def naive_features(network, window, reconstruction):
    """The features of one window from the words of the docstring."""
    settings = network.settings
    maps = naive_depthwise_maps(
        window.tolist(), network.kernels.tolist(), settings.kernels_per_direction
    )
    level = maps[:: settings.kernels_per_direction]
    sensors, directions = (
        level[: settings.n_sensor_directions],
        level[settings.n_sensor_directions :],
    )
    first, last = (sensors or directions), (directions or sensors)
    residual = (window - reconstruction)[: len(first)]
    return {
        "row": [[values[t] for values in last] for t in range(len(last[0]))],
        "mean": [sum(values) / len(values) for values in last],
        "log-variance": [naive_pool(values, 1e-3)[2] for values in first],
        "residual": [sum(values) / len(values) for values in residual.tolist()],
    }


@pytest.mark.parametrize("kind", SHAPES)
def test_features_are_those_of_the_named_directions(kind):
    network, windows, maps, reconstruction = build(kind)
    found = window_features(network, windows, maps, reconstruction)
    for i in (0, 7):
        expected = naive_features(network, windows[i], reconstruction[i])
        assert set(found) == set(expected) == set(PERSISTENCE_WEIGHTS)
        for name, values in expected.items():
            assert np.allclose(found[name][i].detach(), values, rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("with_signatures", [True, False])
def test_each_statistic_is_what_a_loop_over_rows_and_features_gives(kind, with_signatures):
    network, windows, maps, reconstruction = build(kind)
    features = window_features(network, windows, maps, reconstruction)
    rng = np.random.default_rng(0)
    parts, metrics = {}, {}
    for name, values in features.items():
        size = values.shape[-1]
        root = rng.normal(size=(size, size))
        metrics[name] = (rng.normal(size=size), root @ root.T + np.eye(size))
        whitening = np.linalg.cholesky(np.linalg.inv(metrics[name][1]))
        parts[name] = Mahalanobis(torch.from_numpy(metrics[name][0]), torch.from_numpy(whitening))
    shifts = rng.normal(size=(2, features["mean"].shape[1]))
    signatures = Signatures(parts["mean"], torch.from_numpy(shifts)) if with_signatures else None
    statistics = WindowStatistics(parts, signatures)
    found = statistics.measure(BatchReading(network, windows, maps, reconstruction))
    names = ("energy", "recent energy", "mean", "log-variance", "residual")
    assert statistics.names == (*names, "signature") if with_signatures else names
    assert found.shape == (40, 6 if with_signatures else 5)
    for i in (0, 11, 39):
        mine = naive_features(network, windows[i], reconstruction[i])
        rows = [naive_mahalanobis(row, *metrics["row"]) / len(row) for row in mine["row"]]
        recent = rows[-max(1, round(len(rows) / 3)) :]
        expected = [sum(rows) / len(rows), sum(recent) / len(recent)]
        expected += [
            naive_mahalanobis(mine[name], *metrics[name]) / len(mine[name]) for name in names[2:]
        ]
        if with_signatures:
            z = (np.array(mine["mean"]) - metrics["mean"][0]) @ parts["mean"].whitening.numpy()
            ratio = max(float(z @ shift - shift @ shift / 2) for shift in shifts)
            expected.append(math.exp(ratio / SIGNATURE_UNIT))
        assert found[i].tolist() == pytest.approx(expected, rel=1e-8)


def test_an_absurd_window_overflows_no_statistic():
    network, windows, maps, reconstruction = build("whitened")
    features = window_features(network, windows, maps, reconstruction)
    parts = {
        name: Mahalanobis(torch.zeros(values.shape[-1]), torch.eye(values.shape[-1]))
        for name, values in features.items()
    }
    statistics = WindowStatistics(parts, Signatures(parts["mean"], torch.ones(1, 3)))
    for size in (1e15, -1e15):
        absurd = torch.full_like(windows, size)
        with torch.no_grad():
            found = statistics.measure(read_batch(network, absurd))
        assert bool(found.isfinite().all())
        assert bool((found > 0).all())
        signed = math.copysign(SIGNATURE_RANGE / SIGNATURE_UNIT, size)
        assert found[:, -1].log().tolist() == pytest.approx([signed] * 40)


def test_only_the_end_of_a_window_moves_its_recent_energy():
    settings = SHAPES["whitened"]
    network = DirectionalAutoencoder(settings).eval()
    windows = torch.zeros(2, 3, settings.window)
    windows[0, 1, 2] = 5.0  # early, row 2 is the newest of position 0
    windows[1, 1, -1] = 5.0
    with torch.no_grad():
        maps, reconstruction = network(windows)
    eye = Mahalanobis(torch.zeros(3), torch.eye(3))
    names = ("row", "mean", "log-variance", "residual")
    found = WindowStatistics(dict.fromkeys(names, eye)).measure(
        BatchReading(network, windows, maps, reconstruction)
    )
    energy, recent = found[:, 0].tolist(), found[:, 1].tolist()
    assert energy == pytest.approx([25 / 3 / 7] * 2)  # 3 directions, 7 positions
    assert recent == pytest.approx([0.0, 25 / 3 / 2])
