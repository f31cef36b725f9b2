"""Cost of scoring and fitting against rows, channels and maps: a table and a figure.

    python benchmarks/scaling.py --output scaling.json --figure docs/images/scaling.png

Each size is measured on random rows in seconds of the processor, on one thread; of several repeats
the fastest counts, so that other work on the machine disturbs little. The exponent is the slope of
log cost over log size: 1 is linear.
"""

import argparse
import json
import os
import platform
import time
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import torch

from dccad import DCCA

ROWS, CHANNELS, MAPS = 16_000, 16, 2
FIT_ROWS = 2_000
SIZES = {
    "rows": [4_000, 8_000, 16_000, 32_000, 64_000],
    "channels": [4, 8, 16, 32, 64],
    "kernels per direction": [1, 2, 4, 8, 16],
}
FIT_SIZES = {**SIZES, "rows": [1_000, 2_000, 4_000, 8_000, 16_000]}

SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
"""Ticks of the figure."""


def make_rows(n_rows, n_channels, seed=0):
    rng = np.random.default_rng(seed)
    level = np.sin(np.arange(n_rows) / 200.0)[:, None]
    return (rng.normal(size=(n_rows, n_channels)) + level).astype(np.float32)


def at_size(what, size, rows):
    """Rows, channels and kernels where one of them has a size."""
    found = {"rows": rows, "channels": CHANNELS, "kernels per direction": MAPS}
    return {**found, what: size}


def fit(sizes, epochs):
    detector = DCCA(
        kernels_per_direction=sizes["kernels per direction"],
        pretrain_epochs=epochs,
        joint_epochs=epochs,
        n_init=1,
        calibration="held-out",
        random_state=0,
    )
    rows = make_rows(sizes["rows"], sizes["channels"])
    started = time.process_time()
    detector.fit(rows)
    return detector, time.process_time() - started


def measure_scoring(what, repeats):
    found = []
    for size in SIZES[what]:
        sizes = at_size(what, size, ROWS)
        detector, _ = fit({**sizes, "rows": 1_000}, epochs=1)
        rows = make_rows(sizes["rows"], sizes["channels"], seed=1)
        seconds = []
        for _ in range(repeats):
            started = time.process_time()
            detector.decision_function(rows)
            seconds.append(time.process_time() - started)
        found.append({"size": size, "seconds": round(min(seconds), 4)})
        print("score", what, found[-1], flush=True)
    return found


def measure_fitting(what, repeats):
    found = []
    for size in FIT_SIZES[what]:
        sizes = at_size(what, size, FIT_ROWS)
        seconds = min(fit(sizes, epochs=2)[1] for _ in range(repeats))
        found.append({"size": size, "seconds": round(seconds, 4)})
        print("fit", what, found[-1], flush=True)
    return found


def exponent(points):
    """Slope of log seconds over log size, over the upper half, where constant costs matter less."""
    upper = points[len(points) // 2 :]
    size, seconds = (np.log([point[name] for point in upper]) for name in ("size", "seconds"))
    return round(float(np.polyfit(size, seconds, 1)[0]), 2)


def draw(record, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullLocator

    figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", sharey=True)
    for axis, what in zip(axes, SIZES, strict=True):
        for step, marker in (("score", "o"), ("fit", "s")):
            points = record[step][what]["points"]
            size = np.array([point["size"] for point in points], dtype=float)
            seconds = np.array([point["seconds"] for point in points])
            label = f"{step} (exponent {record[step][what]['exponent']})"
            [line] = axis.loglog(size, seconds, marker + "-", label=label)
            linear = seconds[-1] * size / size[-1]
            axis.loglog(size, linear, ":", color=line.get_color(), linewidth=1)
        axis.set_xlabel(what if what != "rows" else "rows (thousands)")
        ticks = sorted({*SIZES[what], *FIT_SIZES[what]})
        shown = [tick // 1000 if what == "rows" else tick for tick in ticks]
        axis.set_xticks(ticks, [str(tick) for tick in shown])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_yticks(SECONDS, [str(tick) for tick in SECONDS])
        axis.yaxis.set_minor_locator(NullLocator())
        axis.legend(fontsize=8)
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].set_ylabel("processor seconds (dotted: linear)")
    figure.savefig(path, dpi=130)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    record = {
        "rows": ROWS,
        "channels": CHANNELS,
        "kernels_per_direction": MAPS,
        "fit_rows": FIT_ROWS,
        "date": date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    for step, measure in (("score", measure_scoring), ("fit", measure_fitting)):
        record[step] = {}
        for what in SIZES:
            points = measure(what, arguments.repeats)
            record[step][what] = {"points": points, "exponent": exponent(points)}
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(record, indent=1) + "\n")
    if arguments.figure is not None:
        draw(record, arguments.figure)
    print("| step | against | sizes | seconds | exponent |\n| --- | --- | --- | --- | --- |")
    for step in ("score", "fit"):
        for what, found in record[step].items():
            sizes = ", ".join(f"{point['size']:,}" for point in found["points"])
            seconds = ", ".join(f"{point['seconds']:.2f}" for point in found["points"])
            print(f"| {step} | {what} | {sizes} | {seconds} | {found['exponent']} |")


if __name__ == "__main__":
    main()
