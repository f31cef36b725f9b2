"""What the pages show: their code blocks and commands, and the files that these name.

A page is Markdown. A block that holds a line ``$ COMMAND`` is a session: each command is followed
by what it printed, with ``…`` where lines were left out. In other blocks of no language every line
that begins with one of ``PROGRAMS`` is a command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from dccad.datasets import load_tep_simulated

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
PROGRAMS = ("dccad", "make", "pip", "python")
BEGINNING = np.datetime64("2026-01-05T00:00:00", "s")
LEFT_OUT = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the number of its first line (from 1), and its lines."""

    language: str
    line: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Attributes
    ----------
    page : str
        Relative to the repository.
    line : int
        Number of its line in the page, from 1.
    text : str
        As a shell takes it, continuation lines included.
    output_line : int
        Number of the line below it.
    output : tuple of str
        The lines below it that it is said to print; empty where the page shows none.
    """

    page: str
    line: int
    text: str
    output_line: int = 0
    output: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the page shows how the command is refused."""
        return any(line.startswith("dccad: error:") for line in self.output)


def read_page(page: str) -> str:
    """The text of a page, named relative to the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


def find_blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    blocks, opened = [], None
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = (line[3:].strip(), number + 1)
        else:
            language, first = opened
            blocks.append(Block(language, first, tuple(lines[first - 1 : number - 1])))
            opened = None
    if opened is not None:
        raise ValueError(f"the block that begins above line {opened[1]} has no end")
    return blocks


def find_commands(page: str, text: str) -> list[Command]:
    """The commands of a page, in order."""
    commands = []
    for block in find_blocks(text):
        if block.language not in ("", "console"):
            continue
        if any(line.startswith("$ ") for line in block.lines):
            commands += _session(page, block)
            continue
        for number, line in enumerate(block.lines, start=block.line):
            if line.split(" ")[0] in PROGRAMS:
                commands.append(Command(page, number, re.sub(r"\s+# .*", "", line)))
    return commands


def _session(page: str, block: Block) -> Iterator[Command]:
    """The commands of a block whose commands begin with a dollar sign, with their output."""
    lines, i = block.lines, 0
    while i < len(lines):
        begin = i
        if not lines[i].startswith("$ "):
            raise ValueError(f"{page}:{block.line + i}: output without a command above it")
        while lines[i].endswith("\\"):
            i += 1
        i += 1
        text = "\n".join(lines[begin:i])[2:]
        first = i
        while i < len(lines) and not lines[i].startswith("$ "):
            i += 1
        yield Command(page, block.line + begin, text, block.line + first, lines[first:i])


def abridge(output: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Leave out of an output the kinds of lines that were left out of an earlier one.

    The kind of a line is its first column, with every number as ``#``; indented lines go with the
    line above them. A kind is shown as often as in the earlier output.

    Examples
    --------
    >>> abridge(["rows  7", "a1  3", "a2  4", "a3  5", "b  6"], ["rows  5", "a1  1", "…"])
    ['rows  7', 'a1  3', '…']
    """
    if LEFT_OUT not in shown:
        return list(output)
    left = Counter(_kind(line) for line in shown)
    lines: list[str] = []
    wanted = True
    for line in output:
        if not line.startswith(" "):
            wanted = left[_kind(line)] > 0
            left[_kind(line)] -= 1
        if wanted:
            lines.append(line)
        elif lines[-1:] != [LEFT_OUT]:
            lines.append(LEFT_OUT)
    return lines


def _kind(line: str) -> str:
    return re.sub(r"\d[\d.,:T-]*", "#", re.split(r"\s{2,}", line)[0])


def replace_outputs(text: str, outputs: dict[Command, list[str]]) -> str:
    """A page with other outputs below its commands; those without output stay without."""
    lines = text.splitlines()
    for command in sorted(outputs, key=lambda command: -command.line):
        start = command.output_line - 1
        if command.output:
            lines[start : start + len(command.output)] = outputs[command]
    return "\n".join(lines) + "\n"


# -- the files that the pages name ----------------------------------------------------------------


def prepare(page: str, folder: Path, data: Path | None = None, *, lathe: bool = True) -> None:
    """Write into a folder the logs that a page names.

    Parameters
    ----------
    page : str
        Relative to the repository; a page that names no file needs none.
    folder : Path
        Exists.
    data : Path, optional
        Folder with ``tep/`` (the classic files) and ``skab/``, which are copied where the page
        names them. Without it they are missing.
    lathe : bool
        Write the workbooks of docs/data.md, which takes ten seconds.
    """
    if page == "README.md":
        plant = load_tep_simulated()
        for name, run in (
            ("plant.csv", plant.train_run(1)),
            ("quiet.csv", plant.train_run(0)),
            ("today.csv", plant.test_run(1)),
        ):
            _frame(run.columns, run.values, 180).write_csv(folder / name)
        _copy(data, folder, "tep")
    elif page == "docs/large.md":
        for seed, year in enumerate(("2025", "2026")):
            (folder / "logs" / year).mkdir(parents=True)
            table = _small_log(900, seed)
            for part in range(2):
                rows = table.slice(450 * part, 450)
                rows.write_parquet(folder / "logs" / year / f"part_{part}.parquet")
    elif page == "docs/onnx.md":
        _small_log(400, 0).write_csv(folder / "plant.csv")
        _small_log(300, 1).write_csv(folder / "today.csv")
    elif page == "docs/data.md":
        _copy(data, folder, "tep")
        _copy(data, folder, "skab")
        write_historian(folder / "historian.csv")
        if lathe:
            write_lathe(folder / "lathe")


