"""Which region is normal: a reference decides, else density, else size."""

import numpy as np
import pytest

from dccad.method.regions.normal import find_normal_region


def test_the_denser_region_is_normal_even_if_it_is_smaller():
    regions = np.array([0] * 70 + [1] * 30)
    order, report = find_normal_region(regions, np.where(regions == 0, 2.0, 1.0), 2)
    assert order.tolist() == [1, 0]
    assert report.rule == "densest of 2 regions (spread 1 per window)"
    assert report.share == pytest.approx((0.3, 0.7))
    assert report.spread == pytest.approx((1.0, 2.0))


def test_on_a_tie_of_density_the_larger_region_is_normal():
    regions = np.array([0] * 30 + [1] * 70)
    order, report = find_normal_region(regions, np.where(regions == 0, 1.0, 1.005), 2)
    assert order.tolist() == [1, 0]
    assert report.rule == "largest of 2 equally dense regions"


def test_reference_rows_decide_against_density():
    regions = np.array([0] * 70 + [1] * 30)
    reference = np.zeros(100, dtype=bool)
    reference[[0, 80, 81, 82]] = True
    order, report = find_normal_region(regions, np.where(regions == 0, 1.0, 5.0), 2, reference)
    assert order.tolist() == [1, 0]
    assert report.rule == "holds 75% of the reference-normal windows"
    assert report.reference_share == pytest.approx((0.75, 0.25))


def test_other_regions_follow_by_size():
    regions = np.array([0] * 10 + [1] * 20 + [2] * 30 + [3] * 5)
    spread = np.where(regions == 3, 1.0, 9.0)
    order, report = find_normal_region(regions, spread, 4)
    assert order.tolist() == [3, 2, 1, 0]
    assert report.share == pytest.approx((5 / 65, 30 / 65, 20 / 65, 10 / 65))


def test_an_empty_region_is_never_normal():
    order, report = find_normal_region(np.ones(5, dtype=int), np.ones(5), 3)
    assert order[0] == 1
    assert report.spread == (1.0, None, None)


def test_a_fragment_is_not_the_normal_region_of_a_vote():
    regions = np.repeat([0, 1, 2], [5, 55, 40])
    spread = np.repeat([0.1, 1.0, 2.0], [5, 55, 40])
    assert find_normal_region(regions, spread, 3)[0].tolist() == [0, 1, 2]
    order, report = find_normal_region(regions, spread, 3, least_share=0.1)
    assert order.tolist() == [1, 2, 0]
    assert report.share == (0.55, 0.4, 0.05)
