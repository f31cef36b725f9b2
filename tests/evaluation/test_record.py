"""Figures over seeds, and which of several windows a table shows."""

import numpy as np
import pytest

from dccad.evaluation.record import summarise


def test_a_figure_that_a_seed_lacks_is_averaged_over_the_others():
    found = summarise([1.0, None, 3.0])
    assert found == {"mean": 2.0, "std": 1.0, "per_seed": [1.0, None, 3.0]}
    assert summarise([None]) == {"mean": None, "std": None, "per_seed": [None]}


def test_the_spread_over_seeds_is_the_population_standard_deviation():
    assert summarise([1.0, 2.0, 3.0])["std"] == pytest.approx(np.std([1, 2, 3]), abs=1e-6)
