"""Tensors and devices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.errors import ParameterError


def resolve_device(device: str) -> Any:
    """The torch device behind ``"auto"`` (CUDA if there is one, else CPU) or a name.

    Raises
    ------
    ParameterError
        The device is unknown or absent.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ParameterError(
            f"device={device!r} cannot be used here ({reason}); try 'cpu'"
        ) from None
    return found


def to_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor of any device as a numpy array of its own."""
    return np.array(tensor.detach().cpu().numpy())
