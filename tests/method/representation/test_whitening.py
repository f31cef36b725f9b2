"""Rows to directions: what whitening and taming promise, on data where the answer is known."""

import warnings

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from dccad.errors import ConstantSensorWarning
from dccad.logs.runs import Run
from dccad.method.representation import whitening as module
from dccad.method.representation.whitening import UNLABELLED_FLOOR, fit_representation

MIXING = np.array([[1.0, 0.9, 0.0], [0.0, 0.1, 0.4], [0.0, 0.0, 2.0]])


def run_of(values, name="log"):
    values = np.asarray(values)
    return Run(values, tuple(f"s{i}" for i in range(values.shape[1])), name)


@pytest.fixture
def rows():
    """Correlated sensors in plant units of very different size."""
    noise = np.random.default_rng(0).normal(size=(20_000, 3))
    return noise @ MIXING * [1.0, 1e-3, 1e4] + [5.0, -2.0, 3e5]


def test_whitened_directions_have_unit_variance_and_no_correlation(rows):
    found = fit_representation([run_of(rows)], kind="whitened", taming=None).apply(rows)
    assert found.shape == (20_000, 3)
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)
    # a direction of variance λ counts as (1 - s) λ + s with the shrinkage s of unit sensors
    correlation = np.corrcoef(rows.T)
    shrinkage = ledoit_wolf((rows - rows.mean(axis=0)) / rows.std(axis=0))[1]
    strength = np.linalg.eigvalsh(correlation)
    expected = strength / ((1 - shrinkage) * strength + shrinkage)
    assert np.all(expected > 0.9)
    assert np.allclose(np.cov(found.T), np.diag(expected), atol=1e-3)


def test_the_weakest_direction_comes_first_and_has_the_voice_of_the_others(rows):
    fitted = fit_representation([run_of(rows)], kind="whitened", taming=None)
    gain = np.linalg.norm(fitted.whitening, axis=0)
    assert np.all(np.diff(gain) <= 0)
    assert gain[0] > 2 * gain[-1]
    # sensor 1 leaves its relation with sensor 0 by one of its own standard deviations
    broken = rows.mean(axis=0)
    broken[1] += rows[:, 1].std()
    assert abs(fitted.apply(broken[None])[0, 0]) > 1.4


def test_sensors_come_before_directions_and_each_kind_says_its_name(rows):
    both = fit_representation([run_of(rows)], taming=None)
    assert (both.kind, both.n_directions, both.n_sensor_directions) == ("sensors+whitened", 6, 3)
    white = fit_representation([run_of(rows)], kind="whitened", taming=None)
    assert (white.kind, white.n_directions, white.n_sensor_directions) == ("whitened", 3, 0)
    plain = fit_representation([run_of(rows)], kind="sensors", taming=None)
    assert (plain.kind, plain.n_directions, plain.n_sensor_directions) == ("sensors", 3, 3)
    found = both.apply(rows)
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    assert np.allclose(found[:, :3], scaled, atol=1e-5)
    assert np.array_equal(found[:, :3], plain.apply(rows))
    assert np.array_equal(found[:, 3:], white.apply(rows))
    assert np.allclose(found[:, 3:], scaled @ both.whitening, atol=1e-4)


def test_an_excursion_in_one_sensor_stands_under_that_sensor(rows):
    fitted = fit_representation([run_of(rows)], taming=4.0)
    row = rows.mean(axis=0)
    row[1] += 3.0 * rows[:, 1].std()
    found = fitted.apply(row[None])[0]
    assert np.allclose(found[:3], [0, 4 * np.arcsinh(3 / 4), 0], atol=1e-4)


def test_taming_leaves_small_values_and_makes_large_ones_logarithmic(rows):
    wild = fit_representation([run_of(rows)], taming=None)
    tame = fit_representation([run_of(rows)], taming=4.0)
    spread, centre = rows.std(axis=0), rows.mean(axis=0)
    for excursion, expected in [(0.1, 0.1), (-0.1, -0.1), (1e6, 4 * np.log(2 * 1e6 / 4))]:
        row = (centre + excursion * spread)[None]
        assert tame.apply(row)[0, :3] == pytest.approx(expected, rel=1e-3)
        before = wild.apply(row).astype(float)
        assert np.allclose(tame.apply(row), 4 * np.arcsinh(before / 4), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["sensors+whitened", "whitened", "sensors"])
