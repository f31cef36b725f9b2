"""Threads: one inside a computation, where more only wait, and one for each of its parts."""

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

    The products here are small: threads that share one wait for one another, and on a busy machine
    they do so for many times as long as it takes. One thread also gives the same result on any
    machine, to the last digit.
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
    """Apply a function to every item, on as many threads as torch may use, one to an item.

    Parameters
    ----------
    function : callable (item) -> result
        Of arithmetic in torch, which lets other threads run meanwhile.
    items : sequence
    most : int, optional
        Threads; default: ``torch.get_num_threads()``.

    Yields
    ------
    result
        In the order of the items. They do not depend on the number of threads.

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
        torch.set_num_threads(
            before
        )  # threads that the caller starts later begin with the last one


@lru_cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    """Threads that stay: new ones for every log would each take memory of their own."""
    pool = ThreadPoolExecutor(n_threads, "dccad", _compute_alone)
    everyone = Barrier(n_threads)  # none sets its number of threads later, beside other work
    list(pool.map(lambda _: everyone.wait(), range(n_threads)))
    return pool


def _compute_alone() -> None:
    torch.get_num_threads()  # a thread that never asked takes what any other set last
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
