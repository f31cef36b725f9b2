"""The Tennessee Eastman set that is shipped inside the package: 42 simulated runs.

:func:`simulated_record` says how they were made, and which of them end in a shutdown of the plant.
"""

from __future__ import annotations

from importlib.resources import as_file, files

from dccad.datasets.dataset import Dataset
from dccad.datasets.tep.simulated_files import RunRecord, read_records, read_tep_parquet

NAME = "tep_simulated"


def load_tep_simulated() -> Dataset:
    """Load the shipped set: no download, no simulator.

    Returns
    -------
    Dataset
        21 training and 21 test runs in the order of the fault numbers. ``Run.values`` is float32
        of shape (n_rows, 52) in plant units; ``Run.time`` is float64, in seconds since the first
        row of the run, 180 s apart.

    Examples
    --------
    >>> dataset = load_tep_simulated()
    >>> run = dataset.test_run(1)
    >>> run.values.shape, run.onset, run.columns[0], run.units[0]
    ((960, 52), 160, 'xmeas_1', 'kscmh')
    >>> run.time[:3].tolist()
    [0.0, 180.0, 360.0]
    """
    with as_file(files("dccad.datasets").joinpath("data")) as folder:
        return read_tep_parquet(folder / NAME, name="tep-simulated")


def simulated_record() -> tuple[RunRecord, ...]:
    """Tell how each shipped run was made (seed, hours, onset) and how it ended.

    Returns
    -------
    tuple of RunRecord
        Training runs, then test runs, in the order of the fault numbers.

    Examples
    --------
    >>> record = simulated_record()
    >>> [r.name for r in record if r.shutdown_hours is not None][0]
    'd06'
    """
    with as_file(files("dccad.datasets").joinpath("data")) as folder:
        return read_records(folder / NAME)
