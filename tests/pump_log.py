"""A pump's log as a table: what tests of logs in pieces read."""

import datetime as dt

import numpy as np
import polars as pl

NAMES = ["flow", "pressure", "level"]


def make_frame(n_rows, seed, start, gap_at=None, **columns):
    """Rows of a pump, one a second; an hour is missing before row ``gap_at``."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3))
    values[n_rows // 2 :: 400] += 6.0
    seconds = np.arange(n_rows) + start
    if gap_at is not None:
        seconds[gap_at:] += 3600
    stamps = [dt.datetime(2024, 1, 1) + dt.timedelta(seconds=int(s)) for s in seconds]
    sensors = {name: values[:, i] for i, name in enumerate(NAMES)}
    return pl.DataFrame({"time": stamps, **columns, **sensors})
