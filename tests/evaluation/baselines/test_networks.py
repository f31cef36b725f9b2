"""The plain autoencoders."""

import numpy as np
import pytest
import torch

from dccad import Run
from dccad.evaluation.baselines import (
    ConvAutoencoderMonitor,
    LSTMAutoencoderMonitor,
)
from dccad.evaluation.baselines.networks import ConvolutionalNetwork


@pytest.mark.parametrize("kind", [ConvAutoencoderMonitor, LSTMAutoencoderMonitor])
def test_autoencoders_learn_what_is_normal_from_their_seed_alone(kind):
    rows = np.sin(np.arange(200) / 3)[:, None] * [1.0, -1.0] + 0.01
    new = rows[:60].copy()
    new[30:, 1] *= -1.0
    before = torch.get_rng_state()
    one, two, other, short = (
        kind(6, random_state=seed, epochs=epochs, false_alarm_rate=0.1).fit(None, normal=rows)
        for seed, epochs in ((0, 15), (0, 15), (1, 15), (0, 1))
    )
    assert torch.equal(torch.get_rng_state(), before)
    scores = one.decision_function(new)
    np.testing.assert_array_equal(scores, two.decision_function(new))
    assert (scores[5:] != other.decision_function(new)[5:]).all()
    assert scores[36:].mean() > 3 * scores[5:30].mean()
    assert scores[5:30].mean() < 0.8 * short.decision_function(new)[5:30].mean()
    windows = one._windows(Run(new, ("a", "b")))
    data = torch.from_numpy(np.ascontiguousarray(windows))
    with torch.no_grad():
        residual = (one.network_(data) - data).numpy()
    np.testing.assert_allclose(scores[5:], (residual**2).reshape(55, -1).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("window", [*range(1, 18), 30])
def test_the_convolutions_give_back_windows_of_any_length(window):
    assert ConvolutionalNetwork(3, window)(torch.zeros(2, 3, window)).shape == (2, 3, window)
