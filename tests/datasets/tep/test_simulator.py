"""The simulator: timing of rows and faults, seeds, shutdowns and plans."""

import sys

import numpy as np
import pytest

from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.simulated_files import RunPlan, read_records, read_tep_parquet
from dccad.datasets.tep.simulator import (
    plan_tep,
    simulate_plans,
    simulate_tep,
    simulate_tep_run,
    simulate_to,
)
from dccad.errors import InputError, MissingExtraError, ParameterError
from short_simulations import SHORT, simulate


@pytest.fixture(scope="module")
def normal():
    return simulate(hours=0.6)


def test_rows_are_three_minutes_apart_and_hold_measurements_then_valves(normal):
    import tep_studio

    result = tep_studio.ClosedLoopSimulation(horizon=0.6).run(seed=7, mode="mode1")
    steps = result.results  # every control step of 0.0005 h
    assert len(steps) == 1200
    run = normal.run
    assert run.values.shape == (12, 52)
    assert (run.columns, run.units, run.name, run.fault) == (COLUMNS, UNITS, "d00", 0)
    for row in (0, 1, 11):
        step = steps[100 * row]
        assert step.time == pytest.approx(0.0005 + 0.05 * row)
        assert run.values[row, :41].tolist() == step.measurements.tolist()
        assert run.values[row, 41:].tolist() == step.implemented_action[:11].tolist()


def test_same_seed_repeats_and_another_seed_does_not(normal):
    again, other = simulate(hours=0.6).run, simulate(hours=0.6, seed=9).run
    np.testing.assert_array_equal(again.values, normal.run.values)
    assert (again.values[1:, :22] != other.values[1:, :22]).all()


def test_seed_changes_random_faults_not_only_noise():
    # fault 8 varies the feed composition: with noise alone, the difference made by the fault
    # would be the same for both seeds
    effects = []
    for seed in (7, 9):
        faulty = simulate(8, hours=2.0, onset_hours=0.0, seed=seed).run.values
        effects.append(faulty - simulate(hours=2.0, seed=seed).run.values)
    assert not np.allclose(effects[0][-1, :41], effects[1][-1, :41], rtol=0.1)


@pytest.mark.parametrize(("onset_hours", "row"), [(0.4, 8), (0.41, 9), (0.0, 0)])
def test_no_row_before_the_onset_feels_the_fault(normal, onset_hours, row):
    faulty = simulate(4, hours=0.6, onset_hours=onset_hours).run
    assert faulty.onset == row
    differs = (faulty.values != normal.run.values).any(axis=1)
    assert differs.tolist() == [False] * row + [True] * (12 - row)


def test_warm_up_is_simulated_and_left_out(normal):
    late = simulate_tep_run(0, hours=0.4, seed=7, warm_up_hours=0.2)
    np.testing.assert_array_equal(late.run.values, normal.run.values[4:])
    assert late.record.warm_up_hours == 0.2
    faulty = simulate_tep_run(4, hours=0.4, onset_hours=0.1, seed=7, warm_up_hours=0.2).run
    assert faulty.onset == 2
    np.testing.assert_array_equal(faulty.values[:2], late.run.values[:2])
    assert (faulty.values[2:] != late.run.values[2:]).any(axis=1).all()


@pytest.mark.parametrize(("hours", "rows"), [(0.05, 1), (0.0505, 2), (0.1, 2), (1.0, 20)])
def test_number_of_rows_follows_from_the_hours(hours, rows):
    assert len(simulate(hours=hours).run) == rows


class Shutdown:
    """Stands in for the simulator: runs into a shutdown at 0.1234 h."""

    __version__ = "0"

    def __init__(self, *, control_interval, horizon):
        self.interval, self.horizon = control_interval, horizon

    def run(self, *, seed, mode, disturbance_schedule, record_every):
        from types import SimpleNamespace

        def sample(time, message=""):
            return SimpleNamespace(
                time=time,
                measurements=np.full(41, time),
                implemented_action=np.full(12, time),
                shutdown_status={"message": message},
            )

        times = [0.0005, 0.0505, 0.1005, 0.1235]
        samples = [sample(t) for t in times[:-1]] + [sample(times[-1], "Level low!!  Stop.")]
        return SimpleNamespace(results=tuple(samples), terminated=True, final_time=times[-1])


def test_shutdown_ends_the_run_on_the_grid_and_is_recorded(monkeypatch):
    monkeypatch.setattr("dccad.datasets.tep.simulator.require", lambda *_, **__: shutting_down)
    from types import SimpleNamespace

    shutting_down = SimpleNamespace(ClosedLoopSimulation=Shutdown)
    early = simulate(6, hours=1.0, onset_hours=0.1)
    assert early.run.values[:, 0].tolist() == [0.0005, 0.0505, 0.1005]
    assert early.run.onset == 2
    assert early.record.rows == 3
    assert early.record.shutdown_hours == 0.1235
    assert early.record.shutdown_message == "Level low!! Stop."
    assert simulate(6, hours=1.0, onset_hours=0.15).run.onset is None


