"""Data sets and table files as runs of sensor rows.

Names are imported on first use: ``import dccad.datasets`` loads no table library, no simulator
and no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.datasets.dataset import Dataset
    from dccad.datasets.download import find_tep, get_tep
    from dccad.datasets.machining.preparation import load_peeling, prepare_peeling
    from dccad.datasets.machining.simulation import simulate_peeling
    from dccad.datasets.machining.workbooks import write_peeling_workbooks
    from dccad.datasets.registry import list_datasets, load_dataset
    from dccad.datasets.skab import load_skab
    from dccad.datasets.tep.classic import load_tep
    from dccad.datasets.tep.embedded import load_tep_simulated, simulated_record
    from dccad.datasets.tep.many import get_tep_many, load_tep_many
    from dccad.datasets.tep.rieth import load_tep_rieth
    from dccad.datasets.tep.simulator import simulate_tep, simulate_tep_run
    from dccad.tables.check import check_log_tables
    from dccad.tables.options import TableOptions
    from dccad.tables.parquet.log import ParquetLog
    from dccad.tables.reader import Tables, read_table, read_tables

__all__ = [
    "Dataset",
    "ParquetLog",
    "TableOptions",
    "Tables",
    "check_log_tables",
    "find_tep",
    "get_tep",
    "get_tep_many",
    "list_datasets",
    "load_dataset",
    "load_peeling",
    "load_skab",
    "load_tep",
    "load_tep_many",
    "load_tep_rieth",
    "load_tep_simulated",
    "prepare_peeling",
    "read_table",
    "read_tables",
    "simulate_peeling",
    "simulate_tep",
    "simulate_tep_run",
    "simulated_record",
    "write_peeling_workbooks",
]

_HOME = {
    "Dataset": "dccad.datasets.dataset",
    "ParquetLog": "dccad.tables",
    "TableOptions": "dccad.tables",
    "Tables": "dccad.tables",
    "check_log_tables": "dccad.tables",
    "find_tep": "dccad.datasets.download",
    "get_tep": "dccad.datasets.download",
    "get_tep_many": "dccad.datasets.tep.many",
    "list_datasets": "dccad.datasets.registry",
    "load_dataset": "dccad.datasets.registry",
    "load_peeling": "dccad.datasets.machining",
    "load_skab": "dccad.datasets.skab",
    "load_tep": "dccad.datasets.tep.classic",
    "load_tep_many": "dccad.datasets.tep.many",
    "load_tep_rieth": "dccad.datasets.tep.rieth",
    "load_tep_simulated": "dccad.datasets.tep.embedded",
    "prepare_peeling": "dccad.datasets.machining",
    "read_table": "dccad.tables",
    "read_tables": "dccad.tables",
    "simulate_peeling": "dccad.datasets.machining",
    "simulate_tep": "dccad.datasets.tep.simulator",
    "simulate_tep_run": "dccad.datasets.tep.simulator",
    "simulated_record": "dccad.datasets.tep.embedded",
    "write_peeling_workbooks": "dccad.datasets.machining",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
