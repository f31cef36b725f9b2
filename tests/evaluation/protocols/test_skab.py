from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from conftest import FAST
from dccad import Run
from dccad.datasets import Dataset
from dccad.datasets.skab import TRAIN_ROWS
from dccad.errors import InputError, ParameterError
from dccad.evaluation.benchmark import run_benchmark, run_task
from dccad.evaluation.methods import POSITION_ONLY
from dccad.evaluation.protocols import skab
from dccad.evaluation.registry import PROTOCOLS

SETTINGS = {name: FAST[name] for name in FAST if name not in ("false_alarm_rate", "random_state")}
FITTED = SETTINGS | {"false_alarm_rate": 0.01}  # what run_benchmark makes of them


def make_file(name, n_rows=500, anomaly=(440, 470), seed=0, gap=None):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 2))
    labels = np.zeros(n_rows, dtype=np.int8)
    labels[slice(*anomaly)] = 1
    values[labels == 1] += 4
    time = np.arange(n_rows).astype("timedelta64[s]") + np.datetime64("2020-03-09T10:00:00")
    if gap is not None:
        time[gap:] += np.timedelta64(60, "s")
    return Run(values, ("Current", "Pressure"), name, time, row_labels=labels)


@pytest.fixture(scope="module")
def dataset():
    files = (
        make_file("valve1/0", seed=0),
        make_file("valve1/1", seed=1, anomaly=(450, 450)),
        make_file("valve2/0", seed=2, anomaly=(410, 490), gap=430),
    )
    return Dataset("skab", (), files)


@pytest.fixture(scope="module")
def record(dataset):
    return run_benchmark("skab", dataset, methods=["kmeans-windows"], seeds=[0, 1])


def test_each_file_is_fitted_on_its_first_400_rows_and_judged_on_the_others(dataset):
    tasks = skab.make_tasks(dataset)
    assert [task.key for task in tasks] == ["valve1/0", "valve1/1", "valve2/0"]
    for task, run in zip(tasks, dataset.test, strict=True):
        [normal], [judged] = task.normal, task.test
        np.testing.assert_array_equal(normal.values, run.values[:TRAIN_ROWS])
        assert task.train == ()
        # whole, so that the training rows fill the first windows of the others
        assert judged.run is run
        assert judged.first == TRAIN_ROWS == 400


@pytest.mark.parametrize("method", ["dccad", "kmeans-windows"])
def test_neither_rows_after_400_nor_labels_reach_a_fit(dataset, method, monkeypatch):
    keep = replace(
        PROTOCOLS["skab"],
        judge=lambda fitted, task: {
            "figures": {"threshold": fitted.threshold_},
            "scores": fitted.decision_function([dataset.test[1]])[0],
        },
    )
    monkeypatch.setitem(PROTOCOLS, "skab", keep)
    run = dataset.test[0]
    values = run.values.copy()
    values[TRAIN_ROWS:] = 1000.0
    changed = {
        "same": run,
        "rows": replace(run, values=values),
        "labels": replace(run, row_labels=1 - run.row_labels),
        "train": replace(run, values=np.roll(run.values, 7, axis=0)),
    }
    found = {}
    for name, file in changed.items():
        [task] = skab.make_tasks(Dataset("skab", (), (file,)))
        found[name] = run_task("skab", task, method, 0, FITTED)
    for name in ("rows", "labels"):
        assert found[name]["figures"]["threshold"] == found["same"]["figures"]["threshold"]
        np.testing.assert_array_equal(found[name]["scores"], found["same"]["scores"])
    assert found["train"]["figures"]["threshold"] != found["same"]["figures"]["threshold"]


def test_position_only_rows_have_the_figures_of_counting_by_hand():
    labels = np.zeros(1000, dtype=np.int8)
    labels[500:600] = labels[900:1000] = 1
    file = Run(np.zeros((1000, 1)), ("Current",), "valve1/0", row_labels=labels)
    record = run_benchmark("skab", Dataset("skab", (), (file,)), methods=[], seeds=[0])
    found = record["results"]
    assert list(found) == list(POSITION_ONLY) == ["rows-570-969", "rows-from-570", "all-rows"]
    by_hand = {
        # alarms in 570–599 and 900–969 are true; 200 rows are anomalous, 400 are not
        "rows-570-969": {"f1": 2 * 100 / (400 + 200), "far": 300 / 400, "mar": 100 / 200},
        "rows-from-570": {"f1": 2 * 130 / (430 + 200), "far": 300 / 400, "mar": 70 / 200},
        "all-rows": {"f1": 2 * 200 / (600 + 200), "far": 1.0, "mar": 0.0},
    }
    for name, expected in by_hand.items():
        assert found[name]["f1"]["mean"] == pytest.approx(expected["f1"], abs=1e-6)
        assert found[name]["far_calibrated_1"]["mean"] == expected["far"]
        assert found[name]["mar_calibrated_1"]["mean"] == expected["mar"]
        assert found[name]["rows_judged"] == 600
        assert "fit_seconds" not in found[name]
    assert found["all-rows"]["roc_auc_per_file"]["mean"] == 0.5


