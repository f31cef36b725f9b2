"""The shipped Tennessee Eastman set: complete, reproducible, and faulty where it says so."""

import subprocess
import sys
import time
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

import dccad.datasets
from dccad.datasets import load_tep_simulated, simulated_record
from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.simulated_files import read_tep_parquet
from dccad.datasets.tep.simulator import plan_tep, simulate_plans, simulate_to

FOLDER = files("dccad.datasets") / "data"
SIMULATOR_RTOL = 1e-5  # single precision, and another compiler may round the model differently


@pytest.fixture(scope="module")
def dataset():
    return load_tep_simulated()


def test_package_stays_small():
    assert len((FOLDER / "tep_simulated.json").read_bytes()) <= 20_000
    assert len((FOLDER / "tep_simulated.parquet").read_bytes()) <= 8_000_000


def test_one_training_and_one_test_run_for_each_fault(dataset):
    assert dataset.name == "tep-simulated"
    assert dataset.faults == tuple(range(1, 21))
    assert [run.fault for run in dataset.train] == list(range(21))
    assert [run.fault for run in dataset.test] == list(range(21))
    assert [run.name for run in dataset.train[:2]] == ["d00", "d01"]
    assert [run.name for run in dataset.test[:2]] == ["d00_te", "d01_te"]
    assert [run.onset for run in dataset.train] == [None] + [20] * 20
    assert [run.onset for run in dataset.test] == [None] + [160] * 20
    for run in (*dataset.train, *dataset.test):
        assert (run.columns, run.units, run.values.dtype) == (COLUMNS, UNITS, np.float32)
        assert np.isfinite(run.values).all()


def test_only_recorded_shutdowns_are_shorter_than_planned(dataset):
    records = simulated_record()
    runs = (*dataset.train, *dataset.test)
    assert [r.name for r in records] == [run.name for run in runs]
    assert [r.rows for r in records] == [len(run) for run in runs]
    shut_down = {r.name: r for r in records if r.shutdown_hours is not None}
    assert sorted(shut_down) == ["d06", "d06_te"]  # without A feed the stripper runs empty
    for record in records:
        planned = {"train": 500, "test": 960}[record.split]
        if record.name in shut_down:
            # the last row is the last one on the 3-minute grid before the shutdown
            assert record.rows == int((record.shutdown_hours - 0.0005) / 0.05) + 1 < planned
            assert record.shutdown_hours > record.onset_hours
            assert record.shutdown_message.startswith("Low Stripper Liquid Level")
        else:
            assert record.rows == planned


def test_a_row_every_three_minutes_so_that_alarms_can_be_counted_per_day(dataset):
    for run in (*dataset.train, *dataset.test):
        assert run.time.shape == (len(run),)
        np.testing.assert_array_equal(run.time, 180.0 * np.arange(len(run)))


def test_shipped_plan_is_the_default_one():
    assert [record.plan for record in simulated_record()] == list(plan_tep())


def test_short_simulation_repeats_the_start_of_a_shipped_run(dataset):
    record = next(r for r in simulated_record() if r.name == "d01")
    [again] = simulate_plans([replace(record.plan, hours=1.5)])
    shipped = dataset.train_run(1)
    assert again.run.onset == shipped.onset == 20
    assert len(again.run) == 30
    np.testing.assert_allclose(again.run.values, shipped.values[:30], rtol=SIMULATOR_RTOL)
    np.testing.assert_array_equal(again.run.time, shipped.time[:30])
    # another run of the set is another realisation, so the comparison above could fail
    other = dataset.train_run(2).values[:30]
    assert not np.allclose(other, shipped.values[:30], rtol=SIMULATOR_RTOL)


@pytest.mark.slow
def test_whole_shipped_set_is_what_the_command_writes(dataset, tmp_path):
    records = simulate_to(tmp_path / "tep_simulated", jobs=2)
    assert records == simulated_record()
    again = read_tep_parquet(tmp_path / "tep_simulated", name="again")
    for new, shipped in zip(
        (*again.train, *again.test), (*dataset.train, *dataset.test), strict=True
    ):
        np.testing.assert_allclose(new.values, shipped.values, rtol=1e-3, err_msg=new.name)


def shift(run, reference, sensor, rows):
    """Mean of a sensor over rows, in standard deviations of the fault-free run."""
    column = COLUMNS.index(sensor)
    normal = reference.values[:, column].astype(float)
    return abs(run.values[rows, column].mean(dtype=float) - normal.mean()) / normal.std()


@pytest.mark.parametrize(
    ("fault", "sensor"),
    [(1, "xmv_3"), (1, "xmeas_1"), (2, "xmeas_34"), (4, "xmv_10"), (6, "xmeas_1"), (7, "xmv_4")],
)
def test_step_faults_show_after_their_onset_and_not_before(dataset, fault, sensor):
    run, normal = dataset.test_run(fault), dataset.test_run(0)
    assert shift(run, normal, sensor, slice(160)) < 1
    assert shift(run, normal, sensor, slice(200, None)) > 5
    run = dataset.train_run(fault)
    assert shift(run, normal, sensor, slice(20)) < 2
    assert shift(run, normal, sensor, slice(60, None)) > 5


def test_plant_has_settled_before_the_first_row(dataset):
    # over all runs together, so that the noise of a single run averages out
    starts = np.concatenate([run.values[:20].astype(float) for run in dataset.test])
    settled = dataset.test_run(0).values[480:].astype(float)
    moving = settled.std(axis=0) > 0
    gap = np.abs(starts.mean(axis=0) - settled.mean(axis=0))[moving] / settled.std(axis=0)[moving]
    assert gap.max() < 1.5


def test_two_valves_that_the_controller_leaves_alone_are_constant(dataset):
    for run in (*dataset.train, *dataset.test):
        constant = run.values.min(axis=0) == run.values.max(axis=0)
        assert {c for c, flag in zip(COLUMNS, constant, strict=True) if flag} >= {"xmv_5", "xmv_9"}


def test_loading_does_not_keep_the_user_waiting(dataset):
    start = time.process_time()
    load_tep_simulated()
    assert time.process_time() - start < 0.5


HEAVY = ("torch", "matplotlib", "tep_studio", "polars", "pandas")


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, dccad.datasets; print([m for m in {HEAVY} if m in sys.modules])"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_every_exported_name_exists():
    for name in dccad.datasets.__all__:
        assert getattr(dccad.datasets, name).__module__.startswith(
            ("dccad.datasets.", "dccad.tables.")
        )
    assert dir(dccad.datasets) == sorted(dccad.datasets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'load_tepp'"):
        dccad.datasets.load_tepp  # noqa: B018  # reading the name is the test
