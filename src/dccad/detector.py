"""The estimator: it checks its parameters, lets the wings work, and keeps what they found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from dccad.alarms.report import AlarmPattern, AlarmReport, parse_pattern, report_alarms
from dccad.errors import DccadError, ModelFileError
from dccad.fitting.attributes import describe_fit, from_parts, to_parts
from dccad.fitting.model import fit_model
from dccad.fitting.recipe import FitSettings, draw_seed
from dccad.logs.episodes import RowTable, describe_states, state_names
from dccad.logs.inputs import check_scoring_log
from dccad.logs.runs import Log, Reading
from dccad.logs.windows import check_window_count
from dccad.method.scoring.batches import WindowResults
from dccad.parameters import (
    AS_PUBLISHED,
    CalibrationKind,
    ConsensusKind,
    Encoder,
    OnMissing,
    Ranking,
    RepresentationKind,
    Routing,
    ScalingKind,
    ScoreKind,
    check_parameters,
    parameters_from_record,
    parameters_to_record,
)
from dccad.saving import folder
from dccad.saving.parts import (
    calibration_from_parts,
    calibration_to_parts,
    model_from_parts,
    model_to_parts,
)
from dccad.streaming.arriving_rows import StreamPolicy
from dccad.streaming.stream import Stream, fingerprint
from dccad.support.tensors import resolve_device


class NotTrainedError(DccadError, NotFittedError):  # type: ignore[misc]  # sklearn is untyped
    """A detector was asked for results before ``fit``."""


class DCCA(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Deep convolutional clustering autoencoder for unlabelled sensor logs.

    A 1-D convolutional autoencoder is trained jointly with k-means on its activation maps. The
    kernels whose maps tell regimes apart best become the clustering kernels and are drawn to their
    centres; the others, the reconstruction kernels, serve the reconstruction alone. The maps that
    agree vote on one region per window, one region is normal, and every row gets a score: how far
    its window is from normal, by several statistics of the maps and of the reconstruction.

    :meth:`as_published` gives the method as its authors describe it.

    Parameters
    ----------
    window : int, default=30
        Rows per window; a row is judged by itself and the ``window - 1`` rows before it.
    n_clusters : int or "auto", default=2
        Regions of the log, and clusters K of every activation map. "auto" (maps have two clusters)
        divides regions as long as a division is clear, and may find only one. With 3 and more, or
        "auto", several regions may be normal modes; see ``states_``.
    stride : int, default=1
        Rows between two training windows; scoring always uses every row.
    scaling : {"standard", "minmax"}, default="standard"
        Scaling of each sensor, fitted on ``normal`` if given, else on the log.
    representation : {"sensors+whitened", "whitened", "sensors"}, default="sensors+whitened"
        What the network sees: the scaled sensors, uncorrelated directions of unit variance, or
        both. Fitted on the same rows as the scaling.
    taming : float or None, default=4.0
        Excursions beyond about this many standard deviations enter as their logarithm. None: as
        they are.
    encoder : {"depthwise", "dense"}, default="depthwise"
        "depthwise": each kernel sees one direction, and maps are pooled over the window (mean,
        recent mean, log-variance) before they are clustered. "dense": each kernel sees all, and
        maps keep their positions, as published.
    kernel_size : int, default=3
        Rows that one kernel sees.
    kernels_per_direction : int, default=2
        Kernels of the depthwise encoder on each direction.
    bottleneck : int or "auto", default="auto"
        Channels through which the depthwise encoder's decoder sees all maps; "auto" is half the
        number of sensors.
    n_kernels : int, default=16
        Kernels of the dense encoder's first convolution; every further block has twice as many.
    depth : int, default=3
        Blocks of the dense encoder, 3 to 5; the decoder mirrors them.
    strides : "auto" or tuple of int, default="auto"
        Step of each block of the dense encoder; their product must divide ``window``. "auto"
        shortens by 2 or 3 per block while the activation maps keep 4 positions.
    batch_norm : bool, default=True
        Batch normalisation after each convolution of the dense encoder. It gives every map the
        same scale before maps are ranked by distance.
    ranking : str, default="separation-persistence"
        What the maps are ranked by: "separation" (share of variance that the clusters explain),
        "persistence" (how much longer clusters last than chance), the product of both, or
        "distance" between the centres, as published.
    consensus : {"vote", "centres"}, default="vote"
        One region per window by a vote of the maps that agree (depthwise encoder), or by k-means
        on all clustering maps together, as published.
    scoring : {"statistics", "centres"}, default="statistics"
        Distance of several statistics from normal windows (depthwise encoder), or distance to the
        normal centres and reconstruction error, as published.
    n_clustering_kernels : float or int, default=0.5
        Share (float) or number (int) of the kernels that become clustering kernels; 1.0 is the
        ablation without a split.
    alpha : float, default=0.5
        Weight α of the clustering loss, 0 ≤ α < 1; 0 is the ablation without clustering loss.
    routing : {"one-pass", "two-step"}, default="one-pass"
        Gradient routing, see :mod:`dccad.method.training.step`; "two-step" is the published form.
    pretrain_epochs, joint_epochs : int, default=10, 20
        Epochs of reconstruction alone, and of joint optimisation.
    update_interval : int, default=5
        Joint epochs between two updates of centres, assignments and kernel split.
    batch_size : int, default=64
        Windows per optimisation step.
    learning_rate : float, default=1e-3
        Step size of Adam, the same in every epoch.
    n_init : int, default=4
        k-means++ restarts at the first update; later updates start from the last centres.
    false_alarm_rate : float, default=0.01
        Share of normal rows that ``predict`` may flag.
    calibration : {"cross-fitted", "held-out"}, default="cross-fitted"
        Where the scores behind the threshold come from: every reference row by a model that has
        not seen it (without ``normal``: rows of the normal region), or the last part of each run
        of ``normal``, which training never sees (without: the rows of the fit).
    calibration_fraction : float, default=0.3
        That last part, with "held-out".
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
        "log:pressure"; see :mod:`dccad.logs.preparation.steps`. Rows that a step leaves out have no
        score.
    max_windows : int, default=50_000
        Windows that are drawn from a log that is read in pieces (and as many from ``normal``), as
        stretches spread over all of it; logs in memory are taken whole.
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
    states_ : list of dict
        One record per region: its ``name`` ("normal", "normal 2", "anomalous 1", …), whether it is
        a ``normal`` mode and the ``reason``; ``share`` of the fit's rows, and ``episodes`` (the
        100 longest of ``n_episodes``). :func:`dccad.method.regions.states.name_states` says what
        makes a mode.
    calibration_ : Calibration or ConformalCalibration
        Distribution of normal scores, behind ``threshold_`` and p-values; "cross-fitted" gives the
        former, which also knows an interval for the realised rate and the rate of alarms.
    cluster_centers_ : ndarray of shape (n_maps, n_clusters, map_length)
        Centres of each activation map; ``map_length`` is 1 for the pooled maps of the depthwise
        encoder.
    map_distances_ : ndarray of shape (n_maps,)
        Euclidean distance between a map's centres, the smallest of them with 3 and more.
    map_qualities_ : ndarray of shape (n_maps,)
        What the maps are ranked by; see ``ranking``.
    map_ranks_ : ndarray of shape (n_maps,), int
        1 is the map of the highest quality.
    clustering_maps_ : ndarray of int
        Indices of the clustering maps: the best map of each clustering kernel, the best first.
    clustering_kernels_, reconstruction_kernels_ : ndarray of int
        Numbers of the kernels of each kind, that with the best map first. A kernel of the depthwise
        encoder has several maps, so its number is no index of a map.
    assignment_counts_ : ndarray of shape (n_maps, n_clusters)
        Training windows in each cluster of each map.
    history_, updates_ : list of dict
        One record per epoch, and per update of the centres; see
        :class:`dccad.method.training.algorithm.TrainingResult`.
    latents_ : ndarray of shape (n_windows, n_maps, map_length)
        With ``keep_latents``.
    filled_share_ : dict of str to float
        Sensors of the fit's log with missing cells that were filled, and the share of their cells.
    left_out_share_ : float
        Share of the log's rows that ``prepare`` and ``on_missing="drop"`` left without a result.
    reading_ : dict or None
        How the command line read the fit's tables, for the logs that it will score.
    sample_ : dict or None
        For a log that was read in pieces: its ``rows``, its ``windows`` and those ``drawn``.
        ``labels_``, ``decision_scores_``, ``regions_`` and ``states_`` are those of the drawn rows.
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
    threshold_: float

    def __init__(
        self,
        window: int = 30,
        n_clusters: Any = 2,
        *,
        stride: int = 1,
        scaling: ScalingKind = "standard",
        representation: RepresentationKind = "sensors+whitened",
        taming: float | None = 4.0,
        encoder: Encoder = "depthwise",
        kernel_size: int = 3,
        kernels_per_direction: int = 2,
        bottleneck: Any = "auto",
        n_kernels: int = 16,
        depth: int = 3,
        strides: Any = "auto",
        batch_norm: bool = True,
        ranking: Ranking = "separation-persistence",
        consensus: ConsensusKind = "vote",
        scoring: ScoreKind = "statistics",
        n_clustering_kernels: float = 0.5,
        alpha: float = 0.5,
        routing: Routing = "one-pass",
        pretrain_epochs: int = 10,
        joint_epochs: int = 20,
        update_interval: int = 5,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        n_init: int = 4,
        false_alarm_rate: float = 0.01,
        calibration: CalibrationKind = "cross-fitted",
        calibration_fraction: float = 0.3,
        max_gap: float | None = None,
        on_missing: OnMissing = "error",
        fill_limit: int = 5,
        prepare: Any = (),
        max_windows: int = 50_000,
        keep_latents: bool = False,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.window = window
        self.n_clusters = n_clusters
        self.stride = stride
        self.scaling = scaling
        self.representation = representation
        self.taming = taming
        self.encoder = encoder
        self.kernel_size = kernel_size
        self.kernels_per_direction = kernels_per_direction
        self.bottleneck = bottleneck
        self.n_kernels = n_kernels
        self.depth = depth
        self.strides = strides
        self.batch_norm = batch_norm
        self.ranking = ranking
        self.consensus = consensus
        self.scoring = scoring
        self.n_clustering_kernels = n_clustering_kernels
        self.alpha = alpha
        self.routing = routing
        self.pretrain_epochs = pretrain_epochs
        self.joint_epochs = joint_epochs
        self.update_interval = update_interval
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_init = n_init
        self.false_alarm_rate = false_alarm_rate
        self.calibration = calibration
        self.calibration_fraction = calibration_fraction
        self.max_gap = max_gap
        self.on_missing = on_missing
        self.fill_limit = fill_limit
        self.prepare = prepare
        self.max_windows = max_windows
        self.keep_latents = keep_latents
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def as_published(cls, **parameters: Any) -> DCCA:
        """The method of Chadha et al. (2021) as its authors describe it.

        Parameters
        ----------
        **parameters
            Others than those that :data:`dccad.parameters.AS_PUBLISHED` fixes.

        Examples
        --------
        >>> detector = DCCA.as_published(window=30, random_state=0)
        >>> detector.encoder, detector.ranking, detector.representation
        ('dense', 'distance', 'sensors')
        """
        return cls(**{**AS_PUBLISHED, **parameters})

    def fit(self, X: Any, y: None = None, normal: Any = None) -> DCCA:
        """Learn regions, scores and threshold from an unlabelled log.

        Parameters
        ----------
        X : array-like or data frame of shape (n_rows, n_sensors), list or dict of these, or None
            The unlabelled log; rows are time steps. None: learn from ``normal`` alone. A
            :class:`dccad.datasets.ParquetLog` is not read into memory: scaling and covariance are
            those of all its rows, everything else is learned from ``max_windows`` windows.
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
        log = self._check_log(X)
        return log.restore(self.model_.score_log(log)[0])

    def predict(self, X: Any) -> Any:
        """Flag rows whose score exceeds ``threshold_``: 0 normal, 1 anomalous.

        Rows without a score (the first ``window - 1`` of a run) are not flagged. Parameters and
        form of the result as in :meth:`decision_function`.
        """
        log = self._check_log(X)
        return log.restore(self._flag(self.model_.score_log(log)[0]))

    def p_value(self, X: Any) -> Any:
        """Probability that a normal row scores at least as high as each row.

        In (0, 1], NaN for rows without a score; ``p_value(X) < 0.01`` flags about 1 % of new normal
        rows. Parameters and form of the result as in :meth:`decision_function`.
        """
        return self.score_rows(X)["p_value"]

    def predict_region(self, X: Any) -> Any:
        """Consensus region of each row by the stored centres.

        0 is normal, 1 and higher are the other regions by size in the fit, -1 says that no window
        is full yet. Parameters and form of the result as in :meth:`decision_function`.
        """
        log = self._check_log(X)
        return log.restore(self.model_.score_log(log)[1])

    def predict_state(self, X: Any) -> Any:
        """Name of each row's state, as ``states_`` has them; empty where no window is full yet.

        Parameters and form of the result as in :meth:`decision_function`.
        """
        log = self._check_log(X)
        return log.restore(state_names(self.states_, self.model_.score_log(log)[1]))

    def find_states(self, X: Any) -> list[dict[str, Any]]:
        """Share and episodes of each state in a log.

        Parameters
        ----------
        X : as in :meth:`decision_function`

        Returns
        -------
        list of dict
            As ``states_``, with every episode: ``run``, ``first_row``, ``last_row``, ``rows``, and
            ``start`` and ``end`` where the log has time stamps.
        """
        log = self._check_log(X)
        regions = self.model_.score_log(log)[1]
        return describe_states(self.states_, regions, RowTable.of(log))

    def find_alarms(
        self,
        X: Any,
        rule: str | AlarmPattern = "1 of 1",
        *,
        per_day: float | None = None,
        per_1000_rows: float | None = None,
        scores: NDArray[np.float64] | None = None,
    ) -> AlarmReport:
        """Alarms that an operator counts: when k of n rows exceed a limit, until they no longer do.

        Parameters
        ----------
        X : as in :meth:`decision_function`
        rule : str or AlarmPattern
            As "3 of 5", "5" (5 rows in a row), or "3 of 5, off 10, clear 0.1": ends after 10 rows
            below the score that 10 % of normal rows exceed. Rows are those after ``prepare``.
        per_day, per_1000_rows : float, optional
            Expected false alarms on normal rows that the limit is chosen for; the former needs
            time stamps. Neither: the limit is ``threshold_``.
        scores : ndarray of shape (n_rows,), optional
            Scores of all rows of ``X``, run after run, where they are known already.

        Returns
        -------
        AlarmReport
            ``alarms``, the ``rule`` with its limits, and the ``rate`` of false alarms to expect.

        Raises
        ------
        ParameterError
            The rule cannot be read, or a rate is asked for that this model cannot promise: that
            needs ``calibration="cross-fitted"``.
        """
        pattern = parse_pattern(rule)
        log = self._check_log(X)
        if scores is None:
            scores = self.model_.score_log(log)[0]
        return report_alarms(
            log, scores, self.calibration_, self.threshold_, pattern, per_day, per_1000_rows
        )

    def score_rows(self, X: Any) -> dict[str, Any]:
        """Scores, p-values, flags and regions of one pass over a log.

        Parameters
        ----------
        X : as in :meth:`decision_function`

        Returns
        -------
        dict
            ``"score"``, ``"p_value"``, ``"flag"`` and ``"region"``: what
            :meth:`decision_function`, :meth:`p_value`, :meth:`predict` and :meth:`predict_region`
            give.
        """
        log = self._check_log(X)
        scores, regions = self.model_.score_log(log)
        return {
            "score": log.restore(scores),
            "p_value": log.restore(self.calibration_.p_value(scores)),
            "flag": log.restore(self._flag(scores)),
            "region": log.restore(regions),
        }

    def stream(self, state: str | Path | None = None) -> Stream:
        """Score rows as they arrive, each at the cost of one row.

        Parameters
        ----------
        state : str or Path, optional
            A file that :meth:`dccad.streaming.stream.Stream.save` wrote: go on from there.

        Returns
        -------
        Stream
            ``push(row)`` gives the row's score, ``push_many(rows)`` those of several.

        Raises
        ------
        NotTrainedError, InputError
        ParameterError
            A ``prepare`` step combines rows.
        """
        self._check_fitted()
        model = self.model_.to(torch.device("cpu"))
        policy = StreamPolicy(
            self.columns_,
            self.max_gap,
            self.on_missing,
            self.fill_limit,
            fingerprint(model, self.columns_),
        )
        stream = Stream(model, self.calibration_, self.threshold_, policy)
        if state is not None:
            stream.load(state)
        return stream

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
        windows = self.model_.windows(log.segments)
        return self.model_.score_windows(windows, keep_latents, keep_assignments=True)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the features that :meth:`transform` gives.

        Sensor or direction and statistic of each pooled map; map and position of the dense encoder.
        """
        self._check_fitted()
        return np.array(self.model_.network.map_names(self.columns_), dtype=object)

    def save(self, path: str | Path, include_latents: bool = False) -> None:
        """Write the fitted detector as a model folder, whole or not at all.

        Parameters
        ----------
        path : str or Path
            A new folder, or a model folder to replace.
        include_latents : bool
            Write ``latents_`` too (fit with ``keep_latents=True``).

        Raises
        ------
        NotTrainedError
        ModelFileError
            The path holds something that is not a dccad model, or the latents were not kept.
        OSError
            The disk is full or the folder cannot be written; nothing is left behind.
        """
        self._check_fitted()
        latents = self.latents_ if include_latents else None
        if include_latents and latents is None:
            raise ModelFileError(
                "the latents were not kept; fit with keep_latents=True to save them"
            )
        arrays, record = self._take_apart()
        attributes, described = to_parts(vars(self))
        parameters = parameters_to_record(
            self.get_params(deep=False), self.model_.preparation.steps, self.seed_
        )
        folder.save(
            path, arrays | attributes, {"parameters": parameters, **record, **described}, latents
        )

    def digest(self) -> str:
        """SHA-256 over all that decides the scores of this detector, saved or not."""
        self._check_fitted()
        reading = (self.columns_, self.max_gap, self.on_missing, self.fill_limit)
        arrays, record = self._take_apart()
        return folder.model_digest(arrays, record, (self.threshold_, self.states_, reading))

    def _take_apart(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and plain numbers of model and calibration."""
        arrays, record = model_to_parts(self.model_)
        scores, calibration = calibration_to_parts(self.calibration_)
        return arrays | scores, {**record, "calibration": calibration}

    # -- shared by the fits ----------------------------------------------------------------------

    def _fit(self, X: Any, normal: Any) -> Log:
        """Fit; returns the log whose rows ``labels_`` describes."""
        parameters = self.get_params(deep=False)
        check_parameters(parameters)
        settings, seed = FitSettings.of(parameters), draw_seed(self.random_state)
        fitted = fit_model(X, normal, settings, seed)
        if "feature_names_in_" in vars(self):  # an earlier fit left them
            del self.feature_names_in_
        self.model_, self.calibration_ = fitted.model, fitted.calibration
        self._set(describe_fit(fitted, settings, seed))
        self.labels_ = self._flag(self.decision_scores_)
        return fitted.data.log

    def _set(self, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)

    @property
    def states_(self) -> list[dict[str, Any]]:
        """Regions as named states; see the attributes of the class."""
        return list(self.region_report_.states)

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

    def _reading(self, causal: bool) -> Reading:
        return Reading(self.max_gap, self.on_missing, self.fill_limit, causal)


def load(path: str | Path, device: str = "auto") -> DCCA:
    """Read a model folder written by :meth:`DCCA.save`.

    Parameters
    ----------
    path : str or Path
    device : str
        Where to score: "auto" takes CUDA if there is one, else the CPU.

    Returns
    -------
    DCCA
        Fitted; its scores equal those of the detector that was saved.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged, truncated, or of a later version.
    """
    where = resolve_device(device)  # an unknown device is no fault of the folder
    record, arrays, latents = folder.load(path)
    try:
        return _rebuild(record, arrays, latents, where)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise ModelFileError(
            f"{path} is not a complete dccad model ({reason}); fit it again or restore a backup"
        ) from e


def _rebuild(
    record: dict[str, Any], arrays: dict[str, Any], latents: Any, device: torch.device
) -> DCCA:
    parameters = parameters_from_record(record["parameters"])
    detector = DCCA(**parameters)
    preparation = FitSettings.of(parameters).preparation
    detector.calibration_ = calibration_from_parts(arrays, record["calibration"])
    detector.model_ = model_from_parts(arrays, record, preparation, device)
    detector._set(from_parts(arrays, record))
    detector.latents_ = latents
    return detector
