"""The algorithm as a textbook states it: what the package's training is compared with.

The same networks, data, seeds, batches and updates as `dccad.method.training.algorithm`, written as
one would write them first: a copy of every window, one scikit-learn k-means per activation map
after another, a Python loop over the assignments of a batch, maps in memory before they are pooled,
and (two-step) two forward and two backward passes a batch. `tests/journeys/test_textbook.py` holds
the two side by side.

What is the same: network and first weights, scaled rows, batches (drawn from one generator, which
k-means on maps of several values also draws from in the package; the test passes the same ones),
optimiser and learning rate, epochs, updates, ranking, kernel split, gradient routing, both losses.
What is not: k-means starts anew at every update, from scikit-learn's own draws; centres agree as
far as both find the best division of a map.
"""

import copy
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch.nn import functional

from dccad.method.clustering.ranking import LAGS
from dccad.method.network.make import make_network
from dccad.method.network.published import ConvAutoencoder


@dataclass
class Clusters:
    """Of every map: centres, number of each window, inertia; and what the ranking makes of them."""

    centres: list = field(default_factory=list)
    assignments: list = field(default_factory=list)
    inertia: list = field(default_factory=list)
    kernels: np.ndarray = None
    maps: list = None


@dataclass
class Found:
    network: torch.nn.Module
    clusters: Clusters
    history: list
    seconds: dict


def fit(windows, network_settings, settings, orders=None):
    """Train as `dccad.method.training.algorithm.fit_jointly` does; windows is the same `WindowSet`.

    orders: the batches of each epoch, where those of another training are wanted.
    """
    began = time.perf_counter()
    torch.manual_seed(settings.seed)
    network = make_network(network_settings)
    rows, length = windows.rows.numpy(), windows.length
    samples = [rows[s : s + length].T.copy() for s in windows.starts.tolist()]
    generator = torch.Generator().manual_seed(settings.seed)
    orders = iter(orders) if orders is not None else None
    history, seconds = [], {"pretrain": 0.0, "joint": 0.0, "clusterings": []}

    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    for _ in range(settings.pretrain_epochs):
        started = time.perf_counter()
        network.train()
        total = 0.0
        for indices in (
            next(orders) if orders else batches(len(samples), settings.batch_size, generator)
        ):
            batch = torch.stack([torch.tensor(samples[i]) for i in indices])
            optimizer.zero_grad()
            loss = ((decode(network, encode(network, batch)) - batch) ** 2).mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(indices)
        history.append({"phase": "pretrain", "reconstruction_loss": total / len(samples)})
        seconds["pretrain"] += time.perf_counter() - started

    clusters = find_clusters(network, samples, windows, settings, seconds)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    for epoch in range(settings.joint_epochs):
        if epoch and epoch % settings.update_interval == 0:
            clusters = find_clusters(network, samples, windows, settings, seconds)
        started = time.perf_counter()
        network.train()
        totals = np.zeros(2)
        for indices in (
            next(orders) if orders else batches(len(samples), settings.batch_size, generator)
        ):
            batch = torch.stack([torch.tensor(samples[i]) for i in indices])
            losses = joint_step(network, optimizer, batch, indices, clusters, settings)
            totals += np.array(losses) * len(indices)
        reconstruction, cluster = totals / len(samples)
        history.append(
            {
                "phase": "joint",
                "reconstruction_loss": reconstruction,
                "clustering_loss": cluster,
            }
        )
        seconds["joint"] += time.perf_counter() - started
    if settings.joint_epochs:
        clusters = find_clusters(network, samples, windows, settings, seconds)
    taken = seconds["pretrain"] + seconds["joint"] + sum(seconds["clusterings"])
    seconds["rest"] = time.perf_counter() - began - taken
    return Found(network.eval(), clusters, history, seconds)