def test_run_without_shutdown_says_so(normal):
    assert normal.record.shutdown_hours is None
    assert normal.record.shutdown_message == ""
    assert normal.record.rows == 12
    assert normal.record.onset is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fault": 29}, "fault=29 is not a whole number from 0 to 28"),
        ({"fault": -1}, "fault=-1 is not a whole number from 0 to 28"),
        ({"fault": 1.5}, "fault=1.5 is not a whole number from 0 to 28"),
        ({"hours": -2.0}, "hours=-2.0 is not a positive number"),
        ({"hours": float("nan")}, "hours=nan is not a positive number"),
        ({"warm_up_hours": -1.0}, "warm_up_hours=-1.0 is not a number of at least 0"),
        ({"onset_hours": 2.0}, "onset_hours=2.0 is not within the run: at least 0 and less than "),
        ({"onset_hours": None}, "onset_hours=None is not within the run: at least 0 and less "),
        ({"fault": 0}, "onset_hours=1.0 was given for fault=0, the fault-free run; leave it None"),
        ({"seed": 0}, "seed=0 is not a whole number from 1 to 4294967295"),
        ({"seed": 2**32}, "seed=4294967296 is not a whole number from 1 to 4294967295"),
    ],
)
def test_impossible_runs_are_refused(change, message):
    good = {"fault": 1, "hours": 2.0, "warm_up_hours": 0.0, "onset_hours": 1.0, "seed": 1}
    RunPlan("d01", "train", **good)
    with pytest.raises(ParameterError) as caught:
        simulate_tep_run(**{**good, **change})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_are_whole_numbers_too(tmp_path):
    records = simulate_to(tmp_path / "set", faults=np.array([2]), seed=np.int64(5), **SHORT)
    assert read_records(tmp_path / "set") == records
    assert [r.seed for r in records] == [p.seed for p in plan_tep([2], seed=5)]


def test_all_problems_of_a_run_are_told_at_once():
    with pytest.raises(ParameterError, match=r"fault=99 .*; hours=0 .*; onset_hours=1 .*; seed=0 "):
        simulate_tep_run(99, hours=0, onset_hours=1, seed=0)


def test_plan_has_the_shape_of_the_classic_set():
    plans = plan_tep()
    assert [p.name for p in plans[:2]] == ["d00", "d01"]
    assert [p.name for p in plans[21:23]] == ["d00_te", "d01_te"]
    assert [p.fault for p in plans] == [*range(21), *range(21)]
    assert {(p.split, p.hours, p.onset_hours) for p in plans if p.fault} == {
        ("train", 25.0, 1.0),
        ("test", 48.0, 8.0),
    }
    assert {p.onset_hours for p in plans if not p.fault} == {None}
    assert {p.warm_up_hours for p in plans} == {30.0}


def test_every_run_has_its_own_seed_whatever_else_is_simulated():
    seeds = {p.name: p.seed for p in plan_tep()}
    assert len(set(seeds.values())) == 42
    assert {p.name: p.seed for p in plan_tep([6, 0])} == {
        name: seeds[name] for name in ("d00", "d06", "d00_te", "d06_te")
    }
    assert not {p.seed for p in plan_tep(seed=1)} & set(seeds.values())
    assert all(seed % 2 for seed in seeds.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"faults": []}, "faults is empty; name at least one of 0 to 28"),
        ({"faults": [0, 40]}, "faults holds 40; needed are 0 to 28"),
        ({"faults": [0, -1]}, "faults holds -1; needed are 0 to 28"),
        ({"faults": [0.5]}, "faults holds 0.5; needed are 0 to 28"),
        ({"seed": -1}, "seed=-1 is not a whole number of at least 0"),
        ({"test_hours": 5.0}, r"onset_hours=8\.0 is not within the run"),
    ],
)
def test_impossible_plans_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        plan_tep(**options)


def test_progress_is_told_after_each_run(shortened):
    assert shortened[2] == [(1, 4, "d00"), (2, 4, "d02"), (3, 4, "d00_te"), (4, 4, "d02_te")]


def test_any_run_can_be_simulated_again_from_its_record(shortened):
    path, records, _ = shortened
    stored = read_tep_parquet(path, name="short").test_run(2)
    [again] = simulate_plans([records[3].plan])
    np.testing.assert_array_equal(again.run.values.astype(np.float32), stored.values)
    assert again.record == records[3]


def test_two_processes_give_the_same_runs_in_the_same_order():
    plans = plan_tep([0, 2], **SHORT)
    names = []
    parallel = simulate_plans(plans, jobs=2, progress=lambda done, total, name: names.append(name))
    assert sorted(names) == sorted(plan.name for plan in plans)
    for one, two in zip(simulate_plans(plans), parallel, strict=True):
        assert one.record == two.record
        np.testing.assert_array_equal(one.run.values, two.run.values)


def test_jobs_must_be_positive():
    with pytest.raises(ParameterError, match="jobs=0 is not a whole number of at least 1"):
        simulate_plans(plan_tep([0]), jobs=0)


def test_missing_simulator_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tep_studio", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'dccad\[simulate\]'"):
        simulate_tep([0])


def test_missing_folder_is_refused_before_simulating(tmp_path):
    with pytest.raises(InputError, match=r"does not exist; create it before simulating"):
        simulate_to(tmp_path / "no" / "set")
