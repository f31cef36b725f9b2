"""Write row scores as a table file."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from dccad.errors import InputError
from dccad.support.files import replace_files


def write_scores(path: str | os.PathLike[str], columns: Mapping[str, ArrayLike]) -> None:
    r"""Write columns of equal length as CSV or Parquet, whole or not at all.

    Parameters
    ----------
    path : str or path
        The suffix tells the format: .csv or .parquet. An existing file is replaced.
    columns : mapping of str to array-like of shape (n_rows,)
        Numbers, datetime64 or str. NaN is written as ``NaN``.

    Raises
    ------
    InputError
        The suffix is another one, or the columns differ in length.
    OSError
        The disk is full, the folder is missing or not writable; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "scores.csv"
    ...     write_scores(file, {"row": [0, 1], "score": [float("nan"), 0.25]})
    ...     file.read_text()
    'row,score\n0,NaN\n1,0.25\n'
    """
    import polars as pl

    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(
            f"{target}: scores are written as .csv or .parquet, not {suffix!r}; "
            "give the output one of these suffixes"
        )
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name!r} {array.shape}" for name, array in arrays.items())
        raise InputError(f"{target}: the columns differ in length: {lengths}; pass one value a row")
    frame = pl.DataFrame({name: pl.Series(name, array) for name, array in arrays.items()})
    content = io.BytesIO()
    # the bytes go to disk through Python, which reports a full disk as OSError
    if suffix == ".csv":
        frame.write_csv(content, datetime_format="%Y-%m-%dT%H:%M:%S%.f")
    else:
        frame.write_parquet(content)
    replace_files({target: content.getvalue()})
