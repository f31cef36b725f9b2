"""The set of many simulated runs: its plan; it is made whole, kept, checked and gone on with."""

from dataclasses import replace

import numpy as np
import pytest

from dccad import Run
from dccad.datasets import simulated_record
from dccad.datasets.tep import many as tep_many
from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.many import get_tep_many, load_tep_many, plan_tep_many
from dccad.datasets.tep.simulated_files import RunPlan, RunRecord, SimulatedRun
from dccad.datasets.tep.simulator import plan_tep, simulate_tep_run
from dccad.errors import DccadWarning, InputError, ParameterError

PLANS = tuple(
    RunPlan(name, split, fault, 0.5, 0.0, 0.2 if fault else None, seed)
    for name, split, fault, seed in (
        ("fault-00-run-001", "train", 0, 3),
        ("fault-00-run-001_te", "test", 0, 5),
        ("fault-06-run-001_te", "test", 6, 7),
    )
)


def make(plan):
    """A run whose values follow from its seed; fault 6 ends early."""
    n_rows = 6 if plan.fault == 6 else 10
    values = np.random.default_rng(plan.seed).normal(size=(n_rows, 52))
    onset = 4 if plan.fault else None
    record = RunRecord(
        **vars(plan), rows=n_rows, onset=onset, shutdown_hours=None, shutdown_message=""
    )
    return SimulatedRun(
        Run(values, COLUMNS, plan.name, units=UNITS, fault=plan.fault, onset=onset), record
    )


@pytest.fixture
def simulator(monkeypatch):
    """Stands in for the simulator, tells what it was asked for, and can break down."""

    class Simulator:
        asked = ()
        breaks_at = None

        def __call__(self, plans, jobs):
            self.asked, self.jobs = tuple(plan.name for plan in plans), jobs
            for position in reversed(range(len(plans))):  # processes may finish in any order
                if plans[position].name == self.breaks_at:
                    raise KeyboardInterrupt
                yield position, make(plans[position])

    simulator = Simulator()
    monkeypatch.setattr(tep_many, "simulate_in_any_order", simulator)
    return simulator


def load(folder):
    with pytest.warns(DccadWarning, match="does not hold the standard runs of tep-many"):
        return load_tep_many(folder)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


WHOLE = ["tep_many.json", "tep_many.parquet", "tep_many.sha256"]


# The plan -----------------------------------------------------------------------------------------


def test_the_plan_has_20_normal_training_runs_and_5_test_runs_per_condition():
    plans = plan_tep_many()
    train = [plan for plan in plans if plan.split == "train"]
    test = [plan for plan in plans if plan.split == "test"]
    assert [(plan.fault, plan.hours, plan.onset_hours) for plan in train] == [(0, 25.0, None)] * 20
    assert [plan.fault for plan in test] == [fault for fault in range(21) for _ in range(5)]
    assert {(plan.hours, plan.onset_hours) for plan in test if plan.fault} == {(48.0, 8.0)}
    assert {(plan.hours, plan.onset_hours) for plan in test if not plan.fault} == {(48.0, None)}
    assert {plan.warm_up_hours for plan in plans} == {30.0}
    assert len({plan.name for plan in plans}) == 125


def test_no_seed_occurs_twice_or_in_a_set_that_methods_are_tuned_on():
    seeds = {plan.seed for plan in plan_tep_many()}
    assert len(seeds) == 125
    assert seeds.isdisjoint(record.seed for record in simulated_record())
    for seed in range(20):
        assert seeds.isdisjoint(plan.seed for plan in plan_tep(range(29), seed=seed))


# Simulating, keeping, loading ---------------------------------------------------------------------


def test_what_was_simulated_is_loaded_and_not_simulated_again(simulator, tmp_path):
    folder = tmp_path / "set"
    assert get_tep_many(folder, plans=PLANS, jobs=3) == folder
    assert simulator.asked == tuple(plan.name for plan in PLANS)
    assert simulator.jobs == 3
    assert files(folder) == WHOLE
    dataset = load(folder)
    assert dataset.name == "tep-many"
    runs = (*dataset.train, *dataset.test)
    assert [run.name for run in runs] == [plan.name for plan in PLANS]
    for run, plan in zip(runs, PLANS, strict=True):
        made = make(plan).run
        np.testing.assert_array_equal(run.values, made.values.astype(np.float32))
        assert (run.fault, run.onset, run.units) == (made.fault, made.onset, made.units)
    simulator.asked = ()
    get_tep_many(folder, plans=PLANS)
    assert simulator.asked == ()


def test_the_checksums_are_those_of_sha256sum(simulator, tmp_path):
    import hashlib

    get_tep_many(tmp_path, plans=PLANS)
    for line in (tmp_path / "tep_many.sha256").read_text().splitlines():
        checksum, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == checksum


