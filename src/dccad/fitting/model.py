"""From the rows of a fit to a model: represent, train, divide, name, score, calibrate."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.predictive import Calibration, fit_calibration
from dccad.errors import SingleClusterWarning, warn
from dccad.fitting.data import FitData
from dccad.fitting.recipe import Parameters, Recipe, make_recipe
from dccad.fitting.score import FittedScore, Learned, fit_centre_score, fit_statistics_score
from dccad.logs.preparation.pipeline import Preparation
from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet, normal_stretches
from dccad.method.regions.centres import CentrePartition, find_centre_partition
from dccad.method.regions.normal import RegionReport
from dccad.method.regions.partition import Partition
from dccad.method.regions.states import name_states
from dccad.method.regions.vote import find_consensus_partition
from dccad.method.scoring.model import FittedModel
from dccad.method.training.algorithm import TrainingResult
from dccad.support.progress import progress_bar

N_FITS = 17
"""Fits of a cross-fitting: ten folds, five pairs of folds, two for drift."""


@dataclass(frozen=True)
class Fitted:
    """What a fit found.

    Attributes
    ----------
    model : FittedModel
        All that scoring needs.
    calibration : Calibration or ConformalCalibration
    n_calibration_windows : int
        Normal scores behind it.
    training : TrainingResult
        How it was learned.
    report : RegionReport
        Regions as states, and which are normal.
    """

    model: FittedModel
    calibration: Calibration | ConformalCalibration
    n_calibration_windows: int
    training: TrainingResult
    report: RegionReport


def fit_model(parameters: Parameters, seed: int, data: FitData, preparation: Preparation) -> Fitted:
    """Learn regions, score and calibration from the rows of a fit.

    Parameters
    ----------
    parameters : mapping
        As ``DCCA.get_params`` gives them.
    seed : int
    data : FitData
    preparation : Preparation
        Kept with the model.

    Warns
    -----
    SingleClusterWarning, CalibrationWarning, LatentCollapseWarning, ConstantSensorWarning
    """
    window, stride = parameters["window"], parameters["stride"]
    recipe = make_recipe(parameters, seed, len(data.log.columns))
    representation = recipe.represent(data.normal, data.training, data.statistics)
    windows = representation.windows(data.training, window, stride)
    training = _train(recipe, windows, parameters["verbose"])

    is_reference = data.is_normal(windows.starts.numpy())
    asked = None if parameters["n_clusters"] == "auto" else parameters["n_clusters"]
    if is_reference is not None and is_reference.all() and asked == 2:
        asked = None  # normal rows alone have two states only if a division of them is clear
    partition, report, regions = _find_regions(
        parameters, seed, asked, training, windows, is_reference
    )
    report = name_states(
        report,
        regions,
        windows.starts.numpy(),
        window,
        stride,
        further=parameters["consensus"] == "vote" and parameters["n_clusters"] != 2,
    )
    modes = np.isin(regions, report.normal_regions)
    is_normal = modes if is_reference is None else is_reference

    learned = Learned(recipe, representation, training.network, windows, is_normal)
    regimes = _find_regimes(data, windows, regions, partition.n_regions, report)
    score = _fit_score(parameters, learned, partition, data, regimes)
    model = FittedModel(
        window,
        preparation,
        representation,
        training.network,
        partition,
        score.statistics,
        score.scale,
    )
    scores = np.concatenate(score.normal_scores)
    count = int(np.isfinite(scores).sum())
    return Fitted(model, _calibrate(parameters, score), count, training, report)


def _train(recipe: Recipe, windows: WindowSet, verbose: bool) -> TrainingResult:
    """Pre-training and joint optimisation, with progress."""
    epochs = recipe.training.pretrain_epochs + recipe.training.joint_epochs
    with progress_bar("training", epochs, enabled=verbose) as advance:
        return recipe.train(
            windows,
            lambda record: advance(
                record["epoch"] + 1, f"{record['phase']}, loss {record['total_loss']:.3g}"
            ),
        )


def _find_regions(
    parameters: Parameters,
    seed: int,
    n_regions: int | None,
    training: TrainingResult,
    windows: WindowSet,
    is_reference: NDArray[np.bool_] | None,
) -> tuple[Partition, RegionReport, NDArray[np.int64]]:
    """Divide the windows of the fit, by a vote of the maps or by centres as published."""
    split, latents = training.split, training.latents
    partition: Partition
    if parameters["consensus"] == "centres":
        partition, report, regions = find_centre_partition(
            split.clusters.centres,
            latents,
            split.clustering_maps,
            reference=is_reference,
            generator=torch.Generator().manual_seed(seed),
        )
    else:
        together = (training.network.kernel_of_map < 0).nonzero()[:, 0].to(latents.device)
        partition, report, regions = find_consensus_partition(
            split.clusters.centres,
            latents,
            torch.cat((split.clustering_maps, together)),
            windows.timeline,
            parameters["window"],
            parameters["stride"],
            n_regions,
            parameters["ranking"],
            is_reference,
        )
    if len(np.unique(regions)) == 1 and (n_regions or parameters["consensus"] == "centres"):
        warn(
            f"all {len(regions)} training windows lie in one region: the log shows no second "
            "regime to this model; pass a longer log, another window, or a lower alpha",
            SingleClusterWarning,
        )
    return partition, report, regions


def _find_regimes(
    data: FitData,
    windows: WindowSet,
    regions: NDArray[np.int64],
    n_regions: int,
    report: RegionReport,
) -> list[list[Run]]:
    """What the unlabelled rows beside a reference show: each run, or the states of a single one."""
    if not data.normal:
        return []
    others = data.training[len(data.normal) :]
    if len(others) != 1:
        return [[run] for run in others]
    rows = sum(len(run) for run in data.normal)
    starts = windows.starts.numpy()
    mine = starts >= rows
    return [
        normal_stretches(others, starts[mine] - rows, regions[mine] == region, windows.length)
        for region in range(1, n_regions)
        if region not in report.normal_regions
    ]


def _fit_score(
    parameters: Parameters,
    learned: Learned,
    partition: Partition,
    data: FitData,
    regimes: list[list[Run]],
) -> FittedScore:
    """Distances from normal windows, and scores of normal rows to judge them by."""
    if parameters["scoring"] == "centres":
        return fit_centre_score(learned, cast(CentrePartition, partition), data.held_out)
    with progress_bar("cross-fitting", N_FITS, enabled=parameters["verbose"]) as advance:
        done = itertools.count(1)
        return fit_statistics_score(
            learned,
            data.training,
            len(data.normal),
            regimes,
            data.held_out,
            parameters["calibration"] == "cross-fitted",
            lambda: advance(next(done), "models of parts of the reference"),
        )


def _calibrate(parameters: Parameters, score: FittedScore) -> Calibration | ConformalCalibration:
    """What normal scores look like, from rows that their models have not seen if possible."""
    if parameters["calibration"] == "cross-fitted" and score.unseen:
        return fit_calibration(score.normal_scores, ahead=score.ahead, between=score.between)
    scores = np.concatenate(score.normal_scores)
    return ConformalCalibration(tuple(np.sort(scores[np.isfinite(scores)]).tolist()))
