"""Restarts of k-means: seeds, and whether samples choose the best restart on all windows."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from dccad.method.clustering import kmeans, starts
from dccad.method.clustering.maps import cluster_maps
from dccad.method.clustering.ranking import centre_distances
from map_blobs import blobs


def test_seeds_are_windows_of_different_clusters():
    latents = blobs(300, 20, 3, 6, spread=1e-3, seed=1)
    columns = kmeans.make_columns(kmeans.put_maps_first(latents), latents.mean(dim=0))
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(300, (20, 5), generator=generator)
    reaches = torch.rand(5, 20, 5, 3, generator=generator, dtype=torch.float64)
    seeds = starts.plus_plus(columns, chosen, reaches)
    apart = centre_distances(seeds.flatten(0, 1))
    assert float((apart > 0.02).double().mean()) > 0.95
    windows = columns[:, :-1].transpose(1, 2)[:, None, None]
    assert bool((seeds[..., None, :] == windows).all(dim=-1).any(dim=-1).all())


@pytest.mark.parametrize("n_clusters", [2, 5])
def test_many_maps_of_many_windows_are_clustered_as_well_as_by_ten_restarts(n_clusters):
    """More windows than the restarts see: what they choose on a sample must hold for all."""
    latents = blobs(3000, 64, 5, n_clusters, spread=1.5, seed=2).float()
    generator = torch.Generator().manual_seed(0)
    found = cluster_maps(latents, n_clusters, n_init=10, generator=generator)
    best = [
        KMeans(n_clusters, n_init=10, random_state=0).fit(latents[:, m].numpy()).inertia_
        for m in range(64)
    ]
    assert (found.inertia.numpy() <= 1.001 * np.array(best)).all()


def test_rivals_on_a_small_sample_are_told_apart_on_all_windows(monkeypatch):
    """More clusters than centres: several ends are nearly as good, and few windows mistake them."""
    latents = blobs(3000, 48, 3, 5, spread=0.5, seed=6).float()
    monkeypatch.setattr(starts, "ROUNDS", (starts.Round(200, 6), starts.Round(400, 4)))
    generator = torch.Generator().manual_seed(0)
    found = cluster_maps(latents, 2, n_init=10, generator=generator)
    best = [
        KMeans(2, n_init=20, random_state=0).fit(latents[:, m].numpy()).inertia_ for m in range(48)
    ]
    assert (found.inertia.numpy() <= 1.001 * np.array(best)).all()
