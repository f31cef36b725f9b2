"""Training as a whole: records, updates, seeds, and what joint optimisation achieves."""

import warnings

import numpy as np
import pytest
import torch

from conftest import windows_of
from dccad.errors import LatentCollapseWarning
from dccad.method.clustering.maps import assign_maps
from dccad.method.clustering.ranking import centre_distances
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.losses import clustering_loss, own_centres, reconstruction_loss
from dccad.method.network.published import NetworkSettings
from dccad.method.training.algorithm import TrainingSettings, fit_jointly

CPU = torch.device("cpu")
SHAPE = NetworkSettings(2, 8, 2, 3, (2, 1, 1), True)


def settings(**changed):
    values = {
        "n_clusters": 2,
        "n_clustering_kernels": 0.5,
        "ranking": "distance",
        "alpha": 0.5,
        "routing": "one-pass",
        "pretrain_epochs": 4,
        "joint_epochs": 6,
        "update_interval": 2,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "n_init": 3,
        "seed": 0,
    }
    return TrainingSettings(**{**values, **changed})


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    rows = np.sin(np.arange(150) / 4)[:, None] + 0.1 * rng.normal(size=(150, 2))
    rows[75:, 1] += 2.0
    return windows_of([rows.astype(np.float32)], 8)


def fit(windows, **changed):
    return fit_jointly(windows, SHAPE, settings(**changed), CPU)


def weights(result):
    return torch.cat([p.detach().flatten() for p in result.network.parameters()])


def test_reconstruction_improves_and_beats_the_best_constant(windows):
    result = fit(windows, pretrain_epochs=40, joint_epochs=0)
    losses = [record["reconstruction_loss"] for record in result.history]
    assert losses[-1] < 0.3 * losses[0]
    every = windows[torch.arange(len(windows))]
    with torch.no_grad():
        found = reconstruction_loss(result.network(every)[1], every)
    constant = reconstruction_loss(every.mean(dim=(0, 2), keepdim=True).expand_as(every), every)
    assert float(found) < 0.5 * float(constant)


def test_the_history_has_one_complete_record_per_epoch(windows):
    result = fit(windows)
    assert [r["epoch"] for r in result.history] == list(range(10))
    assert [r["phase"] for r in result.history] == ["pretrain"] * 4 + ["joint"] * 6
    assert [r["updated"] for r in result.history[4:]] == [True, False] * 3
    assert {r["learning_rate"] for r in result.history} == {3e-3}
    for record in result.history[4:]:
        expected = 0.5 * record["reconstruction_loss"] + 0.5 * record["clustering_loss"]
        assert record["total_loss"] == pytest.approx(expected)
        assert record["centre_distance"] > 0
    assert result.history[4]["switched"] is None  # the first update has nothing before it
    assert all(0 <= result.history[i]["switched"] <= 1 for i in (6, 8))
    assert all(0 <= result.history[i]["map_changes"] <= 8 for i in (6, 8))


def test_centres_ranks_and_split_are_kept_at_every_update(windows):
    result = fit(windows)
    assert [update["epoch"] for update in result.updates] == [4, 6, 8, 10]
    for update in result.updates:
        assert sorted(update["ranks"]) == list(range(1, 9))
        assert update["ranks"].index(1) == int(np.argmax(update["distances"]))
        assert [rank <= 4 for rank in update["ranks"]] == update["clustering"]


def test_the_stored_centres_belong_to_the_final_network(windows):
    result = fit(windows)
    with torch.no_grad():
        latents = result.network.encode(windows[torch.arange(len(windows))])
    torch.testing.assert_close(latents, result.latents)
    found = assign_maps(result.latents, result.split.clusters.centres)
    assert torch.equal(found, result.split.clusters.assignments)
    distances = centre_distances(result.split.clusters.centres)
    torch.testing.assert_close(distances, result.split.distances)


