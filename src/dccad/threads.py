"""Computing on one thread where more of them only wait for one another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, whatever the caller's setting.

    The products here are small: a training step gains nothing from a second thread (1.5 s an epoch
    either way on the embedded set), and scoring loses by it (84,000 rows a second instead of
    136,000); on a busy machine the threads wait for one another.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
