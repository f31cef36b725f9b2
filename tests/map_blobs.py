"""Latents that lie in blobs, for every test that clusters maps."""

import numpy as np
import torch


def blobs(n_windows=60, n_maps=3, map_length=2, n_clusters=3, spread=0.3, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=3, size=(n_maps, n_clusters, map_length))
    chosen = rng.integers(n_clusters, size=(n_windows, n_maps))
    points = centres[np.arange(n_maps), chosen] + spread * rng.normal(
        size=(n_windows, n_maps, map_length)
    )
    return torch.tensor(points)
