"""Sums, means and variances over a sliding window, and the digits that they keep."""

import numpy as np
import pytest
import torch

from dccad.method.scoring.sliding import sliding_mean, sliding_sum, sliding_variance
from naive import naive_sliding


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 13, 28, 31])
def test_sliding_figures_are_those_of_each_window_by_itself(length):
    values = torch.randn(2, 40, dtype=torch.float64) * 3 + 100
    for row in range(2):
        expected = np.array(naive_sliding(values[row].tolist(), length))
        functions = (sliding_sum, sliding_mean, sliding_variance)
        for column, function in enumerate(functions):
            found = function(values, length)[row].numpy()
            np.testing.assert_allclose(found, expected[:, column], rtol=1e-9, atol=1e-9)


def test_a_small_variance_far_from_zero_keeps_its_digits_in_single_precision():
    near = torch.randn(1, 2000, generator=torch.Generator().manual_seed(0)) * 0.1
    far = sliding_variance(near + 64.0, 28)
    torch.testing.assert_close(far, sliding_variance(near, 28), rtol=2e-3, atol=0)
    held = sliding_variance(torch.full((1, 100), 12.3), 28)
    assert float(held.max()) < 1e-10
