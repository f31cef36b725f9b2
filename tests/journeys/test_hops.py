"""The way from a public method to the arithmetic is the one that the README shows."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import SMALL
from dccad import DCCA
from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.scoring.statistics import WindowStatistics

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dccad"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def told(method):
    """Files that the README names on the way from a method."""
    [line] = re.findall(rf"^\* `DCCA\.{method}`: (.*)$", README, re.MULTILINE)
    return re.findall(r"`([\w/]+\.py)`", line)


def files_on_the_stack():
    """Files of the package between the test and the caller, outermost first, each once.

    ``support/`` is no step on the way: threads and progress stand around the steps.
    """
    frame, files = sys._getframe(2), []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(SOURCE):
            files.insert(0, path.relative_to(SOURCE).as_posix())
        frame = frame.f_back
    return list(dict.fromkeys(file for file in files if not file.startswith("support/")))


@pytest.fixture
def way(monkeypatch):
    """Note the files on the stack at the first call of a method of a class."""

    def note(owner, name):
        seen, call = [], getattr(owner, name)

        def noted(*arguments, **options):
            if not seen:
                seen.extend(files_on_the_stack())
            return call(*arguments, **options)

        monkeypatch.setattr(owner, name, noted)
        return seen

    return note


@pytest.fixture(scope="module")
def log():
    return np.random.default_rng(0).normal(size=(120, 3))


def test_the_readme_shows_the_way_from_fit_to_the_gradient(way, log):
    seen = way(DirectionalAutoencoder, "differentiate")
    DCCA(**SMALL).fit(log)
    assert [*seen, "method/network/depthwise.py"] == told("fit")


def test_the_readme_shows_the_way_from_decision_function_to_the_distances(way, log):
    detector = DCCA(**SMALL).fit(log)
    seen = way(WindowStatistics, "judge")
    detector.decision_function(log)
    assert seen == told("decision_function")


def test_every_folder_of_the_table_of_steps_is_there():
    table = README[README.index("| step | folder |") :].split("\n\n")[0]
    folders = re.findall(r"^\| \w+ \| `([\w/]+/)` \|", table, re.MULTILINE)
    assert len(folders) == 7
    steps = {path.name for path in (SOURCE / "method").iterdir() if (path / "__init__.py").exists()}
    assert {Path(folder).name for folder in folders} == steps | {"calibration"}
    assert all((SOURCE / folder / "__init__.py").is_file() for folder in folders)
