"""What decides how a fit learns from rows: its settings, made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeAlias

import torch

from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet
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
from dccad.support.tensors import resolve_device


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
        if statistics is not None:
            return representation_of(
                statistics,
                normal or others,
                self.scaling,
                self.representation,
                self.taming,
                0.0 if normal else UNLABELLED_FLOOR,
            )
        return fit_representation(
            normal or others,
            self.scaling,
            self.representation,
            self.taming,
            0.0 if normal else UNLABELLED_FLOOR,
        )

    def train(self, windows: WindowSet, on_epoch: OnEpoch | None = None) -> TrainingResult:
        """Train network and centres on windows of that representation."""
        return fit_jointly(windows, self.network, self.training, self.device, on_epoch)


Parameters: TypeAlias = Mapping[str, Any]
"""Checked parameters of :class:`dccad.DCCA`, by name."""


def make_recipe(parameters: Parameters, seed: int, n_sensors: int) -> Recipe:
    """Everything that decides what is learned from given rows."""
    return Recipe(
        parameters["window"],
        parameters["stride"],
        parameters["scaling"],
        parameters["representation"],
        parameters["taming"],
        network_settings(parameters, n_sensors),
        training_settings(parameters, seed),
        resolve_device(parameters["device"]),
    )


def network_settings(
    parameters: Mapping[str, Any], n_sensors: int
) -> NetworkSettings | DirectionalSettings:
    """Shape of the network for checked parameters and a number of sensors."""
    window, strides = parameters["window"], parameters["strides"]
    kind = "sensors" if n_sensors == 1 else parameters["representation"]
    n_directions = n_sensors * (2 if kind == "sensors+whitened" else 1)
    if parameters["encoder"] == "depthwise":
        width = parameters["bottleneck"]
        return DirectionalSettings(
            n_directions=n_directions,
            n_sensor_directions=0 if kind == "whitened" else n_sensors,
            window=int(window),
            kernels_per_direction=int(parameters["kernels_per_direction"]),
            kernel_size=int(parameters["kernel_size"]),
            bottleneck=max(1, n_sensors // 2) if width == "auto" else int(width),
        )
    if strides == "auto":
        strides = automatic_strides(window, parameters["depth"])
    return NetworkSettings(
        n_sensors=n_directions,
        window=int(window),
        n_kernels=int(parameters["n_kernels"]),
        kernel_size=int(parameters["kernel_size"]),
        strides=tuple(int(stride) for stride in strides),
        batch_norm=parameters["batch_norm"],
    )


def clusters_per_map(parameters: Mapping[str, Any]) -> int:
    """Maps that vote have two clusters: further regions come from further cuts.

    Examples
    --------
    >>> clusters_per_map({"consensus": "vote", "n_clusters": "auto"})
    2
    """
    return 2 if parameters["consensus"] == "vote" else int(parameters["n_clusters"])


def training_settings(parameters: Mapping[str, Any], seed: int) -> TrainingSettings:
    """Settings of the optimisation for checked parameters."""
    names = TrainingSettings.__dataclass_fields__.keys() - {"seed", "n_clusters"}
    return TrainingSettings(
        n_clusters=clusters_per_map(parameters),
        seed=seed,
        **{name: parameters[name] for name in names},
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
