"""Peak memory and time of checking and windowing a large Parquet file.

    python benchmarks/large_table.py --rows 10000000 --output large_table.json

Writes the file (52 sensors in double precision and a time stamp, 4.5 GiB for 10 million rows) into
a temporary folder, measures each step in a process of its own, and deletes the file.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

SENSORS = 52
ROW_GROUP = 250_000

STEPS = {
    "nothing (imports)": "import dccad.detector, dccad.tables.check, polars",
    "check": """
from dccad.datasets import check_log_tables, read_tables
report = check_log_tables(read_tables(FILE))
assert report["rows"] == ROWS and not report["stuck"] and report["interval"] == 1.0
""",
    "read and window": """
import numpy as np
import torch
from dccad.datasets import read_tables
from dccad.logs.inputs import check_log
from dccad.logs.windows import WindowSet
log = check_log(read_tables(FILE).runs)
[run] = log.segments
windows = WindowSet.of_table(np.asarray(run.values, dtype=np.float32), [ROWS], length=30)
assert len(windows) == ROWS - 29
total = sum(float(windows[torch.arange(i, i + 64)].sum()) for i in range(0, ROWS - 93, ROWS // 100))
assert total == total
""",
    "two of 52 columns": """
from dccad.datasets import TableOptions, read_tables
tables = read_tables(FILE, TableOptions(columns=("sensor_3", "sensor_40")))
assert tables.runs["large"].values.shape == (ROWS, 2)
""",
}


def write_file(path, rows):
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["stamp", *(f"sensor_{i}" for i in range(SENSORS))]
    rng = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, ROW_GROUP):
        n = min(ROW_GROUP, rows - start)
        stamps = np.datetime64("2026-01-01T00:00:00", "ms") + 1000 * np.arange(start, start + n)
        level = np.sin(np.arange(start, start + n) / 5000.0)[:, None]
        values = rng.normal(size=(n, SENSORS)) + level
        table = pa.table([pa.array(stamps), *(pa.array(v) for v in values.T)], names=names)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="none")
        writer.write_table(table)
    writer.close()


REPORT = """
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def measure(code, path, rows):
    """Seconds and peak resident memory (GiB) of a step in a process of its own."""
    script = f"FILE, ROWS = {str(path)!r}, {rows}\n{code}{REPORT}"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 1), "peak_gib": round(float(done.stdout), 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.parquet"
        write_file(path, arguments.rows)
        size = path.stat().st_size / 2**30
        found = {name: measure(code, path, arguments.rows) for name, code in STEPS.items()}
    record = {
        "rows": arguments.rows,
        "sensors": SENSORS,
        "file_gib": round(size, 2),
        "date": date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "steps": found,
    }
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"{arguments.rows} rows x {SENSORS} sensors, {size:.1f} GiB of Parquet")
    for name, step in found.items():
        print(f"{name:>20}: {step['seconds']:6.1f} s, {step['peak_gib']:5.2f} GiB at most")


if __name__ == "__main__":
    main()
