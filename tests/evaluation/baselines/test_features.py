"""The vector that a baseline makes of a window, against loops."""

import numpy as np
import pytest

from dccad.evaluation.baselines.features import vectorise


def test_vectors_are_those_of_loops_over_windows_and_sensors():
    windows = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32)
    windows[0, 1] = 2.0  # a held sensor has no variance
    flat, mean, both = (vectorise(windows, kind) for kind in ("flat", "mean", "mean-logvar"))
    for n, window in enumerate(windows.astype(float)):
        assert flat[n].tolist() == [value for sensor in window for value in sensor]
        means = [sum(sensor) / 5 for sensor in window]
        squares = [
            sum((v - m) ** 2 for v in sensor) / 5 for sensor, m in zip(window, means, strict=True)
        ]
        assert mean[n] == pytest.approx(means)
        assert both[n] == pytest.approx([*means, *(np.log(square + 1e-3) for square in squares)])
    assert both[0, 4] == pytest.approx(np.log(1e-3))
