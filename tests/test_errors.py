"""Every warning names the line that the user wrote, wherever in the package it is issued."""

import ast
import itertools
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import dccad
from conftest import FAST
from dccad import DCCA, Run
from dccad.calibration.predictive import fit_calibration
from dccad.datasets import ParquetLog, load_tep, load_tep_rieth
from dccad.datasets.download import DownloadError, fetch_files
from dccad.datasets.machining.preparation import prepare_peeling
from dccad.datasets.tep import many as tep_many
from dccad.datasets.tep.classic import COLUMNS
from dccad.datasets.tep.many import get_tep_many, load_tep_many
from dccad.datasets.tep.simulated_files import RunPlan, RunRecord, SimulatedRun
from dccad.errors import (
    CalibrationWarning,
    ColumnNamesWarning,
    ConstantSensorWarning,
    DccadWarning,
    LatentCollapseWarning,
    SingleClusterWarning,
)
from dccad.evaluation.baselines import KMeansWindows
from dccad.results.in_pieces import score_source
from rdata_writer import write_rdata

ROWS = np.random.default_rng(0).normal(size=(120, 3))
NAMED = pl.DataFrame(ROWS, schema=["a", "b", "c"])


def locate(call, category, text):
    """Lines of this file at which ``call`` warns of ``text``."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = [w for w in caught if w.category is category and text in str(w.message)]
    assert found, f"no such warning among {[str(w.message) for w in caught]}"
    assert {Path(w.filename).name for w in found} == {Path(__file__).name}
    return {w.lineno for w in found}


def line_of(call):
    """Where a lambda of one line stands, and with it the user's call."""
    return {call.__code__.co_firstlineno}


