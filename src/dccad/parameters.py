"""The detector's parameters: every one checked, all problems reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from dccad.errors import ParameterError
from dccad.logs.preparation.pipeline import describe_steps, parse_steps
from dccad.logs.runs import OnMissing as OnMissing
from dccad.method.clustering.ranking import Ranking as Ranking
from dccad.method.network.published import check_strides
from dccad.method.representation.scaling import ScalingKind as ScalingKind
from dccad.method.representation.whitening import RepresentationKind as RepresentationKind
from dccad.method.training.step import Routing as Routing

# kinds of parameters; those of other wings are imported "as" themselves, for the detector to take
Encoder: TypeAlias = Literal["depthwise", "dense"]
ConsensusKind: TypeAlias = Literal["vote", "centres"]
ScoreKind: TypeAlias = Literal["statistics", "centres"]
CalibrationKind: TypeAlias = Literal["cross-fitted", "held-out"]

AS_PUBLISHED = {
    "representation": "sensors",
    "taming": None,
    "encoder": "dense",
    "ranking": "distance",
    "consensus": "centres",
    "scoring": "centres",
    "calibration": "held-out",
}
"""Parameters that give the published method. Its gradient routing is "two-step", but the default
"one-pass" does as well."""

_WHOLE_NUMBERS = {
    "max_windows": 2,
    "window": 1,
    "stride": 1,
    "kernels_per_direction": 1,
    "n_kernels": 1,
    "kernel_size": 1,
    "pretrain_epochs": 0,
    "joint_epochs": 0,
    "update_interval": 1,
    "batch_size": 2,
    "n_init": 1,
    "fill_limit": 1,
}
"""Parameters that are whole numbers, with their smallest values."""

_CHOICES = {
    "scaling": get_args(ScalingKind),
    "representation": get_args(RepresentationKind),
    "encoder": get_args(Encoder),
    "ranking": get_args(Ranking),
    "consensus": get_args(ConsensusKind),
    "scoring": get_args(ScoreKind),
    "calibration": get_args(CalibrationKind),
    "routing": get_args(Routing),
    "on_missing": get_args(OnMissing),
}

_DROPPED = ("optimizer", "momentum", "schedule", "patience", "tol", "output_activation")
"""Parameters of earlier versions, which loading ignores: what they decided in training is in the
weights, and a network with an activation at its output is refused."""

_RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "alpha": ("0 ≤ alpha < 1", lambda v: 0 <= v < 1),
    "learning_rate": ("a positive number", lambda v: 0 < v < float("inf")),
    "false_alarm_rate": ("0 < false_alarm_rate < 1", lambda v: 0 < v < 1),
    "calibration_fraction": ("0 < calibration_fraction < 1", lambda v: 0 < v < 1),
}


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check every parameter of :class:`dccad.DCCA`.

    Parameters
    ----------
    parameters : mapping of str to value
        As ``get_params`` gives them.

    Raises
    ------
    ParameterError
        Lists every problem in one line.

    Examples
    --------
    >>> from dccad import DCCA
    >>> check_parameters(DCCA(window=0, routing="one_pass").get_params())
    Traceback (most recent call last):
    dccad.errors.ParameterError: window=0: needed is a whole number of at least 1;
    routing='one_pass': needed is 'one-pass' or 'two-step' (did you mean 'one-pass'?)
    """
    problems: list[str] = []

    def expect(name: str, good: bool, needed: str) -> None:
        if not good:
            problems.append(f"{name}={parameters[name]!r}: needed is {needed}")

    for name, least in _WHOLE_NUMBERS.items():
        expect(name, _is_whole(parameters[name], least), f"a whole number of at least {least}")
    for name, (needed, holds) in _RANGES.items():
        value = parameters[name]
        expect(name, _is_real(value) and bool(holds(value)), needed)
    for name, choices in _CHOICES.items():
        near = difflib.get_close_matches(str(parameters[name]), choices, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        known = " or ".join(repr(choice) for choice in choices)
        expect(name, parameters[name] in choices, known + hint)
    for name in ("batch_norm", "keep_latents", "verbose"):
        expect(name, isinstance(parameters[name], bool), "True or False")

    number = parameters["n_clusters"]
    automatic = isinstance(number, str) and number == "auto"
    expect(
        "n_clusters", automatic or _is_whole(number, 2), "a whole number of at least 2 or 'auto'"
    )
    width = parameters["bottleneck"]
    expect(
        "bottleneck",
        (isinstance(width, str) and width == "auto") or _is_whole(width, 1),
        "a whole number of at least 1 or 'auto'",
    )
    taming = parameters["taming"]
    expect("taming", taming is None or (_is_real(taming) and taming > 0), "None or above 0")
    problems += _misfits(parameters)
    depth, strides = parameters["depth"], parameters["strides"]
    expect("depth", _is_whole(depth, 3) and depth <= 5, "3, 4 or 5 encoder blocks")
    listed = isinstance(strides, list | tuple) and all(_is_whole(stride, 1) for stride in strides)
    expect("strides", strides == "auto" or listed, "'auto' or one whole number per block")
    if listed and _is_whole(depth, 3):
        expect("strides", len(strides) == depth, f"{depth} strides, one for each of depth={depth}")
    share = parameters["n_clustering_kernels"]
    expect(
        "n_clustering_kernels",
        _is_whole(share, 1) or (isinstance(share, float) and 0 < share <= 1),
        "a count of at least 1 or a share in (0, 1] (1.0: all kernels cluster, no split)",
    )
    dense = parameters["encoder"] == "dense"  # the other's kernels depend on the sensors
    if dense and all(map(_is_whole, (share, parameters["n_kernels"], depth), (1, 1, 3))):
        n_maps = parameters["n_kernels"] * 2 ** (depth - 1)
        expect("n_clustering_kernels", share <= n_maps, f"at most {n_maps}, the number of maps")
    gap = parameters["max_gap"]
    expect("max_gap", gap is None or (_is_real(gap) and gap > 0), "None or a positive number")
    state = parameters["random_state"]
    expect(
        "random_state",
        state is None or (_is_whole(state, 0) and state < 2**32) or hasattr(state, "randint"),
        "None, a whole number from 0 to 4294967295, or a RandomState",
    )
    expect("device", isinstance(parameters["device"], str), "'auto', 'cpu', 'cuda' or 'cuda:N'")
    try:
        parse_steps(parameters["prepare"])
    except ParameterError as error:
        problems.append(str(error))
    if problems:
        raise ParameterError("; ".join(problems))
    if listed:
        check_strides(parameters["window"], strides)


def _misfits(parameters: Mapping[str, Any]) -> list[str]:
    """Choices that do not go together."""
    problems = []
    if parameters["encoder"] == "dense":
        for name, wrong, right in (
            ("consensus", "vote", "centres"),
            ("scoring", "statistics", "centres"),
        ):
            if parameters[name] == wrong:
                problems.append(
                    f"{name}={wrong!r} needs pooled maps: set {name}={right!r} with "
                    "encoder='dense' (DCCA.as_published() sets all that belongs together)"
                )
    if parameters["scoring"] == "centres":
        if parameters["consensus"] != "centres":
            problems.append("scoring='centres' needs consensus='centres'")
        if parameters["calibration"] == "cross-fitted":
            problems.append("scoring='centres' needs calibration='held-out'")
    if parameters["consensus"] == "centres" and parameters["n_clusters"] == "auto":
        problems.append("n_clusters='auto' needs consensus='vote'")
    return problems


def _is_whole(value: Any, least: int) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= least


def _is_real(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real)


def parameters_to_record(
    parameters: Mapping[str, Any], steps: Sequence[Any], seed: int
) -> dict[str, Any]:
    """Parameters of a fitted detector as JSON values; a generator becomes the seed it gave."""
    record = dict(parameters)
    strides = record["strides"]
    record["strides"] = list(strides) if not isinstance(strides, str) else strides
    record["prepare"] = describe_steps(steps)
    if not isinstance(record["random_state"], int | None):
        record["random_state"] = seed
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in record.items()}


def parameters_from_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Undo :func:`parameters_to_record`."""
    parameters = {name: value for name, value in record.items() if name not in _DROPPED}
    parameters["prepare"] = tuple(parameters["prepare"])
    if not isinstance(parameters["strides"], str):
        parameters["strides"] = tuple(parameters["strides"])
    return parameters
