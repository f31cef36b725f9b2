"""The method, from logs to a model: represent, train, divide, name, score, calibrate."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.kinds import AnyCalibration
from dccad.calibration.predictive import fit_calibration
from dccad.errors import SingleClusterWarning, warn
from dccad.fitting.data import FitData, prepare_fit_data
from dccad.fitting.recipe import FitSettings, Recipe, make_recipe
from dccad.fitting.sample import gather_statistics, sample_logs
from dccad.fitting.score import FittedScore, Learned, fit_centre_score, fit_statistics_score
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
    data : FitData
        The rows.
    sample : dict or None
        As :meth:`dccad.fitting.sample.FitLogs.report` gives it.
    """

    model: FittedModel
    calibration: AnyCalibration
    n_calibration_windows: int
    training: TrainingResult
    report: RegionReport
    data: FitData
    sample: dict[str, int] | None


def fit_model(X: Any, normal: Any, settings: FitSettings, seed: int) -> Fitted:
    """Learn regions, score and calibration from logs: the method, step by step.

    Parameters
    ----------
    X, normal : log, RowSource or None
        As :meth:`dccad.DCCA.fit` takes them.
    settings : FitSettings
    seed : int

    Raises
    ------
    InputError, ParameterError
        A log cannot be used, or not with these settings.

    Warns
    -----
    SingleClusterWarning, CalibrationWarning, LatentCollapseWarning, ConstantSensorWarning
    """
    logs = sample_logs(X, normal, settings, seed)
    data = prepare_fit_data(logs.log, logs.normal, settings)
    moments = None if logs.scaled_by is None else gather_statistics(logs.scaled_by, settings)
    recipe = make_recipe(settings, seed, len(data.log.columns))

    representation = recipe.represent(data.normal, data.training, moments)
    windows = representation.windows(data.training, settings.window, settings.stride)
    training = _train(recipe, windows, settings.verbose)
    is_reference = data.is_normal(windows.starts.numpy())
    partition, report, regions = _assign_regions(settings, seed, training, windows, is_reference)
    report = name_states(
        report,
        regions,
        windows,
        further=settings.finds_further_states,
    )
    is_normal = np.isin(regions, report.normal_regions) if is_reference is None else is_reference
    learned = Learned(recipe, representation, training.network, windows, is_normal)
    score = _fit_score(settings, learned, partition, data, report, regions)
    calibration = _calibrate(settings, score)

    model = FittedModel(
        settings.window,
        settings.preparation,
        representation,
        training.network,
        partition,
        score.statistics,
        score.scale,
    )
    n_scores = int(np.isfinite(np.concatenate(score.normal_scores)).sum())
    return Fitted(model, calibration, n_scores, training, report, data, logs.report())


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


def _assign_regions(
    settings: FitSettings,
    seed: int,
    training: TrainingResult,
    windows: WindowSet,
    is_reference: NDArray[np.bool_] | None,
) -> tuple[Partition, RegionReport, NDArray[np.int64]]:
    """Divide the windows of the fit, by a vote of the maps or by centres as published."""
    n_regions = settings.n_regions
    if is_reference is not None and is_reference.all() and n_regions == 2:
        n_regions = None  # normal rows alone have two states only if a division of them is clear
    split, latents = training.split, training.latents
    partition: Partition
    if settings.consensus == "centres":
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
            windows,
            n_regions,
            settings.ranking,
            is_reference,
        )
    if len(np.unique(regions)) == 1 and (n_regions or settings.consensus == "centres"):
        warn(
            f"all {len(regions)} training windows lie in one region: the log shows no second "
            "regime to this model; pass a longer log, another window, or a lower alpha",
            SingleClusterWarning,
        )
    return partition, report, regions


def _fit_score(
    settings: FitSettings,
    learned: Learned,
    partition: Partition,
    data: FitData,
    report: RegionReport,
    regions: NDArray[np.int64],
) -> FittedScore:
    """Distances from normal windows, and scores of normal rows to judge them by."""
    if settings.scoring == "centres":
        # parameters allow this score with this partition only
        return fit_centre_score(learned, cast(CentrePartition, partition), data.held_out)
    anomalous = [r for r in range(1, partition.n_regions) if r not in report.normal_regions]
    regimes = _find_regimes(data, learned.windows, regions, anomalous)
    with progress_bar("cross-fitting", N_FITS, enabled=settings.verbose) as advance:
        done = itertools.count(1)
        return fit_statistics_score(
            learned,
            data,
            regimes,
            settings.cross_fitted,
            lambda: advance(next(done), "models of parts of the reference"),
        )


def _find_regimes(
    data: FitData, windows: WindowSet, regions: NDArray[np.int64], anomalous: Sequence[int]
) -> list[list[Run]]:
    """Unlabelled rows beside a reference: each run, or the anomalous regions of a single one."""
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
        for region in anomalous
    ]


def _calibrate(settings: FitSettings, score: FittedScore) -> AnyCalibration:
    """What normal scores look like, from rows that their models have not seen if possible."""
    if settings.cross_fitted and score.unseen:
        return fit_calibration(score.normal_scores, ahead=score.ahead, between=score.between)
    scores = np.concatenate(score.normal_scores)
    return ConformalCalibration(tuple(np.sort(scores[np.isfinite(scores)]).tolist()))
