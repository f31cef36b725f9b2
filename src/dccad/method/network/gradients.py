"""L_R and L_C of the depthwise autoencoder with hand-written gradients, which training repeats.

Automatic differentiation runs a hundred small operations per step, each with new memory. Here L_R
is five products of matrices, with passes over the small bottleneck between them. A convolution is
one product for all rows under a kernel and a sum of its shifted parts (:func:`_gather`);
:func:`_spread` is the adjoint. L_C computes the clustering maps from forms of their kernels
(:mod:`dccad.method.network.moments`), so that its gradient is a mean of the same forms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from dccad.method.network.losses import LEAST_BATCH_VARIANCE
from dccad.method.network.moments import MapForms, form_values, kernel_products, symmetric
from dccad.method.network.pooling import SMALLEST_VARIANCE


class Buffers(NamedTuple):
    """Memory of one training step.

    Attributes
    ----------
    by_row, seen, laid : Tensor of shape (n_windows, window, size · n_channels)
        What each row gives to the positions that see it, and what it takes from them in the
        decoder (``seen``) and in the gradient of the encoder (``laid``).
    maps, activated, passed : Tensor of shape (n_windows, n_positions, n_channels)
        The bottleneck before and after its activation, and the activation's slope.
    errors : Tensor of shape (n_windows · window, n_directions)
        Reconstruction less windows.
    """

    by_row: Tensor
    seen: Tensor
    laid: Tensor
    maps: Tensor
    activated: Tensor
    passed: Tensor
    errors: Tensor


class Scratch:
    """Memory that one training step leaves to the next; allocating it takes a third of a step.

    Examples
    --------
    >>> scratch = Scratch()
    >>> buffers = scratch.take(torch.zeros(4, 30, 10), n_channels=2, size=3)
    >>> tuple(buffers.laid.shape), tuple(buffers.maps.shape)
    ((4, 30, 6), (4, 28, 2))
    >>> scratch.take(torch.zeros(4, 30, 10), n_channels=2, size=3) is buffers
    True
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Buffers] = {}

    def take(self, rows: Tensor, n_channels: int, size: int) -> Buffers:
        """Memory for windows of shape (n_windows, window, n_directions).

        It holds zeros or what the last step left; where no position reaches, ``seen`` and ``laid``
        stay 0.
        """
        key = (rows.shape, rows.dtype, rows.device, n_channels, size)
        found = self._kept.get(key)
        if found is None:
            n_windows, window, n_directions = rows.shape
            by_row = (n_windows, window, size * n_channels)
            maps = (n_windows, window - size + 1, n_channels)
            shapes = [by_row] * 3 + [maps] * 3 + [(n_windows * window, n_directions)]
            found = self._kept[key] = Buffers(*(rows.new_zeros(shape) for shape in shapes))
        return found

    def clear(self) -> None:
        """Free the memory."""
        self._kept.clear()

    def __deepcopy__(self, memo: dict[int, Any]) -> Scratch:
        return Scratch()

    def __reduce__(self) -> tuple[type[Scratch], tuple[()]]:
        return Scratch, ()


class Weights(NamedTuple):
    """Parameters of the depthwise autoencoder, with the kernels of each direction on one axis.

    Attributes
    ----------
    kernels : Tensor of shape (n_directions, kernels_per_direction, size)
    mixing : Tensor of shape (n_channels, n_directions, kernels_per_direction)
    shift : Tensor of shape (n_channels,)
        Bias of the mixing. The normalisation subtracts it again, except from its running mean.
    scale, bias : Tensor of shape (n_channels,)
        Parameters of the normalisation.
    decoder : Tensor of shape (n_channels, n_directions, size)
    decoder_bias : Tensor of shape (n_directions,)
    """

    kernels: Tensor
    mixing: Tensor
    shift: Tensor
    scale: Tensor
    bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor


def differentiate_reconstruction(
    windows: Tensor,
    weights: Weights,
    normalisation: nn.BatchNorm1d,
    leak: float,
    scratch: Scratch,
) -> tuple[Tensor, Weights]:
    """L_R of a batch in training, and its gradient.

    Parameters
    ----------
    windows : Tensor of shape (n_windows, n_directions, window)
        Fastest where rows lie one after another, as :class:`dccad.logs.windows.WindowSet` gives
        them.
    weights : Weights
    normalisation : BatchNorm1d
        Its running mean and variance are updated, as in its own forward pass.
    leak : float
        Slope of the bottleneck's leaky ReLU below 0.
    scratch : Scratch

    Returns
    -------
    loss : Tensor, a scalar
    slopes : Weights
        The derivative by each of the weights, without the factor 2 / ``windows.numel()``.
    """
    rows = windows.transpose(1, 2).contiguous()
    n_directions = rows.shape[2]
    kernels = weights.kernels[..., None]  # direction, kernel, row, channel
    mixing = weights.mixing.permute(1, 2, 0).contiguous()[:, :, None]
    size, n_channels = kernels.shape[2], mixing.shape[3]
    width = size * n_channels
    kept = scratch.take(rows, n_channels, size)
    x, errors = rows.view(-1, n_directions), kept.errors
    maps, activated, passed = (
        each.view(-1, n_channels) for each in (kept.maps, kept.activated, kept.passed)
    )
    by_row, seen, laid = (each.view(-1, width) for each in (kept.by_row, kept.seen, kept.laid))

    # encoder: kernels and mixing are one convolution
    joint = (kernels * mixing).sum(dim=1).view(n_directions, width)
    torch.mm(x, joint, out=by_row)
    _gather(kept.by_row, kept.maps)

    # normalisation and leaky ReLU
    mean = maps.mean(dim=0)
    maps -= mean
    variance = torch.mul(maps, maps, out=activated).mean(dim=0)
    _update_running(normalisation, mean + weights.shift, variance, len(maps))
    inverse = (variance + normalisation.eps).rsqrt()
    gain = weights.scale * inverse
    torch.addcmul(weights.bias, maps, gain, out=activated)
    torch.gt(activated, 0, out=passed).mul_(1 - leak).add_(leak)
    activated *= passed

    # decoder
    _spread(kept.activated, kept.seen)
    spread = weights.decoder.permute(2, 0, 1).reshape(width, n_directions)
    torch.sub(weights.decoder_bias, x, out=errors).addmm_(seen, spread)
    flat = errors.view(-1)
    loss = torch.dot(flat, flat) / len(flat)

    # back through decoder, leaky ReLU and normalisation, with errors instead of their gradient
    of_spread = torch.mm(seen.T, errors)
    torch.mm(errors, spread.T, out=by_row)
    _gather(kept.by_row, kept.activated)
    of_maps = activated.mul_(passed)
    of_bias = of_maps.sum(dim=0)
    of_gain = torch.mul(of_maps, maps, out=passed).sum(dim=0)
    of_maps -= of_bias / len(maps)
    of_maps.addcmul_(maps, of_gain * inverse.square() / -len(maps)).mul_(gain)

    # encoder
    _spread(kept.activated, kept.laid)
    of_joint = torch.mm(x.T, laid).view(n_directions, 1, size, n_channels)
    return loss, Weights(
        (of_joint * mixing).sum(dim=3),
        (of_joint * kernels).sum(dim=2).permute(2, 0, 1),
        torch.zeros_like(weights.shift),
        of_gain * inverse,
        of_bias,
        of_spread.view(size, n_channels, n_directions).permute(1, 2, 0),
        errors.sum(dim=0),
    )


def differentiate_clustering(
    forms: MapForms, centres: Tensor, kernels: Tensor, relative: bool
) -> tuple[Tensor, Tensor]:
    """L_C of a batch, and its gradient.

    Parameters
    ----------
    forms : MapForms
        Forms of the clustering maps, for the windows of the batch.
    centres : Tensor of shape (n_windows, n_chosen)
        Each window's own centre on each of them.
    kernels : Tensor of shape (n_kernels, kernel_size)
    relative : bool

    Returns
    -------
    loss : Tensor, a scalar
        As :func:`dccad.method.network.losses.clustering_loss` of the pooled maps.
    slope : Tensor of shape (n_kernels, kernel_size)
    """
    n_linear = forms.linear.shape[2]
    weights = kernels.index_select(0, forms.kernels)
    quadratic = weights[n_linear:]
    variance = form_values(forms.quadratic, kernel_products(quadratic))
    inside = variance.clamp(min=0).add_(SMALLEST_VARIANCE)
    maps = torch.cat((form_values(forms.linear, weights[:n_linear]), inside.log()), dim=1)

    errors = maps - centres
    loss, of_maps = errors.square().mean(dim=0), errors
    if relative:
        spread = maps - maps.mean(dim=0)
        total = spread.square().mean(dim=0)
        bounded = total.clamp(min=LEAST_BATCH_VARIANCE)
        loss /= bounded
        # where the variance is below the smallest it does not move the divisor
        moved = loss * (total >= LEAST_BATCH_VARIANCE)
        of_maps = torch.addcmul(errors, spread, moved, value=-1) / bounded
    of_maps *= 2 / maps.numel()

    of_means = (forms.linear * of_maps[:, None, :n_linear]).sum(dim=0)
    of_variances = of_maps[:, n_linear:] / inside * (variance > 0)
    form = symmetric((forms.quadratic * of_variances[:, None]).sum(dim=0), kernels.shape[1])
    of_weights = torch.cat((of_means, 2 * (form * quadratic.T).sum(dim=1)), dim=1).T
    return loss.mean(), torch.zeros_like(kernels).index_add_(0, forms.kernels, of_weights)


def _gather(by_row: Tensor, out: Tensor) -> Tensor:
    """Sum of the parts of each row and the next ones: (n, L, size · C) to (n, L − size + 1, C)."""
    n_positions, n_channels = out.shape[1:]
    size = by_row.shape[1] - n_positions + 1
    parts = [
        by_row[:, tap : tap + n_positions, tap * n_channels : (tap + 1) * n_channels]
        for tap in range(size)
    ]
    if size == 1:
        return out.copy_(parts[0])
    torch.add(parts[0], parts[1], out=out)
    for part in parts[2:]:
        out += part
    return out


def _spread(maps: Tensor, by_row: Tensor) -> None:
    """The adjoint of :func:`_gather`; where no position reaches, ``by_row`` stays 0."""
    n_positions, n_channels = maps.shape[1:]
    for tap in range(by_row.shape[1] - n_positions + 1):
        by_row[:, tap : tap + n_positions, tap * n_channels : (tap + 1) * n_channels] = maps


def _update_running(
    normalisation: nn.BatchNorm1d, mean: Tensor, variance: Tensor, n_values: int
) -> None:
    """Update the running mean and variance by those of one batch, as batch normalisation does."""
    running = normalisation.running_mean, normalisation.running_var
    tracked, share = normalisation.num_batches_tracked, normalisation.momentum
    assert running[0] is not None
    assert running[1] is not None
    assert tracked is not None
    assert share is not None
    running[0].lerp_(mean, share)
    running[1].lerp_(variance * (n_values / max(n_values - 1, 1)), share)
    tracked += 1
