"""Fixtures that every test file shares: seeds, one thread, and one small trained detector."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from dccad import DCCA
from dccad.cli.main import main
from dccad.errors import DccadWarning
from dccad.logs.windows import WindowSet

# the same examples in every run; a longer search is `pytest --hypothesis-profile=search`
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("search", max_examples=1000)
settings.load_profile("repeatable")

RTOL = {
    "chunks": 1e-4,  # float32 sums in another order inside the convolutions
    "onnx": 1e-4,  # float64 where the detector computes in float32, sums in another order
    "reloaded": 0.0,  # the same numbers in the same order
}

SMALL = {
    "window": 8,
    "n_kernels": 4,
    "pretrain_epochs": 3,
    "joint_epochs": 4,
    "update_interval": 2,
    "n_init": 2,
    "calibration": "held-out",  # one fit; cross-fitting makes 17 where there is a reference
    "false_alarm_rate": 0.05,
    "random_state": 0,
}

# for tests of reading, refusing and writing, where what was learned does not matter
FAST = {
    "window": 8,
    "n_kernels": 2,
    "pretrain_epochs": 1,
    "joint_epochs": 1,
    "n_init": 1,
    "calibration": "held-out",
    "false_alarm_rate": 0.05,
    "random_state": 0,
}

CLASSIC = Path(__file__).parents[2] / "shared" / "data" / "tep"


def caller(capsys):
    """Call ``dccad`` in this process: a function of its arguments that gives (code, out, err)."""

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def windows_of(segments, length, stride=1):
    """The windows of segments of shape (n_rows, n_sensors), each given by itself."""
    rows = np.concatenate(segments, dtype=np.float32)
    return WindowSet.of_table(rows, [len(part) for part in segments], length, stride)


@pytest.fixture(autouse=True)
def _one_seed_and_one_thread():
    np.random.seed(0)  # noqa: NPY002  # scikit-learn's checks draw from the old global generator
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def two_regimes():
    """A log of 400 rows: from row 250 on, two means have moved and the noise has doubled."""
    rng = np.random.default_rng(7)
    log = rng.normal(size=(400, 3))
    log[250:] *= 2.0
    log[:, 1] = 0.5 * log[:, 1] + 0.3 * np.sin(np.arange(400) / 3)
    log[250:] += [4.0, 0.0, -4.0]
    return log


@pytest.fixture(scope="session")
def trained(two_regimes):
    """A small detector fitted on ``two_regimes``; tests must not change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        return DCCA(**SMALL).fit(two_regimes)


@pytest.fixture(scope="session")
def published(two_regimes):
    """The method as published, fitted on ``two_regimes``; tests must not change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        return DCCA.as_published(**SMALL).fit(two_regimes)


@pytest.fixture(scope="session")
def with_signatures(two_regimes):
    """A small detector fitted on ``two_regimes`` beside a reference; tests must not change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        return DCCA(**SMALL).fit(two_regimes, normal=two_regimes[:200])


@pytest.fixture(scope="session")
def single_sensor(two_regimes):
    """A small detector fitted on the first sensor of ``two_regimes``; tests must not change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        return DCCA(**SMALL).fit(two_regimes[:, :1])


@pytest.fixture(scope="session")
def classic_folder():
    """The classic Tennessee Eastman files, which are not part of the project."""
    if not (CLASSIC / "d00.dat").is_file():
        pytest.skip(f"the classic Tennessee Eastman files are not at {CLASSIC}")
    return CLASSIC
