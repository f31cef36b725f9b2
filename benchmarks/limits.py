"""How fast this machine multiplies matrices and copies memory: the limit of everything else.

    python benchmarks/limits.py [--threads 2] [--output FILE.json]

`training_limit` turns the rates into the least time that one training step of the default network
could take if it were nothing but its matrix products.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from side_by_side import environment, print_table, set_threads, show, summary, write

BATCH, WINDOW, DIRECTIONS, BOTTLENECK, KERNEL = 64, 30, 104, 26, 3
"""Of the default detector on the Tennessee Eastman process (52 sensors)."""

TAPS = BOTTLENECK * KERNEL

SHAPES = {
    "square": (1024, 1024, 1024),
    "windows to bottleneck": (BATCH * WINDOW, DIRECTIONS, TAPS),
    "bottleneck to windows": (BATCH * WINDOW, TAPS, DIRECTIONS),
    "gradient of the decoder": (TAPS, BATCH * WINDOW, DIRECTIONS),
    "one Lloyd pass over a map of 5": (1, 6, 10_000),
}
"""(m, k, n) of a product of m × k and k × n."""

STEP = ("windows to bottleneck", "gradient of the decoder") * 2 + ("bottleneck to windows",)
"""Products of a training step on L_R: two forward; weights, weights and bottleneck backward."""


def rates(work, amount, repetitions):
    """Amount per second, of calls that together last about 20 ms each time."""
    work()
    started = time.perf_counter()
    work()
    calls = max(1, int(0.02 / max(time.perf_counter() - started, 1e-7)))
    found = []
    for _ in range(repetitions):
        started = time.perf_counter()
        for _ in range(calls):
            work()
        found.append(amount * calls / (time.perf_counter() - started))
    return summary(found)


def product_rate(m, k, n, dtype, repetitions=5):
    """10⁹ floating-point operations per second of one matrix product."""
    left, right = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype)
    out = torch.empty(m, n, dtype=dtype)
    return rates(lambda: torch.mm(left, right, out=out), 2e-9 * m * k * n, repetitions)


def copy_rate(megabytes, repetitions=5):
    """GB per second copied; each is read once and written once."""
    source = torch.ones(int(megabytes * 2**20 // 4))
    target = torch.empty_like(source)
    return rates(lambda: target.copy_(source), source.numel() * 4e-9, repetitions)


def measure(repetitions=5):
    products = {
        name: {
            "float32": product_rate(*shape, torch.float32, repetitions),
            "float64": product_rate(*shape, torch.float64, repetitions),
        }
        for name, shape in SHAPES.items()
    }
    copies = {f"{size} MiB": copy_rate(size, repetitions) for size in (0.5, 8, 256)}
    return {"products": products, "copies": copies}


def training_limit(products):
    """Seconds of the matrix products of one training step, at the rates of these shapes."""
    return sum(2e-9 * np.prod(SHAPES[name]) / products[name]["float32"]["median"] for name in STEP)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    arguments = parser.parse_args()
    record = {"environment": environment(arguments.threads), "threads": {}}
    for threads in sorted({1, arguments.threads}):
        set_threads(threads)
        found = measure(arguments.repetitions)
        found["training_step_limit_seconds"] = training_limit(found["products"])
        record["threads"][threads] = found
        print_table(
            f"Matrix products, {threads} thread(s), 10⁹ operations per second",
            ["what", "m × k × n", "float32", "float64"],
            [
                [
                    name,
                    " × ".join(map(str, SHAPES[name])),
                    show(rate["float32"]),
                    show(rate["float64"]),
                ]
                for name, rate in found["products"].items()
            ],
        )
        print_table(
            f"Copies, {threads} thread(s), GB per second",
            ["size", "rate"],
            [[size, show(rate)] for size, rate in found["copies"].items()],
        )
        limit = 1e3 * found["training_step_limit_seconds"]
        print(f"the products of a training step of the default network: {limit:.2f} ms")
    write(arguments.output, record)


if __name__ == "__main__":
    main()
