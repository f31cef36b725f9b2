"""Logs to damage, and what is asked of every message that refuses one."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from command_line import NAMES
from dccad.errors import DccadError

START = dt.datetime(2024, 1, 1)


def as_frame(values, **more):
    return pl.DataFrame({name: values[:, i] for i, name in enumerate(NAMES)} | more)


def write(values, name="log.csv", **more):
    frame = values if isinstance(values, pl.DataFrame) else as_frame(values, **more)
    frame.write_csv(name) if name.endswith(".csv") else frame.write_parquet(name)
    return name


def stamps(count, step=60, first=0):
    return [START + dt.timedelta(seconds=step * i) for i in range(first, first + count)]


def contents(folder):
    """Every file and folder below, hidden ones too, and the bytes of each file."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def one_line(err):
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("dccad: error: ")
    return lines[0].removeprefix("dccad: error: ")


def raised(kind, function, *arguments, **keywords):
    with pytest.raises(kind) as caught:
        function(*arguments, **keywords)
    assert isinstance(caught.value, DccadError | OSError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def says(text, *words):
    for word in words:
        assert str(word) in text


def tabulate(values):
    """What is told of missing values that stand in one stretch: the sensors with most first."""
    missing = np.isnan(values)
    rows = [
        f"{flags.sum()} {flags.mean():.2%} {np.argmax(flags)} {flags.sum()} {name}"
        for name, flags in zip(NAMES, missing.T, strict=True)
        if flags.any()
    ]
    rows.sort(key=lambda row: -int(row.split()[0]))
    return ["missing share first row longest sensor", *rows]
