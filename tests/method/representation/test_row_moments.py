"""Figures of rows seen block by block: against loops, and against those of rows in memory."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from dccad.errors import ConstantSensorWarning
from dccad.logs.runs import Run
from dccad.method.representation.row_moments import RowStatistics, representation_of, scaling_of
from dccad.method.representation.scaling import fit_scaling
from dccad.method.representation.whitening import UNLABELLED_FLOOR, fit_representation


def merged(parts):
    found = RowStatistics.of(parts[0])
    for part in parts[1:]:
        found = found.merge(RowStatistics.of(part))
    return found


@given(st.integers(0, 10_000), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_running_statistics_equal_the_naive_ones(seed, sizes):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(sum(sizes), 3)) * [1.0, 1e-3, 1e6] + [0.0, 3000.0, -1e9]
    found = merged(np.split(rows, np.cumsum(sizes)[:-1]))
    mean, comoment, lowest, highest = naive.naive_row_statistics(rows.tolist())
    assert found.n_rows == len(rows)
    assert (np.abs(found.mean - mean) <= 1e-15 * np.abs(rows).max(axis=0)).all()
    # a sum of products is as exact as the products' size, and the mean, allow
    size = np.sqrt(np.outer(np.diag(comoment), np.diag(comoment)))
    rounding = len(rows) * np.outer(*[np.abs(mean) * 1e-16] * 2)
    assert (np.abs(found.comoment - comoment) <= 1e-10 * size + rounding + 1e-12).all()
    np.testing.assert_array_equal(found.lowest, lowest)
    np.testing.assert_array_equal(found.highest, highest)


def test_a_small_spread_far_from_zero_survives_a_million_rows():
    rng = np.random.default_rng(0)
    rows = 3000.0 + 1e-4 * rng.normal(size=(1_000_000, 1))
    found = merged(np.array_split(rows, 500))
    assert np.sqrt(found.comoment[0, 0] / len(rows)) == pytest.approx(1e-4, rel=1e-2)
    assert np.sqrt(found.comoment[0, 0] / len(rows)) == pytest.approx(rows.std(), rel=1e-6)


def test_the_order_of_merging_does_not_matter():
    parts = np.split(np.random.default_rng(0).normal(size=(400, 4)), 8)
    forward, backward = merged(parts), merged(parts[::-1])
    np.testing.assert_allclose(forward.comoment, backward.comoment, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
@pytest.mark.parametrize("floor", [0.0, UNLABELLED_FLOOR])
def test_the_representation_is_that_of_the_rows_in_memory(scaling, floor):
    rng = np.random.default_rng(0)
    rows = rng.standard_t(4, size=(3000, 5)) @ rng.normal(size=(5, 5)) + 100.0
    rows[:, 3] = 7.0  # a sensor that stands still
    run = Run(rows, tuple("abcde"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantSensorWarning)
        expected = fit_representation([run], scaling, floor=floor)
        found = representation_of(merged(np.array_split(rows, 9)), [run], scaling, floor=floor)
    np.testing.assert_allclose(found.scaling.shift, expected.scaling.shift, rtol=1e-12)
    np.testing.assert_allclose(found.scaling.scale, expected.scaling.scale, rtol=1e-10)
    # the sign of a direction is free
    np.testing.assert_allclose(
        np.abs(found.whitening), np.abs(expected.whitening), rtol=1e-3, atol=1e-5
    )


def test_a_constant_sensor_is_named():
    rows = np.array([[1.0, 5.0], [2.0, 5.0]])
    with pytest.warns(
        ConstantSensorWarning, match="1 of 2 sensors never change in the fit data: b"
    ):
        found = scaling_of(RowStatistics.of(rows), ("a", "b"))
    with pytest.warns(ConstantSensorWarning):
        expected = fit_scaling([Run(rows, ("a", "b"))])
    np.testing.assert_array_equal(found.constant, expected.constant)
