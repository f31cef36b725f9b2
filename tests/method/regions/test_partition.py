"""Partitions tell which maps they read, divide the maps, and come back from their record."""

import numpy as np
import pytest
import torch

from dccad.method.regions.centres import CentrePartition
from dccad.method.regions.vote import Consensus, ConsensusPartition, Cut

CENTRES = torch.tensor([[[0.0], [4.0]], [[1.0], [9.0]], [[0.0], [2.0]]])


def by_centres():
    return CentrePartition(CENTRES, torch.tensor([2, 0]), torch.tensor([[[0.0]] * 2, [[3.0]] * 2]))


def by_vote():
    one = np.array([1.0])
    cut = Cut(0, 1, np.array([1]), np.array([5.0]), one, one, 0.8)
    return ConsensusPartition(CENTRES, Consensus((cut,), np.array([1, 0])))


LATENTS = torch.tensor([[[1.0], [8.0], [0.5]], [[3.0], [2.0], [2.0]]])


@pytest.mark.parametrize(
    ("make", "read", "regions"),
    [(by_centres, [True, False, True], [0, 1]), (by_vote, [False, True, False], [0, 1])],
)
def test_a_partition_and_the_one_read_from_its_record_answer_alike(make, read, regions):
    partition = make()
    arrays, record = partition.to_record()
    for each in (partition, type(partition).from_record(arrays, record)):
        assert each.maps_read().tolist() == read
        assert each.assign(LATENTS).tolist() == regions
        assert each.clusters(LATENTS).tolist() == [[0, 1, 0], [1, 0, 1]]
        assert each.n_regions == 2
    assert record["kind"] == partition.kind


def test_a_record_with_more_regions_than_its_cuts_make_is_refused():
    arrays, record = by_vote().to_record()
    arrays["partition.order"] = np.array([0, 1, 2])
    with pytest.raises(ValueError, match="3 regions for 1 cuts"):
        ConsensusPartition.from_record(arrays, record)
