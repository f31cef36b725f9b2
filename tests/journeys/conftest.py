"""A log, a model fitted on it, and a way to see ``dccad`` refuse what is wrong with them."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import dccad
from conftest import FAST
from dccad import DCCA
from dccad.cli.main import main
from refusals import as_frame, contents, one_line


@pytest.fixture(scope="session")
def log():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(120, 3))
    values[80:] += [4.0, 0.0, -4.0]
    return values


@pytest.fixture(scope="session")
def trained_folder(log, tmp_path_factory):
    """A model folder fitted on the log as a data frame; tests must not change it."""
    folder = tmp_path_factory.mktemp("bad-input") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        DCCA(**FAST).fit(as_frame(log)).save(folder)
    return folder


@pytest.fixture(scope="session")
def detector(trained_folder):
    return dccad.load(trained_folder)


@pytest.fixture
def model(trained_folder, tmp_path):
    """A copy of the trained model in the working directory, to be damaged."""
    return Path(shutil.copytree(trained_folder, tmp_path / "model"))


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Call ``dccad`` in an own folder, see it refuse, and return what it said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, table=None):
        """``table``: what stands above the line, as rows of text."""
        before = contents(tmp_path)
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), err
        assert contents(tmp_path) == before
        *above, last = err.splitlines()
        assert [line.split() for line in above] == [row.split() for row in table or ()], err
        assert not above or max(map(len, above)) <= 80
        return one_line(last)

    return call
