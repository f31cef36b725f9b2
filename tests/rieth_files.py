"""Files in the published form of Rieth et al., smaller.

Each cell tells its fault, run, sample and column, so that a slip by one anywhere shows as another
number.
"""

import itertools

import numpy as np
import pytest

from dccad.datasets.tep.classic import COLUMNS
from dccad.datasets.tep.rieth import load_tep_rieth
from dccad.errors import InputError
from rdata_writer import write_rdata

TRAIN_ROWS, TEST_ROWS = 24, 165  # just beyond the onsets 20 and 160
FAULT_FREE_TRAINING = "TEP_FaultFree_Training.RData"
FAULTY_TRAINING = "TEP_Faulty_Training.RData"
FAULT_FREE_TESTING = "TEP_FaultFree_Testing.RData"
FAULTY_TESTING = "TEP_Faulty_Testing.RData"


def cell(fault, run, sample, column):
    return 1e6 * fault + 1e4 * run + sample + column / 100


def frame(faults, runs, n_samples):
    keys = np.array(list(itertools.product(faults, runs, range(1, n_samples + 1))), dtype=float)
    table = {
        "faultNumber": keys[:, 0],
        "simulationRun": keys[:, 1],
        "sample": keys[:, 2].astype(np.int32),  # as published: an integer beside doubles
    }
    for position, name in enumerate(COLUMNS):
        table[name] = cell(*keys.T, position)
    return table


def write(path, table, name="faulty_training", **options):
    write_rdata(path, {name: table}, **options)


def assert_run_is(run, fault, number, n_samples):
    samples = np.arange(1, n_samples + 1)[:, None]
    np.testing.assert_array_equal(run.values, cell(fault, number, samples, np.arange(52)))


def refusal(folder, kind=InputError, **options):
    with pytest.raises(kind) as caught:
        load_tep_rieth(folder, **{"faults": [1], "parts": "train", **options})
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "FOLDER")


def whole(table, name):
    return {**table, name: table[name].astype(int)}


GOOD = frame([1], [1, 2], TRAIN_ROWS)
