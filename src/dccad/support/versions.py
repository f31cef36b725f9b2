"""Versions of the packages that decide a result."""

from __future__ import annotations

import platform


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    from importlib.metadata import version

    packages = ("dccad", "torch", "numpy", "scikit-learn", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
