"""``tep-pooled``, ``tep-pairs`` and ``tep-runs`` on miniature sets with known answers."""

from dataclasses import replace

import numpy as np
import pytest

from dccad.datasets import load_tep
from dccad.evaluation.baselines import KMeansWindows
from dccad.evaluation.benchmark import run_benchmark, run_task
from dccad.evaluation.metrics import cluster_accuracy
from dccad.evaluation.partition import judge
from dccad.evaluation.protocols.tep import (
    gather_pairs,
    judge_regions,
    pairs_tasks,
    pooled_tasks,
    runs_tasks,
)
from dccad.evaluation.tasks import Judged, Task
from faulty_plant import TINY, counted_plant, shifted_plant


@pytest.fixture(scope="module")
def dataset():
    return shifted_plant()


class LastValue:
    """Calls every row whose last value of any sensor exceeds 3 region 1; sees no label."""

    window = 6

    def __init__(self):
        self.fitted_on = None

    def fit(self, runs):
        self.fitted_on = [run.name for run in runs]
        return self

    def predict_region(self, runs):
        regions = []
        for run in runs:
            found = (run.values > 3).any(axis=1).astype(int)
            found[: self.window - 1] = -1
            regions.append(found)
        return regions


def test_pooled_fits_on_all_training_runs_and_judges_all_test_runs(dataset):
    two, many = pooled_tasks(dataset)
    assert [part.run.name for part in two.train] == ["d00", "d01", "d02", "d03"]
    assert [part.run.name for part in two.test] == ["d00_te", "d01_te", "d02_te", "d03_te"]
    assert (two.n_clusters, many.n_clusters) == (2, 4)
    assert (two.key, many.key) == ("pooled", "pooled-k4")
    assert two.test[2].labels.tolist() == [0] * 30 + [1] * 50
    assert many.test[2].labels.tolist() == [0] * 30 + [2] * 50
    assert many.train[0].labels.tolist() == [0] * 60


def test_pairs_judge_the_normal_run_and_the_faulty_rows_from_the_onset(dataset):
    tasks = pairs_tasks(dataset)
    assert [task.key for task in tasks] == ["fault-1", "fault-2", "fault-3"]
    task = tasks[1]
    assert [part.run.name for part in task.train] == ["d00", "d02"]
    assert [(part.run.name, part.first) for part in task.test] == [("d00_te", 0), ("d02_te", 30)]


def test_windows_are_labelled_by_their_last_row_and_only_judged_rows_count(dataset):
    task = pairs_tasks(dataset)[0]
    figures, per_map = judge(LastValue(), task)
    regions = np.concatenate(
        [r[5:] for r in LastValue().predict_region([p.run for p in task.test])]
    )
    truth = np.concatenate([task.test[0].labels[5:], task.test[1].labels[5:]])
    kept = np.concatenate([np.ones(75, bool), np.arange(5, 80) >= 30])
    assert kept.sum() == 75 + 50
    assert figures["acc"] == cluster_accuracy(truth[kept], regions[kept])
    assert figures["acc"] > 0.95
    assert per_map is None


def test_a_wrong_label_would_change_the_figures(dataset):
    """The judge reads the labels of the task: shuffled ones must look like chance."""
    task = pairs_tasks(dataset)[0]
    rng = np.random.default_rng(0)
    shuffled = tuple(Judged(p.run, rng.permutation(p.labels), p.first) for p in task.test)
    swapped = Task(
        task.key, 2, task.train, (shuffled[0], Judged(task.test[1].run, rng.integers(2, size=80)))
    )
    assert judge(LastValue(), swapped)[0]["acc"] < 0.9


def test_no_label_reaches_a_method(dataset, monkeypatch):
    """Figures of a fit are the same whatever the labels say about the training rows."""
    task = pairs_tasks(dataset)[0]
    blind = replace(
        task,
        train=tuple(
            Judged(replace(p.run, onset=None, fault=None), np.zeros(60, int)) for p in task.train
        ),
    )
    one, two = (run_task("tep-pairs", t, "dccad", 0, TINY)["figures"] for t in (task, blind))
    for name in ("acc", "nmi", "ari", "oracle_map_acc"):
        assert one[name] == two[name]


def test_oracle_and_group_figures_are_those_of_the_maps(dataset):
    record = run_benchmark("tep-pooled", dataset, methods=["dccad"], seeds=(0,), settings=TINY)
    found = record["results"]["dccad"]
    maps = next(m for m in found["per_map"] if m["task"] == "pooled")
    acc = np.array(maps["acc"])
    clustering = np.array(maps["group"]) == "clustering"
    expected = {
        "oracle_map_acc": acc.max(),
        "top_map_acc": acc[maps["rank"].index(1)],
        "mean_clustering_maps_acc": acc[clustering].mean(),
        "mean_reconstruction_maps_acc": acc[~clustering].mean(),
    }
    for name, value in expected.items():
        assert found[name]["mean"] == pytest.approx(value, abs=2e-4)
    assert "acc_k4" in found


def test_kmeans_on_windows_separates_what_is_far_apart(dataset):
    task = pairs_tasks(dataset)[0]
    baseline = KMeansWindows(window=6, n_components=5).fit([p.run for p in task.train])
    assert judge(baseline, task)[0]["acc"] > 0.95


@pytest.mark.slow
def test_kmeans_reaches_its_known_figures_on_the_classic_files(classic_folder):
    """Known from an independent script: 0.619 over 21 faults, 0.633 over 18, within a point."""
    record = run_benchmark(
        "tep-pairs", load_tep(classic_folder), methods=["kmeans-windows"], seeds=(0,)
    )
    found = record["results"]["kmeans-windows"]
    assert found["acc_21"]["mean"] == pytest.approx(0.619, abs=0.01)
    assert found["acc_18"]["mean"] == pytest.approx(0.633, abs=0.01)


def test_tep_runs_fits_and_judges_each_test_run_alone():
    dataset = counted_plant()
    tasks = runs_tasks(dataset)
    assert [task.key for task in tasks] == ["fault-1", "fault-2", "fault-3"]
    for task, run in zip(tasks, dataset.test[1:], strict=True):
        assert [part.run.name for part in task.train] == [run.name]
        assert task.train is task.test
        assert task.test[0].first == 0
        assert task.normal == ()

    class High:
        window = 1

        def predict_region(self, runs):
            return [(run.values[:, 0] > 250).astype(int) for run in runs]

    found = [(task.key, 0, judge_regions(High(), task)) for task in tasks]
    assert found[0][2]["figures"]["acc"] == 24 / 40  # the faulty rows in the region of most
    assert not any(name.startswith("train_") for name in found[0][2]["figures"])
    gathered = gather_pairs(found, [0])
    # fault 2 and 3: one region for all, of which 30 rows are right
    assert gathered["acc_3"]["mean"] == pytest.approx((24 / 40 + 2 * 30 / 40) / 3, abs=1e-5)
    assert gathered["acc_2"]["mean"] == pytest.approx((24 / 40 + 30 / 40) / 2, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "known"), [("tep-pairs", (0.9, 0.961)), ("tep-runs", (0.845, 0.882))]
)
def test_the_selection_reaches_its_known_figures(classic_folder, protocol, known):
    data = load_tep(classic_folder)
    record = run_benchmark(protocol, data, methods=["statistic-selection"], seeds=[0])
    found = record["results"]["statistic-selection"]
    assert found["acc_21"]["mean"] == pytest.approx(known[0], abs=0.01)
    assert found["acc_18"]["mean"] == pytest.approx(known[1], abs=0.01)
