"""The checkpoint of one fit: made from its parameters, its rows and the versions at work."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import Any

from dccad.checkpoint import Checkpoint
from dccad.errors import DccadError, ParameterError
from dccad.fit_data import FitData
from dccad.preparation import describe_steps, parse_steps

WITHOUT_EFFECT = ("verbose", "keep_latents")
"""Parameters that change no model."""

PACKAGES = ("dccad", "torch", "numpy", "scipy", "scikit-learn")


@contextmanager
def open_checkpoint(
    folder: str | Path | None, random_state: Any, identity: Mapping[str, Any]
) -> Iterator[Checkpoint | None]:
    """The checkpoint in a folder; it goes if the data turn out to be unusable.

    Parameters
    ----------
    folder : str, Path or None
        None: no checkpoint.
    random_state : int
        As the detector has it.
    identity : mapping
        As :func:`identify` gives it.

    Raises
    ------
    InputError
        The folder has the checkpoint of another fit.
    ParameterError
        The fit has no seed, so that no other process can make it again.
    """
    if folder is None:
        yield None
        return
    if not isinstance(random_state, Integral):
        raise ParameterError(
            f"random_state={random_state!r}: a fit with a checkpoint needs a whole number, because "
            "it can only go on with the seed that it began with"
        )
    checkpoint = Checkpoint(folder, identity)
    try:
        yield checkpoint
    except DccadError:
        checkpoint.remove()
        raise


def identify(
    parameters: Mapping[str, Any], data: FitData, stored: Mapping[str, Any]
) -> dict[str, Any]:
    """What a fit depends on, by names that a message can show.

    Parameters
    ----------
    parameters : mapping
        As ``DCCA.get_params`` gives them.
    data : FitData
        The rows in memory.
    stored : mapping
        Identity of the log and the reference that are read in pieces.
    """
    given = {**parameters, "prepare": describe_steps(parse_steps(parameters["prepare"]))}
    return {
        "log": [data.log.digest(), stored.get("log")],
        "reference": [
            None if data.reference is None else data.reference.digest(),
            stored.get("reference"),
        ],
        "set of parameters": {
            name: repr(value) for name, value in given.items() if name not in WITHOUT_EFFECT
        },
        "set of package versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }
