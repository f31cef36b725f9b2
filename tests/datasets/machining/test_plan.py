"""Which bars and anomalies a simulated log has."""

import itertools

import numpy as np
import pytest

from dccad.datasets.machining.plan import UNTIL_THE_END, plan_events
from dccad.datasets.machining.simulation import simulate_peeling


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(seed=3)


@pytest.mark.parametrize("seed", range(6))
def test_every_kind_occurs_before_and_after_the_cut_of_a_default_log(seed):
    log = simulate_peeling(seed=seed)
    kinds = log.kinds[log.cutting]
    cut = round(0.7 * len(kinds))
    assert set(kinds[:cut]) == set(kinds[cut:]) == set(range(6))
    assert (kinds > 0).mean() == pytest.approx(0.2, abs=0.003)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.4])
def test_the_share_of_anomalies_is_what_was_asked_for(share):
    log = simulate_peeling(60, sampling_rate=50.0, anomaly_share=share, seed=1)
    assert log.labels[log.cutting].mean() == pytest.approx(share, abs=0.01)


def test_durations_and_places_keep_their_limits():
    rng = np.random.default_rng(0)
    events = plan_events(rng, [16.0] * 300, ramp=0.3, share=0.3)
    assert len({e.bar for e in events}) == len({(e.bar, e.kind) for e in events})
    for event in events:
        end = event.start + event.seconds
        if event.kind in UNTIL_THE_END:
            assert end == pytest.approx(16.0)
            assert event.start > 0.3
        else:
            assert event.start >= 0.3
            assert end <= 15.7
        if event.kind == "inclusion":
            assert 0.2 <= event.seconds <= 0.6
    for _, group in itertools.groupby(events, key=lambda e: e.bar):
        for before, after in itertools.pairwise(group):
            assert before.start + before.seconds < after.start
