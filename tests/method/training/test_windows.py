"""Windows in training: batches, latents and targets, with and without moments of all windows."""

import numpy as np
import pytest
import torch

from conftest import windows_of
from dccad.method.clustering.kernel_split import make_split
from dccad.method.clustering.maps import cluster_maps
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.make import make_network
from dccad.method.network.published import NetworkSettings
from dccad.method.training import windows as module
from dccad.method.training.windows import TrainingWindows

SETTINGS = {
    "published": NetworkSettings(2, 8, 2, 3, (2, 2), True),
    "depthwise": DirectionalSettings(2, 2, 8, 2, 3, 1),
}


def build(kind="depthwise", n_windows=33, batch_size=16):
    torch.manual_seed(0)
    rows = np.random.default_rng(0).normal(size=(n_windows + 7, 2)).astype(np.float32)
    generator = torch.Generator().manual_seed(0)
    return TrainingWindows(
        make_network(SETTINGS[kind]), windows_of([rows], 8), batch_size, generator
    )


@pytest.mark.parametrize(
    ("n_windows", "sizes"), [(32, [16, 16]), (33, [16, 17]), (34, [16, 16, 2]), (1, [1])]
)
def test_every_window_is_in_one_batch_and_none_is_alone(n_windows, sizes):
    """Batch normalisation cannot take its figures from a single value."""
    data = build(n_windows=n_windows)
    batches = data.batches()
    assert [len(batch) for batch in batches] == sizes
    assert torch.cat(batches).sort().values.tolist() == list(range(n_windows))


def test_each_epoch_has_another_order():
    data = build()
    first, second = (torch.cat(data.batches()).tolist() for _ in range(2))
    assert first != second
    assert torch.cat(build().batches()).tolist() == first


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("kept", [True, False])
def test_latents_are_those_that_scoring_will_see_window_by_window(kind, kept, monkeypatch):
    monkeypatch.setattr(module, "WINDOWS_AT_ONCE", 10)
    if not kept:
        monkeypatch.setattr(module, "MOMENTS_BYTES", 0)
    data = build(kind)
    data.batches()  # leaves the network in training
    found = data.encode()
    assert not data.network.training
    with torch.no_grad():
        expected = data.network.pool(data.network.encode(data.windows[torch.arange(33)]))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kept", [True, False])
def test_targets_are_each_windows_centres_on_the_clustering_maps(kept, monkeypatch):
    if not kept:
        monkeypatch.setattr(module, "MOMENTS_BYTES", 0)
    data = build()
    latents = data.encode()
    qualities = torch.arange(latents.shape[1], dtype=torch.float64).flip(0)
    split = make_split(latents, cluster_maps(latents, 2), qualities, data.network.kernel_of_map, 2)
    targets = data.targets(split)
    assert targets.maps.tolist() == split.clustering.nonzero().flatten().tolist()
    for window in (0, 17, 32):
        for place, m in enumerate(targets.maps.tolist()):
            number = split.clusters.assignments[window, m]
            assert targets.centres[window, place] == split.clusters.centres[m, number]
    assert (targets.forms is not None) == kept
