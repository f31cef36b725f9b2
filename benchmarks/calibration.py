"""Is a promised false-alarm rate kept on new normal data? Many short references, one plant.

    python benchmarks/calibration.py [--references 20] [--rate 0.01 0.05] [--output FILE.json]

Each of the fault-free training runs of the simulated set `tep-many` (500 rows; `dccad data get
tep-many`) is a reference by itself. A detector is fitted on it and scores the fault-free test runs
of the set, which come from other seeds; the share of rows above the threshold is the realised rate.
"""

import argparse
import json
import warnings
from datetime import date

import numpy as np

from dccad import DCCA
from dccad.datasets import load_tep_many


def realised(reference, tests, rates, seed):
    detector = DCCA(random_state=seed).fit(None, normal=reference)
    scores = np.concatenate(detector.decision_function(tests))
    scores = scores[np.isfinite(scores)]
    calibration = detector.calibration_
    shares = {rate: float((scores > calibration.threshold(rate)).mean()) for rate in rates}
    intervals = {rate: calibration.rate_interval(rate, len(tests[0])) for rate in rates}
    return {"realised": shares, "interval": intervals}


def summarise(rows, rate):
    shares = np.array([row["realised"][rate] for row in rows])
    inside = [
        row["interval"][rate][0] <= row["realised"][rate] <= row["interval"][rate][1]
        for row in rows
    ]
    return {
        "asked": rate,
        "mean": shares.mean(),
        "median": float(np.median(shares)),
        "largest": shares.max(),
        "between half and twice": float(((shares >= rate / 2) & (shares <= 2 * rate)).mean()),
        "inside the 90 % interval": float(np.mean(inside)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--references", type=int, default=20)
    parser.add_argument("--rate", type=float, nargs="+", default=[0.01, 0.05])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", metavar="FILE.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    plant = load_tep_many()
    references = [run for run in plant.train if run.fault == 0][: arguments.references]
    tests = [run for run in plant.test if run.fault == 0]
    print(f"{date.today()}, {len(references)} references of {len(references[0])} rows, seed 0")
    rows = []
    for reference in references:
        rows.append(realised(reference, tests, arguments.rate, arguments.seed))
        shares = ", ".join(f"{100 * share:.2f} %" for share in rows[-1]["realised"].values())
        print(f"{reference.name}: {shares}", flush=True)
    found = [summarise(rows, rate) for rate in arguments.rate]
    for entry in found:
        print(", ".join(f"{name} {100 * value:.1f} %" for name, value in entry.items()))
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            json.dump({"summary": found, "references": rows}, file, indent=1)


if __name__ == "__main__":
    main()