def test_an_interrupted_simulation_is_no_set_and_is_gone_on_with(simulator, tmp_path):
    simulator.breaks_at = PLANS[0].name
    with pytest.raises(KeyboardInterrupt):
        get_tep_many(tmp_path, plans=PLANS)
    with pytest.raises(InputError, match="is not complete, 2 runs are there; go on with: dccad"):
        load_tep_many(tmp_path)
    simulator.breaks_at = None
    get_tep_many(tmp_path, plans=PLANS)
    assert simulator.asked == (PLANS[0].name,)
    assert files(tmp_path) == WHOLE
    assert len(load(tmp_path).test) == 2


def test_finished_runs_of_another_plan_or_simulator_or_half_a_run_are_made_again(
    simulator, tmp_path, monkeypatch
):
    def interrupted(plans):
        simulator.breaks_at = plans[0].name
        with pytest.raises(KeyboardInterrupt):
            get_tep_many(tmp_path, plans=plans)
        simulator.breaks_at = None

    interrupted(PLANS)
    interrupted((PLANS[0], replace(PLANS[1], seed=99), PLANS[2]))
    assert simulator.asked == (PLANS[0].name, PLANS[1].name)
    (tmp_path / "runs" / f"{PLANS[2].name}.parquet").write_bytes(b"half")
    interrupted((PLANS[0], replace(PLANS[1], seed=99), PLANS[2]))
    assert simulator.asked == (PLANS[0].name, PLANS[2].name)
    monkeypatch.setattr(tep_many, "version", lambda package: "another")
    interrupted((PLANS[0], replace(PLANS[1], seed=99), PLANS[2]))
    assert simulator.asked == tuple(plan.name for plan in PLANS)


def test_a_full_disk_while_the_set_is_put_together_leaves_the_runs(
    simulator, tmp_path, monkeypatch
):
    def full(target):
        raise OSError("No space left on device")

    write = tep_many.write_tep_parquet
    monkeypatch.setattr(
        tep_many,
        "write_tep_parquet",
        lambda runs, path, **rest: full(path) if len(runs) > 1 else write(runs, path, **rest),
    )
    with pytest.raises(OSError, match="No space left"):
        get_tep_many(tmp_path, plans=PLANS)
    assert not set(WHOLE) & set(files(tmp_path))
    monkeypatch.setattr(tep_many, "write_tep_parquet", write)
    get_tep_many(tmp_path, plans=PLANS)
    assert simulator.asked == ()
    assert files(tmp_path) == WHOLE


@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_set_is_refused_and_simulated_again(simulator, tmp_path, name):
    get_tep_many(tmp_path, plans=PLANS)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"damaged.*; simulate it .*: dccad data get tep-many"):
        load_tep_many(tmp_path)
    simulator.asked = ()
    with pytest.warns(DccadWarning, match=r"damaged.*; the set is simulated again$"):
        get_tep_many(tmp_path, plans=PLANS)
    assert len(simulator.asked) == 3
    load(tmp_path)


def test_a_missing_file_is_named(simulator, tmp_path):
    get_tep_many(tmp_path, plans=PLANS)
    (tmp_path / "tep_many.parquet").unlink()
    with pytest.raises(InputError, match=r"tep_many\.parquet' is missing; simulate it"):
        load_tep_many(tmp_path)


def test_a_whole_set_of_other_runs_is_not_overwritten(simulator, tmp_path):
    get_tep_many(tmp_path, plans=PLANS)
    with pytest.raises(InputError, match="holds a set of other runs; name another folder"):
        get_tep_many(tmp_path, plans=PLANS[:2])
    assert len(load(tmp_path).test) == 2


def test_without_a_folder_the_data_folder_is_used(simulator, tmp_path, monkeypatch):
    monkeypatch.setenv("DCCAD_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"one core\): dccad data get tep-many$"):
        load_tep_many()
    assert get_tep_many(plans=PLANS) == tmp_path / "tep-many"
    assert len(load(None).train) == 1


def test_a_file_or_no_process_is_refused(tmp_path):
    (tmp_path / "notes").write_text("")
    for function in (get_tep_many, load_tep_many):
        with pytest.raises(InputError, match=r"notes'? is a file, not a folder"):
            function(tmp_path / "notes")
    with pytest.raises(ParameterError, match="jobs=0 is not a whole number of at least 1"):
        get_tep_many(tmp_path / "set", plans=PLANS, jobs=0)


def test_the_real_simulator_gives_the_runs_of_the_plan(tmp_path):
    plan = RunPlan("fault-04-run-001_te", "test", 4, 0.3, 0.0, 0.1, 9)
    get_tep_many(tmp_path, plans=[PLANS[0], plan])
    expected = simulate_tep_run(4, hours=0.3, onset_hours=0.1, warm_up_hours=0.0, seed=9).run
    [run] = load(tmp_path).test
    np.testing.assert_array_equal(run.values, expected.values.astype(np.float32))
    assert run.onset == expected.onset == 2
