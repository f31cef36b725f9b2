"""Run every protocol and write docs/results.md: the one command behind its tables.

    python benchmarks/results.py --data FOLDER [--only PROTOCOL ...] [--method METHOD ...]
        [--output docs/results.md]

FOLDER holds the classic Tennessee Eastman files as FOLDER/tep and those of SKAB as FOLDER/skab; a
protocol whose files are not there is left out, and the page says so by having no section of it.
Records are kept in --records: with --only, the other sections come from what lies there. Methods
that train long (convolutional and LSTM autoencoders, PyOD) run in the protocols of --slow. With
--method, these methods alone are run, and their record stands beside the others of the protocol:
the page shows each method as the newest record has it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from dccad.evaluation.registry import PROTOCOLS

HERE = Path(__file__).parent
FOLDERS = {"skab": "skab", **{name: "tep" for name in PROTOCOLS if name.startswith("tep-")}}
OWN_DATA = ("tep-many",)
"""Protocols whose data are simulated and kept, whatever is passed."""


def command(protocol, arguments):
    words = [
        sys.executable,
        "-m",
        "dccad",
        "benchmark",
        protocol,
        "-o",
        record(protocol, arguments),
    ]
    if protocol in FOLDERS and protocol not in OWN_DATA:
        folder = arguments.data / FOLDERS[protocol]
        if not folder.is_dir():
            return None
        words += ["--data", folder]
    words += ["--jobs", arguments.jobs]
    for seed in arguments.seed:
        words += ["--seed", seed]
    methods = arguments.method or (["all"] if protocol in arguments.slow else [])
    for method in methods:
        words += ["--method", method]
    return [str(word) for word in words]


def record(protocol, arguments):
    return arguments.records / f"{'-'.join([protocol, *arguments.method])}.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--slow", nargs="*", choices=PROTOCOLS, default=["tep-monitor"])
    parser.add_argument("--method", nargs="+", default=[])
    parser.add_argument("--seed", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--records", type=Path, default=Path("runs/results"))
    parser.add_argument("--output", type=Path, default=HERE.parent / "docs" / "results.md")
    arguments = parser.parse_args()
    arguments.records.mkdir(parents=True, exist_ok=True)
    for protocol in arguments.only:
        words = command(protocol, arguments)
        if words is None:
            print(f"{protocol}: no folder {arguments.data / FOLDERS[protocol]}, left out")
            continue
        if protocol in OWN_DATA:
            get = [sys.executable, "-m", "dccad", "data", "get", protocol]
            subprocess.run([*get, "--jobs", str(arguments.jobs)], check=True)
        started = time.perf_counter()
        subprocess.run(words, check=True)
        print(f"{protocol}: {time.perf_counter() - started:.0f} s\n", flush=True)
    found = []
    for (
        name
    ) in PROTOCOLS:  # whose methods may have been run apart: tep-pairs.json, tep-pairs-….json
        records = arguments.records.glob(f"{name}*.json")
        found += sorted(records, key=lambda path: path.stat().st_mtime, reverse=True)
    script = HERE / "render_results.py"
    page = subprocess.run([sys.executable, script, *found], check=True, capture_output=True)
    arguments.output.write_bytes(page.stdout)


if __name__ == "__main__":
    main()