FITS = {
    "constant sensor": (
        lambda: DCCA(**FAST).fit(np.column_stack([ROWS, np.ones(len(ROWS))])),
        ConstantSensorWarning,
        "1 of 4 sensors never change",
    ),
    "constant sensor, two ways in one call": (
        lambda: DCCA(**FAST).fit_predict(np.column_stack([ROWS, np.ones(len(ROWS))])),
        ConstantSensorWarning,
        "1 of 4 sensors never change",
    ),
    "one region": (
        lambda: DCCA(**FAST).fit(np.ones((60, 2))),
        SingleClusterWarning,
        "training windows lie in one region",
    ),
    "collapse": (
        lambda: DCCA(**FAST).fit(np.ones((60, 2))),
        LatentCollapseWarning,
        "have collapsed",
    ),
    "too short to hold out": (
        lambda: DCCA(**FAST).fit(ROWS, normal=ROWS[:20]),
        CalibrationWarning,
        "too short to keep a part out",
    ),
    "too short to cross-fit": (
        lambda: DCCA(**{**FAST, "calibration": "cross-fitted"}).fit(None, normal=ROWS[:40]),
        CalibrationWarning,
        "too few for cross-fitting",
    ),
    "few windows for the rate": (
        lambda: DCCA(**{**FAST, "false_alarm_rate": 0.01}).fit(ROWS, normal=ROWS),
        CalibrationWarning,
        "needs at least 99 normal windows",
    ),
    "few windows for the rate of a baseline": (
        lambda: KMeansWindows(5).fit(None, normal=[Run(ROWS, ("a", "b", "c"))]),
        CalibrationWarning,
        "needs at least 99 normal windows",
    ),
    "reference worth few rows": (
        lambda: fit_calibration([np.linspace(1, 2, 30)]),
        CalibrationWarning,
        "worth only",
    ),
    "drifting reference": (
        lambda: fit_calibration([ROWS[:, 0]], ahead=[np.full(9, 9.0)], between=[np.zeros(9)]),
        CalibrationWarning,
        "the reference drifts",
    ),
    "short stretches of a peeling machine": (
        lambda: prepare_peeling([5, 5, 5, 9], [0, 0, 0, 1], downsample=3, train_fraction=1.0),
        DccadWarning,
        "are left out",
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_a_warning_names_the_line_that_called(name):
    call, category, text = FITS[name]
    assert locate(call, category, text) == line_of(call)


SCORINGS = {
    "decision_function": lambda detector: detector.decision_function(NAMED),
    "predict": lambda detector: detector.predict(NAMED),
    "transform, which scikit-learn wraps": lambda detector: detector.transform(NAMED),
    "pipeline of scikit-learn": lambda detector: make_pipeline(detector).transform(NAMED),
    "cross-validation of scikit-learn": lambda detector: cross_val_score(
        DCCA(**FAST), np.column_stack([ROWS, np.ones(len(ROWS))]), scoring=lambda *_: 0.0, cv=2
    ),
}


@pytest.mark.parametrize("name", SCORINGS)
def test_a_warning_names_the_line_that_called_through_scikit_learn_too(name, trained):
    call = SCORINGS[name]
    constant = "cross-validation" in name
    category = ConstantSensorWarning if constant else ColumnNamesWarning
    text = "1 of 4 sensors never change" if constant else "X has feature names"
    assert locate(lambda: call(trained), category, text) == line_of(call)


def test_scores_of_a_log_without_names_are_reported_at_the_callers_line():
    detector = DCCA(**FAST).fit(NAMED)
    call = lambda: detector.decision_function(ROWS)  # noqa: E731
    assert locate(call, ColumnNamesWarning, "X does not have valid") == line_of(call)


def test_scores_of_a_log_in_pieces_are_reported_at_the_callers_line(trained, tmp_path):
    NAMED.write_parquet(tmp_path / "log.parquet")
    source = ParquetLog([tmp_path / "log.parquet"])
    call = lambda: score_source(trained, source, tmp_path / "scores.parquet")  # noqa: E731
    assert locate(call, ColumnNamesWarning, "X has feature names") == line_of(call)


# -- data sets -----------------------------------------------------------------------------------


def test_files_that_are_not_the_published_ones_are_reported_at_the_callers_line(tmp_path):
    table = "\n".join([" ".join(["1.5"] * 52)] * 170)
    for fault, kind in itertools.product(range(22), ("", "_te")):
        (tmp_path / f"d{fault:02d}{kind}.dat").write_text(table)
    call = lambda: load_tep(tmp_path)  # noqa: E731
    assert locate(call, DccadWarning, "instead of 500") == line_of(call)


def test_an_rdata_file_of_another_length_is_reported_at_the_callers_line(tmp_path):
    pytest.importorskip("rdata", reason="rdata, which the extra 'rdata' installs")
    keys = {"faultNumber": np.zeros(30), "simulationRun": np.ones(30)}
    frame = {**keys, "sample": np.arange(1.0, 31), **{name: np.ones(30) for name in COLUMNS}}
    write_rdata(tmp_path / "TEP_FaultFree_Training.RData", {"fault_free_training": frame})
    call = lambda: load_tep_rieth(tmp_path, faults=[0], parts="train")  # noqa: E731
    assert locate(call, DccadWarning, "30 rows instead of 500") == line_of(call)


def test_a_damaged_or_other_set_of_runs_is_reported_at_the_callers_line(tmp_path, monkeypatch):
    plan = RunPlan("fault-00-run-001", "train", 0, 0.5, 0.0, None, 3)
    record = RunRecord(**vars(plan), rows=10, onset=None, shutdown_hours=None, shutdown_message="")
    made = SimulatedRun(Run(np.ones((10, 52)), COLUMNS, plan.name, fault=0), record)
    monkeypatch.setattr(tep_many, "simulate_in_any_order", lambda *_: [(0, made)])
    get_tep_many(tmp_path, plans=(plan,))
    call = lambda: load_tep_many(tmp_path)  # noqa: E731
    assert locate(call, DccadWarning, "does not hold the standard runs") == line_of(call)
    (tmp_path / "tep_many.json").write_text("{}")
    call = lambda: get_tep_many(tmp_path, plans=(plan,))  # noqa: E731
    assert locate(call, DccadWarning, "the set is simulated again") == line_of(call)


def test_a_file_that_a_download_replaces_is_reported_at_the_callers_line(tmp_path):
    pytest.importorskip("pooch", reason="pooch, which the extra 'data' installs")
    (tmp_path / "d00.dat").write_text("my own notes")

    def download():
        with pytest.raises(DownloadError):
            fetch_files({"d00.dat": "0" * 64}, tmp_path, ["http://127.0.0.1:9"], timeout=0.1)

    [line] = locate(download, DccadWarning, "d00.dat in")
    assert line == download.__code__.co_firstlineno + 2


# -- where the user's line is hard to find -------------------------------------------------------


def test_in_a_thread_the_warning_names_the_function_that_runs_there(trained):
    def work():
        trained.decision_function(NAMED)

    def start():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    found = locate(start, ColumnNamesWarning, "X has feature names")
    assert found == {work.__code__.co_firstlineno + 1}


def test_without_a_line_of_the_user_the_warning_is_issued_all_the_same(trained):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=trained.decision_function, args=(NAMED,))
        thread.start()
        thread.join()
    [found] = [w for w in caught if w.category is ColumnNamesWarning]
    assert Path(found.filename).name == "inputs.py"


def test_a_script_sees_its_own_line_beside_the_warning(tmp_path):
    script = tmp_path / "monitor.py"
    script.write_text(
        "import numpy as np\n"
        "from dccad.method.representation.scaling import fit_scaling\n"
        "from dccad import Run\n"
        "fit_scaling([Run(np.ones((9, 1)), ('flow',))])  # my call\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert f"{script}:4: ConstantSensorWarning: 1 of 1 sensors never change" in done.stderr
    assert "# my call" in done.stderr


def test_no_module_counts_the_calls_between_a_warning_and_the_user():
    source = Path(dccad.__file__).parent
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("warnings.warn"):
                assert path.name == "errors.py", (
                    f"{path}:{node.lineno} goes round dccad.errors.warn"
                )
