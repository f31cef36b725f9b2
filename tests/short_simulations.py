"""Simulations that take a moment."""

from dccad.datasets.tep.simulator import (
    simulate_tep_run,
)


def simulate(fault=0, *, hours=0.3, seed=7, **options):
    """A short run from the base case, without the 30 hours in which the plant settles."""
    return simulate_tep_run(fault, hours=hours, seed=seed, warm_up_hours=0, **options)


SHORT = {
    "train_hours": 0.1,
    "train_onset_hours": 0.05,
    "test_hours": 0.15,
    "test_onset_hours": 0.1,
    "warm_up_hours": 0.0,
}
