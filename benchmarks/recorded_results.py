"""Record what the package gives on its embedded data, and compare other code with the record.

    OMP_NUM_THREADS=1 python benchmarks/recorded_results.py record FOLDER
    OMP_NUM_THREADS=1 python benchmarks/recorded_results.py compare FOLDER --tolerance 1e-6

Record with the code before a change, compare with the code after it: on the same machine, with the
same packages. Everything is fitted again and must be equal bit for bit (or within a tolerance,
relative to numbers above 1); besides, the recorded model folders are loaded with the code at hand
and must score as they did. Only public names are used, so that the script outlives any move.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import runpy
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np

# change from run to run or from commit to commit, and are no results
UNSTEADY = re.compile(
    r"versions|environment|date|sha256|.*_sha256|.*_seconds|rows_per_second|seconds"
)
RULE = "3 of 5, off 10"
QUICK = {"pretrain_epochs": 2, "joint_epochs": 3, "update_interval": 1, "random_state": 0}


def runs(n_sensors=None):
    """Fault-free run, two faulty training runs and a faulty test run, 180 s from row to row."""
    from dccad import Run
    from dccad.datasets import load_tep_simulated

    data = load_tep_simulated()
    for run in (data.train_run(0), data.train_run(1), data.train_run(6), data.test_run(1)):
        stamps = np.datetime64("2024-03-01T00:00:00", "s") + 180 * np.arange(len(run.values))
        yield Run(run.values[:, :n_sensors], run.columns[:n_sensors], run.name, time=stamps)


def as_frame(run):
    """The run as a data frame with cells missing."""
    import polars as pl

    values = run.values.astype(np.float64)
    values[50:53, 2] = values[90, 1] = values[120:122, 4] = np.nan
    return pl.DataFrame(dict(zip(run.columns, values.T, strict=True)))


def logs_of(name):
    """Fault-free log, two faulty ones and the log to judge, as the fit of this name takes them."""
    return [as_frame(run) for run in runs(8)] if name in PREPARED else list(runs())


def fit(name):
    """The detectors whose results are recorded; all but the first with few epochs."""
    from dccad import DCCA

    normal, log, other, _ = logs_of(name)
    if name == "default":
        return DCCA(random_state=0).fit(None, normal=normal)
    if name == "published":
        return DCCA.as_published(**QUICK).fit(log, normal=normal)
    if name in PREPARED:
        chosen = {"keep_latents": True, "calibration": "held-out", **PREPARED[name], **QUICK}
        return DCCA(10, **chosen).fit(log, normal=normal)
    return DCCA(n_clusters="auto" if name == "auto" else 2, **QUICK).fit([log, other])


STREAMED = ("mode:xmeas_7>2640", "clip:xmeas_2=3600..3750", "log:xmeas_1")
PREPARED = {
    "prepared": {"prepare": STREAMED, "on_missing": "interpolate"},
    "averaged": {"prepare": ("average:2", "difference:xmeas_3"), "on_missing": "drop"},
}
FITS = ("default", "published", "unlabelled", "auto", *PREPARED)


def judge(detector, new):
    """Everything that a fitted detector says of a log: arrays and plain values."""
    windows = detector.score_windows(new)
    cross_fitted = detector.calibration == "cross-fitted"
    rate = {"per_1000_rows": 5.0} if cross_fitted else {}
    found = {
        **detector.score_rows(new),
        "decision_function": detector.decision_function(new),
        "predict": detector.predict(new),
        "predict_state": detector.predict_state(new).astype(str),
        "transform": detector.transform(new),
        "assignments": windows.assignments,
        "statistics": windows.statistics,
        "names": list(windows.names),
        "features": detector.get_feature_names_out().tolist(),
        "threshold": detector.threshold_,
        "states_of_fit": detector.states_,
        "states": detector.find_states(new),
        "alarms": detector.find_alarms(new).to_dict(),
        "alarms_at_rate": detector.find_alarms(new, RULE, **rate).to_dict(),
    }
    if cross_fitted and hasattr(new, "time"):
        found["alarms_per_day"] = detector.find_alarms(new, RULE, per_day=2.0).to_dict()
    if "average:2" not in detector.prepare:  # a stream takes no steps that combine rows
        rows = (new.values if hasattr(new, "values") else new.to_numpy())[:120]
        stream, single = detector.stream(), detector.stream()
        found["stream"] = stream.push_many(rows)
        pushed = [
            (single.push(row), single.p_value, single.flag, single.region) for row in rows[:60]
        ]
        found["stream_single"] = np.array(pushed, dtype=np.float64)
    return found


def read_folder(folder):
    from safetensors.numpy import load_file

    arrays = {path.stem: load_file(path) for path in sorted(folder.glob("*.safetensors"))}
    return {**arrays, "model.json": json.loads((folder / "model.json").read_text("utf-8"))}


def record_fit(name, folder):
    detector = fit(name)
    attributes = ("labels_", "decision_scores_", "regions_", "latents_")
    detector.save(folder / "models" / name, include_latents=detector.latents_ is not None)
    return {
        "new": judge(detector, logs_of(name)[-1]),
        "fit": {key: getattr(detector, key) for key in attributes},
        "folder": read_folder(folder / "models" / name),
    }


def run_command(*arguments, cwd="."):
    """What ``python -m dccad ... --json`` prints in a folder, without starting another Python."""
    out, err, here, argv = StringIO(), StringIO(), Path.cwd(), sys.argv
    code = 0
    try:
        os.chdir(cwd)
        sys.argv = ["dccad", *arguments, "--json"]
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("default")
            runpy.run_module("dccad", run_name="__main__")
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.argv = argv
        os.chdir(here)
    return {"code": code, "output": json.loads(out.getvalue()) if code == 0 else err.getvalue()}


def record_commands(folder):
    """Each command once, in a new folder, on tables of eight sensors."""
    import polars as pl

    given = [f"--set={k}={v}" for k, v in QUICK.items() if k != "random_state"]
    given += ["--window", "10", "--seed", "0"]
    sampled = ["--stream", *given, "--set=max_windows=200", "--set=calibration=held-out"]
    at_rate = ["--alarm", RULE, "--alarms-per-day", "2"]
    commands = {
        "check": "data check log.csv",
        "list": "data list",
        "show": "data show",
        "fit": ["fit", "log.csv", "--normal", "normal.csv", "-o", "model", *given],
        "info": "info model",
        "score": "score model new.csv -o scores.csv",
        "alarm": ["score", "model", "new.csv", "-o", "alarm.parquet", *at_rate],
        "pieces": "score model new.parquet -o pieces.parquet --stream",
        "export": "export model -o model.onnx",
        "onnx": "score model.onnx new.csv -o onnx.csv",
        "sample": ["fit", "log.parquet", "--normal", "normal.parquet", "-o", "sample", *sampled],
        "missing": "score model absent.csv -o none.csv",
    }
    found = {}
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        for name, run in zip(("normal", "log", "_", "new"), runs(8), strict=True):
            columns = dict(zip(run.columns, run.values.astype(np.float64).T, strict=True))
            table = pl.DataFrame({"time": run.time.astype("datetime64[ms]"), **columns})
            table.write_csv(here / f"{name}.csv", datetime_format="%Y-%m-%d %H:%M:%S")
            table.write_parquet(here / f"{name}.parquet")
        for name, line in commands.items():
            words = line.split() if isinstance(line, str) else line
            found[name] = run_command(*words, cwd=here)
        for name in ("scores.csv", "alarm.parquet", "pieces.parquet", "onnx.csv"):
            if (here / name).exists():
                table = (pl.read_csv if name.endswith("csv") else pl.read_parquet)(here / name)
                found[name] = {
                    c.name: c.to_numpy() if c.dtype.is_numeric() else c.cast(pl.String).to_list()
                    for c in table
                }
    return found


def record_benchmarks(folder):
    del folder
    short = ("--seed", "0", "--jobs", "1")
    given = ("--set=stride=10", "--set=pretrain_epochs=1", "--set=joint_epochs=2")
    pairs = run_command("benchmark", "tep-pairs", "--method", "dccad", *short, *given)
    return {
        "tep-pairs": pairs,
        "tep-monitor": run_command("benchmark", "tep-monitor", "--method", "pca-spe", *short),
    }


def record_demo(folder):
    del folder
    with tempfile.TemporaryDirectory() as place:
        found = run_command("demo", "machining", "-o", "demo", cwd=place)
        files = sorted(str(path.relative_to(place)) for path in Path(place).rglob("*.*"))
        return {"machining": found, "files": files}


PARTS = {
    **{name: lambda folder, name=name: record_fit(name, folder) for name in FITS},
    "commands": record_commands,
    "benchmarks": record_benchmarks,
    "demo": record_demo,
}


def flatten(value, path=""):
    """Leaves of nested dicts and lists by their path; lists of numbers are one leaf."""
    if isinstance(value, dict):
        if not value:
            yield path, "{}"
        for key, item in value.items():
            if not UNSTEADY.fullmatch(str(key)):
                yield from flatten(item, f"{path}/{key}".lstrip("/"))
    elif isinstance(value, np.ndarray):
        yield path, np.array([str(x) for x in value]) if value.dtype.kind == "O" else value
    elif isinstance(value, (list, tuple)):
        if value and all(type(item) in (int, float) for item in value):
            yield path, np.array(value)
        else:
            yield path, f"list of {len(value)}"
            for i, item in enumerate(value):
                yield from flatten(item, f"{path}/{i}")
    elif isinstance(value, (bool, str)) or value is None:
        yield path, str(value).replace(str(Path.home()), "~")
    else:
        yield path, np.asarray(value)


def write(found, folder, name):
    leaves = dict(flatten(found))
    arrays = {path: leaf for path, leaf in leaves.items() if isinstance(leaf, np.ndarray)}
    texts = {path: leaf for path, leaf in leaves.items() if isinstance(leaf, str)}
    np.savez_compressed(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.json").write_text(json.dumps(texts, indent=1) + "\n", encoding="utf-8")


def read(folder, name):
    with np.load(folder / f"{name}.npz") as arrays:
        leaves = dict(arrays)
    return leaves | json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def differ(old, new, tolerance):
    """Say how two leaves differ; None where they agree. Also gives the largest difference."""
    if isinstance(old, str) or isinstance(new, str) or "U" in old.dtype.kind + new.dtype.kind:
        same = type(old) is type(new) and np.array_equal(old, new)
        return None if same else f"{str(old)[:150]!r} is now {str(new)[:150]!r}", 0.0
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"{old.dtype} {old.shape} is now {new.dtype} {new.shape}", np.inf
    if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        a, b = old.astype(np.float64), new.astype(np.float64)
        unequal = (a != b) & ~(np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            distance = np.where(unequal, np.abs(a - b), 0.0)
            distance = np.where(np.isnan(distance), np.inf, distance)
        largest = float(distance.max())
        beyond = int((distance > tolerance * np.maximum(1.0, np.abs(np.nan_to_num(a)))).sum())
        where = f"{int(unequal.sum())} of {a.size} differ, at most by {largest:.3g}"
        return f"{where}; beyond the tolerance: {beyond}" if beyond else None, largest
    return None, 0.0


def compare(old, new, args, title):
    """Print what differs between two records, and count what is not allowed."""
    bad, largest, within = 0, 0.0, 0
    for path, leaf in old.items():
        name = path.rsplit("/", 1)[-1]
        if path not in new:
            allowed = name in args.allow_gone
            bad += not allowed
            print(f"{title}: {path}: gone: {name}{' (allowed)' if allowed else ''}")
            continue
        said, distance = differ(leaf, new[path], args.tolerance)
        within += said is None and distance > 0
        largest = max(largest, distance)
        if said is not None:
            allowed = isinstance(leaf, str) and name in args.allow_changed
            bad += not allowed
            print(f"{title}: {path}: {said}{' (allowed)' if allowed else ''}")
    for path in new.keys() - old.keys():
        bad += 1
        print(f"{title}: {path}: new")
    print(
        f"{title}: {len(old)} values, {bad} differ; {within} within the tolerance; "
        f"largest difference {largest:.3g}",
        flush=True,
    )
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.0, help="default: bit for bit")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="repeatable")
    parser.add_argument("--allow-gone", action="append", default=[], metavar="NAME")
    parser.add_argument("--allow-changed", action="append", default=[], metavar="NAME of a text")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here and by the commands
    warnings.simplefilter("ignore")
    import dccad

    print(f"{args.action} {args.folder} with {Path(dccad.__file__).parent}", flush=True)
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) if args.action == "compare" else args.folder
        target.mkdir(parents=True, exist_ok=True)
        for name in args.only or PARTS:
            started = time.perf_counter()
            write(PARTS[name](target), target, name)
            if args.action == "compare":
                old = read(args.folder, name)
                bad += compare(old, read(target, name), args, name)
                if name in FITS:
                    again = judge(dccad.load(args.folder / "models" / name), logs_of(name)[-1])
                    earlier = {path: old[path] for path in old if path.startswith("new/")}
                    title = f"{name}, model of the record"
                    bad += compare(earlier, dict(flatten(again, "new")), args, title)
            print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
    if args.action == "compare":
        print(f"{bad} differences that are not allowed" if bad else "equal to the record")
    return bad


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
