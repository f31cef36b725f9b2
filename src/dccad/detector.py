"""The estimator: the one place where the steps of the method are put together."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from dccad.calibration import calibrate_threshold
from dccad.clustering import to_array
from dccad.errors import DccadError, SingleClusterWarning
from dccad.fit_data import FitData, prepare_fit_data
from dccad.inputs import check_scoring_log
from dccad.missing import OnMissing
from dccad.model import FittedModel, scaled_windows
from dccad.network import OutputActivation
from dccad.objective import Routing
from dccad.parameters import (
    check_parameters,
    draw_seed,
    network_settings,
    resolve_device,
    training_settings,
)
from dccad.preparation import Preparation, parse_steps
from dccad.progress import progress_bar
from dccad.regions import find_partition
from dccad.runs import Log, Run
from dccad.scaling import ScalingKind, fit_scaling
from dccad.scoring import WindowResults, fit_score_scale, score_window_set
from dccad.training import OptimizerName, Schedule, TrainingResult, fit_jointly
from dccad.windows import WindowSet, check_window_count


class NotTrainedError(DccadError, NotFittedError):  # type: ignore[misc]  # sklearn is untyped
    """A detector was asked for results before ``fit``."""


class DCCA(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Deep convolutional clustering autoencoder for unlabelled sensor logs.

    A 1-D convolutional autoencoder is trained jointly with k-means on its latent activation maps.
    The maps whose centres lie farthest apart become the clustering kernels and are drawn to their
    centres; the others, the reconstruction kernels, serve the reconstruction alone. The clustering
    maps vote on one region per window, one region is normal, and every row gets a score.

    Parameters
    ----------
    window : int, default=30
        Rows per window; a row is judged by itself and the ``window - 1`` rows before it.
    n_clusters : int, default=2
        Clusters K of every activation map, and regions of the log.
    stride : int, default=1
        Rows between two training windows; scoring always uses every row.
    n_kernels : int, default=16
        Kernels of the first convolution; every further encoder block has twice as many.
    kernel_size : int, default=3
        Rows that one kernel sees.
    depth : int, default=3
        Encoder blocks, 3 to 5; the decoder mirrors them.
    strides : "auto" or tuple of int, default="auto"
        Step of each encoder block; their product must divide ``window``. "auto" shortens by 2 or
        3 per block while the activation maps keep 4 positions.
    batch_norm : bool, default=True
        Batch normalisation after each convolution. It gives every map the same scale before maps
        are ranked; without it, the ranking favours maps of large scale.
    scaling : {"standard", "minmax"}, default="standard"
        Scaling of each sensor, fitted on ``normal`` if given, else on the log.
    output_activation : {"none", "sigmoid"}, default="none"
        "sigmoid" needs ``scaling="minmax"``.
    n_clustering_kernels : float or int, default=0.5
        Share (float) or number (int) of activation maps that become clustering kernels; 1.0 is the
        ablation without a split.
    alpha : float, default=0.5
        Weight α of the clustering loss, 0 ≤ α < 1; 0 is the ablation without clustering loss.
    routing : {"one-pass", "two-step"}, default="one-pass"
        Gradient routing, see :mod:`dccad.objective`; "two-step" is the published form.
    pretrain_epochs, joint_epochs : int, default=10, 20
        Epochs of reconstruction alone, and of joint optimisation.
    update_interval : int, default=5
        Joint epochs between two updates of centres, assignments and kernel split.
    batch_size : int, default=64
        Windows per optimisation step.
    optimizer : {"adam", "sgd"}, default="adam"
    learning_rate : float, default=1e-3
    momentum : float, default=0.9
        For SGD.
    schedule : {"constant", "cosine", "step"}, default="constant"
        Learning rate over a phase: constant; to 0 along a cosine; × 0.3 after each third.
    patience : int, optional
        Early stopping: end a phase after this many epochs without a lower loss. None: never.
    tol : float, default=1e-4
        Smallest decrease of the loss that counts as one.
    n_init : int, default=4
        k-means++ restarts at the first update; later updates start from the last centres.
    false_alarm_rate : float, default=0.01
        Share of normal rows that ``predict`` may flag.
    calibration_fraction : float, default=0.3
        Last part of each run of ``normal`` that is kept out of training, for the threshold.
    max_gap : float, optional
        A longer step of time (seconds) interrupts a run; default 5 × its median step.
    on_missing : {"error", "interpolate", "hold", "drop"}, default="error"
        Refuse NaN; fill short stretches linearly (in scoring with the last value, so that no row
        sees its future); fill them with the last value; or leave out rows that have any.
    fill_limit : int, default=5
        Longest stretch of NaN (rows) that is filled.
    prepare : sequence of str or steps, default=()
        Conditioning before windows are cut, in this order, in fit and scoring alike: "idle:torque",
        "mode:load>50", "average:10", "decimate:10", "clip:flow=0..100", "difference:level",
        "log:pressure"; see :mod:`dccad.preparation_steps`. Rows that a step leaves out have no
        score.
    keep_latents : bool, default=False
        Keep the latents of the training windows in ``latents_``.
    device : str, default="auto"
        "auto" takes CUDA if there is one, else the CPU.
    random_state : int, RandomState or None, default=None
        The same seed, machine and number of threads give identical scores.
    verbose : bool, default=False
        Show a progress bar on a terminal.

    Attributes
    ----------
    labels_ : ndarray of shape (n_rows,), int
        1 where the fit's own rows are flagged; runs one after another.
    decision_scores_ : ndarray of shape (n_rows,)
        Their scores; NaN for the first ``window - 1`` rows of each run.
    regions_ : ndarray of shape (n_rows,), int
        Their consensus regions: 0 is normal, -1 says that no window is full yet.
    threshold_ : float
        Score above which ``predict`` flags a row.
    region_report_ : RegionReport
        Share and spread of each region, and the rule that decided which one is normal (region 0).
    cluster_centers_ : ndarray of shape (n_maps, n_clusters, map_length)
    clustering_kernels_, reconstruction_kernels_ : ndarray of int
        Activation maps of each kind, the largest centre distance first.
    map_distances_, map_ranks_ : ndarray of shape (n_maps,)
        Centre distance of each map and its rank (1 = largest).
    assignment_counts_ : ndarray of shape (n_maps, n_clusters)
        Training windows in each cluster of each map.
    history_, updates_ : list of dict
        One record per epoch, and per update of the centres; see
        :class:`dccad.training.TrainingResult`.
    latents_ : ndarray of shape (n_windows, n_maps, map_length)
        With ``keep_latents``.
    filled_share_ : dict of str to float
        Sensors of the fit's log with missing cells that were filled, and the share of their cells.
    left_out_share_ : float
        Share of the log's rows that ``prepare`` and ``on_missing="drop"`` left without a result.
    reading_ : dict or None
        How the command line read the fit's tables, for the logs that it will score.
    feature_names_in_, n_features_in_, data_digest_, seed_
        Columns, SHA-256 of the fit's data, and the seed in use.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> log = rng.normal(size=(300, 3))
    >>> log[200:] += 3.0                                     # something changes at row 200
    >>> detector = DCCA(window=10, n_kernels=4, random_state=0).fit(log)
    >>> scores = detector.decision_function(log)
    >>> int(np.isnan(scores).sum())                           # no full window yet
    9
    >>> before, after = detector.regions_[9:200], detector.regions_[210:]
    >>> bool(np.median(before) != np.median(after))
    True

    References
    ----------
    G. S. Chadha, I. Islam, A. Schwung and S. X. Ding, "Deep Convolutional Clustering-Based Time
    Series Anomaly Detection", Sensors 21 (16), 5488, 2021, doi:10.3390/s21165488, Algorithm 1.
    Decisions that the paper leaves open: docs/method.md.
    """

    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        window: int = 30,
        n_clusters: int = 2,
        *,
        stride: int = 1,
        n_kernels: int = 16,
        kernel_size: int = 3,
        depth: int = 3,
        strides: Any = "auto",
        batch_norm: bool = True,
        scaling: ScalingKind = "standard",
        output_activation: OutputActivation = "none",
        n_clustering_kernels: float = 0.5,
        alpha: float = 0.5,
        routing: Routing = "one-pass",
        pretrain_epochs: int = 10,
        joint_epochs: int = 20,
        update_interval: int = 5,
        batch_size: int = 64,
        optimizer: OptimizerName = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        schedule: Schedule = "constant",
        patience: int | None = None,
        tol: float = 1e-4,
        n_init: int = 4,
        false_alarm_rate: float = 0.01,
        calibration_fraction: float = 0.3,
        max_gap: float | None = None,
        on_missing: OnMissing = "error",
        fill_limit: int = 5,
        prepare: Any = (),
        keep_latents: bool = False,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.window = window
        self.n_clusters = n_clusters
        self.stride = stride
        self.n_kernels = n_kernels
        self.kernel_size = kernel_size
        self.depth = depth
        self.strides = strides
        self.batch_norm = batch_norm
        self.scaling = scaling
        self.output_activation = output_activation
        self.n_clustering_kernels = n_clustering_kernels
        self.alpha = alpha
        self.routing = routing
        self.pretrain_epochs = pretrain_epochs
        self.joint_epochs = joint_epochs
        self.update_interval = update_interval
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.schedule = schedule
        self.patience = patience
        self.tol = tol
        self.n_init = n_init
        self.false_alarm_rate = false_alarm_rate
        self.calibration_fraction = calibration_fraction
        self.max_gap = max_gap
        self.on_missing = on_missing
        self.fill_limit = fill_limit
        self.prepare = prepare
        self.keep_latents = keep_latents
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: None = None, normal: Any = None) -> DCCA:
        """Learn regions, scores and threshold from an unlabelled log.

        Parameters
        ----------
        X : array-like or data frame of shape (n_rows, n_sensors), list or dict of these, or None
            The unlabelled log; rows are time steps. None: learn from ``normal`` alone.
        y : ignored
        normal : like X, optional
            Rows known to be normal. They decide the scaling, the normal region and, by their last
            part, which training does not see, the threshold.

        Returns
        -------
        DCCA
            The fitted detector.

        Raises
        ------
        InputError
            The log cannot be used; the message says where and what to do.
        ParameterError
            Parameters are out of range; all are listed.
        """
        self._fit(X, normal)
        return self

    def fit_predict(self, X: Any, y: None = None, normal: Any = None) -> Any:
        """Fit, and flag the rows of the same log: 0 normal, 1 anomalous (PyOD's labels).

        Parameters and result as in :meth:`fit` and :meth:`predict`.
        """
        return self._fit(X, normal).restore(self.labels_)

    def decision_function(self, X: Any) -> Any:
        """Anomaly score of each row; higher is more anomalous (PyOD's convention).

        Parameters
        ----------
        X : array-like or data frame of shape (n_rows, n_sensors), or list or dict of these
            With the columns of the fit.

        Returns
        -------
        ndarray of shape (n_rows,), or list or dict of these as X
            0 is typical of the normal region, in standard deviations. The score of row t uses rows
            up to t only; the first ``window - 1`` rows of a run have none (NaN).

        Raises
        ------
        NotTrainedError, InputError
        """
        return self.score_rows(X)["score"]

    def predict(self, X: Any) -> Any:
        """Flag rows whose score exceeds ``threshold_``: 0 normal, 1 anomalous.

        Rows without a score (the first ``window - 1`` of a run) are not flagged. Parameters and
        form of the result as in :meth:`decision_function`.
        """
        return self.score_rows(X)["flag"]

    def predict_region(self, X: Any) -> Any:
        """Consensus region of each row by the stored centres.

        0 is normal, 1 and higher are the other regions by size in the fit, -1 says that no window
        is full yet. Parameters and form of the result as in :meth:`decision_function`.
        """
        return self.score_rows(X)["region"]

    def score_rows(self, X: Any) -> dict[str, Any]:
        """Scores, flags and regions of one pass over a log.

        Parameters
        ----------
        X : as in :meth:`decision_function`

        Returns
        -------
        dict
            ``"score"``, ``"flag"`` and ``"region"``: what :meth:`decision_function`,
            :meth:`predict` and :meth:`predict_region` give.
        """
        log = self._check_log(X)
        scores, regions = self.model_.score_log(log)
        return {
            "score": log.restore(scores),
            "flag": log.restore(self._flag(scores)),
            "region": log.restore(regions),
        }

    def transform(self, X: Any) -> Any:
        """Latent features of each row: its window's activation maps, one after another.

        Parameters
        ----------
        X : as in :meth:`decision_function`

        Returns
        -------
        ndarray of shape (n_rows, n_maps * map_length), float32, or list or dict of these as X
            NaN for rows without a full window.
        """
        log = self._check_log(X)
        return log.restore(log.expand(self.model_.latent_rows(log.segments), np.nan))

    def score_windows(self, X: Any, keep_latents: bool = False) -> WindowResults:
        """Everything known of each window of a log: clusters per map, region, both statistics.

        Parameters
        ----------
        X : as in :meth:`decision_function`
        keep_latents : bool
            Return the activation maps too.

        Returns
        -------
        WindowResults
            Windows at stride 1 of the prepared rows, runs one after another.
        """
        log = self._check_log(X)
        return self.model_.score_windows(self.model_.windows(log.segments), keep_latents)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the features that :meth:`transform` gives: activation map and position."""
        self._check_fitted()
        maps, _, length = self.cluster_centers_.shape
        names = [f"map{m}_position{t}" for m in range(maps) for t in range(length)]
        return np.array(names, dtype=object)

    def save(self, path: str | Path, include_latents: bool = False) -> None:
        """Write the fitted detector as a model folder; see :func:`dccad.persistence.save`."""
        from dccad.persistence import save

        self._check_fitted()
        save(self, path, include_latents)

    # -- fit, step by step -----------------------------------------------------------------------

    def _fit(self, X: Any, normal: Any) -> Log:
        """The method from log to labels; returns the log whose rows ``labels_`` describes."""
        check_parameters(self.get_params(deep=False))
        preparation = Preparation(parse_steps(self.prepare), self.on_missing == "drop")
        data = prepare_fit_data(
            X,
            normal,
            reading=self._reading(causal=False),
            preparation=preparation,
            window=self.window,
            stride=self.stride,
            n_clusters=self.n_clusters,
            calibration_fraction=self.calibration_fraction,
        )
        scaling = fit_scaling(data.normal or data.training, self.scaling)
        windows = scaled_windows(data.training, scaling, self.window, self.stride)
        result = self._train(windows, len(data.log.columns))

        split = result.split
        is_reference = data.is_normal(windows.starts.numpy())
        partition, self.region_report_, regions = find_partition(
            split.clusters.centres,
            result.latents,
            split.clustering_maps,
            reference=is_reference,
            generator=torch.Generator().manual_seed(self.seed_),
        )
        _warn_of_single_region(regions)
        is_normal = regions == 0 if is_reference is None else is_reference

        results = score_window_set(windows, result.network, partition)
        score_scale = fit_score_scale(results, is_normal)
        self.model_ = FittedModel(
            self.window, preparation, scaling, result.network, partition, score_scale
        )
        self.threshold_ = self._calibrate(data.held_out, self.model_.scores(results)[is_normal])
        self._remember(result, data)
        self.decision_scores_, self.regions_ = self.model_.score_log(data.log)
        self.labels_ = self._flag(self.decision_scores_)
        return data.log

    def _train(self, windows: WindowSet, n_sensors: int) -> TrainingResult:
        """Pre-training and joint optimisation, with progress."""
        parameters = self.get_params(deep=False)
        self.seed_ = draw_seed(self.random_state)
        epochs = self.pretrain_epochs + self.joint_epochs
        with progress_bar("training", epochs, enabled=self.verbose) as advance:
            return fit_jointly(
                windows,
                network_settings(parameters, n_sensors),
                training_settings(parameters, self.seed_),
                resolve_device(self.device),
                lambda record: advance(
                    record["epoch"] + 1, f"{record['phase']}, loss {record['total_loss']:.3g}"
                ),
            )

    def _calibrate(self, held_out: list[Run], seen: NDArray[np.float64]) -> float:
        """Threshold from held-out normal rows, else from the normal rows of the fit (``seen``)."""
        scores = seen
        if held_out:
            windows = self.model_.windows(held_out)
            scores = self.model_.scores(self.model_.score_windows(windows))
        self.n_calibration_windows_ = len(scores)
        return calibrate_threshold(scores, self.false_alarm_rate)

    def _remember(self, result: TrainingResult, data: FitData) -> None:
        """Set the fitted attributes that describe data and training."""
        log, split = data.log, result.split
        self.n_features_in_, self.columns_ = len(log.columns), log.columns
        if "feature_names_in_" in vars(self):  # of an earlier fit
            del self.feature_names_in_
        if log.named:
            self.feature_names_in_ = np.array(log.columns, dtype=object)
        self.data_digest_ = log.digest()
        self.left_out_share_ = 0.0 if log.source is None else float((log.source < 0).mean())
        self.reading_: dict[str, Any] | None = None
        self.filled_share_ = {name: n / log.n_rows for name, n in log.filled.items()}
        self.reference_digest_ = None if data.reference is None else data.reference.digest()
        self.cluster_centers_ = to_array(split.clusters.centres)
        self.map_distances_, self.map_ranks_ = to_array(split.distances), to_array(split.ranks)
        order = np.argsort(self.map_ranks_)
        is_clustering = to_array(split.clustering)[order]
        self.clustering_kernels_ = order[is_clustering]
        self.reconstruction_kernels_ = order[~is_clustering]
        self.assignment_counts_ = np.stack(
            [
                np.bincount(clusters, minlength=self.n_clusters)
                for clusters in to_array(split.clusters.assignments).T
            ]
        )
        self.history_, self.updates_ = result.history, result.updates
        self.latents_ = to_array(result.latents) if self.keep_latents else None

    # -- shared by the scoring methods -----------------------------------------------------------

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise NotTrainedError("this DCCA is not fitted yet: call fit, or dccad.load a model")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the network computes in float32
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "labels_") or hasattr(self, "model_")

    def _check_log(self, X: Any) -> Log:
        self._check_fitted()
        named = "feature_names_in_" in vars(self)
        checked = check_scoring_log(X, self.columns_, named, self._reading(causal=True))
        log = self.model_.preparation.apply(checked)
        check_window_count(log.segments, self.model_.window)  # set_params may have changed ours
        return log

    def _flag(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        # NaN compares as False: a row without a score is not flagged
        return (scores > self.threshold_).astype(np.int64)

    def _reading(self, causal: bool) -> dict[str, Any]:
        return {
            "max_gap": self.max_gap,
            "on_missing": self.on_missing,
            "fill_limit": self.fill_limit,
            "causal": causal,
        }


def _warn_of_single_region(regions: NDArray[np.int64]) -> None:
    if len(np.unique(regions)) == 1:
        warnings.warn(
            f"all {len(regions)} training windows lie in one region: the log shows no second "
            "regime to this model; pass a longer log, another window, or a lower alpha",
            SingleClusterWarning,
            stacklevel=4,
        )
