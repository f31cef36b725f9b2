"""Time of an epoch on many windows, on any device, and its share of the matrix-product rate.

    python benchmarks/epochs.py [--device cuda] [--windows 250000] [--output FILE.json]

Trains the default network on standard normal noise of 52 channels, two epochs of each phase; the
second of each is reported. The share is that of the operations of L_R's products in the rate that
this device reaches for a large square product in the same run.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dccad import DCCA
from dccad.fitting.recipe import FitSettings, make_recipe
from dccad.logs.inputs import check_log
from dccad.method.training.algorithm import fit_jointly
from limits import BATCH, BOTTLENECK, DIRECTIONS, KERNEL, SHAPES, STEP, WINDOW
from side_by_side import environment, print_table, set_threads, write

CHANNELS = DIRECTIONS // 2
SQUARE = {"cpu": 1024, "cuda": 8192}


def square_rate(device, threads):
    """10⁹ operations per second of a large square product in single precision."""
    size = SQUARE[device.type]
    set_threads(threads)
    left, right = torch.randn(2, size, size, device=device).unbind()
    found = []
    for _ in range(6):
        wait(device)
        started = time.perf_counter()
        for _ in range(10):
            left @ right
        wait(device)
        found.append(20e-9 * size**3 / (time.perf_counter() - started))
    return float(np.median(found[1:]))


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--windows", type=int, default=250_000)
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    detector = DCCA(random_state=0, window=WINDOW, batch_size=BATCH)
    noise = np.random.default_rng(0).normal(size=(arguments.windows + WINDOW - 1, CHANNELS))
    log = check_log(noise.astype(np.float32))
    recipe = make_recipe(FitSettings.of(detector.get_params()), 0, CHANNELS)
    assert (recipe.network.bottleneck, recipe.network.kernel_size) == (BOTTLENECK, KERNEL)
    runs = list(log.segments)
    windows = recipe.represent((), runs).windows(runs, WINDOW)
    settings = replace(recipe.training, pretrain_epochs=2, joint_epochs=2)
    wait(device)
    started = time.perf_counter()
    result = fit_jointly(windows, recipe.network, settings, device)
    wait(device)
    total = time.perf_counter() - started
    epochs = {record["phase"]: record["seconds"] for record in result.history}
    n_steps = -(-len(windows) // BATCH)
    operations = n_steps * sum(2e-9 * np.prod(SHAPES[name]) for name in STEP)
    rate = square_rate(device, 1)  # training takes one thread of a processor
    record = {
        "environment": environment(1),
        "device": str(device),
        "name": torch.cuda.get_device_name(device) if device.type == "cuda" else "processor",
        "windows": len(windows),
        "seconds_of_an_epoch": epochs,
        "seconds_of_the_fit": total,
        "square_product_rate": rate,
        "share_of_the_rate": {
            phase: operations / seconds / rate for phase, seconds in epochs.items()
        },
    }
    print_table(
        f"{len(windows)} windows × {CHANNELS} channels on {record['name']}; "
        f"square products: {rate:.0f} · 10⁹ operations per second",
        ["epoch", "seconds", "milliseconds a step", "share of the product rate"],
        [
            [
                phase,
                f"{seconds:.2f}",
                f"{1e3 * seconds / n_steps:.2f}",
                f"{100 * record['share_of_the_rate'][phase]:.0f} %",
            ]
            for phase, seconds in epochs.items()
        ],
    )
    write(arguments.output, record)


if __name__ == "__main__":
    main()
