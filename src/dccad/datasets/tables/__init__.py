"""Any plant's tables as runs of sensor rows: files, folders, workbooks, databases, streams.

Names are imported on first use: the command line takes its options from here without loading a
table library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.datasets.tables.check import check_log_tables
    from dccad.datasets.tables.options import TableOptions
    from dccad.datasets.tables.parquet_log import ParquetLog
    from dccad.datasets.tables.reader import Tables, read_table, read_tables
    from dccad.datasets.tables.table_runs import TableSummary

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
    "ParquetLog": "dccad.datasets.tables.parquet_log",
    "TableOptions": "dccad.datasets.tables.options",
    "TableSummary": "dccad.datasets.tables.table_runs",
    "Tables": "dccad.datasets.tables.reader",
    "check_log_tables": "dccad.datasets.tables.check",
    "read_table": "dccad.datasets.tables.reader",
    "read_tables": "dccad.datasets.tables.reader",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
