"""Names of a package that are imported on first use, so that importing the package stays cheap."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, home: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package whose names are imported on first use (PEP 562).

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    home : mapping of str to str
        Each public name and the full name of the module that defines it.

    Examples
    --------
    >>> find, names = lazy_names("dccad", {"DCCA": "dccad.detector"})
    >>> find("DCCA").__name__, names()
    ('DCCA', ['DCCA'])
    """

    def find(name: str) -> Any:
        if name in home:
            return getattr(importlib.import_module(home[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find, lambda: sorted(home)
