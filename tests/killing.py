"""Commands in processes that are killed at some moment, without paying for their imports."""

import contextlib
import io
import multiprocessing
import time

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["torch", "polars", "dccad.detector", "dccad.results.in_pieces"])


def _run(arguments, settings, report):
    """``dccad`` with module constants of its own, in this (new) process."""
    import importlib
    import os

    import torch

    torch.set_num_threads(1)
    for place, value in settings.items():
        module, _, name = place.rpartition(".")
        setattr(importlib.import_module(module), name, value)
    from dccad.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    with contextlib.suppress(OSError):
        report.send((code, out.getvalue(), err.getvalue()))
    os._exit(0)


def start(arguments, settings):
    """A process that runs ``dccad``, and where it reports (code, stdout, stderr)."""
    mine, its = _context.Pipe(duplex=False)
    process = _context.Process(target=_run, args=(arguments, settings, its), daemon=True)
    process.start()
    its.close()
    return process, mine


def finish(arguments, settings):
    """Run to the end: (code, stdout, stderr, seconds)."""
    started = time.perf_counter()
    process, report = start(arguments, settings)
    found = report.recv()
    process.join()
    return (*found, time.perf_counter() - started)


def kill_after(seconds, arguments, settings):
    """Run, ``kill -9`` after some seconds, and say whether the process was still at work."""
    process, _ = start(arguments, settings)
    process.join(seconds)
    working = process.is_alive()
    process.kill()
    process.join()
    return working
