"""A model that is trained on two reference runs."""

import pytest

from dccad.fitting.score import Learned
from fit_parts import WINDOW, make_recipe, make_run


@pytest.fixture(scope="module")
def learned():
    """Two reference runs, and an unlabelled run with a shift."""
    recipe = make_recipe()
    training = [make_run(90), make_run(50, 1), make_run(60, 2, shift=4.0)]
    representation = recipe.represent(training[:2], ())
    windows = representation.windows(training, WINDOW)
    network = recipe.train(windows).network
    is_normal = windows.starts.numpy() < 140
    return Learned(recipe, representation, network, windows, is_normal), training
