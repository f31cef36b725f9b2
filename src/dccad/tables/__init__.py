"""Any plant's tables as runs of sensor rows: files, folders, workbooks, databases, streams.

Names are imported on first use: the command line takes its options from here without loading a
table library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.tables.check import check_log_tables
    from dccad.tables.options import TableOptions
    from dccad.tables.parquet.log import ParquetLog
    from dccad.tables.reader import Tables, read_table, read_tables
    from dccad.tables.runs import TableSummary

__all__ = [
    "ParquetLog",
    "TableOptions",
    "TableSummary",
    "Tables",
    "check_log_tables",
    "read_table",
    "read_tables",
]

_HOME = {
    "ParquetLog": "dccad.tables.parquet.log",
    "TableOptions": "dccad.tables.options",
    "TableSummary": "dccad.tables.runs",
    "Tables": "dccad.tables.reader",
    "check_log_tables": "dccad.tables.check",
    "read_table": "dccad.tables.reader",
    "read_tables": "dccad.tables.reader",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
