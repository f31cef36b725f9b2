"""Machines without noise, and stretches of a simulated log."""

from dccad.datasets.machining.simulation import PeelingMachine

QUIET = PeelingMachine(
    run_out=0.0,
    ripple=0.0,
    noise=0.0,
    material_scatter=0.0,
    diameter_scatter=0.0,
    wear_per_km=0.0,
)
"""Nothing but friction and the mean cutting torque."""


ORDINARY = PeelingMachine()
RAMP = ORDINARY.end_length / ORDINARY.feed_speed


def cutting_torque(machine):
    """Of new inserts in a nominal bar, in N m."""
    return machine.torque_of(machine.bar_diameter)


def stretches(flags):
    """Start and stop of each stretch of True, by a plain loop."""
    found, start = [], None
    for row, flag in enumerate([*flags.tolist(), False]):
        if flag and start is None:
            start = row
        if not flag and start is not None:
            found.append((start, row))
            start = None
    return found


def middles(log, margin=0.5):
    """Rows of each bar without its ends."""
    cut = round((RAMP + margin) * log.sampling_rate)
    return [slice(start + cut, stop - cut) for start, stop in stretches(log.bars > 0)]
