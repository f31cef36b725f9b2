"""Rows scored per second, beside what one would pick instead, on the same windows and threads.

    python benchmarks/speed_scoring.py [--rows 20000] [--threads 2] [--output FILE.json]

Every detector has learned from one fault-free run of the embedded simulated plant (52 sensors) and
scores the rows of its test runs, tiled to --rows; slow ones score fewer (the table says how many).
Epochs of the fit are few, because they do not change how long scoring takes. Detectors of PyOD and
scikit-learn see flattened windows. All figures: median (least–most) of interleaved repetitions.
"""

import argparse
import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np

from dccad import DCCA
from dccad.evaluation.baselines.outliers import PyODAutoEncoder, PyODDeepSVDD, PyODMonitor
from dccad.evaluation.baselines.statistical import PCAMonitor
from dccad.method.scoring.batches import BatchReader, judge, read_all
from side_by_side import (
    add_arguments,
    environment,
    interleave,
    load,
    print_table,
    ratio,
    set_threads,
    show,
    summary,
    write,
)

WINDOWS = (30, 100)
FEWER = {"PyOD KNN": 10, "PyOD IForest": 4, "dccad, window by window": 4}
"""Slow ones score this many times fewer rows."""


@dataclass(eq=False, repr=False)
class PyODForest(PyODMonitor):
    def _make(self, n_features):
        from pyod.models.iforest import IForest

        return IForest(random_state=self.random_state)


@dataclass(eq=False, repr=False)
class PyODNeighbours(PyODMonitor):
    def _make(self, n_features):
        from pyod.models.knn import KNN

        return KNN()


def window_by_window(detector):
    """Score as if windows shared nothing: each through the network by itself."""
    model = detector.model_

    def score(rows):
        log = detector._check_log(rows)
        windows = model.windows(log.segments)
        return read_all(
            BatchReader(model.network, windows),
            lambda reading: judge(reading, model.partition, model.statistics),
        )["statistics"]

    return score


def scorers(reference, window):
    short = {"pretrain_epochs": 1, "joint_epochs": 1, "random_state": 0}
    detector = DCCA(window=window, calibration="held-out", **short).fit(None, normal=reference)
    yield "dccad", detector.decision_function
    yield "dccad, window by window", window_by_window(detector)
    published = DCCA.as_published(window=window, **short).fit(None, normal=reference)
    yield "dccad as published", published.decision_function
    for name, make in (
        ("scikit-learn PCA, 90 % of variance", PCAMonitor),
        ("scikit-learn PCA, 20 components", partial(PCAMonitor, variance=20)),
        ("scikit-learn PCA, single rows", lambda window: PCAMonitor(window=1)),
        ("PyOD AutoEncoder", partial(PyODAutoEncoder, epochs=1)),
        ("PyOD DeepSVDD", partial(PyODDeepSVDD, epochs=1)),
        ("PyOD IForest", PyODForest),
        ("PyOD KNN", PyODNeighbours),
    ):
        yield name, make(window=window).fit(reference).decision_function


def compare(dataset, window, arguments):
    reference = dataset.train_run(0).values
    tests = np.concatenate([run.values for run in dataset.test])
    rows = np.resize(tests, (arguments.rows, tests.shape[1]))
    sides, n_rows = {}, {}
    for name, score in scorers(reference, window):
        n_rows[name] = max(2 * window, arguments.rows // FEWER.get(name, 1))
        sides[name] = lambda score=score, part=rows[: n_rows[name]]: score(part)
    seconds = interleave(sides, arguments.repetitions)
    per_row = {name: np.array(values) / n_rows[name] for name, values in seconds.items()}
    record = {
        name: {
            "rows": n_rows[name],
            "rows_per_second": summary(1 / per_row[name]),
            "dccad_is_times_faster": ratio(per_row[name], per_row["dccad"]),
        }
        for name in sides
    }
    print_table(
        f"Scoring, windows of {window} rows",
        ["method", "rows", "rows per second", "dccad is … times as fast"],
        [
            [
                name,
                entry["rows"],
                show(entry["rows_per_second"]),
                show(entry["dccad_is_times_faster"]),
            ]
            for name, entry in record.items()
        ],
    )
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--rows", type=int, default=20_000)
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    warnings.simplefilter("ignore")
    dataset = load(arguments.data)
    record = {"environment": environment(arguments.threads), "dataset": dataset.name}
    for window in WINDOWS:
        record[f"window {window}"] = compare(dataset, window, arguments)
        others = {k: v for k, v in record[f"window {window}"].items() if not k.startswith("dccad")}
        faster = [k for k, v in others.items() if v["dccad_is_times_faster"]["median"] < 1]
        print(f"windows of {window}: faster than dccad: {', '.join(faster) or 'none'}")
    write(arguments.output, record)


if __name__ == "__main__":
    main()
