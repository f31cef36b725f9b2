"""Representation and both networks as nodes of a graph, from the numbers of a fitted model.

The depthwise network is written over rows, not over windows: what two windows share is computed
once. The published one pads every window at its ends, so there windows are cut in the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.method.network.depthwise import LEAK
from dccad.method.network.pooling import SMALLEST_ENERGY, SMALLEST_VARIANCE, recent_positions
from dccad.method.scoring.statistics import Feature
from dccad.onnx.graph import Graph

if TYPE_CHECKING:
    from dccad.method.network.depthwise import DirectionalSettings
    from dccad.method.network.published import NetworkSettings
    from dccad.method.representation.whitening import Representation

Arrays: TypeAlias = "dict[str, NDArray[Any]]"

_EPSILON = 1e-5  # of torch's batch normalisation


class NetworkGraph(Protocol):
    """What regions and statistics ask of a network in a graph."""

    def pool(self, indices: Sequence[int]) -> str:
        """Some clustered maps, (batch, windows, maps · map_length), float64."""

    def error(self) -> str:
        """Mean squared error of the reconstruction, (batch, windows, 1), float64."""


def make_network_graph(
    kind: str, graph: Graph, inputs: str, arrays: Arrays, settings: Any
) -> NetworkGraph:
    """The twin of a network of a kind; other arguments as of :class:`DepthwiseGraph`."""
    kinds: dict[str, Any] = {"dense": DenseGraph, "depthwise": DepthwiseGraph}
    made: NetworkGraph = kinds[kind](graph, inputs, arrays, settings)
    return made


def add_directions(graph: Graph, seen: Representation, rows: str) -> str:
    """Rows in plant units to directions: the twin of ``Representation.apply``."""
    scaling = seen.scaling
    scaled = graph.add("Div", graph.add("Sub", rows, scaling.shift), scaling.scale)
    scaled = graph.add("Clip", scaled, np.float64(-1e15), np.float64(1e15))
    scaled = graph.cast(scaled, np.float32)  # rounded as in the fit
    if seen.whitening is None and seen.taming is None:
        return scaled
    directions = graph.double(scaled)
    if seen.whitening is not None:
        whitened = graph.add("MatMul", directions, seen.whitening)
        directions = graph.add("Concat", directions, whitened, axis=2) if seen.sensors else whitened
    if seen.taming is not None:
        directions = _add_taming(graph, directions, seen.taming)
    return graph.cast(directions, np.float32)


def _add_taming(graph: Graph, directions: str, taming: float) -> str:
    """Tame excursions; ONNX Runtime has no Asinh in double precision."""
    excursion = graph.add("Div", directions, np.float64(taming))
    size = graph.add("Abs", excursion)
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", size, size), np.float64(1.0)))
    grown = graph.add("Log", graph.add("Add", size, root))
    return graph.add(
        "Mul", graph.add("Mul", graph.add("Sign", excursion), grown), np.float64(taming)
    )


class DepthwiseGraph:
    """The depthwise network over rows: the twin of ``DirectionalAutoencoder``.

    Parameters
    ----------
    graph : Graph
    inputs : str
        Directions, (batch, rows, directions), float32.
    arrays : dict of str to ndarray
        The network's numbers by their names in a model folder.
    settings : DirectionalSettings
    """

    def __init__(
        self, graph: Graph, inputs: str, arrays: Arrays, settings: DirectionalSettings
    ) -> None:
        self.graph, self.inputs, self.arrays, self.settings = graph, inputs, arrays, settings
        self.kernels = arrays["kernels"]
        self.size = self.kernels.shape[1]
        self.length = settings.window - self.size + 1  # positions of a map in a window
        self.levels = [
            self._slide(self.kernels[:: settings.kernels_per_direction][group], group)
            for group in settings.groups
        ]
        self.activation = self._mix()

    def _slide(self, kernels: NDArray[Any], directions: slice | NDArray[np.int64]) -> str:
        """Map of one kernel on each of some directions, (batch, positions, kernels), float64."""
        graph = self.graph
        chosen = np.arange(self.settings.n_directions)[directions]
        seen = self.inputs
        if len(chosen) < self.settings.n_directions or (np.diff(chosen) != 1).any():
            seen = graph.take(self.inputs, chosen)
        total = ""
        for tap in range(self.size):
            part = graph.cut(seen, tap, self.size - 1 - tap)
            part = graph.add("Mul", part, np.ascontiguousarray(kernels[:, tap]))
            total = graph.add("Add", total, part) if total else part
        return graph.double(total)

    def _mix(self) -> str:
        """Activations of the bottleneck, (batch, channels, positions).

        Kernels, mixing and normalisation are one convolution.
        """
        graph, arrays, shape = self.graph, self.arrays, self.settings
        kernels = self.kernels.reshape(shape.n_directions, -1, self.size)
        mixing = arrays["mixing.weight"].reshape(-1, *kernels.shape[:2])
        scale, shift = _normalisation(arrays, "normalisation")
        weights = np.einsum("bdk,dks->bds", mixing, kernels) * scale[:, None, None]
        bias = arrays["mixing.bias"] * scale + shift
        inputs = graph.add("Transpose", self.inputs, perm=[0, 2, 1])
        mixed = graph.add("Conv", inputs, weights.astype(np.float32), bias.astype(np.float32))
        return graph.add("LeakyRelu", mixed, alpha=LEAK)

    def pool(self, indices: Sequence[int]) -> str:
        """Some pooled maps, (batch, windows, maps), float64; indices as in a model folder."""
        kernels = self.settings.n_kernels
        wanted = np.asarray(indices)
        kinds, order, found = wanted // kernels, [], []
        for kind in range(3):
            places = np.flatnonzero(kinds == kind)
            if len(places):
                which = wanted[places] % kernels
                directions = which // self.settings.kernels_per_direction
                found.append(self._pooled(self._slide(self.kernels[which], directions), kind))
                order.append(places)
        for place in np.flatnonzero(kinds >= 3):
            group, figure = divmod(int(wanted[place]) - 3 * kernels, 3)
            found.append(self._together(group, figure))
            order.append(np.array([place]))
        joined = found[0] if len(found) == 1 else self.graph.add("Concat", *found, axis=2)
        return self.graph.take(joined, np.argsort(np.concatenate(order)))

    def _pooled(self, maps: str, kind: int) -> str:
        """Mean, recent mean or log-variance of maps in every window."""
        graph = self.graph
        if kind < 2:
            return graph.moving_mean(
                maps, self.length, recent_positions(self.length) if kind else None
            )
        squares = graph.moving_mean(graph.add("Mul", maps, maps), self.length)
        mean = graph.moving_mean(maps, self.length)
        variance = graph.add("Sub", squares, graph.add("Mul", mean, mean))
        # in single precision, as in the fit: what never varied there is to give the same number
        variance = graph.cast(graph.add("Max", variance, np.float64(0.0)), np.float32)
        shifted = graph.add("Add", variance, np.float32(SMALLEST_VARIANCE))
        return graph.double(graph.add("Log", shifted))

    def _together(self, group: int, figure: int) -> str:
        """Logarithm of one collective energy of a group of directions."""
        graph, level = self.graph, self.levels[group]
        if figure == 2:
            level = graph.moving_mean(level, self.length)
        energy = graph.add("ReduceMean", graph.add("Mul", level, level), axes=[2])
        if figure < 2:
            last = recent_positions(self.length) if figure else None
            energy = graph.moving_mean(energy, self.length, last)
        return graph.add("Log", graph.add("Add", energy, np.float64(SMALLEST_ENERGY)))

    def features(self) -> dict[Feature, str]:
        """What the statistics measure: the twin of ``window_features``.

        ``row`` is (batch, positions, features); the others are (batch, windows, features).
        """
        return {
            Feature.ROW: self.levels[-1],
            Feature.MEAN: self._pooled(self.levels[-1], 0),
            Feature.LOG_VARIANCE: self._pooled(self.levels[0], 2),
            Feature.RESIDUAL: self._residual(),
        }

    def _residual(self) -> str:
        """Mean residual of the first group's directions.

        Over a window a transposed convolution adds up to the sum of its kernel times the sum of
        its inputs, so that no window need be reconstructed.
        """
        graph, group = self.graph, self.settings.groups[0]
        weights, window = self.arrays["decoder.weight"][:, group].sum(axis=2), self.settings.window
        channels_last = graph.add("Transpose", self.activation, perm=[0, 2, 1])
        parts = graph.add("MatMul", channels_last, weights)
        rebuilt = graph.moving_sum(graph.double(parts), self.length)
        rebuilt = graph.add("Div", rebuilt, np.float64(window))
        rebuilt = graph.add("Add", rebuilt, self.arrays["decoder.bias"][group].astype(np.float64))
        seen = graph.take(self.inputs, np.arange(self.settings.n_directions)[group])
        return graph.add("Sub", graph.moving_mean(graph.double(seen), window), rebuilt)

    def error(self) -> str:
        """Mean squared error of the reconstruction, (batch, windows, 1), float64."""
        graph = self.graph
        channels_last = graph.add("Transpose", self.activation, perm=[0, 2, 1])
        rebuilt = graph.add(
            "ConvTranspose",
            graph.windows(channels_last, self.length),
            self.arrays["decoder.weight"],
            self.arrays["decoder.bias"],
        )
        windows = graph.windows(self.inputs, self.settings.window)
        return _mean_square(graph, rebuilt, windows, self.inputs, self.settings.window)


class DenseGraph:
    """The published network on windows: the twin of ``ConvAutoencoder``.

    Parameters as of :class:`DepthwiseGraph`, with NetworkSettings.
    """

    def __init__(
        self, graph: Graph, inputs: str, arrays: Arrays, settings: NetworkSettings
    ) -> None:
        self.graph, self.inputs, self.arrays, self.settings = graph, inputs, arrays, settings
        self.given = graph.windows(inputs, settings.window)
        self.maps = self._encode()

    def _encode(self) -> str:
        graph, arrays = self.graph, self.arrays
        x, size = self.given, self.settings.kernel_size
        for block, stride in enumerate(self.settings.strides):
            name = f"encoder.{block}"
            x = graph.add(
                "Conv",
                x,
                arrays[f"{name}.convolution.weight"],
                arrays[f"{name}.convolution.bias"],
                strides=[stride],
                pads=[(size - 1) // 2, size // 2],
            )
            x = self._finish_block(x, f"{name}.normalisation")
        return x

    def _finish_block(self, x: str, name: str) -> str:
        """Leaky ReLU and batch normalisation."""
        x = self.graph.add("LeakyRelu", x, alpha=0.01)
        if not self.settings.batch_norm:
            return x
        scale, shift = (
            part[:, None].astype(np.float32) for part in _normalisation(self.arrays, name)
        )
        return self.graph.add("Add", self.graph.add("Mul", x, scale), shift)

    def _decode(self) -> str:
        graph, arrays, settings = self.graph, self.arrays, self.settings
        x, size = self.maps, settings.kernel_size
        crop, length = (size - 1) // 2, settings.map_length
        steps = list(reversed(settings.strides))
        for block, stride in enumerate(steps):
            name, extra = f"decoder.{block}", max(0, stride + crop - size)
            x = graph.add(
                "ConvTranspose",
                x,
                arrays[f"{name}.convolution.weight"],
                arrays[f"{name}.convolution.bias"],
                strides=[stride],
                output_padding=[extra],
            )
            drop = (length - 1) * stride + size + extra - crop - length * stride
            x, length = graph.cut(x, crop, drop, axis=2), length * stride
            if block < len(steps) - 1:
                x = self._finish_block(x, f"{name}.normalisation")
        return x

    def pool(self, indices: Sequence[int]) -> str:
        """Some maps with their positions, (batch, windows, maps · map_length), float64."""
        maps = self.graph.double(self.graph.take(self.maps, indices, axis=1))
        return self.graph.unfold(maps, self.inputs, self.settings.window)

    def error(self) -> str:
        """Mean squared error of the reconstruction, (batch, windows, 1), float64."""
        return _mean_square(
            self.graph, self._decode(), self.given, self.inputs, self.settings.window
        )


def _mean_square(graph: Graph, rebuilt: str, windows: str, rows: str, window: int) -> str:
    difference = graph.double(graph.add("Sub", rebuilt, windows))
    squares = graph.add("Mul", difference, difference)
    return graph.unfold(graph.add("ReduceMean", squares, axes=[1, 2]), rows, window)


def _normalisation(arrays: Arrays, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and shift per channel that a batch normalisation is in evaluation."""
    weight, bias, mean, variance = (
        arrays[f"{name}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + _EPSILON)
    return scale, bias - mean * scale
