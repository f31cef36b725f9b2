"""One region per window from the clustering maps together: a vote of the maps that agree.

The best map by quality (separation × persistence) leads; maps whose division agrees with its own
vote with it, each weighted by the square of its quality. A map votes by how far a window lies
beyond its minimum-error threshold. More regions than two come from dividing regions again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.clustering.cuts import minimum_error_thresholds, split_values
from dccad.method.clustering.maps import MapClusters, assign_maps
from dccad.method.clustering.ranking import Ranking, map_qualities
from dccad.method.regions.normal import LEAST_SHARE, RegionReport, find_normal_region
from dccad.support.tensors import to_array

CANDIDATES = 30
"""Maps of the highest quality that may vote."""

AGREEMENT = 0.8
"""A candidate votes if its division correlates with the leader's at least this much (φ)."""

LEAST_SPREAD = 0.01
"""Spread of a map's two sides, in gaps between them, that its vote counts with at least."""

LEAST_QUALITY = 0.3
"""Quality (separation × persistence) that a further region needs with ``n_clusters="auto"``."""

MOST_REGIONS = 12
"""``n_clusters="auto"`` stops here."""

FEWEST_WINDOWS = 10
"""Lengths of a window that a region needs for "auto" to divide it: in fewer, windows that share no
row are too few to tell whether a division lasts."""


@dataclass(frozen=True)
class Cut:
    """The division of one region in two.

    Attributes
    ----------
    region : int
        The region that was divided; its lower part keeps the number.
    created : int
        Number of its upper part.
    maps : ndarray of shape (n_voters,), int64
        The voting maps, the leader first.
    thresholds, scales, weights : ndarray of shape (n_voters,), float64
        A map votes weight · tanh(2 (value − threshold) / scale); weights are signed.
    quality : float
        Quality of the leading map.
    """

    region: int
    created: int
    maps: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]
    quality: float

    def vote(self, values: Tensor) -> Tensor:
        """Sum of the votes of values of shape (n_windows, n_maps); above 0 is the upper part.

        Examples
        --------
        >>> cut = Cut(0, 1, np.array([1]), np.array([2.0]), np.array([1.0]), np.array([-1.0]), 0.9)
        >>> (cut.vote(torch.tensor([[0.0, 1.0], [0.0, 3.0]])) > 0).tolist()
        [True, False]
        """
        maps = torch.from_numpy(self.maps).to(values.device)
        thresholds, scales, weights = (
            torch.from_numpy(array).to(values.device)
            for array in (self.thresholds, self.scales, self.weights)
        )
        beyond = 2 * (values[:, maps].double() - thresholds) / scales
        votes: Tensor = beyond.tanh() @ weights
        return votes


@dataclass(frozen=True)
class Consensus:
    """Stored cuts that turn pooled maps into regions; nothing is fitted again.

    Attributes
    ----------
    cuts : tuple of Cut
        In the order in which they apply.
    order : ndarray of shape (n_regions,), int64
        ``order[k]`` is the number, before renumbering, of region k; region 0 is the normal one.
    """

    cuts: tuple[Cut, ...]
    order: NDArray[np.int64]

    @property
    def n_regions(self) -> int:
        """Regions, at least one."""
        return len(self.cuts) + 1

    def assign(self, latents: Tensor) -> Tensor:
        """Region of each window from its pooled maps.

        Parameters
        ----------
        latents : Tensor of shape (n_windows, n_maps, 1)

        Returns
        -------
        Tensor of shape (n_windows,), int64
        """
        found = apply_cuts(self.cuts, latents[..., 0])
        renumber = torch.from_numpy(np.argsort(self.order)).to(latents.device)
        regions: Tensor = renumber[found]
        return regions


def apply_cuts(cuts: Sequence[Cut], values: Tensor) -> Tensor:
    """Region of each row of values of shape (n_windows, n_maps), numbered as the cuts made them."""
    regions = torch.zeros(len(values), dtype=torch.int64, device=values.device)
    for cut in cuts:
        regions = _apply_cut(cut, regions, values)
    return regions


def _apply_cut(cut: Cut, regions: Tensor, values: Tensor) -> Tensor:
    upper = (regions == cut.region) & (cut.vote(values) > 0)
    return torch.where(upper, torch.full_like(regions, cut.created), regions)


