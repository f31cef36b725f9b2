"""Every figure of dccad: plain arrays in, a matplotlib figure out.

No function opens a window or touches pyplot's state: save the returned figure with
``figure.savefig(path, dpi=150)`` or show it in a notebook. matplotlib and openTSNE are optional
(``pip install 'dccad[plots]'``) and imported only when a figure is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.plots.latents import embed_latents, plot_activation_maps, plot_tsne
    from dccad.plots.losses import plot_losses
    from dccad.plots.maps import plot_distance_accuracy, plot_map_figures
    from dccad.plots.scores import plot_scores
    from dccad.plots.style import PALETTE

__all__ = [
    "PALETTE",
    "embed_latents",
    "plot_activation_maps",
    "plot_distance_accuracy",
    "plot_losses",
    "plot_map_figures",
    "plot_scores",
    "plot_tsne",
]

_HOME = {
    "PALETTE": "dccad.plots.style",
    "embed_latents": "dccad.plots.latents",
    "plot_activation_maps": "dccad.plots.latents",
    "plot_distance_accuracy": "dccad.plots.maps",
    "plot_losses": "dccad.plots.losses",
    "plot_map_figures": "dccad.plots.maps",
    "plot_scores": "dccad.plots.scores",
    "plot_tsne": "dccad.plots.latents",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
