"""Small sets of the form of the Tennessee Eastman process, for the tests of protocols."""

import numpy as np

from dccad import Run
from dccad.datasets import Dataset

TINY = {"window": 6, "n_kernels": 2, "pretrain_epochs": 1, "joint_epochs": 2, "n_init": 1}
"""Settings of a fit that takes a moment."""


def make_run(name, n_rows, fault, onset, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3))
    if onset is not None:
        values[onset:, fault % 3] += 6.0
    return Run(values, ("a", "b", "c"), name, fault=fault, onset=onset)


def shifted_plant():
    """Noise of three sensors; a fault shifts one of them by six deviations."""
    train = [make_run(f"d{f:02}", 60, f, 0 if f else None, f) for f in (0, 1, 2, 3)]
    test = [make_run(f"d{f:02}_te", 80, f, 30 if f else None, 10 + f) for f in (0, 1, 2, 3)]
    return Dataset("mini", tuple(train), tuple(test))


def run_of(values, name, fault, onset=None):
    return Run(np.asarray(values, float)[:, None], ("a",), name, fault=fault, onset=onset)


NORMAL = np.arange(200.0)  # 1 %: two rows above 197, 5 %: ten rows above 189


def counted_plant():
    """One sensor, with values whose shares and delays are counted by hand."""
    late = np.full(40, 0.0)
    late[[12, 15, 16, 17, 18, 30]] = 300  # of 30 faulty rows; three in a row from row 15 on
    never = np.full(40, 0.0)
    never[10::3] = 195  # ten rows, below the 1 % threshold and above the 5 % one
    hardly = np.full(40, 1000.0)  # fault 3: high before its onset, too
    test = (
        run_of(NORMAL, "d00_te", 0),
        run_of(late, "d01_te", 1, 10),
        run_of(never, "d02_te", 2, 10),
        run_of(hardly, "d03_te", 3, 10),
    )
    train = (run_of(NORMAL, "d00", 0), *(run_of(NORMAL, f"d0{f}", f, 20) for f in (1, 2, 3)))
    return Dataset("mini", train, test)
