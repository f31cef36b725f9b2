"""What an exported model costs and saves.

    python benchmarks/onnx_speed.py [--seed 0 1 2 3 4] [--output FILE.json]

Fits on the fault-free training run of the embedded Tennessee Eastman set and scores its test runs
with the detector (torch) and its export. For each: mean share of faulty rows above the threshold
that exactly 1 % of the rows of the fault-free test run pass (FDR at 1 % FAR), largest difference of
a score from the detector's, rows per second, size of the file.
Set OMP_NUM_THREADS=1 for figures of one core.
"""

import argparse
import json
import platform
import tempfile
import time
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from dccad import DCCA
from dccad.datasets import load_tep_simulated
from dccad.evaluation.protocols.faults import judge_faults, monitor_tasks
from dccad.onnx import export_onnx, load_onnx

MODELS = {"default": DCCA, "as published": DCCA.as_published}
SPEED_ROWS = 100_000


def speed(scorer, rows):
    scorer.decision_function(rows[:2000])
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        scorer.decision_function(rows)
        seconds.append(time.perf_counter() - started)
    return len(rows) / float(np.median(seconds))


def measure(detector, task, rows, folder):
    runs = [part.run for part in task.test]
    found, expected = {}, np.concatenate(detector.decision_function(runs))
    for variant in ("torch", "onnx"):
        scorer, size = detector, None
        if variant != "torch":
            file = folder / "model.onnx"
            export_onnx(detector, file)
            scorer, size = load_onnx(file), file.stat().st_size
        scores = np.concatenate(scorer.decision_function(runs))
        known = np.isfinite(expected)
        flags = (scores > detector.threshold_) != (expected > detector.threshold_)
        found[variant] = {
            "fdr_at_far_1": float(np.mean(judge_faults(scorer, task)["per_fault"]["fdr_at_far_1"])),
            "largest difference": float(np.abs(scores - expected)[known].max()),
            "median difference": float(np.median(np.abs(scores - expected)[known])),
            "flags that differ": float(flags[known].mean()),
            "rows per second": speed(scorer, rows),
            "bytes": size,
        }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--output", metavar="FILE.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    plant = load_tep_simulated()
    (task,) = monitor_tasks(plant)
    values = np.concatenate([part.run.values for part in task.test])
    rows = np.resize(values, (SPEED_ROWS, values.shape[1]))
    print(
        f"{date.today()}, seeds {arguments.seed}, {platform.machine()}, torch {torch.__version__}, "
        f"onnxruntime {onnxruntime.__version__}, {torch.get_num_threads()} thread(s)"
    )
    record = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in MODELS.items():
            per_seed = []
            for seed in arguments.seed:
                detector = make(calibration="held-out", random_state=seed)
                detector.fit(None, normal=plant.train_run(0))
                per_seed.append(measure(detector, task, rows, Path(folder)))
            record[name] = per_seed
            for variant in per_seed[0]:
                parts = [found[variant] for found in per_seed]
                fdr = 100 * np.array([part["fdr_at_far_1"] for part in parts])
                size = parts[0]["bytes"]
                print(
                    f"{name}, {variant}: FDR {fdr.mean():.2f} ± {fdr.std():.2f} %, difference "
                    f"{np.median([part['median difference'] for part in parts]):.2g} (largest "
                    f"{max(part['largest difference'] for part in parts):.2g}), flags that differ "
                    f"{100 * np.mean([part['flags that differ'] for part in parts]):.3f} %, "
                    f"{np.median([part['rows per second'] for part in parts]):,.0f} rows/s"
                    + (f", {size / 1000:.0f} kB" if size else ""),
                    flush=True,
                )
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1)


if __name__ == "__main__":
    main()
