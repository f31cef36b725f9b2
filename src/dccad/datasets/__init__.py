"""Data sets and table files as runs of sensor rows.

Names are imported on first use: ``import dccad.datasets`` loads no table library, no simulator
and no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.datasets.dataset import Dataset
    from dccad.datasets.download import find_tep, get_tep
    from dccad.datasets.embedded import load_tep_simulated, simulated_record
    from dccad.datasets.machining.preparation import load_peeling, prepare_peeling
    from dccad.datasets.machining.simulation import simulate_peeling
    from dccad.datasets.machining.workbooks import write_peeling_workbooks
    from dccad.datasets.registry import list_datasets, load_dataset
    from dccad.datasets.score_files import write_scores
    from dccad.datasets.simulation import simulate_tep, simulate_tep_run
    from dccad.datasets.skab import load_skab
    from dccad.datasets.tables.check import check_log_tables
    from dccad.datasets.tables.options import TableOptions
    from dccad.datasets.tables.parquet_log import ParquetLog
    from dccad.datasets.tables.reader import Tables, read_table, read_tables
    from dccad.datasets.tep import load_tep
    from dccad.datasets.tep_many import get_tep_many, load_tep_many
    from dccad.datasets.tep_rieth import load_tep_rieth

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
    "write_scores",
]

_HOME = {
    "Dataset": "dataset",
    "ParquetLog": "tables",
    "TableOptions": "tables",
    "Tables": "tables",
    "check_log_tables": "tables",
    "find_tep": "download",
    "get_tep": "download",
    "get_tep_many": "tep_many",
    "list_datasets": "registry",
    "load_dataset": "registry",
    "load_peeling": "machining",
    "load_skab": "skab",
    "load_tep": "tep",
    "load_tep_many": "tep_many",
    "load_tep_rieth": "tep_rieth",
    "load_tep_simulated": "embedded",
    "prepare_peeling": "machining",
    "read_table": "tables",
    "read_tables": "tables",
    "simulate_peeling": "machining",
    "simulate_tep": "simulation",
    "simulate_tep_run": "simulation",
    "simulated_record": "embedded",
    "write_peeling_workbooks": "machining",
    "write_scores": "score_files",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