def encode(network, windows):
    """Windows to activation maps; those of the published network by convolutions, one by one."""
    if not isinstance(network, ConvAutoencoder):
        return network.encode(windows)
    for block in network.encoder:
        layer = block.convolution
        size = layer.kernel_size[0]
        windows = functional.pad(windows, ((size - 1) // 2, size // 2))
        windows = functional.conv1d(windows, layer.weight, layer.bias, layer.stride)
        windows = finish(windows, block.normalisation)
    return windows


def decode(network, maps):
    if not isinstance(network, ConvAutoencoder):
        return network.decode(maps)
    for block in network.decoder:
        layer = block.convolution
        size, stride = layer.kernel_size[0], layer.stride[0]
        crop, length = (size - 1) // 2, maps.shape[2] * stride
        extra = max(0, stride + crop - size)
        maps = functional.conv_transpose1d(
            maps, layer.weight, layer.bias, stride, output_padding=extra
        )[..., crop : crop + length]
        maps = maps if block.last else finish(maps, block.normalisation)
    return maps


def finish(maps, normalisation):
    maps = functional.leaky_relu(maps, 0.01)
    if normalisation is None:
        return maps
    return functional.batch_norm(
        maps,
        normalisation.running_mean,
        normalisation.running_var,
        normalisation.weight,
        normalisation.bias,
        normalisation.training,
    )


def batches(n_windows, batch_size, generator):
    order = torch.randperm(n_windows, generator=generator).tolist()
    found = [order[i : i + batch_size] for i in range(0, n_windows, batch_size)]
    if len(found) > 1 and len(found[-1]) == 1:  # too few for batch normalisation
        found[-2] += found.pop()
    return found


def joint_step(network, optimizer, batch, indices, clusters, settings):
    """One step of L = (1 − α) L_R + α L_C, or the two steps of the published routing."""
    alpha = settings.alpha
    optimizer.zero_grad()
    maps = encode(network, batch)
    reconstruction = ((decode(network, maps) - batch) ** 2).mean()
    cluster = clustering_loss(
        network.pool(maps), clusters, indices, relative=settings.ranking != "distance"
    )
    ((1 - alpha) * reconstruction + alpha * cluster).backward()
    rest = torch.tensor(~clusters.kernels)
    if settings.routing == "one-pass":
        for parameter in network.map_parameters():
            parameter.grad[rest] /= 1 - alpha
        optimizer.step()
    else:
        step_without(optimizer, network.map_parameters(), rest)
        optimizer.zero_grad()
        ((decode(network, encode(network, batch)) - batch) ** 2).mean().backward()
        step_without(optimizer, network.map_parameters(), ~rest)
    return reconstruction.item(), cluster.item()


def clustering_loss(latents, clusters, indices, relative):
    total = 0.0
    for m in clusters.maps:
        centres = [clusters.centres[m][clusters.assignments[m][i]] for i in indices]
        targets = torch.tensor(np.array(centres), dtype=latents.dtype)
        error = ((latents[:, m] - targets) ** 2).sum(dim=1).mean()
        if relative:
            error = error / latents[:, m].var(dim=0, unbiased=False).sum().clamp(min=1e-6)
        total = total + error
    return total / len(clusters.maps)


def step_without(optimizer, parameters, frozen):
    """A step that leaves the frozen kernels, and what the optimiser knows of them, as they were."""
    before = [parameter.detach().clone() for parameter in parameters]
    memory = [copy.deepcopy(optimizer.state.get(parameter)) for parameter in parameters]
    optimizer.step()
    with torch.no_grad():
        for parameter, old, remembered in zip(parameters, before, memory, strict=True):
            parameter[frozen] = old[frozen]
            for name in ("exp_avg", "exp_avg_sq"):
                value = optimizer.state[parameter][name]
                value[frozen] = remembered[name][frozen] if remembered else 0.0


def find_clusters(network, samples, windows, settings, seconds):
    """k-means on one map after another, ranks, and the division of the kernels."""
    started = time.perf_counter()
    network.eval()
    with torch.no_grad():
        latents = np.concatenate(
            [
                network.pool(encode(network, torch.tensor(np.stack(samples[i : i + 1024])))).numpy()
                for i in range(0, len(samples), 1024)
            ]
        )
    found = Clusters()
    for m in range(latents.shape[1]):
        kmeans = KMeans(settings.n_clusters, n_init=settings.n_init, random_state=settings.seed)
        kmeans.fit(latents[:, m])
        found.centres.append(kmeans.cluster_centers_)
        found.assignments.append(kmeans.labels_)
        found.inertia.append(kmeans.inertia_)
    qualities = np.array(
        [rank(m, latents, found, windows, settings) for m in range(latents.shape[1])]
    )
    divide_kernels(found, qualities, network.kernel_of_map.numpy(), settings.n_clustering_kernels)
    seconds["clusterings"].append(time.perf_counter() - started)
    return found


def rank(m, latents, clusters, windows, settings):
    """Distance of the centres, or separation × persistence."""
    if settings.ranking == "distance":
        centres = clusters.centres[m]
        pairs = [(a, b) for a in range(len(centres)) for b in range(a)]
        return min(np.linalg.norm(centres[a] - centres[b]) for a, b in pairs)
    total = latents[:, m].var(axis=0, dtype=np.float64).sum() * len(latents)
    quality = max(0.0, 1 - clusters.inertia[m] / total) if total > 0 else 0.0
    numbers = clusters.assignments[m]
    expected = 1 - sum((numbers == k).mean() ** 2 for k in range(settings.n_clusters))
    starts = windows.timeline.numpy()
    for lag, weight in LAGS.items():
        steps = max(1, round(lag * windows.length / windows.stride))
        paired = starts[steps:] - starts[:-steps] == steps * windows.stride
        if paired.any() and expected > 0:
            switched = (numbers[steps:] != numbers[:-steps])[paired].mean()
            lasting = min(max(1 - switched / expected, 0.0), 1.0)
            quality *= 1 - weight + weight * lasting
    return quality if expected > 0 else 0.0


def divide_kernels(clusters, qualities, kernel_of_map, share):
    """The best map of each kernel stands for it; the best kernels become clustering kernels."""
    n_kernels = kernel_of_map.max() + 1
    best = []
    for kernel in range(n_kernels):
        mine = np.flatnonzero(kernel_of_map == kernel)
        best.append(mine[qualities[mine].argmax()])
    chosen = share if isinstance(share, int) else max(1, round(share * n_kernels))
    order = np.argsort(-qualities[best], kind="stable")[:chosen]
    clusters.kernels = np.isin(np.arange(n_kernels), order)
    clusters.maps = sorted(best[kernel] for kernel in order)
