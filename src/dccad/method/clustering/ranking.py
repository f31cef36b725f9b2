"""How well the clusters of a map tell regimes apart, on a scale that all maps share.

The published rank is the distance between a map's centres, which favours maps of large scale.
Two measures are free of scale: the *separation* is the share of a map's variance that its clusters
explain, and the *persistence* tells a regime, which lasts, from noise, which flips at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.clustering.maps import MapClusters

Ranking: TypeAlias = Literal["separation-persistence", "separation", "persistence", "distance"]

LAGS: Mapping[int, float] = {2: 1.0, 4: 0.5, 8: 0.5}
"""Lags of the persistence, in windows, and how much each counts. The longer ones tell a regime from
slow noise and from a transient; they count half, because a regime may be shorter than they are."""


def separation(latents: Tensor, clusters: MapClusters) -> Tensor:
    """Share of each map's variance that its clusters explain (between-cluster over total).

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, map_length)
    clusters : MapClusters
        Clusters of these latents.

    Returns
    -------
    Tensor of shape (n_maps,), float64
        0 (nothing, or a map that does not vary) to 1.

    Examples
    --------
    >>> latents = torch.tensor([0.0, 2.0, 10.0, 12.0]).reshape(4, 1, 1)
    >>> clusters = MapClusters(torch.tensor([[[1.0], [11.0]]]), torch.tensor([[0], [0], [1], [1]]),
    ...                        torch.tensor([4.0]))
    >>> round(float(separation(latents, clusters)), 4)
    0.9615
    """
    total = total_squares(latents)
    explained = 1 - clusters.inertia.double() / total.clamp(min=1e-300)
    return torch.where(total > 0, explained, torch.zeros_like(explained)).clamp(0, 1)


def total_squares(latents: Tensor) -> Tensor:
    """Sum of squared distances of all windows from their mean, map by map, float64.

    Examples
    --------
    >>> total_squares(torch.tensor([0.0, 2.0, 10.0, 12.0]).reshape(4, 1, 1)).tolist()
    [104.0]
    """
    # from the first window: exact where nothing varies; a few at a time, which stay in the cache
    parts = latents.flatten(1).split(128)
    shifts = [(part - parts[0][0]).sum(dim=0) for part in parts]
    mean = parts[0][0] + torch.stack(shifts).double().sum(dim=0).to(latents.dtype) / len(latents)
    squares = [(part - mean).square_().sum(dim=0) for part in parts]
    return torch.stack(squares).double().sum(dim=0).view(latents.shape[1:]).sum(dim=1)


def persistence(
    assignments: Tensor, windows: WindowSet, lags: Mapping[int, float] = LAGS
) -> Tensor:
    """How much longer clusters last than chance: a product over lags.

    At lag k, of the pairs of windows that lie k windows apart in one run, the share s that changes
    cluster is compared with the share e = 1 − Σ p_c² that changes if windows are dealt at random:
    1 − s / e. It is 1 for a regime that never changes and 0 for independent noise; windows of one
    lag share no row, so overlap does not feign persistence. A lag of weight w enters the product
    as 1 − w + w (1 − s / e).

    Parameters
    ----------
    assignments : Tensor of shape (n_windows, n_maps), int64 or bool
    windows : WindowSet
        The windows that were assigned, in the order of their rows.
    lags : mapping of int to float
        Weight of each lag, in windows. A lag that no run is long enough for counts as 1.

    Returns
    -------
    Tensor of shape (n_maps,), float64
        0 to 1; 0 where all windows are in one cluster.

    Examples
    --------
    >>> windows = WindowSet(torch.zeros(8, 1), torch.arange(8), length=1)
    >>> regime = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    >>> flicker = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1])
    >>> found = persistence(torch.stack((regime, flicker), dim=1), windows, lags={1: 1.0})
    >>> [round(value, 3) for value in found.tolist()]
    [0.714, 0.0]
    """
    n_clusters = _count(assignments)
    # in one byte each where that is enough: every lag reads all assignments
    clusters = assignments.to(torch.uint8 if n_clusters <= 256 else torch.int64)
    shares = torch.stack([_share(clusters == k) for k in range(n_clusters)])
    expected = 1 - shares.square().sum(dim=0)
    product = torch.ones_like(expected)
    starts, stride = windows.timeline, windows.stride
    for lag, weight in lags.items():
        steps = max(1, round(lag * windows.length / stride))
        # two windows of one run, and only they, are as many rows apart as their numbers say
        paired = starts[steps:] - starts[:-steps] == steps * stride
        if bool(paired.any()):
            switched = _share((clusters[steps:] != clusters[:-steps])[paired])
            lasting = (1 - switched / expected.clamp(min=1e-300)).clamp(0, 1)
            product = product * (1 - weight + weight * lasting)
    return torch.where(expected > 0, product, torch.zeros_like(product))


def _share(marks: Tensor) -> Tensor:
    """Share of the windows that are marked, for each map."""
    parts = [
        part.new_ones(len(part), dtype=torch.float32) @ part.float() for part in marks.split(1024)
    ]
    return torch.stack(parts).double().sum(dim=0) / len(marks)


def _count(clusters: Tensor) -> int:
    return int(clusters.max()) + 1 if clusters.numel() else 1


def map_qualities(
    ranking: Ranking,
    latents: Tensor,
    clusters: MapClusters,
    windows: WindowSet,
) -> Tensor:
    """The quality by which maps are ranked; higher is better.

    Parameters
    ----------
    ranking : {"separation-persistence", "separation", "persistence", "distance"}
        "distance" is the published one, :func:`centre_distances`.
    latents, clusters
        As in :func:`separation`.
    windows : WindowSet
        As in :func:`persistence`.

    Returns
    -------
    Tensor of shape (n_maps,)
    """
    if ranking == "distance":
        return centre_distances(clusters.centres)
    quality = torch.ones(latents.shape[1], dtype=torch.float64, device=latents.device)
    if "separation" in ranking:
        quality = quality * separation(latents, clusters)
    if "persistence" in ranking:
        quality = quality * persistence(clusters.assignments, windows)
    return quality


def centre_distances(centres: Tensor) -> Tensor:
    """Euclidean distance between the centres of each map; the smallest pairwise one for K > 2.

    Parameters
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)

    Returns
    -------
    Tensor of shape (n_maps,)
        In units of the latents. Batch normalisation gives every map the same scale before this,
        so distances of different maps compare; without it a map of larger scale ranks higher.

    Examples
    --------
    >>> centres = torch.tensor([[[0.0, 0.0], [3.0, 4.0], [9.0, 12.0]]])
    >>> centre_distances(centres).tolist()
    [5.0]
    """
    n_clusters = centres.shape[1]
    first, second = torch.triu_indices(n_clusters, n_clusters, offset=1, device=centres.device)
    between: Tensor = (centres[:, first] - centres[:, second]).square().sum(dim=2).sqrt()
    return between.amin(dim=1)


def rank_maps(qualities: Tensor) -> Tensor:
    """Rank the maps by their quality: 1 is the largest; ties go to the lower map.

    Parameters
    ----------
    qualities : Tensor of shape (n_maps,)
        Separation, persistence or centre distance; larger is better.

    Returns
    -------
    Tensor of shape (n_maps,), int64
        ``ranks[m]`` is the rank of map m (not the map at rank m, which ``argsort`` gives).

    Examples
    --------
    >>> rank_maps(torch.tensor([0.5, 2.0, 0.1, 1.0])).tolist()
    [3, 1, 4, 2]
    """
    order = torch.argsort(qualities, descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(1, len(order) + 1, device=order.device)
    return ranks
