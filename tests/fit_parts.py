"""Recipes and runs for tests of the steps of a fit."""

import numpy as np
import torch

from dccad.fitting.data import FitData
from dccad.fitting.recipe import Recipe
from dccad.logs.runs import Run
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.training.algorithm import TrainingSettings

WINDOW = 6


def make_recipe(stride=1, **training):
    settings = {
        "n_clusters": 2,
        "n_clustering_kernels": 0.5,
        "ranking": "separation-persistence",
        "alpha": 0.5,
        "routing": "one-pass",
        "pretrain_epochs": 1,
        "joint_epochs": 1,
        "update_interval": 1,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "n_init": 1,
        "seed": 0,
    }
    return Recipe(
        WINDOW,
        stride,
        "standard",
        "sensors+whitened",
        4.0,
        DirectionalSettings(4, 2, WINDOW, 2, 3, 2),
        TrainingSettings(**{**settings, **training}),
        torch.device("cpu"),
    )


def make_run(n, seed=0, shift=0.0):
    values = np.random.default_rng(seed).normal(size=(n, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    return Run(values + shift, ("a", "b"))


def split(training, n_reference, held_out=()):
    """The rows of a fit; scores are fitted without the logs that they came in."""
    return FitData(None, None, training, training[:n_reference], list(held_out))
