"""One small table in several formats, and how it is opened."""

import datetime as dt

import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.files.sources import expand_sources
from dccad.tables.opening import open_source
from dccad.tables.options import TableOptions

T0 = dt.datetime(2020, 3, 9, 10, 14, 33)


FRAME = pl.DataFrame({"when": [T0, T0], "flow": [1.5, None], "state": ["run", "stop"]})


def opened(path, **options):
    [source] = expand_sources([path])
    return open_source(source, TableOptions(**options))


def message_of(path, error=InputError, **options):
    with pytest.raises(error) as caught:
        opened(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def refusal(path, error=InputError, **options):
    return message_of(path, error, **options).replace(str(path), "FILE")


# Read ---------------------------------------------------------------------------------------------


def write_parquet(path):
    FRAME.write_parquet(path)


def write_arrow(path):
    FRAME.write_ipc(path, compression="zstd")


def write_stream(path):
    FRAME.write_ipc_stream(path)


def write_xlsx(path):
    FRAME.write_excel(path.with_suffix(".xlsx"))
    path.with_suffix(".xlsx").rename(path)


def write_csv(path):
    FRAME.write_csv(path)
