"""Records of a training: losses over windows, updates, and who is told."""

from dataclasses import replace

import pytest
import torch

from dccad.method.clustering.kernel_split import make_split
from dccad.method.clustering.maps import cluster_maps
from dccad.method.training.history import History, Losses


@pytest.fixture(scope="module")
def split():
    latents = torch.tensor([[0.0, 1.0], [0.0, 1.0], [4.0, 1.5], [4.0, 1.5]])[..., None]
    qualities = torch.tensor([0.9, 0.1])
    return make_split(latents, cluster_maps(latents, 2), qualities, torch.tensor([0, 1]), 1)


def test_a_smaller_last_batch_counts_by_its_windows():
    losses = Losses()
    for n_windows, reconstruction in ((4, 1.0), (4, 2.0), (2, 8.0)):
        losses.add(n_windows, torch.tensor(reconstruction), None)
    assert losses.means() == (pytest.approx((4 * 1 + 4 * 2 + 2 * 8) / 10), None)


def test_only_the_epoch_that_begins_with_an_update_tells_of_it(split):
    history = History(learning_rate=0.01, alpha=0.25)
    with history.epoch("pretrain") as losses:
        losses.add(1, torch.tensor(3.0), None)
    history.add_update(split, None)
    for _ in range(2):
        with history.epoch("joint", split) as losses:
            losses.add(1, torch.tensor(2.0), torch.tensor(6.0))
    history.add_update(replace(split, kernels=~split.kernels), split)
    with history.epoch("joint", split) as losses:
        losses.add(1, torch.tensor(2.0), torch.tensor(6.0))

    assert [record["epoch"] for record in history.epochs] == [0, 1, 2, 3]
    assert [record["updated"] for record in history.epochs] == [False, True, False, True]
    assert [record["map_changes"] for record in history.epochs] == [None, None, None, 2]
    assert [record["switched"] for record in history.epochs] == [None, None, None, 0.0]
    assert [record["total_loss"] for record in history.epochs] == [3.0, 3.0, 3.0, 3.0]
    assert [record["clustering_loss"] for record in history.epochs] == [None, 6.0, 6.0, 6.0]
    # the clustering map alone counts: the other's centres are 0.5 apart
    assert [record["centre_distance"] for record in history.epochs] == [None, 4.0, 4.0, 4.0]
    assert [update["epoch"] for update in history.updates] == [1, 3]
    assert history.updates[0]["distances"] == [4.0, 0.5]
    assert history.updates[0]["ranks"] == [1, 2]


def test_each_record_is_handed_on_when_its_epoch_ends_and_holds_the_seconds(monkeypatch):
    clock = iter([10.0, 12.5])
    monkeypatch.setattr("dccad.method.training.history.perf_counter", lambda: next(clock))
    told = []
    history = History(0.01, 0.5, told.append)
    with history.epoch("pretrain") as losses:
        losses.add(1, torch.tensor(1.0), None)
        assert told == []
    assert told == history.epochs
    assert told[0]["seconds"] == 2.5
    assert told[0]["learning_rate"] == 0.01


def test_an_epoch_that_fails_is_not_recorded():
    history = History(0.01, 0.5)
    with pytest.raises(RuntimeError), history.epoch("pretrain"):
        raise RuntimeError
    assert history.epochs == []