def test_alarms_are_pooled_over_files_and_auc_is_a_mean_of_files(dataset, record):
    found = record["results"]["kmeans-windows"]
    aucs, rows = [], []
    for task in skab.make_tasks(dataset):
        caught = {}

        def keep(method, task, caught=caught):
            caught["scores"] = method.decision_function([task.test[0].run])[0]
            caught["flags"] = method.predict([task.test[0].run])[0] == 1
            return {"figures": {}}

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(PROTOCOLS, "skab", replace(PROTOCOLS["skab"], judge=keep))
            run_task("skab", task, "kmeans-windows", 0, {"false_alarm_rate": 0.01})
        labels, scores = task.test[0].labels, caught["scores"]
        kept = [i for i in range(400, 500) if not np.isnan(scores[i])]
        rows += [(labels[i], caught["flags"][i]) for i in kept]
        if 0 < labels[kept].sum() < len(kept):
            aucs.append(roc_auc_score(labels[kept], scores[kept]))
    normal, anomalous = ([flag for label, flag in rows if label == which] for which in (0, 1))
    assert found["roc_auc_per_file"]["per_seed"][0] == pytest.approx(np.mean(aucs), abs=1e-5)
    assert found["far_calibrated_1"]["per_seed"][0] == pytest.approx(np.mean(normal), abs=1e-5)
    assert found["mar_calibrated_1"]["per_seed"][0] == pytest.approx(
        1 - np.mean(anomalous), abs=1e-5
    )
    assert found["rows_judged"] == len(rows) == 300 - 29


def test_the_record_has_every_figure_and_lists_per_file(record):
    found = record["results"]["kmeans-windows"]
    figures = ["roc_auc_per_file", "roc_auc_valve1", "roc_auc_valve2", "far_calibrated_1"]
    for name in [*figures, "mar_calibrated_1", "f1", "fit_seconds", "rows_per_second"]:
        assert len(found[name]["per_seed"]) == 2
    files = found["per_file"]
    assert files["file"] == ["valve1/0", "valve1/1", "valve2/0"]
    # valve1/1 has no anomaly: no AUC, no missed rows, and it counts for the false alarms alone
    assert files["roc_auc"][1] is None
    assert files["mar_calibrated_1"][1] is None
    assert files["far_calibrated_1"][1] is not None
    assert found["files_without_auc"] == 1
    assert found["roc_auc_valve1"]["mean"] == pytest.approx(files["roc_auc"][0], abs=1e-5)
    assert files["rows_without_score"] == [0, 0, 29]  # behind the gap no window is full
    assert found["rows_without_score"] == 29
    assert record["settings"]["false_alarm_rate"] == 0.01
    assert record["settings"]["window"] == 30
    # 120 held-out rows give 90 scores, too few for 1 %: once for each file and seed
    assert record["warnings"] == {"CalibrationWarning": 6}


def test_a_method_that_sees_the_anomaly_beats_chance_on_every_file(dataset):
    record = run_benchmark("skab", dataset, methods=["dccad"], seeds=[0], settings=SETTINGS)
    files = record["results"]["dccad"]["per_file"]
    assert min(auc for auc in files["roc_auc"] if auc is not None) > 0.8


def test_the_files_must_be_given():
    with pytest.raises(InputError, match=r"the SKAB files are not part of dccad; .*--data FOLDER"):
        PROTOCOLS["skab"].load(None)


def test_a_set_without_labels_or_long_files_is_refused(dataset):
    short = tuple(run.rows(0, 400) for run in dataset.test)
    unlabelled = tuple(replace(run, row_labels=None) for run in dataset.test)
    for test in ((), short, unlabelled):
        with pytest.raises(InputError, match="has no labelled file of more than 400 rows"):
            run_benchmark("skab", Dataset("skab", (), test), methods=["kmeans-windows"])


def test_the_false_alarm_rate_is_not_the_users_to_choose(dataset):
    with pytest.raises(
        ParameterError, match=r"false_alarm_rate=0\.05: the protocol skab decides it"
    ):
        run_benchmark("skab", dataset, settings={"false_alarm_rate": 0.05})