@pytest.mark.parametrize("taming", [4.0, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_callers_rows_stay_as_they_are(rows, kind, taming, dtype):
    mine = rows[:500].astype(dtype)
    before = mine.copy()
    mine.flags.writeable = False
    fitted = fit_representation([run_of(mine)], kind=kind, taming=taming)
    found = fitted.apply(mine)
    assert found.dtype == np.float32
    assert np.array_equal(mine, before)
    found[:] = 0  # what comes back is no view of the caller's rows either
    assert np.array_equal(mine, before)


def test_one_sensor_is_not_doubled(rows):
    for kind in ("sensors+whitened", "whitened", "sensors"):
        fitted = fit_representation([run_of(rows[:, :1])], kind=kind)
        assert (fitted.kind, fitted.n_directions) == ("sensors", 1)
        assert fitted.apply(rows[:, :1]).shape == (20_000, 1)


def test_row_by_row_is_the_same_as_all_at_once(rows):
    fitted = fit_representation([run_of(rows)])
    at_once = fitted.apply(rows[:50])
    assert np.allclose(
        np.concatenate([fitted.apply(row[None]) for row in rows[:50]]), at_once, atol=1e-6
    )


def test_windows_hold_the_rows_of_their_run_also_in_pieces(rows, monkeypatch):
    runs = [run_of(rows[:50]), run_of(rows[100:137]), run_of(rows[200:203])]
    fitted = fit_representation(runs)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 8)
    windows = fitted.windows(runs, window=5, stride=2)
    assert windows.starts.tolist() == [*range(0, 46, 2), *range(50, 83, 2)]  # none in 3 rows
    for index, start in [(0, 0), (22, 44), (23, 100), (39, 132)]:
        found = windows[[index]][0].numpy()
        assert np.allclose(found, fitted.apply(rows[start : start + 5]).T, atol=1e-6)


def test_scale_and_whitening_are_those_of_the_fit_not_of_the_rows_scored(rows):
    fitted = fit_representation([run_of(rows[:10_000])], kind="whitened", taming=None)
    changed = rows[10_000:].copy()
    changed[5:] += 1e6
    assert np.array_equal(fitted.apply(changed)[:5], fitted.apply(rows[10_000:])[:5])


def test_many_rows_give_the_covariance_of_a_sample_spread_over_all_runs(rows, monkeypatch):
    """Rows 0, step, 2 step, … of the runs laid end to end, wherever the runs begin."""
    runs = [run_of(rows[:1001]), run_of(rows[1001:1003]), run_of(rows[1003:5000])]
    seen = []

    def spy(sample):
        seen.append(sample)
        return np.cov(sample.T), 0.0

    monkeypatch.setattr(module, "ledoit_wolf", spy)
    monkeypatch.setattr(module, "COVARIANCE_ROWS", 700)
    fitted = fit_representation(runs)
    step = 8  # 5000 rows are more than 7 · 700
    expected = (rows[:5000:step] - rows[:5000].mean(axis=0)) / rows[:5000].std(axis=0)
    assert np.allclose(seen[0], expected, atol=1e-5)
    assert np.allclose(fitted.scaling.shift, rows[:5000].mean(axis=0))  # of all rows


def test_a_sampled_covariance_whitens_about_as_well(rows, monkeypatch):
    monkeypatch.setattr(module, "COVARIANCE_ROWS", 2000)
    found = fit_representation([run_of(rows)], kind="whitened", taming=None).apply(rows)
    assert np.allclose(np.cov(found.T), np.eye(3), atol=0.4)  # more shrinkage: fewer rows
    assert np.allclose(np.corrcoef(found.T), np.eye(3), atol=0.05)


@pytest.mark.parametrize("floor", [0.0, UNLABELLED_FLOOR, 0.5])
def test_floor_limits_what_a_weak_direction_is_blown_up_to(rows, floor):
    """Two sensors that say nearly the same: their difference has a variance of almost 0."""
    twin = np.column_stack([rows[:, 0], rows[:, 0] + 1e-4 * rows[:, 2] / rows[:, 2].std()])
    fitted = fit_representation([run_of(twin)], kind="whitened", taming=None, floor=floor)
    scaled = fit_representation([run_of(twin)], kind="sensors", taming=None).apply(twin)
    values = np.linalg.eigvalsh(np.cov(scaled.T.astype(float)))
    gain = np.linalg.norm(fitted.whitening, axis=0)
    assert gain[1] == pytest.approx(1 / np.sqrt(values[1] + floor), rel=1e-3)
    if floor:
        assert gain[0] == pytest.approx(1 / np.sqrt(floor), rel=2e-2)
    else:
        assert gain[0] > 50


@pytest.mark.parametrize("n_rows", [100, 20_000])
@pytest.mark.parametrize("kind", ["sensors+whitened", "whitened"])
def test_a_constant_sensor_is_neither_lost_nor_blown_up(rows, kind, n_rows):
    """It stays at its own scale: 0 while it holds, and one unit is one when it moves later."""
    fit_rows = rows[:n_rows].copy()
    fit_rows[:, 1] = 7.0
    with pytest.warns(ConstantSensorWarning):
        fitted = fit_representation([run_of(fit_rows)], kind=kind, taming=None)
    found = fitted.apply(fit_rows)
    assert np.isfinite(found).all()
    moved = fit_rows[:1].copy()
    moved[0, 1] += 1.0
    change = (fitted.apply(moved) - found[:1])[0, -3:]
    assert np.linalg.norm(change) == pytest.approx(1.0, abs=1e-3)
    others = found[:, -3:][:, np.argsort(found[:, -3:].std(axis=0))[1:]]
    assert np.allclose(np.cov(others.T), np.eye(2), atol=0.2 if n_rows == 100 else 0.02)


def test_all_sensors_constant_or_a_single_row_stay_finite():
    for values in (np.full((50, 3), 2.0), np.array([[1.0, 2.0, 3.0]])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = fit_representation([run_of(values)]).apply(values)
        assert np.array_equal(found, np.zeros((len(values), 6)))


def test_fewer_rows_than_sensors_still_whiten_to_finite_numbers():
    values = np.random.default_rng(0).normal(size=(10, 40))
    found = fit_representation([run_of(values)], taming=None).apply(values)
    assert np.isfinite(found).all()
    assert found[:, 40:].std(axis=0).max() < 3  # no direction is blown up beyond measure
