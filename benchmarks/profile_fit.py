"""Where the time of `fit` and `decision_function` goes, by the package's own stages.

    python benchmarks/profile_fit.py [--data FOLDER] [--threads 2] [--output FILE.json]

One fit of the default detector on all training runs (unlabelled, `tep-pooled`; --epochs scales it)
and one pass over all test runs, under cProfile. Shares are of the whole; a stage's share excludes
the stages that are listed below it. The profiler slows many small calls, so seconds are rough.
"""

import argparse
import cProfile
import pstats
import warnings

from dccad import DCCA
from limits import measure, training_limit
from side_by_side import add_arguments, environment, load, print_table, set_threads, write

# (stage, file, function, stage that it is part of)
FIT = [
    ("checking the log", "data.py", "prepare_fit_data", None),
    ("representation", "recipe.py", "represent", None),
    ("rows into directions", "representation.py", "windows", None),
    ("training", "training.py", "fit_jointly", None),
    ("moments of all windows", "training.py", "find_moments", "training"),
    ("gathering batches", "windows.py", "__getitem__", "training"),
    ("L_R and its gradient", "fused_losses.py", "differentiate_reconstruction", "training"),
    ("L_C and its gradient", "fused_losses.py", "differentiate_clustering", "training"),
    ("optimiser", "adam.py", "step", "training"),
    ("latents of all windows", "training.py", "encode_all", "training"),
    ("k-means", "clustering.py", "cluster_maps", "training"),
    ("ranking", "ranking.py", "map_qualities", "training"),
    ("regions", "model.py", "_assign_regions", None),
    ("statistics and their scale", "model.py", "_fit_score", None),
    ("calibration", "model.py", "_calibrate", None),
    ("scores of the fit's rows", "model.py", "score_log", None),
]

SCORE = [
    ("checking the log", "detector.py", "_check_log", None),
    ("rows into directions", "representation.py", "windows", None),
    ("maps and sliding statistics", "dense.py", "read_run", None),
    ("regions", "regions.py", "assign", None),
    ("distances", "statistics.py", "judge", None),
    ("p-values", "predictive.py", "p_value", None),
]


def profiled(work):
    profiler = cProfile.Profile()
    profiler.enable()
    work()
    profiler.disable()
    stats = pstats.Stats(profiler)
    cumulative = {}
    for (path, _, function), (_, _, _, seconds, _) in stats.stats.items():
        key = (path.rsplit("/", 1)[-1], function)
        cumulative[key] = cumulative.get(key, 0.0) + seconds
    return stats.total_tt, cumulative


def shares(total, cumulative, stages):
    seconds = {name: cumulative.get((file, function), 0.0) for name, file, function, _ in stages}
    inside = dict.fromkeys(seconds, 0.0)
    for name, _, _, parent in stages:
        if parent:
            inside[parent] += seconds[name]
    own = {name: max(0.0, seconds[name] - inside[name]) for name in seconds}
    own["everything else"] = max(0.0, total - sum(own.values()))
    return {name: {"seconds": value, "share": value / total} for name, value in own.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--epochs", type=float, default=1.0, help="share of the default epochs")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    warnings.simplefilter("ignore")
    dataset = load(arguments.data)
    epochs = {
        "pretrain_epochs": max(1, round(10 * arguments.epochs)),
        "joint_epochs": max(1, round(20 * arguments.epochs)),
    }
    detector = DCCA(random_state=0, **epochs)
    runs = [run.values for run in dataset.train]
    tests = [run.values for run in dataset.test]
    record = {"environment": environment(arguments.threads), "dataset": dataset.name, **epochs}
    for name, work, stages in (
        ("fit", lambda: detector.fit(runs), FIT),
        ("decision_function", lambda: detector.decision_function(tests), SCORE),
    ):
        if name == "decision_function":
            set_threads(1)  # the profiler sees no other
            work()  # the first call sets things up
        total, cumulative = profiled(work)
        record[name] = {"seconds": total, "stages": shares(total, cumulative, stages)}
        print_table(
            f"{name}: {total:.2f} s on {sum(map(len, runs if name == 'fit' else tests))} rows",
            ["stage", "seconds", "share"],
            [
                [stage, f"{found['seconds']:.3f}", f"{100 * found['share']:.1f} %"]
                for stage, found in record[name]["stages"].items()
            ],
        )
    set_threads(1)  # as training runs
    limit = training_limit(measure(3)["products"])
    n_steps = sum(-(-(len(run) - 29) // 1) for run in runs) // 64 * sum(epochs.values())
    record["products_of_all_steps_seconds"] = limit * n_steps
    print(f"limit: the matrix products of these {n_steps} steps take {limit * n_steps:.1f} s")
    write(arguments.output, record)


if __name__ == "__main__":
    main()
