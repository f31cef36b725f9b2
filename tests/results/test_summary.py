"""The summary of a table that comes in pieces is that of the whole table."""

import itertools

import numpy as np
import pytest

from dccad.results.summary import StreamSummary, Stretches
from dccad.results.table import find_episodes, summarise_scores

STATES = [
    {"name": "normal", "region": 0},
    {"name": "anomalous 1", "region": 1},
    {"name": "anomalous 2", "region": 2},
]


def random_table(seed, n=300, with_time=False):
    """Three runs, flags and regions in stretches, rows without a score at the start of runs."""
    rng = np.random.default_rng(seed)
    lengths = [n // 2, 3, n - n // 2 - 3]
    row = np.concatenate([np.arange(length) for length in lengths])
    score = np.where(row < 4, np.nan, rng.normal(size=n))
    region = np.repeat(rng.integers(0, 3, n), rng.integers(1, 9, n))[:n]
    table = {
        "run": np.repeat(["a", "b", "c"], lengths),
        "row": row,
        "score": score,
        "flag": np.where(np.isnan(score), 0, region > 0).astype(np.int64),
        "region": np.where(np.isnan(score), -1, region),
    }
    if with_time:
        table["time"] = np.datetime64("2024-01-01", "s") + np.arange(n)
    return table


def pieces_of(table, cuts):
    edges = [0, *cuts, len(table["row"])]
    for start, stop in itertools.pairwise(edges):
        yield {name: values[start:stop] for name, values in table.items()}


@pytest.mark.parametrize("with_time", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_summary_of_pieces_is_that_of_the_whole_table(seed, with_time):
    table = random_table(seed, with_time=with_time)
    cuts = np.unique(np.random.default_rng(seed + 100).integers(1, 299, 12)).tolist()
    summary = StreamSummary(0.7, STATES)
    for piece in pieces_of(table, cuts):
        summary.add(piece)
    found, expected = summary.as_record(), summarise_scores(table, 0.7, STATES)
    assert found.pop("n_episodes") == len(expected["episodes"]) > 3
    assert set(found) == set(expected)
    for name in ("rows", "scored", "flagged", "threshold", "episodes", "states"):
        assert found[name] == expected[name], name
    assert found["share_flagged"] == pytest.approx(expected["share_flagged"])
    assert found["region_share"] == pytest.approx(expected["region_share"])


def test_a_stretch_goes_on_over_many_pieces_but_not_over_a_missing_row():
    table = random_table(0, n=40)
    table = {name: values[10:20] for name, values in table.items()}
    table["flag"] = np.ones(10, dtype=np.int64)
    stretches = Stretches(1)
    for piece in pieces_of(table, [1, 2, 6]):
        stretches.add(piece, "flag")
    [whole] = stretches.finish()
    assert (whole["first_row"], whole["last_row"], whole["rows"]) == (10, 19, 10)
    assert whole["peak"] == np.nanmax(table["score"])
    apart = Stretches(1)
    for start, stop in ((0, 3), (4, 10)):
        apart.add({name: values[start:stop] for name, values in table.items()}, "flag")
    assert [(s["first_row"], s["last_row"]) for s in apart.finish()] == [(10, 12), (14, 19)]
    assert (apart.count, apart.rows) == (2, 9)


def test_the_longest_stretches_are_kept_and_all_are_counted():
    lengths = [1, 5, 2, 9, 5, 3] * 20  # more than the stretches that are held before pruning
    flag = np.concatenate([[1] * length + [0] for length in lengths])
    table = {
        "run": np.full(len(flag), "a"),
        "row": np.arange(len(flag)),
        "flag": flag,
        "score": np.arange(len(flag), dtype=float),
    }
    stretches = Stretches(1, most=3)
    for piece in pieces_of(table, [100, 333]):
        stretches.add(piece, "flag")
    kept = stretches.finish()
    episodes = [episode for episode in find_episodes(table) if episode["rows"] == 9]
    assert kept == episodes[:3]  # of equally long ones the first
    assert (stretches.count, stretches.rows) == (len(lengths), sum(lengths))


def test_nothing_scored_gives_no_share():
    table = {name: values[:3] for name, values in random_table(0).items()}
    summary = StreamSummary(0.7, STATES)
    summary.add(table)
    found = summary.as_record()
    assert np.isnan(found["share_flagged"])
    assert (found["scored"], found["region_share"], found["episodes"]) == (0, {}, [])
