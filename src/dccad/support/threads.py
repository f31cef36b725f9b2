"""Threads: a single one inside a computation, and one for each of several computations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from threading import Barrier
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, whatever the caller's setting.

    The matrix products here are small: threads that share one mostly wait for each other, above all
    on a busy machine. A single thread also gives the same result on any machine, to the last digit.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def map_in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], most: int | None = None
) -> Iterator[Result]:
    """Apply a function to every item, each on one thread, with as many threads as torch may use.

    Parameters
    ----------
    function : callable (item) -> result
        Mostly arithmetic in torch, which lets other threads run meanwhile.
    items : sequence
    most : int, optional
        Number of threads; by default ``torch.get_num_threads()``.

    Yields
    ------
    result
        In the order of the items, and independent of the number of threads.

    Examples
    --------
    >>> list(map_in_threads(lambda part: part.sum().item(), [torch.ones(3), torch.ones(5)]))
    [3.0, 5.0]
    """
    before = torch.get_num_threads()
    n_threads = min(most or before, len(items))
    if n_threads <= 1:
        with one_thread():
            yield from map(function, items)
        return
    try:
        yield from _pool(n_threads).map(function, items)
    finally:
        # a thread that the caller starts later begins with the number that was set last
        torch.set_num_threads(before)


@lru_cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    """A pool that is kept: new threads for every log would each take memory of their own."""
    pool = ThreadPoolExecutor(n_threads, "dccad", _compute_alone)
    everyone = Barrier(n_threads)  # no thread sets its number of threads later, beside other work
    list(pool.map(lambda _: everyone.wait(), range(n_threads)))
    return pool


def _compute_alone() -> None:
    torch.get_num_threads()  # a thread that never asked takes what any other set last
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
