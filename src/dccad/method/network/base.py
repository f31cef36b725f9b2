"""What every network offers to training and scoring."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from dccad.method.network.losses import Targets, clustering_loss, reconstruction_loss
from dccad.method.network.moments import MapForms, Moments


class Autoencoder(nn.Module, ABC):
    """What training and scoring ask of a network.

    The kernels of the encoder's last layer give activation maps; maps are clustered after pooling.

    Attributes
    ----------
    kind : str
        Name of this kind in a model folder.
    reads_runs : bool
        Whether scoring may read all windows of a run at once, each row only once
        (:mod:`dccad.method.scoring.whole_runs`), instead of window by window.
    """

    kind: ClassVar[str]
    reads_runs: ClassVar[bool] = False

    @abstractmethod
    def encode(self, windows: Tensor) -> Tensor:
        """Windows (B, D, L) to activation maps (B, n_kernels, T)."""

    @abstractmethod
    def decode(self, maps: Tensor) -> Tensor:
        """Activation maps to reconstructed windows (B, D, L)."""

    @abstractmethod
    def pool(self, maps: Tensor) -> Tensor:
        """Activation maps to the maps that are clustered, (B, n_maps, map_length)."""

    @property
    @abstractmethod
    def kernel_of_map(self) -> Tensor:
        """Kernel behind each clustered map, shape (n_maps,); −1 for a map of several kernels."""

    @abstractmethod
    def map_names(self, columns: Sequence[str]) -> list[str]:
        """Name every value of the maps that are clustered, n_maps × map_length of them.

        Parameters
        ----------
        columns : sequence of str
            Names of the sensors.
        """

    @abstractmethod
    def map_parameters(self) -> list[nn.Parameter]:
        """Parameters with one row per kernel, which the gradient routing divides."""

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Windows to (activation maps, reconstruction)."""
        maps = self.encode(windows)
        return maps, self.decode(maps)

    # Training may use a shorter way than through the activation maps, where a network has one.

    def differentiate(
        self,
        windows: Tensor,
        targets: Targets | None = None,
        alpha: float = 0.0,
        relative: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Leave the gradient of the loss in the parameters, instead of the one before.

        Parameters
        ----------
        windows : Tensor of shape (n_windows, n_sensors, window)
        targets : Targets, optional
            What L_C asks of these windows. The loss is (1 − α) L_R + α L_C; without targets, L_R.
        alpha : float
        relative : bool
            As in :func:`dccad.method.network.losses.clustering_loss`.

        Returns
        -------
        (L_R, L_C) : scalars, without a gradient; None for L_C without targets
        """
        self.zero_grad()
        maps, output = self(windows)
        reconstruction = reconstruction_loss(output, windows)
        if targets is None:
            reconstruction.backward()
            return reconstruction.detach(), None
        latents = self.pool(maps).index_select(1, targets.maps)
        cluster = clustering_loss(latents, targets.centres, relative)
        ((1 - alpha) * reconstruction + alpha * cluster).backward()
        return reconstruction.detach(), cluster.detach()

    def pool_windows(self, windows: Tensor) -> Tensor:
        """Windows to the maps that are clustered."""
        return self.pool(self.encode(windows))

    @property
    def moments_per_window(self) -> int:
        """How many numbers :meth:`moments` gives for one window; 0 where there are no moments."""
        return 0

    def moments(self, windows: Tensor) -> Moments:
        """Moments of windows, from which their pooled maps follow for any weights."""
        raise NotImplementedError

    def pool_moments(self, moments: Moments) -> Tensor:
        """Moments of windows to their pooled maps."""
        raise NotImplementedError

    def forms(self, moments: Moments, maps: Tensor) -> MapForms:
        """The part of the moments from which training computes some of the pooled maps."""
        raise NotImplementedError
