"""Time and peak memory of scoring and fitting logs that do not fit in memory.

    python benchmarks/large.py --score 1 5 50 --fit 1 10 --output large.json

Simulates the Tennessee Eastman plant (extra "simulate": about 40 s for 1,920 rows), repeats it with
fresh noise to one part of 1 million rows of 52 sensors in single precision, and makes folders of so
many parts. Parts are hard links to one file: a folder of 50 parts is read as 50 million rows and
takes the disk of one. Each step runs in a process of its own; everything is deleted at the end.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

MILLION = 1_000_000
ROW_GROUP = 125_000
SIMULATED_HOURS = 96.0

# VmHWM, not ru_maxrss, which a process inherits from the one that starts it
PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return int(status.read().split("VmHWM:")[1].split()[0]) / 2**20
"""

SCORE = """
import sys, time
from dccad import load
from dccad.datasets import ParquetLog, TableOptions
from dccad.results.in_pieces import score_source
detector = load("model")
started = time.perf_counter()
log = ParquetLog(sys.argv[1], TableOptions(join=sys.argv[2] == "join"))
found = score_source(detector, log, "scores.parquet")
print(time.perf_counter() - started, time.process_time(), peak(),
      found["rows"], found["scored"])
"""

FIT = """
import sys, time
from dccad import DCCA
from dccad.datasets import ParquetLog, TableOptions
started = time.perf_counter()
log = ParquetLog(sys.argv[1], TableOptions(join=sys.argv[2] == "join"))
settings = {"max_windows": int(sys.argv[3])} if len(sys.argv) > 3 else {}
detector = DCCA(random_state=0, **settings).fit(log)
print(time.perf_counter() - started, time.process_time(), peak(),
      detector.sample_["rows"], detector.sample_["drawn"])
"""


def write_part(path, seed=0):
    """One million rows: the simulated plant, over and over, each time with other noise."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dccad.datasets import simulate_tep_run

    run = simulate_tep_run(0, hours=SIMULATED_HOURS, seed=1).run
    rng = np.random.default_rng(seed)
    spread = run.values.std(axis=0)
    writer = None
    for start in range(0, MILLION, ROW_GROUP):
        rows = (np.arange(start, start + ROW_GROUP)) % len(run)
        values = run.values[rows] + 0.3 * spread * rng.normal(size=(ROW_GROUP, len(run.columns)))
        arrays = [pa.array(column) for column in values.astype(np.float32).T]
        table = pa.table(arrays, names=list(run.columns))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


def make_folder(part, folder, millions):
    folder.mkdir()
    for number in range(millions):
        os.link(part, folder / f"part{number}.parquet")


def fit_small_model(part, target):
    """The model that scores: of the first 5000 rows."""
    import polars as pl

    from dccad import DCCA

    DCCA(random_state=0).fit(pl.scan_parquet(part).head(5000).collect()).save(target)


def measure(script, folder, *arguments):
    """Seconds, processor time, peak memory (GiB) and counts that a step in its process prints."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK + script, *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    seconds, processor, peak, rows, count = map(float, done.stdout.split())
    return {
        "rows": int(rows),
        "counted": int(count),
        "seconds": round(seconds, 1),
        "microseconds_per_row": round(1e6 * seconds / rows, 2),
        "processor_microseconds_per_row": round(1e6 * processor / rows, 2),
        "peak_gib": round(peak, 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--score", type=int, nargs="*", default=[1, 5, 50], metavar="MILLIONS")
    parser.add_argument("--fit", type=int, nargs="*", default=[1, 10], metavar="MILLIONS")
    parser.add_argument("--max-windows", type=int, help="drawn by a fit; default: that of DCCA")
    parser.add_argument("--separate", action="store_true", help="parts are runs, not one log")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    way = "separate" if arguments.separate else "join"
    limit = [] if arguments.max_windows is None else [arguments.max_windows]
    work = Path(tempfile.mkdtemp(prefix="dccad-large-", dir=arguments.folder))
    found = {"score": [], "fit": []}
    try:
        started = time.perf_counter()
        write_part(work / "million.parquet")
        print(f"simulated in {time.perf_counter() - started:.0f} s", flush=True)
        fit_small_model(work / "million.parquet", work / "model")
        for step, script, sizes, more in (
            ("score", SCORE, arguments.score, []),
            ("fit", FIT, arguments.fit, limit),
        ):
            for millions in sizes:
                folder = work / f"log{millions}"
                make_folder(work / "million.parquet", folder, millions)
                found[step].append(measure(script, work, folder, way, *more))
                print(step, found[step][-1], flush=True)
                shutil.rmtree(folder)
    finally:
        shutil.rmtree(work)
    record = {
        "columns": 52,
        "parts": "hard links to one part of 1 million rows",
        "date": date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        **found,
    }
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(record, indent=1) + "\n")
    print("| step | rows | time | per row | processor time per row | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for step, rows in found.items():
        for row in rows:
            print(
                f"| {step} | {row['rows']:,} | {row['seconds']:.0f} s | "
                f"{row['microseconds_per_row']:.1f} µs | "
                f"{row['processor_microseconds_per_row']:.1f} µs | {row['peak_gib']:.2f} GiB |"
            )


if __name__ == "__main__":
    main()
