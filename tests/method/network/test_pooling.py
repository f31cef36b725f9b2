"""Pooled maps: against a loop over positions, and where digits could be lost."""

import numpy as np
import pytest
import torch

from dccad.method.network.pooling import (
    SMALLEST_VARIANCE,
    pool_maps,
    pool_together,
    recent_positions,
)
from naive import naive_pool, naive_pool_together


@pytest.mark.parametrize("length", [1, 2, 4, 5, 28, 30])
def test_pooled_values_are_those_of_a_loop_over_positions(length):
    maps = torch.randn(3, 5, length, dtype=torch.float64)
    pooled = pool_maps(maps)
    together = pool_together(maps)
    for i in range(3):
        for m in range(5):
            expected = naive_pool(maps[i, m].tolist(), SMALLEST_VARIANCE)
            assert [float(part[i, m]) for part in pooled] == pytest.approx(expected, rel=1e-9)
        expected = naive_pool_together(maps[i].tolist())
        assert together[i].tolist() == pytest.approx(expected, rel=1e-9)


def test_only_the_last_third_counts_as_recent():
    maps = torch.zeros(1, 1, 30)
    maps[0, 0, 19] = 5.0
    assert pool_maps(maps).recent.item() == 0.0
    maps[0, 0, 20] = 5.0
    assert pool_maps(maps).recent.item() == 0.5
    assert [recent_positions(n) for n in (1, 2, 3, 4, 5, 6, 28)] == [1, 1, 1, 1, 2, 2, 9]


def test_a_held_value_and_a_map_far_from_zero_keep_their_log_variance():
    held = torch.full((1, 1, 28), 0.1)
    assert pool_maps(held).log_variance.item() == pytest.approx(np.log(1e-3), rel=1e-4)
    swing = torch.tensor([[[1.0, -1.0] * 14]])
    near, far = (pool_maps(swing + offset).log_variance.item() for offset in (0.0, 1e4))
    assert far == pytest.approx(near, abs=1e-3)
