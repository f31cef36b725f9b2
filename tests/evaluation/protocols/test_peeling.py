from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from conftest import FAST
from dccad.datasets import Dataset
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.datasets.machining.workbooks import write_peeling_workbooks
from dccad.errors import InputError
from dccad.evaluation.benchmark import run_benchmark, run_task
from dccad.evaluation.protocols import peeling
from dccad.evaluation.registry import PROTOCOLS

SETTINGS = {name: FAST[name] for name in FAST if name not in ("false_alarm_rate", "random_state")}
KINDS = ["chatter", "chipping", "feed stall", "inclusion", "worn tool"]
METHODS = ["dccad", "kmeans-windows"]


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(20, sampling_rate=40.0, seed=3)


@pytest.fixture(scope="module")
def data(log):
    return peeling.prepare(log)


@pytest.fixture(scope="module")
def record(data):
    return run_benchmark("peeling", data, methods=METHODS, seeds=[0, 1], settings=SETTINGS)


def test_the_kind_of_every_anomalous_run_is_that_of_the_log_at_its_time(log, data):
    runs = [run for run in (*data.train, *data.test) if run.row_labels.all()]
    assert set(data.kinds) == {run.name for run in runs}
    for run in runs:
        [anomaly] = [a for a in log.anomalies if a.start_row <= run.time[0] * 40 < a.stop_row]
        assert data.kinds[run.name] == anomaly.kind
        assert run.time[-1] * 40 < anomaly.stop_row
    assert {data.kinds[run.name] for run in data.test if run.fault} == set(KINDS)


def test_the_partition_sees_all_training_runs_and_the_monitor_the_normal_ones(data):
    partition, monitor = peeling.make_tasks(data)
    assert [judged.run for judged in partition.train] == list(data.train)
    assert partition.normal == ()
    assert monitor.train == ()
    assert list(monitor.normal) == [run for run in data.train if not run.row_labels.any()]
    assert 0 < len(monitor.normal) < len(data.train)
    for task in (partition, monitor):
        assert [judged.run for judged in task.test] == list(data.test)
        assert all(judged.first == 0 for judged in task.test)


@pytest.mark.parametrize("method", METHODS)
def test_labels_of_the_training_rows_do_not_reach_the_partition(data, method):
    partition = peeling.make_tasks(data)[0]
    blind = replace(
        partition,
        train=tuple(
            replace(part, run=replace(part.run, row_labels=None, fault=None, onset=None))
            for part in partition.train
        ),
    )
    one, two = (
        run_task("peeling", task, method, 0, SETTINGS | {"stride": 7})["figures"]
        for task in (partition, blind)
    )
    for name in ("acc", "nmi", "balanced_acc", "region_far"):
        assert one[name] == two[name]


@pytest.mark.parametrize("method", METHODS)
def test_test_rows_and_anomalous_training_rows_do_not_reach_the_monitor(data, method, monkeypatch):
    def threshold(fitted, task):
        return {"figures": {"threshold": fitted.threshold_}}

    monkeypatch.setitem(PROTOCOLS, "peeling", replace(PROTOCOLS["peeling"], judge=threshold))
    louder = {
        "same": data,
        "test": replace(data, test=tuple(replace(r, values=r.values * 3) for r in data.test)),
        "anomalous": replace(
            data,
            train=tuple(replace(r, values=r.values * 3) if r.fault else r for r in data.train),
        ),
    }
    found = {
        name: run_task("peeling", peeling.make_tasks(set_)[1], method, 0, SETTINGS)["figures"]
        for name, set_ in louder.items()
    }
    assert found["test"]["threshold"] == found["same"]["threshold"]
    assert found["anomalous"]["threshold"] == found["same"]["threshold"]


@pytest.mark.parametrize("method", METHODS)
def test_the_figures_are_those_of_the_scores_row_by_row(data, method, monkeypatch):
    record = run_benchmark("peeling", data, methods=[method], seeds=[1], settings=SETTINGS)
    found = record["results"][method]
    fitted = {}

    def keep(method, task):
        fitted[task.key] = method
        return {"figures": {}}

    monkeypatch.setitem(PROTOCOLS, "peeling", replace(PROTOCOLS["peeling"], judge=keep))
    settings = SETTINGS | {"stride": peeling.STRIDE, "false_alarm_rate": 0.01}
    for task in peeling.make_tasks(data):
        run_task("peeling", task, method, 1, settings)
    rows = {kind: [] for kind in ["", *KINDS]}
    delays = {kind: [] for kind in KINDS}
    scored = fitted["monitor"].decision_function(list(data.test))
    flagged = fitted["monitor"].predict(list(data.test))
    regions = fitted["partition"].predict_region(list(data.test))
    for run, scores, flags, found_regions in zip(data.test, scored, flagged, regions, strict=True):
        kind = data.kinds.get(run.name, "")
        judged = [i for i in range(len(run)) if not np.isnan(scores[i])]
        assert judged == [i for i in range(len(run)) if found_regions[i] >= 0]
        rows[kind] += [(scores[i], found_regions[i], flags[i]) for i in judged]
        if kind and judged:
            hits = [i for i in judged if flags[i : i + 3].sum() == 3]
            delays[kind].append(run.time[hits[0]] - run.time[0] if hits else None)
    normal = rows.pop("")
    anomalous = [row for kind in KINDS for row in rows[kind]]

    def auc(some):
        labels = [0] * len(normal) + [1] * len(some)
        return roc_auc_score(labels, [score for score, _, _ in normal + some])

    expected = {
        "roc_auc": auc(anomalous),
        "far_calibrated_1": np.mean([flag for _, _, flag in normal]),
        "fdr_calibrated_1": np.mean([flag for _, _, flag in anomalous]),
        "region_far": np.mean([region != 0 for _, region, _ in normal]),
        "region_fdr": np.mean([region != 0 for _, region, _ in anomalous]),
    }
    for name, value in expected.items():
        assert found[name]["mean"] == pytest.approx(value, abs=1e-5), name
    assert found["rows_judged"] == len(normal) + len(anomalous)
    assert found["rows_without_score"] == sum(map(len, data.test)) - found["rows_judged"]

    by_kind = found["per_kind"]
    assert by_kind["kind"] == KINDS
    for i, kind in enumerate(KINDS):
        assert by_kind["rows"][i] == len(rows[kind])
        assert by_kind["events"][i] == len(delays[kind])
        detected = [delay for delay in delays[kind] if delay is not None]
        expected = {
            "roc_auc": auc(rows[kind]) if rows[kind] else None,
            "region_fdr": np.mean([r != 0 for _, r, _ in rows[kind]]) if rows[kind] else None,
            "events_detected": len(detected) / len(delays[kind]) if delays[kind] else None,
            "delay_seconds": np.mean(detected) if detected else None,
        }
        for name, value in expected.items():
            wanted = None if value is None else pytest.approx(value, abs=1e-5)
            assert by_kind[name][i] == wanted, (name, kind)
    assert sum(map(len, delays.values())) > 3


