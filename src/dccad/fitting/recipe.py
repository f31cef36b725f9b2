"""What decides how a fit learns: its settings, made once, and the recipe that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import torch

from dccad.logs.preparation.pipeline import Preparation
from dccad.logs.runs import Reading, Run
from dccad.logs.windows import WindowSet
from dccad.method.clustering.ranking import Ranking
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.published import NetworkSettings, automatic_strides
from dccad.method.representation.row_moments import RowStatistics, representation_of
from dccad.method.representation.scaling import ScalingKind
from dccad.method.representation.whitening import (
    UNLABELLED_FLOOR,
    Representation,
    RepresentationKind,
    fit_representation,
)
from dccad.method.training.algorithm import TrainingResult, TrainingSettings, fit_jointly
from dccad.method.training.history import OnEpoch
from dccad.method.training.step import Routing
from dccad.support.tensors import resolve_device


@dataclass(frozen=True)
class FitSettings:
    """The checked parameters of :class:`dccad.DCCA` that a fit needs, under their names.

    Attributes
    ----------
    reading : Reading
        The parameters ``max_gap``, ``on_missing`` and ``fill_limit``.
    preparation : Preparation
        The parameter ``prepare``.
    """

    window: int
    n_clusters: int | Literal["auto"]
    stride: int
    scaling: ScalingKind
    representation: RepresentationKind
    taming: float | None
    encoder: Literal["depthwise", "dense"]
    kernel_size: int
    kernels_per_direction: int
    bottleneck: int | Literal["auto"]
    n_kernels: int
    depth: int
    strides: Sequence[int] | Literal["auto"]
    batch_norm: bool
    ranking: Ranking
    consensus: Literal["vote", "centres"]
    scoring: Literal["statistics", "centres"]
    n_clustering_kernels: float
    alpha: float
    routing: Routing
    pretrain_epochs: int
    joint_epochs: int
    update_interval: int
    batch_size: int
    learning_rate: float
    n_init: int
    false_alarm_rate: float
    calibration: Literal["cross-fitted", "held-out"]
    calibration_fraction: float
    reading: Reading
    preparation: Preparation
    max_windows: int
    keep_latents: bool
    device: str
    verbose: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> FitSettings:
        """Settings from what ``get_params`` of a detector gives.

        Examples
        --------
        >>> from dccad import DCCA
        >>> settings = FitSettings.of(DCCA(n_clusters="auto", on_missing="drop").get_params())
        >>> settings.clusters_per_map, settings.preparation.drop_missing
        (2, True)
        """
        reading = Reading(parameters["max_gap"], parameters["on_missing"], parameters["fill_limit"])
        names = cls.__dataclass_fields__.keys() - {"reading", "preparation"}
        return cls(
            reading=reading,
            preparation=Preparation.of(parameters["prepare"], reading),
            **{name: parameters[name] for name in names},
        )

    @property
    def finds_further_states(self) -> bool:
        """Whether regions beside the normal one may be further normal modes."""
        return self.consensus == "vote" and self.n_clusters != 2

    @property
    def cross_fitted(self) -> bool:
        """Whether the threshold comes from cross-fitting, for which no row is held out."""
        return self.calibration == "cross-fitted"

    @property
    def n_regions(self) -> int | None:
        """Regions that were asked for; None where the log decides their number."""
        return None if self.n_clusters == "auto" else int(self.n_clusters)

    @property
    def clusters_per_map(self) -> int:
        """Maps that vote have two clusters: further regions come from further cuts."""
        return 2 if self.consensus == "vote" else int(self.n_clusters)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is learned from given rows.

    Attributes
    ----------
    window, stride : int, in rows
    scaling : {"standard", "minmax"}
    representation : str
        As :func:`dccad.method.representation.whitening.fit_representation` has it.
    taming : float or None
    network : NetworkSettings or DirectionalSettings
    training : TrainingSettings
    device : torch.device
    """

    window: int
    stride: int
    scaling: ScalingKind
    representation: RepresentationKind
    taming: float | None
    network: NetworkSettings | DirectionalSettings
    training: TrainingSettings
    device: torch.device

    def represent(
        self,
        normal: Sequence[Run],
        others: Sequence[Run],
        statistics: RowStatistics | None = None,
    ) -> Representation:
        """Fit the representation on the normal rows, where there are some.

        ``statistics`` are those of all rows where ``normal`` or ``others`` are a sample of them.
        """
        rows = normal or others
        how = (self.scaling, self.representation, self.taming)
        floor = 0.0 if normal else UNLABELLED_FLOOR
        if statistics is None:
            return fit_representation(rows, *how, floor)
        return representation_of(statistics, rows, *how, floor)

    def train(self, windows: WindowSet, on_epoch: OnEpoch | None = None) -> TrainingResult:
        """Train network and centres on windows of that representation."""
        return fit_jointly(windows, self.network, self.training, self.device, on_epoch)


def make_recipe(settings: FitSettings, seed: int, n_sensors: int) -> Recipe:
    """Everything that decides what is learned from given rows."""
    return Recipe(
        settings.window,
        settings.stride,
        settings.scaling,
        settings.representation,
        settings.taming,
        network_settings(settings, n_sensors),
        training_settings(settings, seed),
        resolve_device(settings.device),
    )


def network_settings(
    settings: FitSettings, n_sensors: int
) -> NetworkSettings | DirectionalSettings:
    """Shape of the network for a number of sensors."""
    window, strides, width = settings.window, settings.strides, settings.bottleneck
    kind = "sensors" if n_sensors == 1 else settings.representation
    n_directions = n_sensors * (2 if kind == "sensors+whitened" else 1)
    if settings.encoder == "depthwise":
        return DirectionalSettings(
            n_directions=n_directions,
            n_sensor_directions=0 if kind == "whitened" else n_sensors,
            window=int(window),
            kernels_per_direction=int(settings.kernels_per_direction),
            kernel_size=int(settings.kernel_size),
            bottleneck=max(1, n_sensors // 2) if width == "auto" else int(width),
        )
    if strides == "auto":
        strides = automatic_strides(window, settings.depth)
    return NetworkSettings(
        n_sensors=n_directions,
        window=int(window),
        n_kernels=int(settings.n_kernels),
        kernel_size=int(settings.kernel_size),
        strides=tuple(int(stride) for stride in strides),
        batch_norm=settings.batch_norm,
    )


def training_settings(settings: FitSettings, seed: int) -> TrainingSettings:
    """Settings of the optimisation."""
    names = TrainingSettings.__dataclass_fields__.keys() - {"seed", "n_clusters"}
    return TrainingSettings(
        n_clusters=settings.clusters_per_map,
        seed=seed,
        **{name: getattr(settings, name) for name in names},
    )


def draw_seed(random_state: Any) -> int:
    """One seed for torch from what scikit-learn accepts as ``random_state``.

    Examples
    --------
    >>> draw_seed(7)
    7
    """
    from sklearn.utils import check_random_state

    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
