from dataclasses import replace

import numpy as np
import pytest

from dccad import Run
from dccad.datasets import Dataset, load_tep
from dccad.detector import AS_PUBLISHED
from dccad.errors import InputError, ParameterError
from dccad.evaluation.baselines import KMeansWindows
from dccad.evaluation.benchmark import run_benchmark, run_task
from dccad.evaluation.metrics import cluster_accuracy
from dccad.evaluation.partition import judge
from dccad.evaluation.protocols.tep import pairs_tasks, pooled_tasks
from dccad.evaluation.record import summarise
from dccad.evaluation.registry import PROTOCOLS
from dccad.evaluation.tasks import Judged, Task

TINY = {"window": 6, "n_kernels": 2, "pretrain_epochs": 1, "joint_epochs": 2, "n_init": 1}


def make_run(name, n_rows, fault, onset, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3))
    if onset is not None:
        values[onset:, fault % 3] += 6.0
    return Run(values, ("a", "b", "c"), name, fault=fault, onset=onset)


@pytest.fixture(scope="module")
def dataset():
    train = [make_run(f"d{f:02}", 60, f, 0 if f else None, f) for f in (0, 1, 2, 3)]
    test = [make_run(f"d{f:02}_te", 80, f, 30 if f else None, 10 + f) for f in (0, 1, 2, 3)]
    return Dataset("mini", tuple(train), tuple(test))


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


def test_the_record_of_a_benchmark_has_every_part_and_figure(dataset):
    methods = ["dccad", "dccad-no-split", "autoencoder-kmeans", "kmeans-windows"]
    settings = {**TINY, **AS_PUBLISHED}  # one map per kernel, ranked by centre distance
    record = run_benchmark("tep-pairs", dataset, methods=methods, seeds=(0, 1), settings=settings)
    assert set(record) == {
        "protocol",
        "dataset",
        "seeds",
        "environment",
        "settings",
        "results",
        "warnings",
    }
    assert (record["protocol"], record["dataset"], record["seeds"]) == ("tep-pairs", "mini", [0, 1])
    assert record["settings"]["window"] == 6
    assert list(record["results"]) == methods
    found = record["results"]["dccad"]
    for figure in ("acc_3", "acc_2", "nmi_3", "ari_2", "oracle_map_acc_3", "top_map_acc_2"):
        assert len(found[figure]["per_seed"]) == 2
        assert found[figure]["mean"] == pytest.approx(np.mean(found[figure]["per_seed"]), abs=1e-6)
        assert found[figure]["std"] == pytest.approx(np.std(found[figure]["per_seed"]), abs=1e-6)
    assert found["per_fault"]["fault"] == [1, 2, 3]
    acc = found["per_fault"]["acc"]
    assert found["acc_3"]["mean"] == pytest.approx(np.mean(acc), abs=1e-5)
    assert found["acc_2"]["mean"] == pytest.approx(np.mean(acc[:2]), abs=1e-5)  # fault 3 left out
    per_map = found["per_map"][0]
    assert per_map["map"] == list(range(8))
    assert sorted(per_map["rank"]) == list(range(1, 9))
    assert per_map["group"].count("clustering") == 4
    columns = {"acc", "nmi", "ari", "train_acc", "train_nmi", "train_ari", "centre_distance"}
    assert columns <= set(per_map)
    top = per_map["rank"].index(1)
    assert per_map["centre_distance"][top] == max(per_map["centre_distance"])


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


def test_the_number_of_processes_changes_no_figure(dataset):
    def figures(n_processes):
        record = run_benchmark(
            "tep-pairs",
            dataset,
            methods=["dccad"],
            seeds=(0,),
            settings=TINY,
            n_processes=n_processes,
        )
        return record["results"]["dccad"]["per_fault"]["acc"]

    assert figures(1) == figures(2)


def test_progress_is_reported_after_every_fit(dataset):
    told = []
    run_benchmark(
        "tep-pairs",
        dataset,
        methods=["kmeans-windows"],
        seeds=(0,),
        report=lambda done, note, total: told.append((done, note, total)),
        settings={"window": 6},
    )
    assert told[-1] == (3, "kmeans-windows, seed 0, fault-3", 3)


def test_kmeans_on_windows_separates_what_is_far_apart(dataset):
    task = pairs_tasks(dataset)[0]
    baseline = KMeansWindows(window=6, n_components=5).fit([p.run for p in task.train])
    assert judge(baseline, task)[0]["acc"] > 0.95


@pytest.mark.parametrize(
    ("protocol", "methods", "message"),
    [
        ("tep-pears", ["dccad"], "unknown protocol 'tep-pears'; choose from tep-pooled, tep-pairs"),
        ("tep-pairs", ["pca"], "unknown method 'pca'; choose from dccad, "),
        ("tep-pairs", ["lw-mean@0"], "unknown method 'lw-mean@0'; choose .* also as NAME@WINDOW"),
        ("tep-pairs", ["lw-mean@10"], "method 'lw-mean@10' cannot stand .*: it gives no regions"),
        ("skab", ["statistic-selection"], "cannot stand in the table of skab: it gives no scores"),
        ("tep-monitor", ["contrast-mean"], "it needs unlabelled rows beside the reference"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(dataset, protocol, methods, message):
    with pytest.raises(InputError, match=message):
        run_benchmark(protocol, dataset, methods=methods)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("setting", [{"n_clusters": 3}, {"random_state": 1}, {"prepare": []}])
def test_what_a_protocol_decides_is_no_setting(dataset, protocol, setting):
    [name] = setting
    with pytest.raises(ParameterError, match=f"{name}=.*: the protocol {protocol} decides it"):
        run_benchmark(protocol, dataset, settings=setting)


def test_tables_of_partitions_hold_the_chosen_methods_only(dataset):
    record = run_benchmark("tep-pooled", dataset, methods=["kmeans-windows"], seeds=(0,))
    assert list(record["results"]) == ["kmeans-windows"]
    assert record["settings"]["false_alarm_rate"] == 0.01  # the default, which is free here
    record = run_benchmark(
        "tep-pooled",
        dataset,
        methods=["kmeans-windows"],
        seeds=(0,),
        settings={"false_alarm_rate": 0.05},
    )
    assert record["settings"]["false_alarm_rate"] == 0.05


def test_a_figure_that_a_seed_lacks_is_averaged_over_the_others():
    found = summarise([1.0, None, 3.0])
    assert found == {"mean": 2.0, "std": 1.0, "per_seed": [1.0, None, 3.0]}
    assert summarise([None]) == {"mean": None, "std": None, "per_seed": [None]}


def test_the_spread_over_seeds_is_the_population_standard_deviation():
    assert summarise([1.0, 2.0, 3.0])["std"] == pytest.approx(np.std([1, 2, 3]), abs=1e-6)


@pytest.mark.slow
def test_kmeans_reaches_its_known_figures_on_the_classic_files(classic_folder):
    """Known from an independent script: 0.619 over 21 faults, 0.633 over 18, within a point."""
    record = run_benchmark(
        "tep-pairs", load_tep(classic_folder), methods=["kmeans-windows"], seeds=(0,)
    )
    found = record["results"]["kmeans-windows"]
    assert found["acc_21"]["mean"] == pytest.approx(0.619, abs=0.01)
    assert found["acc_18"]["mean"] == pytest.approx(0.633, abs=0.01)
