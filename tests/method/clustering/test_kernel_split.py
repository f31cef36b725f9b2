"""The division of the kernels, what an update changes, and the warning of a collapse."""

import pytest
import torch

from dccad.method.clustering.kernel_split import count_clustering_kernels, split_kernels
from dccad.method.clustering.ranking import rank_maps


def test_the_maps_with_the_largest_distance_become_clustering_kernels():
    distances = torch.tensor([0.3, 5.0, 0.2, 4.0, 1.0])
    assert split_kernels(rank_maps(distances), 2).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(("asked", "count"), [(0.5, 8), (1.0, 16), (3, 3), (0.01, 1), (1, 1)])
def test_a_share_or_a_number_of_clustering_kernels(asked, count):
    assert count_clustering_kernels(asked, 16) == count
