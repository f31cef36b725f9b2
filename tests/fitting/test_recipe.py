"""Settings of a fit, made once of a detector's parameters, and the recipe that follows."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
import torch

from dccad import DCCA
from dccad.fitting.recipe import (
    FitSettings,
    draw_seed,
    make_recipe,
    network_settings,
    training_settings,
)
from dccad.logs.preparation.pipeline import Preparation, parse_steps
from dccad.logs.runs import Reading, Run
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.published import NetworkSettings
from dccad.method.representation.row_moments import RowStatistics
from dccad.method.training.algorithm import TrainingSettings


def settings_of(make=DCCA, **parameters):
    return FitSettings.of(make(**parameters).get_params())


def test_every_parameter_of_the_detector_reaches_the_fit():
    """Or a user sets one and nothing happens."""
    names = set(DCCA().get_params()) - {"random_state"}  # the seed is drawn once, beside them
    grouped = {"max_gap", "on_missing", "fill_limit", "prepare"}
    kept = {field.name for field in fields(FitSettings)} - {"reading", "preparation"}
    assert kept == names - grouped
    changed = {"window": 12, "alpha": 0.25, "n_init": 7, "max_windows": 99, "keep_latents": True}
    found = settings_of(**changed)
    assert {name: getattr(found, name) for name in changed} == changed


def test_how_the_log_is_read_and_prepared_is_kept_together():
    found = settings_of(max_gap=3.0, on_missing="drop", fill_limit=2, prepare=["average:4"])
    assert found.reading == Reading(3.0, "drop", 2, causal=False)
    assert found.preparation == Preparation(parse_steps(["average:4"]), drop_missing=True)
    assert not settings_of(on_missing="hold").preparation.drop_missing


def test_settings_cannot_change_during_a_fit():
    with pytest.raises(FrozenInstanceError):
        settings_of().window = 3


@pytest.mark.parametrize(
    ("parameters", "regions", "per_map", "further"),
    [
        ({"n_clusters": 2}, 2, 2, False),
        ({"n_clusters": 4}, 4, 2, True),
        ({"n_clusters": "auto"}, None, 2, True),
        ({"n_clusters": 3, "consensus": "centres"}, 3, 3, False),
    ],
)
def test_maps_that_vote_have_two_clusters_however_many_regions(
    parameters, regions, per_map, further
):
    found = settings_of(**parameters)
    assert found.n_regions == regions
    assert found.clusters_per_map == per_map
    assert found.finds_further_states == further
    assert training_settings(found, 5).n_clusters == per_map


def test_only_cross_fitting_holds_nothing_out():
    assert settings_of(calibration="cross-fitted").cross_fitted
    assert not settings_of(calibration="held-out").cross_fitted


@pytest.mark.parametrize(
    ("kind", "n_sensors", "directions", "of_sensors"),
    [
        ("sensors+whitened", 5, 10, 5),
        ("sensors", 5, 5, 5),
        ("whitened", 5, 5, 0),
        ("sensors+whitened", 1, 1, 1),  # there is nothing to decorrelate one sensor from
    ],
)
def test_the_network_has_a_channel_for_each_direction(kind, n_sensors, directions, of_sensors):
    found = network_settings(settings_of(representation=kind, window=12), n_sensors)
    assert isinstance(found, DirectionalSettings)
    assert (found.n_directions, found.n_sensor_directions) == (directions, of_sensors)
    assert (found.window, found.kernel_size, found.kernels_per_direction) == (12, 3, 2)


@pytest.mark.parametrize(
    ("bottleneck", "n_sensors", "width"), [("auto", 7, 3), ("auto", 1, 1), (5, 2, 5)]
)
def test_the_bottleneck_is_half_the_sensors_unless_it_is_given(bottleneck, n_sensors, width):
    assert network_settings(settings_of(bottleneck=bottleneck), n_sensors).bottleneck == width


def test_the_published_network_gets_its_blocks():
    found = network_settings(settings_of(DCCA.as_published, window=24, n_kernels=4), 3)
    assert isinstance(found, NetworkSettings)
    assert (found.n_sensors, found.n_kernels, found.window) == (3, 4, 24)
    assert (len(found.strides), 24 % np.prod(found.strides)) == (3, 0)
    given = settings_of(DCCA.as_published, window=24, strides=[2, np.int64(3), 1])
    assert network_settings(given, 3).strides == (2, 3, 1)


def test_the_training_has_the_parameters_of_its_names():
    changed = {"alpha": 0.1, "batch_size": 8, "joint_epochs": 3, "learning_rate": 0.5}
    found = training_settings(settings_of(routing="two-step", **changed), 17)
    assert isinstance(found, TrainingSettings)
    assert {name: getattr(found, name) for name in changed} == changed
    assert (found.routing, found.seed) == ("two-step", 17)


def test_a_recipe_is_scaled_on_normal_rows_where_there_are_some():
    recipe = make_recipe(settings_of(window=5, stride=2, device="cpu"), 0, 2)
    assert (recipe.window, recipe.stride, recipe.device) == (5, 2, torch.device("cpu"))
    rows = np.random.default_rng(0).normal(size=(60, 2))
    normal, other = Run(rows, ("a", "b")), Run(rows + 50, ("a", "b"))
    with_normal, without = recipe.represent([normal], [other]), recipe.represent([], [other])
    np.testing.assert_allclose(with_normal.scaling.shift, rows.mean(axis=0))
    np.testing.assert_allclose(without.scaling.shift, rows.mean(axis=0) + 50)
    # the rows of a sample do not decide the scaling where the moments of all rows are known
    moments = RowStatistics.of(rows + 9)
    told = recipe.represent([normal], [], moments)
    np.testing.assert_allclose(told.scaling.shift, rows.mean(axis=0) + 9)


def test_a_generator_gives_another_seed_at_each_fit_and_a_number_the_same():
    state = np.random.RandomState(3)
    first, second = draw_seed(state), draw_seed(state)
    assert first != second
    assert draw_seed(np.random.RandomState(3)) == first
    assert (draw_seed(np.int64(5)), draw_seed(5)) == (5, 5)
