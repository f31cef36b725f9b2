"""The torque of a bar, its noise and its disturbances by value."""

import math

import numpy as np
import pytest
from scipy.signal import periodogram

from dccad.datasets.machining.plan import Event
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.datasets.machining.torque import (
    chatter_amplitude,
    disturb,
    drift_noise,
    mode_noise,
    smooth_step,
)
from peeling_machines import ORDINARY, QUIET, middles


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(seed=3)


def test_the_torque_is_inserts_times_force_times_lever():
    chip = 18 / 4 * math.sin(math.radians(20))  # mm
    force = 2220 * chip**-0.14 * 1.0 * 18 / 4  # N on one insert
    by_hand = 4 * force * (40 - 1) / 2 / 1000  # N m
    assert by_hand == pytest.approx(733.57, abs=0.01)
    log = simulate_peeling(1, anomaly_share=0, machine=QUIET)
    [middle] = middles(log)
    assert (log.torque[middle] == round(25 + by_hand, 2)).all()


def test_a_thicker_bar_is_cut_deeper():
    assert QUIET.torque_of(40.2) / QUIET.torque_of(40.0) == pytest.approx(
        1.1 * (40.2 - 1.1) / (40 - 1)
    )


@pytest.mark.parametrize("rate", [300.0, 1000.0])
def test_noise_is_the_same_kind_at_any_rate(rate):
    n = round(400 * rate)
    drift = drift_noise(np.random.default_rng(0), n, rate, 0.08)
    assert drift.std() == pytest.approx(1, abs=0.05)
    lag = round(0.08 * rate)
    assert np.corrcoef(drift[:-lag], drift[lag:])[0, 1] == pytest.approx(math.exp(-1), abs=0.05)
    mode = mode_noise(np.random.default_rng(0), n, rate, 31.0, 0.05)
    assert mode.std() == pytest.approx(1, abs=0.05)
    frequencies, power = periodogram(mode, rate)
    near = np.abs(frequencies - 31) < 3
    assert power[near].sum() > 0.6 * power.sum()


def test_noise_begins_stationary():
    starts = [drift_noise(np.random.default_rng(k), 1, 500.0, 0.08)[0] for k in range(400)]
    assert np.std(starts) == pytest.approx(1, abs=0.1)
    starts = [mode_noise(np.random.default_rng(k), 1, 500.0, 31.0, 0.05)[0] for k in range(400)]
    assert np.std(starts) == pytest.approx(1, abs=0.1)


def disturbed(kind, seconds=4.0, rate=1000, **size):
    """Time since the onset, and shares of a cutting torque that was 1 throughout."""
    sizes = {"height": 0.0, "step": 0.0, "growth": 0.0, "frequency": 0.0, "phase": 0.0, **size}
    event = Event(kind, 0, 0.0, seconds, **sizes)
    since = (np.arange(round(seconds * rate)) + 0.5) / rate
    angle = 2 * np.pi * 10 * since
    before = np.ones(len(since))
    after = disturb(ORDINARY, event, since, angle, before)
    assert (before == 1).all()
    return since, after


def test_chatter_grows_exponentially_then_saturates():
    since = np.arange(0, 3, 1e-4)
    size = chatter_amplitude(since, 0.3, growth=4.0)
    np.testing.assert_allclose(
        np.gradient(size, since)[1:-1], (4 * size * (1 - (size / 0.3) ** 2))[1:-1], atol=1e-5
    )
    assert size[0] == pytest.approx(0.003)
    early = size < 0.03
    assert np.polyfit(since[early], np.log(size[early]), 1)[0] == pytest.approx(4, rel=0.01)
    assert size[-1] == pytest.approx(0.3, rel=1e-3)


def test_chatter_is_near_the_mode_and_ends_with_its_stretch():
    _, shares = disturbed("chatter", height=0.3, growth=4.0, frequency=1.05)
    frequencies, power = periodogram(shares[2000:3500], 1000)
    assert frequencies[np.argmax(power)] == pytest.approx(1.05 * 31, abs=0.7)
    assert abs(shares[2000:3700] - 1).max() == pytest.approx(0.3, rel=0.01)
    assert abs(shares[:100] - 1).max() < 0.005
    assert abs(shares[-3:] - 1).max() < 0.001


def test_a_chipped_insert_hits_once_a_revolution_and_shifts_the_mean():
    _, shares = disturbed("chipping", height=0.4, step=0.07)
    revolutions = shares.reshape(-1, 100)
    np.testing.assert_allclose(revolutions, np.tile(revolutions[0], (40, 1)), atol=1e-9)
    assert revolutions[0].max() == pytest.approx(1.47, abs=0.002)
    assert np.median(revolutions[0]) == pytest.approx(1.07, abs=0.001)
    assert (revolutions[0] > 1.07 + 0.2).mean() == pytest.approx(1 / 8, abs=0.01)


def test_an_inclusion_is_one_burst():
    since, shares = disturbed("inclusion", seconds=0.4, height=0.5)
    extra = shares - 1
    assert 0.5 < extra.max() < 0.75
    assert abs(since[np.argmax(extra)] - 0.2) < 0.03
    assert extra[[0, -1]] == pytest.approx(0, abs=0.001)
    assert extra.min() >= 0


def test_a_feed_stall_falls_towards_friction_and_recovers():
    since, shares = disturbed("feed stall", step=0.2)
    held = (since > 0.3) & (since < 3.5)
    np.testing.assert_allclose(shares[held], 0.2**0.86)
    assert shares[[0, -1]] == pytest.approx(1, abs=0.001)
    assert (np.diff(shares[since < 0.3]) <= 0).all()
    assert (np.diff(shares[since > 3.5]) >= 0).all()


def test_a_worn_tool_needs_more_force_and_begins_to_swing():
    since, shares = disturbed("worn tool", seconds=10.0, height=0.1, step=0.2, frequency=1.0)
    swing = shares[since > 0.5] - 1.2
    np.testing.assert_allclose(swing.reshape(-1, 500).mean(), 0, atol=0.01)
    periods = abs(shares[1000:] - 1.2).reshape(-1, 1000).max(axis=1)  # one second each
    np.testing.assert_allclose(periods, 0.01 * np.arange(2, 11), atol=0.0012)


def test_smooth_step_has_no_kink():
    x = np.linspace(-0.5, 1.5, 2001)
    slope = np.gradient(smooth_step(x), x)
    assert abs(np.diff(slope)).max() < 0.007  # 6 dx, the largest curvature of 3x² - 2x³
