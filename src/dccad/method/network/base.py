"""What every network offers to training and scoring."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from dccad.method.network.losses import Targets, clustering_loss, reconstruction_loss
from dccad.method.network.moments import MapForms, Moments


class Autoencoder(nn.Module, ABC):
    """What training and scoring ask of a network.

    The kernels of the encoder's last layer give activation maps; maps are clustered after pooling.
    """

    kind: str
    """Name of the kind in a model folder."""

    reads_runs = False
    """Whether a map over a run holds the map of each window, so that runs can be read at once."""

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
    def map_parameters(self) -> list[nn.Parameter]:
        """Parameters with one row per kernel, which the gradient routing divides."""

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Windows to (activation maps, reconstruction)."""
        maps = self.encode(windows)
        return maps, self.decode(maps)

    # What training needs; a network may have a shorter way than through its activation maps.

    def differentiate(
        self,
        windows: Tensor,
        targets: Targets | None = None,
        alpha: float = 0.0,
        relative: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Leave the gradient of the loss in the parameters, in place of the one before.

        Parameters
        ----------
        windows : Tensor of shape (n_windows, n_sensors, window)
        targets : Targets, optional
            Of these windows. The loss is (1 − α) L_R + α L_C; without targets, L_R.
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
        """Numbers that :meth:`moments` gives for one window; 0: this network has none."""
        return 0

    def moments(self, windows: Tensor) -> Moments:
        """Windows to what their pooled maps can be read from, whatever the kernels."""
        raise NotImplementedError

    def pool_moments(self, moments: Moments) -> Tensor:
        """Moments of windows to their pooled maps."""
        raise NotImplementedError

    def forms(self, moments: Moments, maps: Tensor) -> MapForms:
        """Moments of windows to what some of their pooled maps are read from in training."""
        raise NotImplementedError
