"""The protocol ``tep-many`` against plain loops over the rows, and answers worked by hand."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    average_precision_score,
    normalized_mutual_info_score,
    roc_auc_score,
)

from dccad import Run
from dccad.cli.printing.benchmark import print_benchmark
from dccad.datasets import Dataset
from dccad.errors import InputError
from dccad.evaluation.benchmark import run_benchmark, run_task
from dccad.evaluation.metrics import threshold_at_rate
from dccad.evaluation.protocols import tep_many
from dccad.evaluation.tasks import Judged

WINDOW = 4


def make_run(fault, number, n_rows, onset, seed, shift=4.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3))
    if onset is not None:
        values[onset:, fault % 3] += shift
    return Run(values, ("a", "b", "c"), f"fault-{fault}-run-{number}", fault=fault, onset=onset)


@pytest.fixture(scope="module")
def dataset():
    """3 normal training runs; 3 conditions with 5 test runs; one run of fault 2 ends early."""
    train = [make_run(0, n, 60, None, n) for n in range(3)]
    test = [
        make_run(f, n, 23 if (f, n) == (2, 1) else 50, 20 if f else None, 100 + 10 * f + n)
        for f in range(3)
        for n in range(1, 6)
    ]
    return Dataset("mini", tuple(train), tuple(test))


class Largest:
    """Scores a row by its largest recent value, after a window; flags by a rule of its own."""

    window = WINDOW
    threshold_ = 3.0

    def fit(self, X, y=None, normal=None):
        return self

    def decision_function(self, runs):
        return [self._score(run) for run in runs]

    def _score(self, run):
        scores = np.full(len(run), np.nan)
        for row in range(WINDOW - 1, len(run)):
            scores[row] = np.round(run.values[row].max() + 0.3 * run.values[row - 1].max(), 1)
        return scores

    def predict_region(self, runs):
        regions = [np.where(s > 2, 1 + r.values.argmax(axis=1), 0) for r, s in self._both(runs)]
        for found in regions:
            found[: WINDOW - 1] = -1
        return regions

    def _both(self, runs):
        return zip(runs, self.decision_function(runs), strict=True)


class WithFlags(Largest):
    """Its alarm rule is not its threshold."""

    def predict(self, runs):
        return [(np.nan_to_num(s) > 4.5).astype(int) for s in self.decision_function(runs)]


def rows_of(dataset, method):
    """(fault, label, score) of every row with a score, one by one."""
    return [
        (run.fault, int(run.onset is not None and row >= run.onset), score)
        for run, scores in zip(dataset.test, method.decision_function(dataset.test), strict=True)
        for row, score in enumerate(scores)
        if not np.isnan(score)
    ]


def naive_delays(runs, scores, threshold):
    """Rows to 3 flagged in a row (800 if never), and to the first (None if never), per run."""
    third, first = [], []
    for run, found in zip(runs, scores, strict=True):
        if run.onset is None:
            continue
        flags = [score > threshold for score in found[run.onset :]]
        third.append(
            next((i for i in range(len(flags) - 2) if all(flags[i : i + 3])), 800),
        )
        first.append(next((i for i, flag in enumerate(flags) if flag), None))
    return third, first


def mean(values):
    return sum(values) / len(values) if values else None


def naive_figures(rows, runs, scores, threshold, point):
    anomalous = [score for _, label, score in rows if label]
    normal = [score for _, label, score in rows if not label]
    third, first = naive_delays(runs, scores, threshold)
    return {
        f"tpr_{point}": mean([score > threshold for score in anomalous]),
        f"far_{point}": mean([score > threshold for score in normal]),
        f"delay_{point}": mean(third),
        f"add_{point}": mean([row for row in first if row is not None]),
        f"missed_{point}": mean([row is None for row in first]),
    }


def lowest_allowed(normal, rate):
    """Brute force: the lowest observed score above which at most that share of scores lies."""
    return min(t for t in normal if mean([score > t for score in normal]) <= rate)


@pytest.mark.parametrize(("make", "own"), [(Largest, 3.0), (WithFlags, 4.5)])
@pytest.mark.parametrize("rate", [0.0014, 0.05])
def test_every_figure_of_the_monitor_is_that_of_plain_loops(dataset, monkeypatch, make, own, rate):
    monkeypatch.setattr(tep_many, "FALSE_POSITIVE_RATE", rate)
    method = make()
    monitor, _ = tep_many.make_tasks(dataset)
    found = tep_many.judge(method, monitor)
    rows, scores = rows_of(dataset, method), method.decision_function(dataset.test)
    threshold = lowest_allowed([score for _, label, score in rows if not label], rate)
    expected = {
        **naive_figures(rows, dataset.test, scores, own, "calibrated"),
        **naive_figures(rows, dataset.test, scores, threshold, "at_fpr_0_14"),
    }
    expected["far_calibrated_1"] = expected.pop("far_calibrated")
    labels, pooled = [label for _, label, _ in rows], [score for *_, score in rows]
    expected["roc_auc"] = roc_auc_score(labels, pooled)
    expected["average_precision"] = average_precision_score(labels, pooled)
    expected["best_f1_oracle_threshold"] = naive_best_f1(labels, pooled)
    expected["share_anomalous"] = mean(labels)
    expected["f1_flagging_all"] = naive_f1(labels, pooled, -99)
    figures = found["figures"]
    assert figures.pop("rows_per_second") > 0
    assert figures.keys() == expected.keys()
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, abs=1e-6), name
    assert 0 < figures["tpr_at_fpr_0_14"] < figures["best_f1_oracle_threshold"] < 1
    assert found["rows_judged"] == len(rows)
    assert found["rows_without_score"] == 15 * (WINDOW - 1)

    for position, fault in enumerate((1, 2)):
        runs = [run for run in dataset.test if run.fault == fault]
        own_rows = [row for row in rows if row[0] == fault]
        own_scores = method.decision_function(runs)
        alone = {
            **naive_figures(own_rows, runs, own_scores, own, "calibrated"),
            **naive_figures(own_rows, runs, own_scores, threshold, "at_fpr_0_14"),
        }
        against = [row[1:] for row in rows if not row[1] or row[0] == fault]
        alone["roc_auc"] = roc_auc_score(*zip(*against, strict=True))
        columns = found["per_fault"]
        assert columns["fault"] == [1, 2]
        assert columns.keys() == {"fault"} | {n for n in alone if not n.startswith("far")}
        for name in columns.keys() - {"fault"}:
            assert columns[name][position] == pytest.approx(alone[name], abs=1e-6), name


def naive_f1(labels, scores, threshold):
    flags = [score > threshold for score in scores]
    right = sum(flag and label for flag, label in zip(flags, labels, strict=True))
    return 2 * right / (sum(flags) + sum(labels)) if right else 0.0


def naive_best_f1(labels, scores):
    return max(naive_f1(labels, scores, t) for t in [min(scores) - 1, *scores])


def test_best_f1_is_that_of_every_threshold_tried_in_turn():
    draw = np.random.default_rng(1)
    for _ in range(200):
        n = int(draw.integers(1, 8))
        labels, scores = draw.integers(2, size=n), draw.integers(4, size=n).astype(float)
        found = tep_many.best_f1(labels, scores)
        if labels.any():
            assert found == pytest.approx(naive_best_f1(labels.tolist(), scores.tolist()))
        else:
            assert found is None


def test_the_threshold_for_a_rate_is_the_lowest_that_keeps_it():
    draw = np.random.default_rng(2)
    for n, rate in itertools.product((1, 5, 10, 100), (0.0, 0.0014, 0.1, 0.2, 0.5)):
        normal = draw.integers(8, size=n).astype(float)  # with ties
        found = threshold_at_rate(normal, rate)
        assert found == lowest_allowed(normal.tolist(), rate)
    scores = np.arange(100.0)
    assert 0.29 * 100 < 29
    assert (scores > threshold_at_rate(scores, 0.29)).sum() == 29


def test_delays_worked_by_hand():
    def run(labels, flags):
        flags = np.array(flags, dtype=bool)
        return tep_many.ScoredRun(1, np.array(labels), np.zeros(len(flags)), {"x": flags})

    early = run([0, 0, 1, 1, 1, 1, 1], [1, 0, 0, 1, 0, 0, 0])  # one flag only: 800, first after 1
    caught = run([0, 1, 1, 1, 1, 1, 1], [0, 1, 0, 0, 1, 1, 1])  # three in a row after 3, first 0
    silent = run([0, 0, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0, 0])
    normal = run([0, 0], [0, 1])
    found = tep_many.alarm_figures_of([early, caught, silent, normal])
    assert found["delay_x"] == pytest.approx((800 + 3 + 800) / 3, abs=1e-6)
    assert found["add_x"] == 0.5
    assert found["missed_x"] == pytest.approx(1 / 3)
    assert found["tpr_x"] == pytest.approx((1 + 4 + 0) / 16)
    assert found["far_x"] == pytest.approx((1 + 0 + 2 + 1) / 7)
    assert tep_many.alarm_figures_of([normal])["delay_x"] is None
    assert tep_many.alarm_figures_of([silent])["add_x"] is None


def test_a_method_with_scores_alone_gets_every_figure_but_those_of_a_calibrated_threshold(dataset):
    scores_only = SimpleNamespace(decision_function=Largest().decision_function)
    monitor, _ = tep_many.make_tasks(dataset)
    found, whole = tep_many.judge(scores_only, monitor), tep_many.judge(Largest(), monitor)
    missing = whole["figures"].keys() - found["figures"].keys()
    assert missing == {f"{n}_calibrated" for n in ("tpr", "delay", "add", "missed")} | {
        "far_calibrated_1"
    }
    assert found["figures"]["roc_auc"] == whole["figures"]["roc_auc"]


def test_the_monitor_sees_normal_training_runs_and_the_regions_other_runs_than_they_judge(dataset):
    monitor, regions = tep_many.make_tasks(dataset)
    assert (monitor.n_clusters, monitor.train) == (2, ())
    assert monitor.normal == dataset.train
    assert [part.run for part in monitor.test] == list(dataset.test)
    assert (regions.n_clusters, regions.normal, regions.key) == (3, (), "regions-k3")
    fitted = [part.run.name for part in regions.train]
    judged = [part.run.name for part in regions.test]
    assert fitted[:3] == [run.name for run in dataset.train]
    assert fitted[3:] == [f"fault-{f}-run-{n}" for f in range(3) for n in (1, 2, 3)]
    assert judged == [f"fault-{f}-run-{n}" for f in range(3) for n in (4, 5)]
    by_name = {part.run.name: part.labels.tolist() for part in regions.test}
    assert by_name["fault-2-run-4"] == [0] * 20 + [2] * 30
    assert by_name["fault-0-run-4"] == [0] * 50


def test_regions_are_judged_row_by_row_against_the_best_match_of_names(dataset):
    _, task = tep_many.make_tasks(dataset)
    found = tep_many.judge(Largest(), task)["figures"]
    truth, regions = [], []
    for part in task.test:
        for row in range(WINDOW - 1, len(part.run)):
            truth.append(part.run.fault if row >= (part.run.onset or 99) else 0)
            regions.append(int(Largest().predict_region([part.run])[0][row]))
    names = sorted(set(regions))
    assert names == [0, 1, 2, 3]  # one region more than classes: one has no match
    best = max(
        mean([match[region] == label for region, label in zip(regions, truth, strict=True)])
        for match in itertools.permutations([0, 1, 2, None])
    )
    assert found["acc"] == pytest.approx(best)
    assert found["nmi"] == pytest.approx(normalized_mutual_info_score(truth, regions))
    assert found["ari"] == pytest.approx(adjusted_rand_score(truth, regions))
    assert 0.5 < found["acc"] < 1


def test_no_label_of_the_fit_reaches_a_method(dataset):
    _, task = tep_many.make_tasks(dataset)
    blind = replace(
        task,
        train=tuple(
            Judged(replace(part.run, onset=None, fault=None), np.zeros(len(part.run), int))
            for part in task.train
        ),
    )
    one, two = (
        run_task("tep-many", given, "kmeans-windows", 0, {"window": 5})["figures"]
        for given in (task, blind)
    )
    assert [one[name] for name in ("acc", "nmi", "ari")] == [
        two[name] for name in ("acc", "nmi", "ari")
    ]


@pytest.mark.parametrize(("settings", "stride"), [({}, 5), ({"stride": 2}, 2)])
def test_the_regions_are_fitted_at_every_fifth_row_unless_the_user_says_otherwise(
    dataset, settings, stride
):
    made = {}

    def make(n_clusters, seed, settings):
        made[n_clusters] = settings
        return Largest()

    for task in tep_many.make_tasks(dataset):
        run_task("tep-many", task, "own", 0, settings, make)
    assert made == {2: settings, 3: {"stride": stride, "calibration": "held-out"}}


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (lambda run: run.name == "fault-0-run-0", "has no fault-free training run"),
        (lambda run: run.fault == 1 and run.name > "fault-1-run-1", "has 1 test runs of fault 1"),
        (lambda run: run.fault == 0 and len(run) == 50, "has 0 test runs of fault 0"),
    ],
)
def test_a_set_that_cannot_be_judged_is_refused(dataset, drop, message):
    train = () if "training" in message else dataset.train
    test = tuple(run for run in dataset.test if not drop(run))
    with pytest.raises(InputError, match=message):
        tep_many.make_tasks(Dataset("mini", train, test))


def test_the_record_has_the_figures_by_name_and_the_lists_per_fault(dataset):
    record = run_benchmark(
        "tep-many",
        dataset,
        methods=["kmeans-windows"],
        seeds=(0, 1),
        settings={"window": 5},
    )
    found = record["results"]["kmeans-windows"]
    assert record["settings"]["false_alarm_rate"] == 0.01
    for name in (
        "average_precision",
        "roc_auc",
        "best_f1_oracle_threshold",
        "tpr_calibrated",
        "far_calibrated_1",
        "delay_calibrated",
        "tpr_at_fpr_0_14",
        "delay_at_fpr_0_14",
        "acc_k3",
        "nmi_k3",
        "ari_k3",
        "fit_seconds",
        "fit_seconds_k3",
    ):
        assert len(found[name]["per_seed"]) == 2, name
    assert found["acc_k3"]["mean"] > 0.8
    assert found["roc_auc"]["mean"] > 0.9
    per_fault = found["per_fault"]
    assert per_fault["fault"] == [1, 2]
    shares = np.array(per_fault["tpr_at_fpr_0_14"])
    rows = np.array([150, 123])  # of each fault after its onset; run 1 of fault 2 ends early
    assert found["tpr_at_fpr_0_14"]["mean"] == pytest.approx(
        (shares * rows).sum() / rows.sum(), abs=1e-5
    )
    assert found["rows_judged"] == sum(len(run) for run in dataset.test) - 15 * 4


def test_a_method_that_can_do_one_of_both_gets_the_figures_of_that(dataset):
    record = run_benchmark(
        "tep-many",
        dataset,
        methods=["pca-spe", "statistic-selection"],
        seeds=(0,),
        settings={"window": 5},
        makers={"own": lambda n_clusters, seed, settings: Largest()},
    )
    monitor, regions, own = record["results"].values()
    assert {"roc_auc", "per_fault", "fit_seconds"} <= monitor.keys()
    assert not any(name.endswith("_k3") for name in (*monitor, *own))
    assert {"acc_k3", "nmi_k3", "ari_k3", "fit_seconds_k3"} <= regions.keys()
    assert not {"roc_auc", "per_fault", "fit_seconds"} & regions.keys()
    found = tep_many.judge(Largest(), tep_many.make_tasks(dataset)[0])["figures"]
    assert own["roc_auc"]["mean"] == pytest.approx(found["roc_auc"], abs=1e-6)


def test_lists_per_fault_are_means_over_seeds_that_have_the_figure():
    def result(delay):
        return {
            "figures": {"roc_auc": 0.5},
            "per_fault": {"fault": [1], "add_calibrated": [delay]},
            "rows_judged": 1,
            "rows_without_score": 0,
        }

    found = [("monitor", seed, result(delay)) for seed, delay in enumerate([4.0, None, 6.0])]
    assert tep_many.gather(found, (0, 1, 2))["per_fault"] == {"fault": [1], "add_calibrated": [5.0]}


def test_without_a_folder_the_command_that_makes_the_set_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DCCAD_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"dccad data get tep-many$"):
        tep_many.load(None)


def test_the_table_shows_shares_in_percent_and_delays_in_rows(dataset, capsys):
    record = run_benchmark(
        "tep-many", dataset, methods=["kmeans-windows"], seeds=(0, 1), settings={"window": 5}
    )
    print_benchmark(record)
    shown = capsys.readouterr().out
    found = record["results"]["kmeans-windows"]

    def cell(name, scale):
        return f"{scale * found[name]['mean']:.1f}±"

    for name in ("average_precision", "tpr_calibrated", "missed_at_fpr_0_14"):
        assert cell(name, 100) in shown, name
    for name in ("delay_calibrated", "add_at_fpr_0_14"):
        assert cell(name, 1) in shown, name
    assert max(map(len, shown.splitlines())) <= 80
