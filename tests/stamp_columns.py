"""Read columns of time stamps, and the messages of those that are refused."""

import numpy as np
import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.time.stamps import (
    read_instants,
)


def read(cells, time_format=None, timezone=None, groups=None):
    column = cells if isinstance(cells, pl.Series) else pl.Series("t", cells)
    return read_instants(
        column.alias("t"),
        time_format=time_format,
        timezone=timezone,
        source="FILE",
        groups=None if groups is None else np.asarray(groups),
    )


def instants(*texts):
    return np.array(texts, dtype="datetime64[ns]")


def refusal(cells, error=InputError, **options):
    with pytest.raises(error) as caught:
        read(cells, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message
