"""The record of a benchmark: its parts, its figures, and what does not change them."""

import numpy as np
import pytest

from dccad.detector import AS_PUBLISHED
from dccad.evaluation.benchmark import run_benchmark
from faulty_plant import TINY, shifted_plant


@pytest.fixture(scope="module")
def dataset():
    return shifted_plant()


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
