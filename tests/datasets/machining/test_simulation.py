"""The simulated peeling machine: torque by value, anomalies where they are recorded, any rate."""

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import periodogram

from dccad.datasets.machining.plan import ANOMALIES, KINDS, UNTIL_THE_END
from dccad.datasets.machining.simulation import PeelingMachine, simulate_peeling
from dccad.errors import ParameterError
from peeling_machines import ORDINARY, QUIET, RAMP, cutting_torque, middles, stretches


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(seed=3)


def amplitude(rows, rate, frequency):
    """Of a sine of a known frequency, by projection."""
    phase = np.exp(-2j * np.pi * frequency * np.arange(len(rows)) / rate)
    return 2 * abs((rows * phase).mean())


def test_the_mean_torque_of_a_bar_scatters_around_the_formula():
    log = simulate_peeling(48, anomaly_share=0, seed=3)
    means = np.array([log.torque[middle].mean() for middle in middles(log)])
    wear = 1 + 0.25 * math.pi * 0.04 * 10 / 1000 * (np.arange(48) % 16 + 0.5)
    expected = ORDINARY.friction_torque + cutting_torque(ORDINARY) * (
        1 + (wear - 1) * ORDINARY.bar_seconds
    )
    # 3 % from the material, 2 % from the depth of cut
    assert (means / expected).mean() == pytest.approx(1, abs=3 * 0.036 / 48**0.5)
    assert (means / expected).std() == pytest.approx(0.036, abs=0.012)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"feed": 36.0}, 2**0.86),
        ({"specific_force": 4440.0}, 2.0),
        ({"depth_of_cut": 2.0}, 2 * 38 / 39),
        ({"n_inserts": 8}, 2**0.14),
        ({"spindle_speed": 1200.0}, 1.0),
    ],
)
def test_the_torque_follows_the_cutting_conditions(change, factor):
    assert cutting_torque(replace(QUIET, **change)) / cutting_torque(QUIET) == pytest.approx(factor)


def test_both_ends_of_a_bar_are_ramps():
    log = simulate_peeling(1, sampling_rate=1000.0, anomaly_share=0, machine=QUIET)
    torque = log.torque[log.cutting]
    full = cutting_torque(QUIET) + QUIET.friction_torque
    assert torque[0] == pytest.approx(QUIET.friction_torque, abs=1)
    assert torque[-1] == pytest.approx(QUIET.friction_torque, abs=1)
    rise = np.argmax(torque > 0.99 * full) / 1000
    assert 0.8 * RAMP < rise < RAMP
    assert (np.diff(torque[: round(RAMP * 1000)]) >= 0).all()


def test_zero_says_idle_and_nothing_else_does(log):
    idle = log.bars == 0
    assert (log.torque[idle] == 0).all()
    assert log.torque[~idle].min() >= ORDINARY.friction_torque
    found = stretches(~idle)
    assert len(found) == 48
    assert log.bars[[start for start, _ in found]].tolist() == list(range(1, 49))
    assert not log.cutting[0]
    assert not log.cutting[-1]
    pauses = [(after[0] - before[1]) / 200 for before, after in itertools.pairwise(found)]
    assert 2 <= min(pauses) < 5 < max(pauses) <= 15
    assert len(set(pauses)) > 40
    seconds = [(stop - start) / 200 for start, stop in found]
    assert ORDINARY.bar_seconds * 0.96 < min(seconds) < max(seconds) < ORDINARY.bar_seconds * 1.04


def test_wear_grows_with_the_distance_cut_and_new_inserts_end_it():
    machine = replace(QUIET, wear_per_km=0.5, tool_life=4)
    log = simulate_peeling(8, anomaly_share=0, seed=2, machine=machine)
    speed = math.pi * 0.040 * 10 / 1000  # km/s
    parts = [slice(start, stop) for start, stop in stretches(log.bars > 0)]
    for first in (0, 4):
        distance = 0.0
        for part, middle in list(zip(parts, middles(log), strict=True))[first : first + 4]:
            at = distance + speed * (np.arange(middle.start, middle.stop) - part.start + 0.5) / 200
            wear = (log.torque[middle] - 25) / cutting_torque(QUIET)
            np.testing.assert_allclose(wear, 1 + 0.5 * at, atol=1e-4)
            distance += speed * (part.stop - part.start) / 200


def test_material_and_diameter_differ_from_bar_to_bar():
    level = {}
    for name in ("material_scatter", "diameter_scatter"):
        machine = replace(QUIET, **{name: 0.03})
        log = simulate_peeling(60, sampling_rate=20.0, anomaly_share=0, seed=1, machine=machine)
        torque = np.array([log.torque[middle].mean() - 25 for middle in middles(log)])
        level[name] = torque / cutting_torque(QUIET)
    assert level["material_scatter"].std() == pytest.approx(0.03, rel=0.25)
    assert level["diameter_scatter"].std() == pytest.approx(0.03 / 2, rel=0.25)  # of 1 mm depth
    assert level["material_scatter"].mean() == pytest.approx(1, abs=0.01)


