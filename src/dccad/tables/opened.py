"""A table that has been opened, whatever it is stored as: named columns, not yet read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def exactly(*names: str) -> Any:
    """Columns of exactly these names: "*" and "^a$" are names, too, and to polars patterns.

    Examples
    --------
    >>> import polars as pl
    >>> pl.DataFrame({"*": [1], "a": [2]}).select(exactly("*")).columns
    ['*']
    """
    import polars.selectors as cs

    return cs.by_name(*names)


@dataclass(frozen=True)
class OpenedTable:
    """What every format is brought into before its columns mean anything.

    Attributes
    ----------
    frame : polars.LazyFrame
        Named columns; text stays text, blank cells are null.
    source : str
        What messages call it: the path, or the address of a database without its password.
    name : str
        Name of its run: the file name without suffix, the database's name, or "stdin".
    format : str
        For people: "CSV", "Parquet", "Excel workbook", "PostgreSQL" ….
    units : mapping of str to str
        Unit of a column, where a row of units stood below the names.
    notes : tuple of str
        What was decided while opening, one short sentence each, for the summary.
    sliceable : bool
        A range of rows can be read without reading what stands before it.
    """

    frame: pl.LazyFrame
    source: str
    name: str
    format: str
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sliceable: bool = False