def _copy(data: Path | None, folder: Path, name: str) -> None:
    if data is not None and (data / name).is_dir():
        shutil.copytree(data / name, folder / name)


def _frame(columns: Sequence[str], values: np.ndarray, seconds: int) -> pl.DataFrame:
    """A log with time stamps in front of the sensors."""
    stamps = BEGINNING + seconds * np.arange(len(values)).astype("m8[s]")
    sensors = pl.from_numpy(np.asarray(values), schema=list(columns))
    return sensors.insert_column(0, pl.Series("time", stamps.astype("datetime64[ms]")))


def _small_log(n_rows: int, seed: int) -> pl.DataFrame:
    """Four sensors, a row a minute; the last quarter is another regime."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 4)) + np.sin(np.arange(n_rows) / 20)[:, None]
    values[-n_rows // 4 :] += [3.0, 0.0, -3.0, 0.0]
    return _frame(("flow", "pressure", "temperature", "level"), values, 60)


def write_historian(path: Path) -> None:
    """Two days of four tags, one row per value; in the last fifth the flow is higher."""
    rng = np.random.default_rng(0)
    lines = []
    tags = {
        "FIC101.PV": (60, 50.0, 1.6),
        "TIC202.PV": (120, 180.0, 5.0),
        "LIC303.PV": (90, 40.0, 1.2),
        "PIC404.PV": (30, 6.0, 0.17),
    }
    for tag, (step, level, spread) in tags.items():
        seconds = np.arange(rng.integers(step), 2 * 86400, step)
        values = level + spread * _slow_noise(rng, len(seconds))
        if tag == "FIC101.PV":
            values[len(values) * 4 // 5 :] += 3 * spread
        good = rng.random(len(seconds)) > 0.003
        stamps = (BEGINNING + seconds.astype("m8[s]")).astype(object)
        lines += [
            f"{stamp};{tag};{value:.3f};{'Good' if fine else 'Bad'}"
            for stamp, value, fine in zip(stamps, values, good, strict=True)
        ]
    lines.sort()
    path.write_text("\n".join(["Timestamp;TagName;Value;Quality", *lines]) + "\n")


def _slow_noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise of unit variance, each value of which resembles the one before."""
    noise, values = rng.normal(size=n), np.empty(n)
    values[0] = noise[0]
    for i in range(1, n):
        values[i] = 0.6 * values[i - 1] + 0.8 * noise[i]
    return values


def write_lathe(folder: Path) -> None:
    """The first two of the four workbooks that ``dccad demo machining`` writes."""
    from dccad.datasets.machining.simulation import simulate_peeling
    from dccad.datasets.machining.workbooks import write_peeling_workbooks

    log = simulate_peeling(40, sampling_rate=200.0, seed=0)
    paths = write_peeling_workbooks(log, folder, n_files=4)
    for path in paths[2:]:
        path.unlink()


# -- the database of docs/data.md -----------------------------------------------------------------

DATABASE = "postgresql://plant@127.0.0.1:54399/historian"
LINE_3 = """
create table line_3 (stamp timestamptz, flow float8, pressure float8, temperature float8);
select setseed(0.5);
insert into line_3 select '2026-03-27 23:00+00'::timestamptz + i * interval '1 minute',
    49 + random() + random() + case when i >= 2580 then 3 else 0 end,
    6 + 0.1 * (random() + random()), 180 + random() + random()
    from generate_series(0, 2879) as i;
"""


def find_postgresql(program: str) -> str | None:
    """Path of a program of PostgreSQL's server; None where it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (str(folder / program) for folder in folders if (folder / program).exists()),
        shutil.which(program),
    )


@contextmanager
def serve_database() -> Iterator[None]:
    """Serve ``line_3`` at the address that docs/data.md names, as long as the context lasts."""
    import psycopg

    owner: dict = {}
    folder = Path(tempfile.mkdtemp(prefix="dccad-postgresql-"))
    data = folder / "data"
    try:
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
            owner = {"user": "postgres", "cwd": folder}
        _quietly(
            [find_postgresql("initdb"), "-D", data, "-U", "plant", "--auth=trust", "--no-sync",
             "-E", "UTF8", "--locale=C"], owner,
        )  # fmt: skip
        port = DATABASE.rpartition(":")[2].partition("/")[0]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off "
        options += f"-c unix_socket_directories={folder}"
        pg_ctl = find_postgresql("pg_ctl")
        _quietly([pg_ctl, "-D", data, "-l", folder / "log", "-o", options, "-w", "start"], owner)
        try:
            with psycopg.connect(
                DATABASE.replace("/historian", "/postgres"), autocommit=True
            ) as connection:
                connection.execute("create database historian")
            with psycopg.connect(DATABASE) as connection:
                connection.execute(LINE_3)
            yield
        finally:
            _quietly([pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"], owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quietly(words: list, owner: dict) -> None:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL, timeout=120, **quiet, **owner)
