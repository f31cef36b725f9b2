"""Partitions tell which maps they read, divide the maps, and come back from their record."""

import numpy as np
import pytest
import torch

from dccad.method.regions.centres import CentrePartition
from dccad.method.regions.vote import Consensus, ConsensusPartition, Cut
from naive import naive_assign, naive_vote

CENTRES = torch.tensor([[[0.0], [4.0]], [[1.0], [9.0]], [[0.0], [2.0]]])


def by_centres():
    return CentrePartition(CENTRES, torch.tensor([2, 0]), torch.tensor([[[0.0]] * 2, [[3.0]] * 2]))


def by_vote():
    one = np.array([1.0])
    cut = Cut(0, 1, np.array([1]), np.array([5.0]), one, one, 0.8)
    return ConsensusPartition(CENTRES, Consensus((cut,), np.array([1, 0])))


LATENTS = torch.tensor([[[1.0], [8.0], [0.5]], [[3.0], [2.0], [2.0]]])


@pytest.mark.parametrize("make", [by_centres, by_vote])
def test_windows_fall_into_the_region_that_is_worked_out_by_hand(make):
    """Maps 2 and 0 near 0 or near 3; map 1 above 5 is what was region 1 and is now normal."""
    partition = make()
    for each in (partition, partition.to(torch.device("cpu"))):
        assert each.assign(LATENTS).tolist() == [0, 1]
        assert each.assign(LATENTS[[1, 1, 0]]).tolist() == [1, 1, 0]
        assert each.n_regions == 2


def test_centres_over_several_maps_and_positions_are_compared_together():
    rng = np.random.default_rng(0)
    latents, regions = rng.normal(size=(40, 5, 3)), rng.normal(size=(4, 2, 3))
    partition = CentrePartition(
        torch.zeros(5, 2, 3), torch.tensor([3, 1]), torch.from_numpy(regions)
    )
    expected = naive_assign(latents[:, [3, 1]].reshape(40, 6).tolist(), regions.reshape(4, 6))
    assert partition.assign(torch.from_numpy(latents)).tolist() == expected
    assert len(set(expected)) == partition.n_regions == 4


def test_a_later_cut_divides_only_the_region_that_it_names():
    rng = np.random.default_rng(1)
    latents = 2 * rng.normal(size=(60, 4))
    cuts = tuple(
        Cut(region, created, np.array(maps), *rng.random((2, 2)) + 0.1, rng.normal(size=2), 0.5)
        for region, created, maps in ((0, 1, [0, 2]), (1, 2, [3, 1]), (0, 3, [1, 0]))
    )
    order = np.array([2, 0, 3, 1])
    partition = ConsensusPartition(torch.zeros(4, 2, 1), Consensus(cuts, order))
    expected = []
    for values in latents:
        region = 0
        for cut in cuts:
            vote = naive_vote(values, cut.maps, cut.thresholds, cut.scales, cut.weights)
            if region == cut.region and vote > 0:
                region = cut.created
        expected.append(order.tolist().index(region))
    assert partition.assign(torch.from_numpy(latents)[..., None]).tolist() == expected
    assert set(expected) == set(range(partition.n_regions))


def test_without_a_cut_every_window_is_in_the_one_region():
    partition = ConsensusPartition(CENTRES, Consensus((), np.array([0])))
    assert partition.assign(LATENTS).tolist() == [0, 0]
    assert partition.n_regions == 1


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
