"""What the speed benchmarks share: interleaved repetitions, ratios, tables, data."""

import json
import os
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np
import sklearn
import threadpoolctl
import torch

from dccad.datasets import load_tep, load_tep_simulated
from dccad.fitting.recipe import FitSettings, make_recipe
from dccad.logs.inputs import check_log


def add_arguments(parser, repetitions=5):
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the classic files (*.dat)")
    parser.add_argument("--repetitions", type=int, default=repetitions)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, metavar="FILE.json")


def set_threads(threads):
    """The same number for torch and for the libraries below numpy and scikit-learn."""
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)


def environment(threads):
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
    }


def interleave(sides, repetitions, warm_up=True):
    """Seconds of each side, run in turn: A, B, A, B …; what slows the machine slows both.

    A side is a function without arguments. One that returns a number of seconds or a dict of them
    has taken the time itself.
    """
    if warm_up:
        for side in sides.values():
            side()
    seconds = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, side in sides.items():
            started = time.perf_counter()
            found = side()
            elapsed = time.perf_counter() - started
            seconds[name].append(found if isinstance(found, float | dict) else elapsed)
    return seconds


def summary(values):
    """Median and spread (smallest and largest) of repetitions."""
    return {
        "median": float(np.median(values)),
        "least": float(np.min(values)),
        "most": float(np.max(values)),
        "values": [float(value) for value in values],
    }


def ratio(slow, fast):
    """How many times as long the first takes, repetition by repetition."""
    return summary(np.asarray(slow) / np.asarray(fast))


def show(entry, digits=3):
    """As "12.3 (11.9–13.0)"."""
    median, least, most = (f"{entry[key]:.{digits}g}" for key in ("median", "least", "most"))
    return f"{median} ({least}–{most})"


def print_table(title, header, rows):
    table = [header, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    print(f"\n{title}")
    for number, row in enumerate(table):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print(flush=True)


def write(path, record):
    if path is not None:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def load(folder):
    """The classic files of a folder, else the embedded simulated set."""
    return load_tep_simulated() if folder is None else load_tep(folder)


def pooled_windows(dataset, detector):
    """Recipe and windows of a detector on all training runs without labels (``tep-pooled``)."""
    recipe = make_recipe(FitSettings.of(detector.get_params()), 0, 52)
    runs = list(check_log([run.values for run in dataset.train]).segments)
    representation = recipe.represent((), runs)
    return recipe, representation.windows(runs, recipe.window, recipe.stride)
