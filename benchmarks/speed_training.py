"""How many times faster than the textbook loop: whole fits, the clustering stage, single steps.

    python benchmarks/speed_training.py [--data FOLDER] [--threads 2] [--output FILE.json]

FOLDER holds the classic Tennessee Eastman files; without it the embedded simulated set is used.
Both sides train the same network on the same windows (all training runs, `tep-pooled`) with the
same seeds. They are timed on few epochs, stage by stage, and a fit of the default length (10 epochs
of reconstruction, 20 joint ones, 5 clusterings) is put together from the stages of each repetition;
--full times such fits as they are instead. All figures: median (least–most).
"""

import argparse
import time
import warnings
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import torch
from sklearn.cluster import KMeans

import textbook
from dccad import DCCA
from dccad.method.clustering.maps import cluster_maps
from dccad.method.network.make import make_network
from dccad.method.training import algorithm
from dccad.method.training.algorithm import fit_jointly
from side_by_side import (
    add_arguments,
    environment,
    interleave,
    load,
    pooled_windows,
    print_table,
    ratio,
    set_threads,
    show,
    summary,
    write,
)

CPU = torch.device("cpu")
SHORT = {"pretrain_epochs": 1, "joint_epochs": 1}
EPOCHS = {"pretrain": 10, "joint": 20}
UPDATES = 4
"""After the first: every fifth of 20 joint epochs, and after the last."""

STEPS = 40
"""Steps that are timed together to compare precisions and compilation."""


def detectors():
    return {
        "default": lambda **changed: DCCA(random_state=0, **changed),
        "as published": lambda **changed: DCCA.as_published(random_state=0, **changed),
    }


# -- whole fits ------------------------------------------------------------------------------------


def our_stages(windows, recipe, settings):
    """Seconds of a short fit: an epoch of each kind, the first clustering, a later one."""
    splits = []
    find_split = algorithm.find_split

    def timed(data, *rest):
        started = time.perf_counter()
        latents, split = find_split(data, *rest)
        data.targets(split)  # as much as it takes here, whether epochs follow or not
        splits.append(time.perf_counter() - started)
        return latents, split

    started = time.perf_counter()
    with mock.patch.object(algorithm, "find_split", timed):
        result = fit_jointly(windows, recipe.network, settings, CPU)
    total = time.perf_counter() - started
    seconds = {phase: [] for phase in EPOCHS}
    for record in result.history:
        seconds[record["phase"]].append(record["seconds"])
    return {
        **{phase: float(np.mean(values)) for phase, values in seconds.items()},
        "first": splits[0],
        "update": float(np.mean(splits[1:])),
        "rest": total - sum(splits) - sum(map(sum, seconds.values())),
        "total": total,
    }


def their_stages(windows, recipe, settings):
    started = time.perf_counter()
    found = textbook.fit(windows, recipe.network, settings).seconds
    total = time.perf_counter() - started
    first, *later = found["clusterings"]
    return {
        "pretrain": found["pretrain"] / settings.pretrain_epochs,
        "joint": found["joint"] / settings.joint_epochs,
        "first": first,
        "update": float(np.mean(later)),
        "rest": found["rest"],
        "total": total,
    }


def whole_fit(stages, full):
    """Seconds of a fit of the default length."""
    if full:
        return stages["total"]
    epochs = sum(EPOCHS[phase] * stages[phase] for phase in EPOCHS)
    return epochs + stages["first"] + UPDATES * stages["update"] + stages["rest"]


def compare_fits(dataset, arguments):
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # the first one takes a second to import
    rows, record = [], {}
    for name, make in detectors().items():
        recipe, windows = pooled_windows(dataset, make())
        sides = {}
        for routing in ("one-pass", "two-step"):
            settings = replace(
                recipe.training, routing=routing, **({} if arguments.full else SHORT)
            )
            sides[routing] = partial(our_stages, windows, recipe, settings)
            sides[f"textbook {routing}"] = partial(their_stages, windows, recipe, settings)
        if arguments.full:
            del sides["textbook one-pass"]
        seconds = interleave(sides, arguments.repetitions, warm_up=False)
        wholes = {
            side: [whole_fit(each, arguments.full) for each in found]
            for side, found in seconds.items()
        }
        stages = {
            side: {stage: summary([each[stage] for each in found]) for stage in found[0]}
            for side, found in seconds.items()
        }
        ratios = {
            f"ours {ours} against textbook {theirs}": ratio(
                wholes[f"textbook {theirs}"], wholes[ours]
            )
            for ours, theirs in (
                ("one-pass", "two-step"),
                ("two-step", "two-step"),
                ("one-pass", "one-pass"),
            )
            if f"textbook {theirs}" in wholes
        }
        record[name] = {
            "windows": len(windows),
            "seconds_of_a_fit": {side: summary(found) for side, found in wholes.items()},
            "stages": stages,
            "ratios": ratios,
        }
        rows += [[name, what, show(found)] for what, found in ratios.items()]
        print_table(
            f"{name}: seconds by stage, {len(windows)} windows",
            ["side", "epoch of L_R", "joint epoch", "first clustering", "update", "whole fit"],
            [
                [
                    side,
                    *(show(stages[side][k]) for k in ("pretrain", "joint", "first", "update")),
                    show(summary(wholes[side])),
                ]
                for side in sides
            ],
        )
    print_table("End to end, times faster", ["network", "what", "ratio"], rows)
    return record


# -- the clustering stage --------------------------------------------------------------------------


