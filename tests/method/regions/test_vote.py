"""Regions by a vote of the maps that agree: who votes, how, and what must not matter."""

import json

import numpy as np
import pytest
import torch

from dccad.method.regions.vote import (
    AGREEMENT,
    CANDIDATES,
    LEAST_QUALITY,
    MOST_REGIONS,
    Consensus,
    Cut,
    _phi,
    apply_cuts,
    find_consensus,
    find_consensus_partition,
    from_record,
    to_record,
)
from naive import (
    naive_cut,
    naive_minimum_error_threshold,
    naive_phi,
    naive_separation,
    naive_vote,
)
from window_sets import windows_at

WINDOW = 3


def regimes(n=200, seed=0):
    """Pooled maps of a log with a regime from window 120 on; what each map is stands beside it."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(n, 8))
    late = np.arange(n) >= 0.6 * n
    maps[late, 0] += 12  # the clearest: leads
    maps[late, 1] += 7  # agrees
    maps[late, 2] -= 7  # agrees, upside down
    maps[(np.arange(n) // 25) % 2 == 1, 3] += 10  # clean, but of another regime
    maps[rng.random(n) > 0.5, 4] += 10  # clean, but it flickers
    maps[:, 7] = 4.0  # constant
    return maps, late


def divide(maps, candidates=None, n_regions=2, starts=None, **options):
    latents = torch.from_numpy(np.ascontiguousarray(maps))[..., None]
    n, n_maps = maps.shape
    chosen = torch.arange(n_maps) if candidates is None else torch.tensor(candidates)
    windows = windows_at(torch.arange(n) if starts is None else starts, WINDOW)
    return find_consensus(latents, chosen, windows, n_regions, **options)


def share_alike(one, other):
    """Share of windows in the same region, whatever the two regions are called."""
    same = np.mean(np.asarray(one, dtype=int) == np.asarray(other, dtype=int))
    return max(same, 1 - same)


def test_the_maps_that_agree_find_the_regime_and_no_other_map_votes():
    maps, late = regimes()
    cuts, regions = divide(maps)
    (cut,) = cuts
    assert cut.maps[0] == 0  # the leader first
    assert sorted(cut.maps.tolist()) == [0, 1, 2]
    assert (cut.region, cut.created) == (0, 1)
    assert share_alike(regions, late) == 1.0
    signs = dict(zip(cut.maps.tolist(), np.sign(cut.weights).tolist(), strict=True))
    assert signs == {0: 1.0, 1: 1.0, 2: -1.0}
    assert 0.5 < cut.quality < 1


def test_thresholds_spreads_and_weights_are_those_of_each_voter_alone():
    maps, _ = regimes()
    (cut,), _ = divide(maps)
    for m, threshold, scale, weight in zip(
        cut.maps, cut.thresholds, cut.scales, cut.weights, strict=True
    ):
        values = maps[:, m].tolist()
        start = naive_cut(values)[0]
        expected = naive_minimum_error_threshold(values, start, 10)
        assert threshold == pytest.approx(expected, abs=2e-3)
        low = [value for value in values if value <= threshold]
        high = [value for value in values if value > threshold]
        assert scale == pytest.approx(np.std(low) + np.std(high))
        alone = divide(maps, [m])[0][0]
        assert abs(weight) == pytest.approx(alone.quality**2)


@pytest.mark.parametrize("n_voters", [1, 4])
def test_a_vote_is_the_sum_over_its_maps(n_voters):
    rng = np.random.default_rng(n_voters)
    cut = Cut(
        0,
        1,
        rng.permutation(6)[:n_voters],
        rng.normal(size=n_voters),
        rng.random(n_voters) + 0.1,
        rng.normal(size=n_voters),
        0.7,
    )
    values = rng.normal(size=(20, 6)) * 2
    expected = [
        naive_vote(row, cut.maps, cut.thresholds, cut.scales, cut.weights) for row in values
    ]
    assert cut.vote(torch.from_numpy(values)).tolist() == pytest.approx(expected, rel=1e-12)
    single = cut.vote(torch.from_numpy(values).float())
    assert single.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_agreement_is_the_correlation_of_two_divisions():
    rng = np.random.default_rng(0)
    divisions = rng.random((30, 6)) > [0.5, 0.2, 0.9, 0.5, 2.0, -1.0]  # the last two: constant
    divisions[:, 3] = ~divisions[:, 0]
    found = _phi(torch.from_numpy(divisions), torch.from_numpy(divisions[:, 0]))
    expected = [naive_phi(column, divisions[:, 0]) for column in divisions.T]
    assert found.tolist() == pytest.approx(expected, abs=1e-9)
    assert expected[0] == pytest.approx(1)
    assert expected[3:] == pytest.approx([-1, 0, 0])


def test_a_map_votes_from_the_least_agreement_on():
    """Maps that differ from the leader in more and more windows."""
    n = 200
    late = np.arange(n) >= 100
    noise = np.random.default_rng(0).normal(size=(n, 5)) * 0.1
    maps = noise + late[:, None] * 10.0
    for m, wrong in enumerate([0, 8, 18, 22, 40]):
        maps[100 : 100 + wrong, m] -= 10.0
    (cut,), _ = divide(maps)
    split = maps > 5
    expected = [m for m in range(5) if naive_phi(split[:, m], split[:, 0]) >= AGREEMENT]
    assert expected == [0, 1, 2]
    assert cut.maps[0] in expected
    leader = cut.maps[0]
    expected = [m for m in range(5) if naive_phi(split[:, m], split[:, leader]) >= AGREEMENT]
    assert sorted(cut.maps.tolist()) == expected


def test_only_candidates_vote_and_their_numbers_are_those_of_all_maps():
    maps, late = regimes()
    (cut,), regions = divide(maps, [5, 2, 1])
    assert sorted(cut.maps.tolist()) == [1, 2]
    assert share_alike(regions, late) > 0.98
    (cut,), regions = divide(maps, [6, 3])
    assert cut.maps.tolist() == [3]
    assert share_alike(regions, (np.arange(200) // 25) % 2) == 1.0


def test_at_most_so_many_candidates_vote():
    late = np.arange(120) >= 60
    maps = np.random.default_rng(0).normal(size=(120, CANDIDATES + 10)) + 12 * late[:, None]
    (cut,), _ = divide(maps)
    assert len(cut.maps) == CANDIDATES


def test_voters_mend_what_the_leader_gets_wrong():
    maps, late = regimes()
    maps[10, 0] += 12  # the leader alone would call this window late
    maps[:, 1][late] += 4
    maps[:, 2][late] -= 4
    assert divide(maps, [0])[1][10] == divide(maps, [0])[1][150]
    regions = divide(maps)[1]
    assert regions[10] == regions[11] != regions[150]


@pytest.mark.parametrize("ranking", ["separation", "separation-persistence"])
def test_the_ranking_decides_whether_a_flicker_may_lead(ranking):
    maps, _ = regimes()
    maps[:, 4] *= 5
    maps[maps[:, 4] > 20, 4] += 100  # the cleanest cut of all
    (cut,), _ = divide(maps, ranking=ranking)
    assert cut.maps[0] == (4 if ranking == "separation" else 0)


def test_runs_that_are_each_one_regime_are_told_apart():
    """Two runs: nothing switches within them, so the persistence is 1."""
    maps, _ = regimes()
    starts = torch.cat((torch.arange(120), 1000 + torch.arange(80)))
    (cut,), _ = divide(maps, starts=starts)
    (in_one_run,), _ = divide(maps)
    assert cut.quality > in_one_run.quality


def three_regimes(n=300):
    rng = np.random.default_rng(3)
    maps = rng.normal(size=(n, 4))
    truth = np.repeat([0, 1, 2], n // 3)
    maps[truth > 0, 0] += 15
    maps[truth > 0, 1] += 12
    maps[truth == 2, 2] += 12
    return maps, truth


def test_a_third_region_comes_from_dividing_a_region_again():
    maps, truth = three_regimes()
    cuts, regions = divide(maps, n_regions=3)
    assert len(cuts) == 2
    assert sorted(cuts[0].maps.tolist()) == [0, 1]
    assert cuts[1].maps.tolist() == [2]
    assert (cuts[1].region, cuts[1].created) == (1, 2)
    assert np.mean(regions == truth) > 0.99


def test_windows_of_another_region_do_not_move_a_second_cut():
    """Map 2 is cut where it is best within region 1, whatever it does in region 0."""
    maps, truth = three_regimes()
    cuts, regions = divide(maps, n_regions=3)
    maps[truth == 0, 2] += 500  # persistence 1: nothing switches within the region
    maps[truth == 0, 3] += 3
    again, _ = divide(maps[truth > 0][:, 2:], n_regions=2, starts=torch.arange(100, 300))
    assert again[0].thresholds == pytest.approx(cuts[1].thresholds)
    assert np.mean(regions == truth) > 0.99


def test_a_large_region_is_divided_before_a_small_one_that_is_a_little_cleaner():
    truth = np.repeat([0, 1, 2, 3], [100, 100, 20, 20])
    maps = np.random.default_rng(0).normal(size=(240, 3))
    maps[truth >= 2, 0] += 20
    maps[truth == 1, 1] += 8
    maps[truth == 3, 2] += 20
    starts = torch.from_numpy(np.arange(240) + 1000 * truth)  # four runs
    (large,), _ = divide(maps[truth < 2, 1:], starts=starts[truth < 2])
    (small,), _ = divide(maps[truth >= 2, 1:], starts=starts[truth >= 2])
    assert small.quality > large.quality
    cuts, _ = divide(maps, n_regions=3, starts=starts)
    assert [cut.maps.tolist() for cut in cuts] == [[0], [1]]


def test_a_region_that_comes_and_goes_is_divided_by_its_own_windows():
    """Its two visits differ; no pair of windows spans what lies between them."""
    visit = np.repeat([0, 1, 0, 2, 0], 200)
    maps = np.random.default_rng(0).normal(size=(1000, 3))
    maps[visit > 0, 0] += 20
    maps[visit == 2, 1] += 6
    cuts, regions = divide(maps, n_regions=3)
    assert np.mean(regions == visit) > 0.99
    inside = maps[visit > 0, 1].tolist()
    threshold = naive_cut(inside)[0]
    upper = [int(value > threshold) for value in inside]
    alone = naive_separation([[value] for value in inside], upper)
    assert cuts[1].quality == pytest.approx(alone)  # persistence 1: no pair spans the gap


@pytest.mark.parametrize("n_regions", [1, 2, 3, 4])
def test_cuts_applied_to_the_fits_windows_give_the_fits_regions(n_regions):
    maps, _ = three_regimes()
    maps = maps.astype(np.float32)
    cuts, regions = divide(maps, n_regions=n_regions)
    assert len(cuts) == n_regions - 1
    assert len(set(regions.tolist())) == n_regions
    assert apply_cuts(cuts, torch.from_numpy(maps)).tolist() == regions.tolist()
    one_by_one = [int(apply_cuts(cuts, row[None])) for row in torch.from_numpy(maps)]
    assert one_by_one == regions.tolist()


def test_auto_stops_where_there_is_one_regime():
    noise = np.random.default_rng(0).normal(size=(300, 20))
    cuts, regions = divide(noise, n_regions=None, least_quality=LEAST_QUALITY)
    assert cuts == ()
    assert not regions.any()


def test_auto_finds_three_regimes_and_stops():
    maps, truth = three_regimes()
    cuts, regions = divide(maps, n_regions=None, least_quality=LEAST_QUALITY)
    assert len(cuts) == 2
    assert np.mean(regions == truth) > 0.99


def test_auto_never_finds_more_than_its_limit():
    steps = np.repeat(np.arange(30.0), 20) * 100
    maps = steps[:, None] + np.random.default_rng(0).normal(size=(600, 2))
    _, regions = divide(maps, n_regions=None, least_quality=0.0)
    assert len(set(regions.tolist())) == MOST_REGIONS


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_maps_that_never_move_are_one_region(value):
    cuts, regions = divide(np.full((20, 3), value), n_regions=2)
    assert cuts == ()
    assert not regions.any()
    assert divide(np.array([[0.0], [9.0], [0.0]]))[0] == ()  # too few windows to divide


def test_the_order_of_the_maps_does_not_matter():
    maps, _ = regimes()
    order = np.random.default_rng(1).permutation(8)
    (cut,), regions = divide(maps)
    (other,), found = divide(maps[:, order])
    assert found.tolist() == regions.tolist()
    assert order[other.maps].tolist() == cut.maps.tolist()
    assert other.weights == pytest.approx(cut.weights)
    (shuffled,), found = divide(maps, order.tolist())
    assert shuffled.maps.tolist() == cut.maps.tolist()
    assert found.tolist() == regions.tolist()


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1000.0])
def test_the_unit_of_a_map_does_not_matter(factor):
    maps, _ = regimes()
    scaled = maps * [1, factor, 1, 1 / factor, factor, 1, factor, 1] + [0, 5, 0, 0, 0, 0, 0, 0]
    (cut,), regions = divide(maps)
    (other,), found = divide(scaled)
    assert other.maps.tolist() == cut.maps.tolist()
    assert other.weights == pytest.approx(cut.weights, rel=1e-6)
    assert found.tolist() == regions.tolist()


@pytest.mark.parametrize("factor", [1e-4, 1.0, 1e4])
def test_a_switch_of_two_values_votes_by_its_sides_not_by_its_unit(factor):
    """No spread on either side: the gap between the values is the only scale there is."""
    late = np.arange(100) >= 50
    rng = np.random.default_rng(0)
    switch = np.where(late, 1.0, 0.0) * factor
    other = late * 8 + rng.normal(size=100)
    other[[10, 20]] += 8
    (cut,), regions = divide(np.column_stack([switch, other]))
    assert cut.maps.tolist() == [0, 1]
    assert regions.tolist() == late.astype(int).tolist()
    votes = cut.vote(torch.tensor([[factor, other[0]], [0.0, other[99]]], dtype=torch.float64))
    assert votes[0] > 0 > votes[1]  # the switch has the larger weight


def test_turning_a_map_upside_down_turns_its_weight_and_no_window():
    maps, _ = regimes()
    turned = maps.copy()
    turned[:, 1] *= -1
    (cut,), regions = divide(maps)
    (other,), found = divide(turned)
    assert found.tolist() == regions.tolist()
    assert np.sign(other.weights * cut.weights).tolist() == [
        -1.0 if m == 1 else 1.0 for m in cut.maps
    ]


def test_cuts_survive_being_written_down():
    maps, _ = three_regimes()
    cuts, regions = divide(maps, n_regions=3)
    written = json.dumps(to_record(cuts))
    read = from_record(json.loads(written))
    assert len(read) == len(cuts)
    for one, other in zip(read, cuts, strict=True):
        assert (one.region, one.created, one.quality) == (
            other.region,
            other.created,
            other.quality,
        )
        for name in ("maps", "thresholds", "scales", "weights"):
            found, expected = getattr(one, name), getattr(other, name)
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected)
    assert apply_cuts(read, torch.from_numpy(maps)).tolist() == regions.tolist()


def test_region_numbers_of_new_windows_are_those_of_the_fits_report():
    maps, truth = three_regimes()
    cuts, found = divide(maps, n_regions=3)
    consensus = Consensus(cuts, np.array([2, 0, 1]))  # what was 2 is now normal
    assert consensus.n_regions == 3
    regions = consensus.assign(torch.from_numpy(maps)[..., None]).numpy()
    assert regions.tolist() == [{2: 0, 0: 1, 1: 2}[region] for region in found.tolist()]
    assert np.mean((regions == 0) == (truth == 2)) > 0.99


@pytest.mark.parametrize("with_reference", [True, False])
def test_the_normal_region_is_the_references_else_the_densest(with_reference):
    maps, truth = three_regimes()
    maps[truth == 1] *= [1, 1, 1, 5]  # the others are denser
    maps[truth == 2, 3] *= 5
    latents = torch.from_numpy(maps.astype(np.float32))[..., None]
    reference = (truth == 2) & (np.arange(300) > 220) if with_reference else None
    partition, report, regions = find_consensus_partition(
        torch.zeros(4, 2, 1),
        latents,
        torch.arange(4),
        windows_at(torch.arange(300), WINDOW),
        3,
        "separation-persistence",
        reference,
    )
    normal = 2 if with_reference else 0
    assert np.mean((regions == 0) == (truth == normal)) > 0.99
    assert report.share == pytest.approx([np.mean(regions == k) for k in range(3)])
    assert partition.assign(latents).tolist() == regions.tolist()
