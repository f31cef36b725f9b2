"""Arguments that many tests of the command line share, and what they read from its output."""

import os
import subprocess
import sys

import polars as pl

NAMES = ["flow", "pressure", "level"]
CHEAP = ["--window", "8", "--false-alarm-rate", "0.05", "--set=n_kernels=2", "--set=n_init=1"]
CHEAP += ["--set=pretrain_epochs=1", "--set=joint_epochs=1", "--set=calibration=held-out"]
FIT = ["fit", "log.csv", "--run", "unit", "-o", "model", *CHEAP]
SCORE = ["score", "model", "log.csv", "--run", "unit", "-o", "scores.csv"]
CHEAP_MONITOR = ["--window", "8", "--set=n_init=1"]
CHEAP_MONITOR += ["--set=pretrain_epochs=1", "--set=joint_epochs=1"]
SCORE_TODAY = ["score", "model", "today.csv", "-o", "scores.csv"]


def process(*arguments, input=None, **variables):
    """``dccad`` in a process of its own, its output in pipes, with environment variables."""
    command = [sys.executable, "-m", "dccad", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "NO_COLOR")}
    environment |= {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.run(
        command, input=input, capture_output=True, text=True, check=False, env=environment
    )


def widest(text):
    return max(map(len, text.splitlines()))


def said(out):
    """Text of a terminal without its line breaks."""
    return " ".join(out.split())


def scores_of(file):
    return pl.read_csv(file)["score"].to_numpy()
