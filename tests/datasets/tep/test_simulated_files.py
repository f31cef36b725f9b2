"""The pair of files that holds simulated runs."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from dccad.datasets.tep import simulated_files as files
from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.simulated_files import SimulatedRun, read_records, read_tep_parquet
from dccad.datasets.tep.simulator import (
    simulate_tep,
)
from dccad.errors import InputError
from short_simulations import SHORT, simulate


def test_written_set_reads_back_in_single_precision(shortened):
    path, records, _ = shortened
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "short.set.json",
        "short.set.parquet",
    ]
    simulated = simulate_tep([0, 2], **SHORT)
    read = read_tep_parquet(path, name="short")
    assert read.faults == simulated.faults == (2,)
    pairs = zip((*read.train, *read.test), (*simulated.train, *simulated.test), strict=True)
    for stored, fresh in pairs:
        assert stored.values.dtype == np.float32
        np.testing.assert_array_equal(stored.values, fresh.values.astype(np.float32))
        assert (stored.name, stored.fault, stored.onset, stored.columns, stored.units) == (
            (fresh.name, fresh.fault, fresh.onset, COLUMNS, UNITS)
        )
    assert [run.onset for run in (*read.train, *read.test)] == [None, 1, None, 2]
    assert read_records(path) == records


def test_written_files_explain_themselves(shortened):
    path, records, _ = shortened
    about = json.loads(path.with_name("short.set.json").read_text(encoding="utf-8"))
    assert about["format"] == 1
    assert about["generator"]["package"] == "tep-studio"
    assert about["generator"]["version"][0].isdigit()
    assert about["generator"]["seed"] == 0
    assert about["sample_seconds"] == 180
    assert dict(zip(about["columns"], about["units"], strict=True))["xmeas_9"] == "°C"
    assert about["runs"][3] == {
        "name": "d02_te",
        "split": "test",
        "fault": 2,
        "hours": 0.15,
        "warm_up_hours": 0.0,
        "onset_hours": 0.1,
        "seed": records[3].seed,
        "rows": 3,
        "onset": 2,
        "shutdown_hours": None,
        "shutdown_message": "",
    }
    table = pl.read_parquet(path.with_name("short.set.parquet"))
    assert table.columns == ["run", "split", "fault", "row", *COLUMNS]
    assert table["run"].to_list() == ["d00"] * 2 + ["d02"] * 2 + ["d00_te"] * 3 + ["d02_te"] * 3
    assert table["split"].to_list() == ["train"] * 4 + ["test"] * 6
    assert table["fault"].to_list() == [0] * 2 + [2] * 2 + [0] * 3 + [2] * 3
    assert table["row"].to_list() == [0, 1, 0, 1, 0, 1, 2, 0, 1, 2]


def copy_of(path, folder):
    for suffix in (".json", ".parquet"):
        source = path.with_name(path.name + suffix)
        (folder / source.name).write_bytes(source.read_bytes())
    return folder / path.name


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_tep_parquet(path, name="short")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_missing_half_of_the_pair_is_refused(shortened, tmp_path, suffix):
    path = copy_of(shortened[0], tmp_path)
    path.with_name(path.name + suffix).unlink()
    assert f"{suffix}' does not exist; pass the path that was simulated to" in refusal(path)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_truncated_half_of_the_pair_is_refused(shortened, tmp_path, suffix):
    path = copy_of(shortened[0], tmp_path)
    half = path.with_name(path.name + suffix)
    half.write_bytes(half.read_bytes()[:-200])
    assert "is damaged" in refusal(path)
    assert refusal(path).endswith("simulate the runs again")


def test_pair_of_two_different_simulations_is_refused(shortened, tmp_path):
    path = copy_of(shortened[0], tmp_path)
    table = path.with_name(path.name + ".parquet")
    pl.read_parquet(table).head(9).write_parquet(table)
    assert "does not hold the runs that the .json file beside it lists" in refusal(path)


def test_later_format_is_refused(shortened, tmp_path):
    path = copy_of(shortened[0], tmp_path)
    about = path.with_name(path.name + ".json")
    about.write_text(json.dumps({**json.loads(about.read_text(encoding="utf-8")), "format": 2}))
    assert "has format 2, this version of dccad reads 1; install a later dccad" in refusal(path)


def test_failed_write_leaves_the_old_pair(shortened, tmp_path, monkeypatch):
    path = copy_of(shortened[0], tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dccad.support.files.os.fsync", full_disk)
    fresh = simulate()
    other = SimulatedRun(fresh.run, replace(fresh.record, name="other"))
    with pytest.raises(OSError, match="No space left on device"):
        files.write_tep_parquet([other], path, generator={})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
