"""Time from a row to its score: a stream's push beside scoring the last window again.

    python benchmarks/stream_latency.py [--window 30 100] [--rows 20000] [--output FILE.json]

52 channels of simulated Tennessee Eastman rows, the default detector. Medians and 99th percentiles
of single calls, in milliseconds; pushes and re-scored windows alternate in blocks, so that both see
the same machine.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from dccad import DCCA
from dccad.datasets import load_tep_simulated

BLOCKS = 10
SCORED_AGAIN = 20
"""Windows scored again in each block."""


def measure(window, n_rows):
    plant = load_tep_simulated()
    settings = {"pretrain_epochs": 2, "joint_epochs": 2, "calibration": "held-out"}
    detector = DCCA(window=window, random_state=0, **settings)
    detector.fit(None, normal=plant.train_run(0))
    run = plant.test_run(1).values
    rows = np.tile(run, (n_rows // len(run) + 2, 1))[: n_rows + window]
    stream = detector.stream()
    stream.push_many(rows[:window])
    pushes, again = [], []
    for block in np.array_split(np.arange(window, len(rows)), BLOCKS):
        for row in block:
            started = time.perf_counter()
            stream.push(rows[row])
            pushes.append(time.perf_counter() - started)
        for row in block[:SCORED_AGAIN]:
            part = rows[row - window + 1 : row + 1]
            started = time.perf_counter()
            detector.decision_function(part)
            again.append(time.perf_counter() - started)
    many = rows[: min(len(rows), 20_000)]
    started = time.perf_counter()
    detector.stream().push_many(many)
    together = (time.perf_counter() - started) / len(many)
    milliseconds = 1e3 * np.array(pushes)
    return {
        "window": window,
        "pushes": len(pushes),
        "push_median_ms": float(np.median(milliseconds)),
        "push_p99_ms": float(np.quantile(milliseconds, 0.99)),
        "push_many_ms_per_row": 1e3 * together,
        "window_again_median_ms": 1e3 * float(np.median(again)),
        "ratio": float(np.median(again) / np.median(pushes)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = [measure(window, arguments.rows) for window in arguments.window]
    table = Table(title=f"one row of 52 channels, {arguments.threads} threads, milliseconds")
    for name in ("window", "push, median", "push, p99", "push_many", "window again", "ratio"):
        table.add_column(name, justify="right")
    for row in found:
        table.add_row(
            str(row["window"]),
            f"{row['push_median_ms']:.3f}",
            f"{row['push_p99_ms']:.3f}",
            f"{row['push_many_ms_per_row']:.4f}",
            f"{row['window_again_median_ms']:.3f}",
            f"{row['ratio']:.1f}",
        )
    Console(width=80).print(table)
    if arguments.output:
        versions = {"python": platform.python_version(), "torch": torch.__version__}
        record = {"versions": versions, "threads": arguments.threads, "rows": found}
        arguments.output.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