def test_shuffled_batches_are_paired_with_assignments_by_window_index(windows, monkeypatch):
    """The easiest mistake: batch position instead of window index."""
    from dccad.method.training import algorithm as training

    seen = []
    real = training.joint_step

    def spy(network, optimizer, batch, targets, *rest):
        seen.append((batch.clone(), targets.centres.clone()))
        return real(network, optimizer, batch, targets, *rest)

    monkeypatch.setattr(training, "joint_step", spy)
    first = {}
    real_split = training.find_split

    def remember(*given):
        latents, split = real_split(*given)
        first.setdefault("split", split)
        return latents, split

    monkeypatch.setattr(training, "find_split", remember)
    fit(windows, joint_epochs=1)
    every = windows[torch.arange(len(windows))]
    split = first["split"]
    maps = split.clustering.nonzero().flatten().tolist()
    checked = 0
    for batch, centres in seen:
        for window, own in zip(batch, centres, strict=True):
            index = (every == window).flatten(1).all(dim=1).nonzero().item()
            for m, centre in zip(maps, own, strict=True):
                number = split.clusters.assignments[index, m]
                assert torch.equal(centre, split.clusters.centres[m, number])
            checked += 1
    assert checked == len(windows)


def test_joint_optimisation_draws_the_clustering_maps_to_their_centres(windows):
    def tightness(result):
        split = result.split
        maps = split.clustering.nonzero().flatten()
        own = own_centres(split.clusters.centres, split.clusters.assignments, maps)
        loss = clustering_loss(result.latents[:, maps], own)
        return float(loss / split.distances[split.clustering].mean() ** 2)

    plain = fit(windows, alpha=0.0, joint_epochs=30)
    joint = fit(windows, alpha=0.9, joint_epochs=30)
    assert tightness(joint) < 0.5 * tightness(plain)


@pytest.mark.parametrize("routing", ["one-pass", "two-step"])
def test_both_routings_learn(windows, routing):
    result = fit(windows, routing=routing, pretrain_epochs=8)
    losses = [record["reconstruction_loss"] for record in result.history]
    assert losses[-1] < 0.8 * losses[0]


def test_the_same_seed_gives_identical_weights_and_another_seed_does_not(windows):
    one, two, other = fit(windows), fit(windows), fit(windows, seed=1)
    assert torch.equal(weights(one), weights(two))
    assert torch.equal(one.split.clusters.centres, two.split.clusters.centres)
    assert not torch.equal(weights(one), weights(other))


def test_training_leaves_the_callers_random_state_and_threads_alone(windows):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    before = torch.get_num_threads()
    fit(windows)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == before


def test_a_collapsing_latent_is_reported_with_a_remedy(windows, monkeypatch):
    from dccad.method.training import algorithm as training

    def collapse(network, optimizer, *_):
        with torch.no_grad():
            for parameter in network.map_parameters():
                parameter *= 0.5
        return torch.ones(()), torch.ones(())

    monkeypatch.setattr(training, "joint_step", collapse)
    with pytest.warns(LatentCollapseWarning, match=r"centres fell from .* lower alpha \(now 0.5\)"):
        fit(windows, joint_epochs=4)


def test_a_healthy_training_gives_no_warning(windows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(windows)


def test_a_last_batch_of_one_window_does_not_stop_batch_normalisation(windows):
    few = windows.select(torch.arange(33))
    shape = NetworkSettings(2, 8, 2, 3, (2, 2, 2), True)  # maps of one value
    fit_jointly(few, shape, settings(batch_size=16), CPU)


def test_all_kernels_clustering_is_the_ablation_without_a_split(windows):
    result = fit(windows, n_clustering_kernels=1.0)
    assert bool(result.split.clustering.all())
    assert result.split.clustering_maps.tolist() == np.argsort(result.updates[-1]["ranks"]).tolist()


def test_training_is_the_same_whether_moments_are_kept_or_found_per_batch(windows, monkeypatch):
    from dccad.method.training import windows as module

    shape = DirectionalSettings(2, 2, 8, 2, 3, 1)
    changed = {"ranking": "separation-persistence", "joint_epochs": 4}
    kept = fit_jointly(windows, shape, settings(**changed), CPU)
    monkeypatch.setattr(module, "MOMENTS_BYTES", 0)
    found = fit_jointly(windows, shape, settings(**changed), CPU)
    torch.testing.assert_close(weights(kept), weights(found), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(kept.latents, found.latents, rtol=1e-4, atol=1e-4)
