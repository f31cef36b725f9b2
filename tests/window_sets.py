"""Sets of windows for tests of what is counted along them, where their rows do not matter."""

import torch

from dccad.logs.windows import WindowSet


def windows_at(starts, length, stride=1):
    """Windows of one segment that begin at given rows."""
    return WindowSet(torch.zeros(0, 1), torch.as_tensor(starts), length, stride)
