import numpy as np
import pytest

from dccad.errors import ConstantSensorWarning
from dccad.logs.runs import Run
from dccad.method.representation.scaling import fit_scaling


def run_of(values):
    values = np.asarray(values, dtype=float)
    return Run(values, tuple(f"s{i}" for i in range(values.shape[1])))


def test_standard_scaling_gives_zero_mean_and_unit_variance_over_all_runs():
    rng = np.random.default_rng(0)
    parts = [rng.normal(3000, 5, size=(50, 2)), rng.normal(3010, 1, size=(70, 2))]
    scaling = fit_scaling([run_of(part) for part in parts])
    scaled = np.concatenate([scaling.apply(part) for part in parts]).astype(float)
    together = np.concatenate(parts)
    expected = (together - together.mean(axis=0)) / together.std(axis=0)
    np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-6)


def test_a_tiny_spread_on_a_large_value_is_not_lost_to_rounding():
    rng = np.random.default_rng(0)
    values = 1e6 + 1e-3 * rng.normal(size=(500, 1))
    scaled = fit_scaling([run_of(values)]).apply(values)
    assert scaled.std() == pytest.approx(1.0, rel=1e-3)


def test_new_rows_are_scaled_with_the_figures_of_the_fit():
    scaling = fit_scaling([run_of([[0.0], [10.0]])], "minmax")
    assert scaling.apply(np.array([[20.0], [-10.0]])).ravel().tolist() == [2.0, -1.0]


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_a_constant_sensor_is_named_and_not_divided_by_zero(kind):
    values = np.column_stack([np.arange(20.0), np.full(20, 0.1)])
    with pytest.warns(ConstantSensorWarning, match=r"1 of 2 sensors never change .*: s1\."):
        scaling = fit_scaling([run_of(values)], kind)
    assert scaling.constant.tolist() == [False, True]
    assert np.abs(scaling.apply(values)[:, 1]).max() < 1e-6
    assert scaling.apply(values + 5)[0, 1] == pytest.approx(5.0)


def test_an_absurd_value_of_a_broken_sensor_stays_finite():
    scaling = fit_scaling([run_of([[0.0], [1e-9]])])
    assert np.isfinite(scaling.apply(np.array([[3e38]]))).all()


def test_the_callers_rows_stay_as_they_are():
    values = np.arange(12.0).reshape(6, 2)
    before = values.copy()
    fit_scaling([run_of(values)]).apply(values)
    np.testing.assert_array_equal(values, before)


def test_a_spread_too_small_to_divide_by_counts_as_constant():
    with pytest.warns(ConstantSensorWarning):
        scaling = fit_scaling([run_of(1e-300 * np.arange(20.0)[:, None])])
    assert scaling.scale.tolist() == [1.0]
