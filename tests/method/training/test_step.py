"""A joint step: the gradient routing against autograd and the published two steps."""

import pytest
import torch

from dccad.method.network.losses import Targets, clustering_loss, own_centres, reconstruction_loss
from dccad.method.network.published import ConvAutoencoder, NetworkSettings
from dccad.method.training.step import Objective, frozen_rows, joint_step
from depthwise_networks import batch_for
from depthwise_networks import build as build_depthwise
from naive import (
    NaiveAdam,
    gradients_of,
    naive_losses,
    naive_one_pass_gradients,
    naive_two_step,
)

RTOL = 1e-6  # the contract: every parameter, float64, relative


def build(batch_norm=True):
    torch.manual_seed(3)
    settings = NetworkSettings(2, 6, 1, 3, (2, 1, 1), batch_norm)
    return ConvAutoencoder(settings).double()


def make_batch(seed=0, n=5):
    generator = torch.Generator().manual_seed(seed)
    windows = torch.randn(n, 2, 6, generator=generator, dtype=torch.float64)
    centres = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
    assignments = torch.randint(2, (n, 4), generator=generator)
    return windows, centres, assignments, torch.tensor([True, False, True, False])


def step(network, optimizer, batch, alpha, routing):
    windows, centres, assignments, clustering = batch
    maps = clustering.nonzero().flatten()
    targets = Targets(maps, own_centres(centres, assignments, maps))
    return joint_step(network, optimizer, windows, targets, clustering, Objective(alpha, routing))


def map_names(network):
    rows = {id(p) for p in network.map_parameters()}
    return {name for name, p in network.named_parameters() if id(p) in rows}


def make_optimizer(kind, network):
    return torch.optim.Adam(network.parameters(), lr=0.01, fused=kind == "fused adam")


def assert_relatively_close(found, expected, name):
    scale = expected.abs().max().clamp(min=1e-12)
    assert float((found - expected).abs().max() / scale) < RTOL, name


def test_losses_equal_their_sums_term_by_term():
    network, batch = build(), make_batch()
    latents, output = network(batch[0])
    expected = naive_losses(network, *batch)
    assert float(reconstruction_loss(output, batch[0])) == pytest.approx(float(expected[0]))
    _, centres, assignments, clustering = batch
    maps = clustering.nonzero().flatten()
    found = clustering_loss(latents[:, maps], own_centres(centres, assignments, maps))
    assert float(found) == pytest.approx(float(expected[1]))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_one_pass_gives_reconstruction_kernels_the_gradient_of_reconstruction_alone(
    alpha, batch_norm
):
    network, batch = build(batch_norm), make_batch()
    expected = naive_one_pass_gradients(network, batch, alpha, map_names(network))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    step(network, optimizer, batch, alpha, "one-pass")
    for name, parameter in network.named_parameters():
        assert_relatively_close(parameter.grad, expected[name], name)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["adam", "fused adam"])
def test_two_step_moves_every_parameter_as_the_published_steps_do(alpha, kind):
    network, twin = build(), build()
    optimizer, naive = make_optimizer(kind, network), NaiveAdam(0.01)
    for seed in range(3):  # more than one batch: the optimiser remembers
        batch = make_batch(seed)
        step(network, optimizer, batch, alpha, "two-step")
        naive_two_step(twin, naive, batch, alpha, map_names(twin))
    for (name, found), (_, expected) in zip(
        network.named_parameters(), twin.named_parameters(), strict=True
    ):
        assert_relatively_close(found.detach(), expected.detach(), name)


@pytest.mark.parametrize("kind", ["adam", "fused adam"])
def test_a_frozen_kernel_stays_where_it_is_even_on_old_gradients(kind):
    network = build()
    optimizer = make_optimizer(kind, network)
    windows, centres, assignments, _ = make_batch()
    every = torch.ones(4, dtype=torch.bool)
    step(network, optimizer, (windows, centres, assignments, every), 0.5, "one-pass")
    before = [p.detach().clone() for p in network.map_parameters()]
    optimizer.zero_grad()
    reconstruction_loss(network(windows)[1], windows).backward()
    frozen = torch.tensor([True, False, True, False])
    with frozen_rows(network, optimizer, frozen):
        optimizer.step()
    for parameter, old in zip(network.map_parameters(), before, strict=True):
        assert torch.equal(parameter[frozen], old[frozen])
        assert not torch.equal(parameter[~frozen], old[~frozen])