def test_lists_by_kind_are_means_over_seeds(data, record):
    first, second = (
        run_benchmark("peeling", data, methods=["dccad"], seeds=[seed], settings=SETTINGS)
        for seed in (0, 1)
    )
    both = record["results"]["dccad"]["per_kind"]
    one, two = (r["results"]["dccad"]["per_kind"] for r in (first, second))
    for name in ("balanced_acc", "roc_auc", "fdr_calibrated_1"):
        assert both[name] == pytest.approx(np.mean([one[name], two[name]], axis=0), abs=2e-6)
    assert one["roc_auc"] != two["roc_auc"]


def test_the_record_has_the_figures_of_partition_and_monitor(record):
    assert record["dataset"] == "peeling-simulated"
    assert record["settings"]["stride"] == peeling.STRIDE
    for found in record["results"].values():
        for name in (
            *("acc", "nmi", "ari", "train_acc", "balanced_acc", "region_fdr", "region_far"),
            *("roc_auc", "average_precision", "far_calibrated_1", "fdr_calibrated_1"),
            *("events_detected", "delay_seconds", "fit_seconds", "monitor_fit_seconds"),
            "rows_per_second",
        ):
            assert len(found[name]["per_seed"]) == 2, name
        # a stall takes most of the torque away: no method can miss it
        stall = found["per_kind"]["kind"].index("feed stall")
        assert found["per_kind"]["roc_auc"][stall] > 0.8
    assert len(record["results"]["dccad"]["per_map"]) == 2
    assert "per_map" not in record["results"]["kmeans-windows"]


def test_the_users_stride_is_followed(data):
    record = run_benchmark(
        "peeling", data, methods=["kmeans-windows"], seeds=[0], settings={"stride": 3}
    )
    assert record["settings"]["stride"] == 3


def test_workbooks_of_a_folder_give_overall_figures_without_kinds(log, tmp_path):
    for package in ("xlsxwriter", "fastexcel"):
        pytest.importorskip(package, reason=f"{package} (extra spreadsheets) is not installed")
    write_peeling_workbooks(log, tmp_path, n_files=2)
    data = PROTOCOLS["peeling"].load(tmp_path)
    record = run_benchmark(
        "peeling", data, methods=["kmeans-windows"], seeds=[0], settings={"window": 8}
    )
    found = record["results"]["kmeans-windows"]
    assert record["dataset"] == "peeling"
    assert {"acc", "balanced_acc", "roc_auc", "far_calibrated_1"} <= set(found)
    # nobody told kinds or the sampling rate
    assert {"per_kind", "events_detected", "delay_seconds"}.isdisjoint(found)


def test_without_a_folder_the_log_is_simulated_and_always_the_same(monkeypatch):
    monkeypatch.setattr(peeling, "N_BARS", 2)
    one, two = (PROTOCOLS["peeling"].load(None) for _ in range(2))
    assert one.name == "peeling-simulated"
    for a, b in zip(one.train, two.train, strict=True):
        np.testing.assert_array_equal(a.values, b.values)


def test_logs_that_cannot_be_judged_are_refused(data, log):
    nothing = replace(data, test=tuple(replace(run, row_labels=None) for run in data.test))
    with pytest.raises(InputError, match="has no labels to judge by; needed is a column of 0 and"):
        peeling.make_tasks(nothing)
    normal = Dataset("peeling", data.train, tuple(run for run in data.test if not run.fault))
    with pytest.raises(InputError, match="has no test run of label 1; pass a longer log"):
        peeling.make_tasks(normal)
    anomalous = Dataset("peeling", tuple(run for run in data.train if run.fault), data.test)
    with pytest.raises(InputError, match="has no training run of label 0"):
        peeling.make_tasks(anomalous)
