"""Cuts of single values: against every cut, and the crossing of two normal densities."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dccad.method.clustering import cuts as splitting
from dccad.method.clustering.cuts import minimum_error_thresholds, split_values
from naive import (
    naive_crossing,
    naive_cut,
    naive_minimum_error_threshold,
    naive_sum_of_squares,
)


def column(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)[:, None]


def assert_is_the_best_cut(values, split, which=0, rtol=1e-9):
    values = [float(value) for value in values]
    expected = naive_cut(values)
    found = [value > float(split.threshold[which]) for value in values]
    low = [value for value, upper in zip(values, found, strict=True) if not upper]
    high = [value for value, upper in zip(values, found, strict=True) if upper]
    if expected is None:
        assert not high
        assert split.means[which].tolist() == pytest.approx([values[0]] * 2)
        return
    within = naive_sum_of_squares(low) + naive_sum_of_squares(high)
    total = naive_sum_of_squares(values)
    close = {"rel": rtol, "abs": rtol * total}
    assert within == pytest.approx(expected[2], **close)  # the best one, ties aside
    assert float(split.within[which]) == pytest.approx(expected[2], **close)
    means = [math.fsum(low) / len(low), math.fsum(high) / len(high)]
    reach = rtol * (max(values) - min(values))
    assert split.means[which].tolist() == pytest.approx(means, rel=rtol, abs=reach)
    middle = (max(low) + min(high)) / 2
    assert float(split.threshold[which]) == pytest.approx(middle, rel=rtol, abs=reach)


@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=12),
    st.sampled_from([1.0, 1e-3, 1e6]),
    st.sampled_from([0.0, -7.0, 1e5]),
)
def test_no_other_cut_is_better_also_with_ties(values, scale, offset):
    values = [scale * value + offset for value in values]
    assert_is_the_best_cut(values, split_values(column(values)), rtol=1e-7)


def test_single_precision_columns_are_cut_as_exactly_as_double_ones():
    values = torch.randn(40, 30, dtype=torch.float32)
    values[:, 3] = 2.5
    values[:, 4] = values[:, 4].round()
    values[::2, 5] += 4000.0
    split = split_values(values)
    for which in range(values.shape[1]):
        assert_is_the_best_cut(values[:, which], split, which)


def test_a_large_offset_costs_no_digits():
    """A plant value of 1e9 with a spread of one: the variance in one pass would be noise."""
    values = np.random.default_rng(0).normal(size=50)
    values[30:] += 6
    near, far = split_values(column(values)), split_values(column(values + 1e9))
    assert float(far.within) == pytest.approx(float(near.within), rel=1e-5)  # 1e9 + 1e-7 is 1e9
    assert float(far.threshold) - 1e9 == pytest.approx(float(near.threshold), abs=1e-6)
    assert (values + 1e9 > float(far.threshold)).tolist() == (values > 3).tolist()


def test_two_windows_are_cut_between_them():
    split = split_values(torch.tensor([[1.0, 5.0, 2.0], [4.0, -5.0, 2.0]]))
    assert split.threshold.tolist() == [2.5, 0.0, 2.0]
    assert split.means.tolist() == [[1.0, 4.0], [-5.0, 5.0], [2.0, 2.0]]
    assert split.within.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9 / 3])
def test_a_column_that_never_moves_has_no_upper_cluster(value):
    values = column([value] * 7)
    split = split_values(values)
    assert not bool((values > split.threshold).any())
    assert split.means.tolist() == [pytest.approx([value] * 2)]


def test_cutting_few_columns_at_a_time_changes_nothing(monkeypatch):
    values = torch.randn(20, 11, dtype=torch.float64)
    at_once = split_values(values)
    for cells in (1, 40, 75):
        monkeypatch.setattr(splitting, "CELLS", cells)
        for one, other in zip(split_values(values), at_once, strict=True):
            assert torch.allclose(one, other, rtol=1e-13, atol=0)


def test_a_cut_by_hand():
    """1, 2 and 9, 10: 1 within."""
    split = split_values(column([1.0, 9.0, 2.0, 10.0]))
    assert (float(split.threshold), split.means.tolist()) == (5.5, [[1.5, 9.5]])
    assert float(split.within) == pytest.approx(1.0)


# -- minimum-error threshold ---------------------------------------------------------------------

PAIRS = [
    (0.5, 0.0, 1.0, 6.0, 1.0),  # equal: halfway
    (0.5, 0.0, 0.1, 5.0, 2.0),  # tight below, wide above
    (0.5, -5.0, 2.0, 0.0, 0.1),  # the reverse
    (0.05, 0.0, 1.0, 7.0, 0.5),
    (0.9, 100.0, 3.0, 130.0, 3.0),
    (0.5, 0.0, 1.0, 6.0, 1.0 + 1e-7),  # nearly straight
    (0.3, 0.0, 1e-4, 1.0, 0.2),
]


@pytest.mark.parametrize(("share", "low", "low_std", "high", "high_std"), PAIRS)
@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
def test_threshold_is_where_the_weighted_densities_cross(share, low, low_std, high, high_std, unit):
    expected = naive_crossing(share, low, low_std, high, high_std)
    arguments = (
        torch.tensor([value], dtype=torch.float64)
        for value in (share, low * unit, low_std * unit, high * unit, high_std * unit)
    )
    found = float(splitting._crossing(*arguments)) / unit
    assert found == pytest.approx(expected, abs=2e-5 * (high - low))


@pytest.mark.parametrize("difference", [1e-3, 1e-7, 1e-10, 1e-12, 1e-14, 0.0])
def test_nearly_equal_spreads_lose_no_digits(difference):
    """The quadratic term vanishes: spread 1 and means 0 and 14 give 7 + log(0.7/0.3) / 14."""
    arguments = (0.3, 0.0, 1.0, 14.0, 1.0 + difference)
    found = splitting._crossing(*(torch.tensor([a], dtype=torch.float64) for a in arguments))
    exact = 7 + math.log(0.7 / 0.3) / 14
    assert float(found) == pytest.approx(exact, abs=5 * difference + 1e-12)


@pytest.mark.parametrize(
    ("share", "low", "low_std", "high", "high_std"),
    [(0.01, 0.0, 3.0, 1.0, 3.0), (0.99, 0.0, 3.0, 1.0, 3.0), (0.001, 0.0, 1.0, 1.0, 1.2)],
)
def test_no_crossing_between_the_means_is_said(share, low, low_std, high, high_std):
    arguments = (torch.tensor([a]).double() for a in (share, low, low_std, high, high_std))
    assert naive_crossing(share, low, low_std, high, high_std) is None
    assert bool(splitting._crossing(*arguments).isnan())


def draw(low_std, high_std, n_low=120, n_high=80):
    rng = np.random.default_rng(5)
    low, high = rng.normal(0, low_std, n_low), rng.normal(8, high_std, n_high)
    return np.concatenate([low, high])


@pytest.mark.parametrize(("low_std", "high_std"), [(0.1, 2.0), (2.0, 0.1), (1.0, 1.0)])
@pytest.mark.parametrize("rounds", [1, 2, 10])
def test_threshold_follows_its_rounds_one_by_one(low_std, high_std, rounds):
    values = draw(low_std, high_std)
    start = naive_cut(values.tolist())[0]
    expected = naive_minimum_error_threshold(values.tolist(), start, rounds)
    found = minimum_error_thresholds(
        column(values), torch.tensor([start], dtype=torch.float64), rounds
    )
    assert float(found) == pytest.approx(expected, abs=1e-3)


def test_a_tight_steady_state_is_left_early_whichever_side_it_is_on():
    """The 2-means cut is halfway; the fault that develops is much wider than the steady state."""
    values = draw(0.1, 2.0)
    both = torch.from_numpy(np.column_stack([values, -values]))
    cut = split_values(both).threshold
    found = minimum_error_thresholds(both, cut)
    assert float(cut[0]) > 2.5
    assert 0.1 < float(found[0]) < 1.0
    assert found[1] == pytest.approx(-float(found[0]), abs=1e-9)


def test_a_cut_without_two_spreads_or_a_crossing_stays():
    switch = [0.0] * 5 + [1.0] * 5  # two values only
    single = [0.0, 1.0, 2.0, 1.0, 0.5, 1.5, 0.2, 0.8, 1.1, 50.0]  # one window above
    constant = [3.0] * 10
    values = torch.tensor([switch, single, constant], dtype=torch.float64).T
    start = split_values(values).threshold
    assert minimum_error_thresholds(values, start).tolist() == start.tolist()


def test_a_cut_stays_where_the_upper_density_never_overtakes():
    """Two windows far above a wide cluster: too few to be likelier anywhere below their mean."""
    values = [-5.0] * 50 + [4.9] * 50 + [5.1, 15.0]
    assert naive_minimum_error_threshold(values, 5.0, 1) == 5.0
    start = torch.tensor([5.0], dtype=torch.float64)
    assert minimum_error_thresholds(column(values), start).tolist() == [5.0]


def test_each_column_is_moved_on_its_own_and_the_start_is_not_changed():
    values = torch.from_numpy(np.column_stack([draw(0.1, 2.0), draw(2.0, 0.1), draw(1.0, 1.0)]))
    start = split_values(values).threshold
    kept = start.clone()
    together = minimum_error_thresholds(values, start)
    assert torch.equal(start, kept)
    for which in range(3):
        alone = minimum_error_thresholds(values[:, [which]], start[[which]])
        assert float(together[which]) == pytest.approx(float(alone), abs=1e-5)