def latents_of(dataset, detector):
    recipe, windows = pooled_windows(dataset, detector)
    settings = replace(recipe.training, pretrain_epochs=1, joint_epochs=0)
    return fit_jointly(windows, recipe.network, settings, CPU).latents


def their_kmeans(latents, n_init):
    points = latents.numpy()
    return np.array(
        [
            KMeans(2, n_init=n_init, random_state=0).fit(points[:, m]).inertia_
            for m in range(points.shape[1])
        ]
    )


def compare_clustering(dataset, arguments):
    rows, record = [], {}
    cases = {
        "630 maps of 1 value (default)": DCCA(random_state=0),
        "256 maps of 5 values (as published)": DCCA.as_published(n_kernels=64, random_state=0),
    }
    for name, detector in cases.items():
        latents = latents_of(dataset, detector)
        found = {}

        def ours(kept=found, latents=latents):
            generator = torch.Generator().manual_seed(0)
            kept["ours"] = cluster_maps(latents, 2, n_init=4, generator=generator).inertia.numpy()

        def theirs(n_init, kept=found, latents=latents):
            kept[n_init] = their_kmeans(latents, n_init)

        sides = {"ours": ours, "ten": lambda run=theirs: run(10), "four": lambda run=theirs: run(4)}
        seconds = interleave(sides, arguments.repetitions, warm_up=False)
        excess = found["ours"] / np.maximum(found[10], 1e-12) - 1
        entry = {
            "shape": list(latents.shape),
            "seconds": {side: summary(values) for side, values in seconds.items()},
            "against 10 restarts": ratio(seconds["ten"], seconds["ours"]),
            "against 4 restarts": ratio(seconds["four"], seconds["ours"]),
            "inertia": {
                "worst excess over 10 restarts": float(excess.max()),
                "maps within 0.1 %": float((excess <= 1e-3).mean()),
                "maps more than 0.1 % below": float((excess < -1e-3).mean()),
            },
        }
        record[name] = entry
        rows.append(
            [
                name,
                show(entry["seconds"]["ours"]),
                show(entry["against 10 restarts"]),
                show(entry["against 4 restarts"]),
                f"{100 * excess.max():.3f} %",
            ]
        )
    print_table(
        "Clustering stage: times faster than scikit-learn's KMeans, map by map",
        ["maps", "our seconds", "10 restarts", "4 restarts", "worst inertia over 10 restarts"],
        rows,
    )
    return record


# -- precision and compilation ---------------------------------------------------------------------


def compare_steps(dataset, arguments):
    """Steps on L_R and back: as they are, and by automatic differentiation in three ways."""
    rows, record = [], {}
    for name, make in detectors().items():
        recipe, windows = pooled_windows(dataset, make())
        batch = windows[torch.arange(64) * (len(windows) // 64)]
        torch.manual_seed(0)
        plain, compiled = (make_network(recipe.network).train() for _ in range(2))
        started = time.perf_counter()
        try:
            shorter = torch.compile(compiled.forward)
            steps(compiled, partial(automatic, shorter), batch, 1)
            compile_seconds, problem = time.perf_counter() - started, None
        except Exception as error:  # no compiler, or a torch without one for this Python
            shorter, compile_seconds, problem = None, None, str(error).splitlines()[0]

        def in_bfloat16(network=plain, batch=batch):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                steps(network, partial(automatic, network), batch)

        sides = {
            "as it is": lambda n=plain, b=batch: steps(n, n.differentiate, b),
            "automatic": lambda n=plain, b=batch: steps(n, partial(automatic, n), b),
            "bfloat16 autocast": in_bfloat16,
        }
        if shorter is not None:
            sides["torch.compile"] = lambda n=compiled, s=shorter, b=batch: steps(
                n, partial(automatic, s), b
            )
        seconds = interleave(sides, arguments.repetitions)
        record[name] = {"compile_seconds": compile_seconds, "compile_problem": problem}
        for side in list(sides)[1:]:
            record[name][side] = ratio(seconds["as it is"], seconds[side])
        record[name]["milliseconds"] = summary(
            [1e3 * value / STEPS for value in seconds["as it is"]]
        )
        compiling = "failed" if compile_seconds is None else f"{compile_seconds:.0f} s"
        rows.append(
            [
                name,
                show(record[name]["milliseconds"]),
                show(record[name]["automatic"]),
                show(record[name]["bfloat16 autocast"]),
                show(record[name]["torch.compile"]) if shorter is not None else "–",
                compiling,
            ]
        )
    print_table(
        "A step on L_R forward and back: times faster than as it is (below 1: slower)",
        ["network", "as it is, ms", "automatic", "in bfloat16", "compiled", "compiling takes"],
        rows,
    )
    return record


def automatic(network, batch):
    """The gradient of L_R of the network as it stands, left to automatic differentiation."""
    torch.nn.functional.mse_loss(network(batch)[1].float(), batch).backward()


def steps(network, differentiate, batch, n_steps=STEPS):
    for _ in range(n_steps):
        for parameter in network.parameters():
            parameter.grad = None
        differentiate(batch)


PARTS = {"fit": compare_fits, "clustering": compare_clustering, "steps": compare_steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--full", action="store_true", help="fits of the default length, as they are"
    )
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    warnings.simplefilter("ignore")
    dataset = load(arguments.data)
    record = {"environment": environment(arguments.threads), "dataset": dataset.name}
    print(" · ".join(f"{name} {value}" for name, value in record["environment"].items()))
    for part in arguments.only:
        record[part] = PARTS[part](dataset, arguments)
    write(arguments.output, record)


if __name__ == "__main__":
    main()
