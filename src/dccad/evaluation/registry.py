"""The evaluation protocols by name. No method sees a label or a test row during its fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

from dccad.errors import InputError, ParameterError
from dccad.evaluation import names
from dccad.evaluation.methods import METHODS, find_method
from dccad.evaluation.protocol import Protocol

PROTOCOLS: dict[str, Protocol] = {
    name: resolve_name(place) for name, place in names.PROTOCOLS.items()
}
"""Name on the command line to protocol."""


def check_protocol(name: str, methods: Sequence[str], settings: Mapping[str, Any]) -> Protocol:
    """Look a protocol up, and refuse what it cannot be run with.

    Raises
    ------
    InputError
        The protocol or a method is unknown, or they do not fit together.
    ParameterError
        A setting is not the user's to choose.

    Examples
    --------
    >>> check_protocol("skab", ["dccad"], {"false_alarm_rate": 0.05})
    Traceback (most recent call last):
    dccad.errors.ParameterError: false_alarm_rate=0.05: the protocol skab decides it; leave it out
    """
    unknown = [method for method in methods if find_method(method) is None]
    if unknown:
        raise InputError(
            f"unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}, each also as "
            "NAME@WINDOW"
        )
    if name not in PROTOCOLS:
        raise InputError(f"unknown protocol {name!r}; choose from {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    for method in methods:
        spec = find_method(method)
        reason = spec and protocol.refuse(spec)
        if reason:
            raise InputError(f"method {method!r} cannot stand in the table of {name}: {reason}")
    # "prepare" would judge other rows than those of the data set
    for setting in ("n_clusters", "random_state", "prepare", *protocol.settings):
        if setting in settings:
            raise ParameterError(
                f"{setting}={settings[setting]!r}: the protocol {name} decides it; leave it out"
            )
    return protocol