def find_consensus(
    latents: Tensor,
    candidates: Tensor,
    windows: WindowSet,
    n_regions: int | None = 2,
    ranking: Ranking = "separation-persistence",
    least_quality: float = 0.0,
) -> tuple[tuple[Cut, ...], NDArray[np.int64]]:
    """Divide the fit's windows into regions.

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, 1)
        Pooled maps.
    candidates : Tensor of shape (n,), int64
        Maps that may vote: the clustering maps and the collective ones.
    windows : WindowSet
        The windows behind the latents.
    n_regions : int or None
        None: divide as long as the quality is at least ``least_quality``, and regions of at least
        ``FEWEST_WINDOWS`` windows' length.
    ranking : str
        As in :func:`dccad.method.clustering.ranking.map_qualities`.
    least_quality : float
        With ``n_regions=None``.

    Returns
    -------
    cuts : tuple of Cut
        Fewer than asked for where no region can be divided any more.
    regions : ndarray of shape (n_windows,), int64
        Numbered as the cuts made them.
    """
    values, windows = latents[..., 0], windows.to(latents.device)
    regions = torch.zeros(len(values), dtype=torch.int64, device=values.device)
    proposals: dict[int, Cut | None] = {}
    cuts: list[Cut] = []
    automatic = n_regions is None
    smallest = FEWEST_WINDOWS * windows.length / (windows.stride * len(values))
    while len(cuts) + 1 < (MOST_REGIONS if automatic else n_regions or 2):
        for part in range(len(cuts) + 1):
            if part not in proposals:
                inside = regions == part
                proposals[part] = _propose(values, candidates, windows, ranking, inside)
        size = {region: float((regions == region).double().mean()) for region in proposals}
        ready = {
            region: found
            for region, found in proposals.items()
            if found is not None
            and (not automatic or (found.quality >= least_quality and size[region] >= smallest))
        }
        if not ready:
            break
        # a large region of good quality goes first: a small clean cut in a corner can wait
        region = max(ready, key=lambda region: ready[region].quality * size[region] ** 0.5)
        cut = replace(ready[region], region=region, created=len(cuts) + 1)
        cuts.append(cut)
        regions = _apply_cut(cut, regions, values)
        del proposals[region]  # it is another one now
    return tuple(cuts), regions.cpu().numpy()


def _propose(
    values: Tensor,
    candidates: Tensor,
    windows: WindowSet,
    ranking: Ranking,
    inside: Tensor,
) -> Cut | None:
    """The best division of the windows inside a region, or None if it cannot be divided."""
    if int(inside.sum()) < 4:
        return None
    mine = values[inside][:, candidates]
    split = split_values(mine)
    upper = mine.double() > split.threshold
    clusters = MapClusters(split.means[..., None], upper.long(), split.within)
    qualities = map_qualities(ranking, mine[..., None], clusters, windows.select(inside))
    leader = int(qualities.argmax())
    if not float(qualities[leader]) > 0:
        return None
    top = qualities.argsort(descending=True, stable=True)[:CANDIDATES]
    agreement = _phi(upper[:, top], upper[:, leader])
    keep = agreement.abs() >= AGREEMENT
    keep[0] = True  # the leader agrees with itself, whatever rounding says
    top, agreement = top[keep], agreement[keep]
    chosen = mine[:, top]
    thresholds = minimum_error_thresholds(chosen, split.threshold[top])
    beyond = chosen.double() > thresholds
    scales = _spread(chosen, beyond) + _spread(chosen, ~beyond)
    # a switch of two values has no spread: the gap between them is the only scale that it has
    gap = split.means[top, 1] - split.means[top, 0]
    scales = torch.maximum(scales, LEAST_SPREAD * gap)
    weights = qualities[top].double().square() * agreement.sign()
    cut = Cut(
        region=0,
        created=0,
        maps=candidates[top].cpu().numpy(),
        thresholds=thresholds.cpu().numpy(),
        scales=scales.cpu().numpy(),
        weights=weights.cpu().numpy(),
        quality=float(qualities[leader]),
    )
    above = int((cut.vote(values[inside]) > 0).sum())
    return cut if 0 < above < len(mine) else None


def _phi(divisions: Tensor, leader: Tensor) -> Tensor:
    """Correlation of each column of 0 / 1 with the leader's; 0 for a constant one."""
    columns, one = divisions.double(), leader.double()
    columns, one = columns - columns.mean(dim=0), one - one.mean()
    norms = columns.square().sum(dim=0).sqrt() * one.square().sum().sqrt()
    return (columns * one[:, None]).sum(dim=0) / norms.clamp(min=1e-12)


def _spread(values: Tensor, chosen: Tensor) -> Tensor:
    count = chosen.sum(dim=0).clamp(min=1)
    mean = (values.double() * chosen).sum(dim=0) / count
    return (((values.double() - mean).square() * chosen).sum(dim=0) / count).sqrt()


def to_record(cuts: Sequence[Cut]) -> list[dict[str, Any]]:
    """Plain numbers of the cuts, for a model folder.

    Examples
    --------
    >>> cut = Cut(0, 1, np.array([3]), np.array([0.5]), np.array([1.0]), np.array([1.0]), 0.8)
    >>> from_record(to_record([cut]))[0].maps.tolist()
    [3]
    """

    def plain(value: Any) -> Any:
        return value.tolist() if isinstance(value, np.ndarray) else value

    return [{name: plain(value) for name, value in vars(cut).items()} for cut in cuts]


def from_record(record: Sequence[dict[str, Any]]) -> tuple[Cut, ...]:
    """Undo :func:`to_record`."""
    return tuple(
        Cut(
            region=int(entry["region"]),
            created=int(entry["created"]),
            maps=np.array(entry["maps"], dtype=np.int64),
            thresholds=np.array(entry["thresholds"], dtype=np.float64),
            scales=np.array(entry["scales"], dtype=np.float64),
            weights=np.array(entry["weights"], dtype=np.float64),
            quality=float(entry["quality"]),
        )
        for entry in record
    )


@dataclass(frozen=True)
class ConsensusPartition:
    """Regions by the vote of the maps that agree.

    Attributes
    ----------
    centres : Tensor of shape (n_maps, n_clusters, 1)
        Centres of every single pooled map.
    consensus : Consensus
    """

    centres: Tensor
    consensus: Consensus

    kind = "vote"

    @property
    def n_regions(self) -> int:
        """Number of regions that windows may fall into."""
        return self.consensus.n_regions

    def assign(self, latents: Tensor) -> Tensor:
        """Region of each window from pooled maps of shape (n_windows, n_maps, 1)."""
        return self.consensus.assign(latents)

    def clusters(self, latents: Tensor) -> Tensor:
        """Cluster of each single map, shape (n_windows, n_maps), int64."""
        return assign_maps(latents, self.centres)

    def maps_read(self) -> Tensor:
        """Which of the pooled maps :meth:`assign` reads, shape (n_maps,), bool."""
        read = torch.zeros(len(self.centres), dtype=torch.bool)
        for cut in self.consensus.cuts:
            read[torch.from_numpy(cut.maps)] = True
        return read

    def to(self, device: torch.device) -> ConsensusPartition:
        """The same partition with its tensors on another device."""
        return ConsensusPartition(self.centres.to(device), self.consensus)

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and plain numbers for a model folder."""
        centres, order = to_array(self.centres), self.consensus.order
        arrays = {"partition.centres": centres, "partition.order": order}
        return arrays, {"kind": self.kind, "cuts": to_record(self.consensus.cuts)}

    @classmethod
    def from_record(
        cls, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
    ) -> ConsensusPartition:
        """Undo :meth:`to_record`; ValueError where regions and cuts do not fit."""
        consensus = Consensus(from_record(record["cuts"]), arrays["partition.order"])
        if len(consensus.order) != consensus.n_regions:
            raise ValueError(f"{len(consensus.order)} regions for {len(consensus.cuts)} cuts")
        return cls(torch.tensor(arrays["partition.centres"]), consensus)


def find_consensus_partition(
    centres: Tensor,
    latents: Tensor,
    candidates: Tensor,
    windows: WindowSet,
    n_regions: int | None,
    ranking: Ranking,
    reference: NDArray[np.bool_] | None = None,
) -> tuple[ConsensusPartition, RegionReport, NDArray[np.int64]]:
    """Find the regions of the fit windows by the maps' consensus, and name the normal one."""
    cuts, found = find_consensus(
        latents,
        candidates,
        windows,
        n_regions,
        ranking,
        LEAST_QUALITY,
    )
    values = latents[..., 0]
    standard = (values - values.mean(dim=0)) / values.std(dim=0).clamp(min=1e-6)
    spread = torch.zeros(len(values), device=values.device)
    for region in range(len(cuts) + 1):
        mine = torch.from_numpy(found == region).to(values.device)
        inside = standard[mine]
        spread[mine] = (inside - inside.mean(dim=0)).square().mean(dim=1)
    order, report = find_normal_region(
        found, to_array(spread), len(cuts) + 1, reference, LEAST_SHARE
    )
    partition = ConsensusPartition(centres, Consensus(cuts, order))
    return partition, report, np.argsort(order)[found]
