"""Sets that several tests of the process read."""

import pytest

from dccad.datasets.tep.simulator import (
    simulate_to,
)
from rieth_files import (
    FAULT_FREE_TESTING,
    FAULT_FREE_TRAINING,
    FAULTY_TESTING,
    FAULTY_TRAINING,
    TEST_ROWS,
    TRAIN_ROWS,
    frame,
    write,
)
from short_simulations import SHORT


@pytest.fixture(scope="module")
def shortened(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulated") / "short.set"
    calls = []
    records = simulate_to(path, faults=[0, 2], progress=lambda *call: calls.append(call), **SHORT)
    return path, records, calls


@pytest.fixture(scope="module")
def published_form(tmp_path_factory):
    """All four files with 3 runs a fault; tests must not change them."""
    folder = tmp_path_factory.mktemp("rieth")
    runs, faulty = [1, 2, 3], range(1, 21)
    write(folder / FAULT_FREE_TRAINING, frame([0], runs, TRAIN_ROWS), "fault_free_training")
    write(folder / FAULTY_TRAINING, frame(faulty, runs, TRAIN_ROWS))
    write(folder / FAULT_FREE_TESTING, frame([0], runs, TEST_ROWS), "fault_free_testing")
    write(folder / FAULTY_TESTING, frame(faulty, runs, TEST_ROWS), "faulty_testing")
    return folder