@pytest.mark.parametrize("routing", ["one-pass", "two-step"])
def test_without_clustering_weight_both_kinds_of_kernel_follow_reconstruction(routing):
    """α = 0 is a plain autoencoder: the split must not change what is learned."""
    windows, centres, assignments, clustering = make_batch()
    states = []
    for split in (clustering, ~clustering):
        network = build()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        step(network, optimizer, (windows, centres, assignments, split), 0.0, routing)
        states.append([p.detach().clone() for p in network.decoder.parameters()])
    if routing == "one-pass":
        for one, two in zip(*states, strict=True):
            assert torch.equal(one, two)
    else:  # the two steps take the kernels in turn, so only the order differs
        for one, two in zip(*states, strict=True):
            torch.testing.assert_close(one, two, rtol=0.05, atol=1e-3)


def test_the_clustering_loss_pulls_the_clustering_maps_to_their_centres():
    network, batch = build(), make_batch()
    windows, centres, assignments, clustering = batch
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    first = last = None
    for _ in range(60):
        _, loss = step(network, optimizer, batch, 0.9, "one-pass")
        first, last = (loss if first is None else first), loss
    assert float(last) < 0.5 * float(first)
    latents = network(windows)[0]
    maps = (~clustering).nonzero().flatten()
    others = clustering_loss(latents[:, maps], own_centres(centres, assignments, maps))
    assert float(others) > float(last)


@pytest.mark.parametrize("name", ["sensors and directions", "directions"])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
def test_reconstruction_kernels_follow_the_reconstruction_alone(name, alpha):
    network = build_depthwise(name).train()
    windows, targets, kernels = batch_for(network)
    names, parameters = zip(*network.named_parameters(), strict=True)
    activation, output = network(windows)
    of_reconstruction = gradients_of(reconstruction_loss(output, windows), parameters)
    of_cluster = gradients_of(
        clustering_loss(network.pool(activation)[:, targets.maps], targets.centres, True),
        parameters,
    )
    optimizer = torch.optim.SGD(parameters, lr=0.0)
    joint_step(network, optimizer, windows, targets, kernels, Objective(alpha, "one-pass", True))
    for which, parameter, g_r, g_c in zip(
        names, parameters, of_reconstruction, of_cluster, strict=True
    ):
        expected = (1 - alpha) * g_r + alpha * g_c
        if which == "kernels":
            assert g_c[kernels].abs().min() > 0  # the clustering loss pulls these …
            assert not g_c[~kernels].any()  # … and leaves the others
            expected[~kernels] = g_r[~kernels]
        assert torch.allclose(parameter.grad, expected, rtol=1e-9, atol=1e-13), which


@pytest.mark.parametrize("routing", ["one-pass", "two-step"])
def test_reconstruction_kernels_move_as_if_there_were_no_clusters(routing):
    """Other centres: clustering kernels move elsewhere, reconstruction kernels the same way."""
    moved = []
    for shift in (0.0, 10.0):
        network = build_depthwise("sensors and directions").train()
        windows, targets, kernels = batch_for(network, shift=shift)
        optimizer = torch.optim.SGD(network.map_parameters(), lr=0.1)
        joint_step(network, optimizer, windows, targets, kernels, Objective(0.5, routing, True))
        moved.append(network.kernels.detach().clone())
    start = build_depthwise("sensors and directions").kernels
    assert (moved[0][~kernels] != start[~kernels]).all()
    if routing == "one-pass":
        assert torch.equal(moved[0][~kernels], moved[1][~kernels])
    assert not torch.isclose(moved[0][kernels], moved[1][kernels]).all(dim=1).any()
