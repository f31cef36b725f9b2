"""A log and models in a folder, and a way to call ``dccad`` there."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from command_line import CHEAP_MONITOR, FIT, NAMES
from conftest import caller
from dccad import Run
from dccad.cli.main import main


@pytest.fixture(scope="session")
def log():
    """Two runs of a pump, 110 and 90 rows, a row a minute; the second run ends elsewhere."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(200, 3))
    values[160:] += [4.0, 0.0, -4.0]
    stamps = [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=i) for i in range(200)]
    columns = {"time": stamps, "unit": ["a"] * 110 + ["b"] * 90}
    return pl.DataFrame(columns | {name: values[:, i] for i, name in enumerate(NAMES)})


@pytest.fixture(scope="session")
def runs(log):
    """The same log as Python has it."""
    stamps = log["time"].to_numpy().astype("datetime64[ns]")
    values = log.select(NAMES).to_numpy()
    parts = {"a": slice(0, 110), "b": slice(110, 200)}
    return {
        name: Run(np.ascontiguousarray(values[part]), tuple(NAMES), name, stamps[part])
        for name, part in parts.items()
    }


@pytest.fixture(scope="session")
def wide(log):
    """The log as one run without a run column."""
    return log.drop("unit")


@pytest.fixture(scope="session")
def workplace(log, tmp_path_factory):
    """A folder with the log and a model fitted on it; tests must not change these."""
    folder = tmp_path_factory.mktemp("cli")
    log.write_csv(folder / "log.csv")
    log.write_parquet(folder / "log.parquet")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(FIT) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def call(workplace, tmp_path, monkeypatch, capsys):
    """Call ``dccad`` in a fresh folder that has the log and the model; (code, stdout, stderr)."""
    for name in ("log.csv", "log.parquet", "model"):
        (tmp_path / name).symlink_to(workplace / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return caller(capsys)


def write_log(path, values, stamps=True):
    columns = dict(zip(NAMES, values.T, strict=True))
    if stamps:
        begin = dt.datetime(2024, 1, 1)
        columns = {"time": [begin + dt.timedelta(minutes=i) for i in range(len(values))]} | columns
    pl.DataFrame(columns).write_csv(path)


@pytest.fixture(scope="session")
def alarm_workplace(tmp_path_factory):
    """Models with either calibration, and logs with and without stamps: 30 rows are far off."""
    folder = tmp_path_factory.mktemp("alarms")
    rng = np.random.default_rng(3)
    new = rng.normal(size=(300, 3))
    new[200:230] += 8.0
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_log("normal.csv", rng.normal(size=(400, 3)))
        write_log("today.csv", new)
        write_log("bare.csv", new, stamps=False)
        fit = ["fit", "--normal", "normal.csv", *CHEAP_MONITOR]
        assert main([*fit, "-o", "model"]) == 0
        assert main([*fit, "-o", "conformal", "--set=calibration=held-out"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def alarm_call(alarm_workplace, tmp_path, monkeypatch, capsys):
    """Call ``dccad`` in a folder of its own that has the logs and models; (code, out, err)."""
    for path in alarm_workplace.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return caller(capsys)
