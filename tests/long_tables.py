"""Make long tables of rows wide, and the messages of those that are refused."""

import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.historian.pivot import LongColumns, pivot_long
from dccad.tables.options import TableOptions

COLUMNS = LongColumns("time", "tag", "value")


TEXT, REAL, WHOLE = pl.String(), pl.Float64(), pl.Int64()


def pivot(rows, columns=COLUMNS, choose=None, **options):
    frame = pl.LazyFrame(
        rows, schema=["time", "tag", "value", "quality"][: len(rows[0])], orient="row"
    )
    return pivot_long(frame, columns, TableOptions(**options), "FILE", choose)


def refusal(rows, columns=COLUMNS, error=InputError, **options):
    with pytest.raises(error) as caught:
        pivot(rows, columns, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message