def test_the_spectrum_has_lines_at_the_spindle_and_the_insert_frequencies():
    machine = replace(QUIET, run_out=0.03, ripple=0.04)
    log = simulate_peeling(1, sampling_rate=1000.0, anomaly_share=0, machine=machine)
    [middle] = middles(log)
    rows = log.torque[middle]
    rows = rows[: len(rows) // 1000 * 1000] / cutting_torque(machine)  # whole revolutions
    for harmonic, share in ((1, 0.04), (2, 0.02), (3, 0.04 / 3)):
        found = amplitude(rows, 1000, harmonic * 40)
        assert found == pytest.approx(share, rel=0.01)
    assert 0.015 < amplitude(rows, 1000, 10) < 0.045  # the bow of the bar modulates it
    frequencies, power = periodogram(rows, 1000)
    lines = frequencies[np.argsort(power)[-4:]]
    assert sorted(lines.round().tolist()) == [10, 40, 80, 120]


def test_run_out_varies_slowly_along_the_bar():
    machine = replace(QUIET, run_out=0.03)
    log = simulate_peeling(1, anomaly_share=0, machine=machine)
    [middle] = middles(log)
    rows = log.torque[middle] / cutting_torque(machine)
    seconds = rows[: len(rows) // 200 * 200].reshape(-1, 200)
    found = [amplitude(row, 200, 10) for row in seconds]
    assert min(found) == pytest.approx(0.015, abs=0.004)
    assert max(found) == pytest.approx(0.045, abs=0.004)


def test_torque_never_falls_below_friction_however_hard_it_chatters():
    machine = replace(QUIET, ripple=0.9, run_out=0.9)
    log = simulate_peeling(1, sampling_rate=1000.0, anomaly_share=0, machine=machine)
    assert log.torque[log.cutting].min() == machine.friction_torque


def test_without_friction_no_row_of_a_bar_is_zero():
    machine = replace(QUIET, friction_torque=0.0, ripple=0.9, run_out=0.9)
    log = simulate_peeling(1, sampling_rate=1000.0, anomaly_share=0, machine=machine)
    assert log.torque[log.cutting].min() == 0.01


def test_anomalies_stand_where_they_are_recorded(log):
    kinds = np.zeros(len(log), dtype=int)
    for anomaly in log.anomalies:
        rows = slice(anomaly.start_row, anomaly.stop_row)
        assert (kinds[rows] == 0).all()
        kinds[rows] = KINDS.index(anomaly.kind)
        assert (log.bars[rows] == anomaly.bar).all()
        assert anomaly.start_row / 200 == pytest.approx(anomaly.start, abs=0.005)
        assert anomaly.stop_row / 200 == pytest.approx(anomaly.stop, abs=0.0051)
    np.testing.assert_array_equal(log.kinds, kinds)
    np.testing.assert_array_equal(log.labels, kinds > 0)
    assert [a.start for a in log.anomalies] == sorted(a.start for a in log.anomalies)


def test_nothing_but_the_recorded_rows_is_disturbed():
    machine = replace(QUIET, tool_life=100)
    log = simulate_peeling(12, anomaly_share=0.3, seed=5, machine=machine)
    full = round(25 + cutting_torque(machine), 2)
    inside = np.concatenate([np.arange(m.start, m.stop) for m in middles(log)])
    unlike = log.torque[inside] != full
    assert not unlike[log.labels[inside] == 0].any()
    assert {a.kind for a in log.anomalies} == set(ANOMALIES)
    assert unlike[log.labels[inside] == 1].mean() > 0.95


def test_an_insert_that_fails_is_used_up_to_the_end_of_the_bar_and_then_replaced():
    machine = replace(QUIET, wear_per_km=0.5, tool_life=100)
    log = simulate_peeling(20, seed=1, machine=machine)
    ends = dict(zip(range(1, 21), stretches(log.bars > 0), strict=True))
    failed = [a for a in log.anomalies if a.kind in UNTIL_THE_END and a.bar < 20]
    assert failed
    for anomaly in failed:
        assert anomaly.stop_row == ends[anomaly.bar][1]
        begin = ends[anomaly.bar + 1][0] + round(0.4 * 200)
        fresh = 25 + cutting_torque(QUIET) * (1 + 0.5 * math.pi * 0.04 * 10 / 1000 * 0.4)
        assert log.torque[begin] == pytest.approx(fresh, rel=1e-3)


def test_a_seed_is_one_log(log):
    again, other = simulate_peeling(seed=3), simulate_peeling(seed=4)
    np.testing.assert_array_equal(again.torque, log.torque)
    assert again.anomalies == log.anomalies
    n = min(len(other), len(log))
    assert (other.torque[:n] != log.torque[:n]).mean() > 0.5
    assert other.anomalies != log.anomalies


def test_another_rate_shows_the_same_bars_and_anomalies():
    machine = replace(ORDINARY, noise=0.0)
    fine = simulate_peeling(10, sampling_rate=800.0, seed=6, machine=machine)
    coarse = simulate_peeling(10, sampling_rate=100.0, seed=6, machine=machine)
    assert [(a.kind, a.bar, a.start, a.stop) for a in fine.anomalies] == [
        (a.kind, a.bar, a.start, a.stop) for a in coarse.anomalies
    ]
    n = len(fine) // 8
    blocks = fine.torque[: 8 * n].reshape(n, 8)
    inside = (blocks > 0).all(axis=1) & (coarse.torque[:n] > 0)
    assert inside.sum() == pytest.approx(coarse.cutting.sum(), abs=20)
    difference = abs(blocks.mean(axis=1) - coarse.torque[:n])[inside]
    assert difference.max() < 0.01 * cutting_torque(machine)
    assert difference.mean() < 0.001 * cutting_torque(machine)


def test_the_logger_averages_instead_of_folding_back_what_it_cannot_see():
    machine = replace(QUIET, ripple=0.05)
    rows = {}
    for rate in (1000.0, 64.0):  # half of 64 Hz is below the 40 Hz of the inserts
        log = simulate_peeling(1, sampling_rate=rate, anomaly_share=0, machine=machine)
        [middle] = middles(log)
        rows[rate] = log.torque[middle] / cutting_torque(machine)
    seen, folded = amplitude(rows[1000.0], 1000, 40), amplitude(rows[64.0], 64, 24)
    assert seen == pytest.approx(0.05, rel=0.02)
    assert folded == pytest.approx(0.05 * abs(np.sinc(40 / 64)), rel=0.05)


def test_fewer_anomalies_leave_the_bars_as_they_are():
    machine = replace(ORDINARY, tool_life=1)  # so that the timetable is the same
    calm = simulate_peeling(6, anomaly_share=0, seed=2, machine=machine)
    bad = simulate_peeling(6, anomaly_share=0.3, seed=2, machine=machine)
    normal = bad.labels == 0
    np.testing.assert_array_equal(bad.torque[normal], calm.torque[normal])
    assert (bad.torque != calm.torque).mean() > 0.1


def test_numbers_have_two_decimals(log):
    np.testing.assert_array_equal(log.torque, [float(f"{x:.2f}") for x in log.torque.tolist()])


def test_a_minute_at_a_kilohertz_takes_well_under_a_second():
    simulate_peeling(1)  # imports
    started = time.perf_counter()
    log = simulate_peeling(4, sampling_rate=1000.0)
    assert len(log) > 60_000
    assert time.perf_counter() - started < 1


def test_kinds_can_be_looked_up_by_time(log):
    first = log.anomalies[0]
    found = log.kinds_at(np.array([first.start_row - 1, first.start_row]) / 200)
    assert found.tolist() == [0, KINDS.index(first.kind)]


def test_everything_that_is_wrong_is_listed():
    with pytest.raises(ParameterError) as caught:
        simulate_peeling(0, sampling_rate=1.0, anomaly_share=0.5, seed=-1)
    assert str(caught.value) == (
        "n_bars=0: needed is a whole number of at least 1; sampling_rate=1.0: needed is at least "
        "1.2 Hz, 20 rows a bar; anomaly_share=0.5: needed is 0 to 0.4; seed=-1: needed is a whole "
        "number of at least 0"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feed": 0.0}, "feed=0.0: needed is a positive number"),
        ({"noise": -0.1}, "noise=-0.1: needed is a number of at least 0"),
        ({"feed": math.nan}, "feed=nan: needed is a positive number"),
        ({"n_inserts": 2.5}, "n_inserts=2.5: needed is a whole number of at least 1"),
        ({"edge_angle": 95.0}, "edge_angle=95.0: needed is less than 90"),
        ({"idle_seconds": (5.0, 2.0)}, "idle_seconds=(5.0, 2.0): needed are two times, 0 < a ≤ b"),
        ({"depth_of_cut": 20.0}, "depth_of_cut=20.0: leaves nothing of the bar"),
        ({"end_length": 800.0}, "end_length=800.0: needed is less than a quarter of bar_length"),
    ],
)
def test_no_impossible_machine(change, message):
    with pytest.raises(ParameterError) as caught:
        PeelingMachine(**change)
    assert str(caught.value) == message
