"""Import optional packages where they are used, and name the extra of one that is missing."""

from __future__ import annotations

import importlib
from typing import Any

from dccad.errors import MissingExtraError


def require(module: str, extra: str) -> Any:
    """Import an optional module, or say which extra installs it.

    Parameters
    ----------
    module : str
        Dotted name of the module, for example ``"matplotlib.pyplot"``.
    extra : str
        Name of the extra of dccad that installs it.

    Raises
    ------
    MissingExtraError
        When the module is not installed.

    Examples
    --------
    >>> require("math", extra="plots").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"this step needs {package}, which is not installed: pip install 'dccad[{extra}]'"
        ) from error
