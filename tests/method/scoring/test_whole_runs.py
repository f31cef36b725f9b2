"""Reading all windows of a run at once gives what reading them one by one gives."""

import numpy as np
import pytest
import torch

from conftest import windows_of
from dccad.method.scoring import batches as scoring
from dccad.method.scoring import whole_runs as dense
from dccad.method.scoring.batches import score_window_set
from dccad.method.scoring.statistics import window_features
from dccad.method.scoring.whole_runs import read_run, stretches
from depthwise_networks import SHAPES, build


def make_run(settings, n_rows, seed=3):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(n_rows, settings.n_directions, generator=generator, dtype=torch.float64)
    return rows + 2.0


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("more", [0, 1, 30])
def test_every_window_of_a_run_is_read_as_it_is_read_alone(name, more):
    network = build(name)
    window = network.settings.window
    rows = make_run(network.settings, window + more)
    with torch.no_grad():
        found = read_run(network, rows, window)
        windows = windows_of([rows.numpy()], window)
        batch = torch.stack([rows[i : i + window].T for i in range(more + 1)])
        maps, output = network(batch)
        features = window_features(network, batch, maps, output)
        torch.testing.assert_close(found.latents, network.pool(maps), rtol=1e-9, atol=1e-9)
    assert len(windows) == len(found.latents)
    assert found.map_length == features["row"].shape[1]
    for i in range(more + 1):
        mine = found.rows[i : i + found.map_length]
        torch.testing.assert_close(mine, features["row"][i], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.newest()["row"], features["row"][:, -1], rtol=1e-9, atol=1e-9)
    for name_of, values in (
        ("mean", found.mean),
        ("log-variance", found.log_variance),
        ("residual", found.residual),
    ):
        torch.testing.assert_close(values, features[name_of], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_maps_that_are_not_asked_for_change_none_that_are(seed):
    network = build("sensors and directions")
    settings = network.settings
    rows = make_run(settings, 50)
    wanted = torch.rand(settings.n_maps, generator=torch.Generator().manual_seed(seed)) < 0.2
    with torch.no_grad():
        every = read_run(network, rows, settings.window)
        some = read_run(network, rows, settings.window, wanted)
    assert torch.equal(some.latents[:, wanted], every.latents[:, wanted])
    assert torch.equal(some.residual, every.residual)
    assert torch.equal(some.log_variance, every.log_variance)


def test_stretches_end_where_a_run_ends_or_windows_are_left_out():
    segments = [np.zeros((12, 1)), np.zeros((9, 1)), np.zeros((2, 1))]
    windows = windows_of(segments, 3)
    assert stretches(windows) == [(0, 10), (10, 17)]
    kept = torch.tensor([i for i in range(17) if i != 5])
    assert stretches(windows.select(kept)) == [(0, 5), (5, 9), (9, 16)]
    assert stretches(windows_of(segments, 3, stride=2)) is None
    assert stretches(windows_of([np.zeros((3, 1))], 3)) == [(0, 1)]
    # the last window of one run and the first of the next may be neighbours in the table
    touching = windows_of([np.zeros((6, 1))] * 2, 1)
    assert stretches(touching) == [(0, 6), (6, 12)]


@pytest.mark.parametrize("fixture", ["trained", "with_signatures", "single_sensor"])
def test_scores_are_those_of_windows_scored_one_by_one(fixture, two_regimes, request, monkeypatch):
    detector = request.getfixturevalue(fixture)
    log = two_regimes[:, : detector.n_features_in_]
    model = detector.model_
    runs = [log[:90], log[90:100], log[100:]]
    monkeypatch.setattr(dense, "AT_ONCE", 50)  # several pieces of a run
    together = detector.score_windows(runs, keep_latents=True)
    scores = detector.decision_function(runs)
    monkeypatch.setattr(scoring, "stretches", lambda windows: None)
    alone = detector.score_windows(runs, keep_latents=True)
    np.testing.assert_array_equal(together.regions, alone.regions)
    np.testing.assert_allclose(together.latents, alone.latents, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together.statistics, alone.statistics, rtol=1e-5, atol=1e-6)
    one_by_one = detector.decision_function(runs)
    for found, expected in zip(scores, one_by_one, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert model.statistics.names == together.names


def test_training_windows_with_a_stride_are_scored_all_the_same(trained, two_regimes):
    model = trained.model_
    rows = model.representation.apply(two_regimes)
    strided = windows_of([rows], trained.window, stride=3)
    every = windows_of([rows], trained.window)
    parts = (model.network, model.partition, model.statistics)
    found, expected = score_window_set(strided, *parts), score_window_set(every, *parts)
    np.testing.assert_allclose(found.statistics, expected.statistics[::3], rtol=1e-5)
    np.testing.assert_array_equal(found.regions, expected.regions[::3])
