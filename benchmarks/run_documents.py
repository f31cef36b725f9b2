"""Run every command of the README and of docs, in page order, and say how each went.

Each page has a scratch folder of its own, with the files that it names (``documents.py`` makes
them). A command fails if its exit code is not 0, or, where the page shows a refusal, not 2. With
``--write`` the outputs below the commands are replaced by what was printed now.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from documents import (
    DATABASE,
    PAGES,
    ROOT,
    Command,
    abridge,
    find_commands,
    find_postgresql,
    prepare,
    read_page,
    replace_outputs,
    serve_database,
)

SKIPPED = {
    r"make test\b": "runs the tests, and this may be one of them",
    r"make (results|speed|test-slow)\b": "takes half an hour or much longer",
    r"pip install\b": "installs from a package index",
    r"dccad data get\b": "downloads, or simulates for an hour",
    r"dccad benchmark tep-many\b": "needs the set that `dccad data get tep-many` makes",
}
"""Beginnings of commands that are not run, and why."""

SMALL_MODEL = "dccad fit plant.csv -o models/plant --window 8 --set calibration=held-out"
"""docs/onnx.md begins with a model that is there."""


def reason_to_skip(command: Command, folder: Path) -> str | None:
    """Why a command cannot run here; None where it can."""
    for beginning, reason in SKIPPED.items():
        if re.match(beginning, command.text):
            return reason
    for name in ("tep", "skab"):
        if re.search(rf"\b{name}/", command.text) and not (folder / name).is_dir():
            return f"needs {name}/ (--data FOLDER)"
    if DATABASE in command.text and find_postgresql("initdb") is None:
        return "needs PostgreSQL"
    return None


def run(text: str, folder: Path) -> tuple[int, str, str, float]:
    """Run a command as a shell does, 80 columns wide: exit code, output, errors, seconds."""
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    if text.startswith("make "):  # the target as it stands, with this Python's packages
        text = f"make -f {ROOT}/Makefile -o venv VENV={programs.parent} {text[5:]}"
    start = perf_counter()
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr, perf_counter() - start


def run_page(
    page: str, text: str, folder: Path, matching: str = ""
) -> tuple[bool, dict[Command, list[str]]]:
    """Run the commands of a page and print a line for each.

    Returns
    -------
    succeeded : bool
        No command ended otherwise than the page says.
    outputs : dict
        What the commands that ran printed, shortened as the page does.
    """
    outputs, succeeded = {}, True
    for command in find_commands(page, text):
        if not re.search(matching, command.text):
            continue
        where = f"{page}:{command.line}"
        shown = " ".join(command.text.replace("\\\n", " ").split())
        reason = reason_to_skip(command, folder)
        if reason is not None:
            report(where, "skip", 0.0, shown, reason)
            continue
        code, out, err, seconds = run(command.text, folder)
        expected = 2 if command.fails else 0
        if code != expected:
            report(where, str(code), seconds, shown, f"FAILED, expected exit code {expected}")
            print(out + err, flush=True)
            succeeded = False
            continue
        printed = [line.rstrip() for line in (err if command.fails else out).splitlines()]
        outputs[command] = abridge(printed, command.output)
        same = outputs[command] == list(command.output)
        note = "" if same or not command.output else "prints something else than the page"
        report(where, str(code), seconds, shown, note)
    return succeeded, outputs


def report(where: str, code: str, seconds: float, command: str, note: str) -> None:
    """Print a line about a command, and one about what is to be said of it."""
    print(f"{where:17} {code:>4} {seconds:6.1f} s  {command[:47]}", flush=True)
    if note:
        print(f"{'':30}  {note}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the commands of the pages; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="Default: README.md and docs/*.md")
    parser.add_argument(
        "--data", type=Path, help="Folder with tep/ and skab/; default: ../shared/data if there"
    )
    parser.add_argument("--match", default="", help="Only commands that this pattern occurs in")
    parser.add_argument("--write", action="store_true", help="Replace the outputs in the pages")
    chosen = parser.parse_args(arguments)
    data = chosen.data
    if data is None and (ROOT.parent / "shared" / "data").is_dir():
        data = ROOT.parent / "shared" / "data"
    unknown = sorted(set(chosen.pages) - set(PAGES))
    if unknown:
        parser.error(f"no page {unknown[0]}; there are {', '.join(PAGES)}")
    warnings.simplefilter("ignore")
    succeeded = True
    for page in chosen.pages or PAGES:
        text = read_page(page)
        commands = [c for c in find_commands(page, text) if re.search(chosen.match, c.text)]
        if not commands:
            continue
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dccad-pages-")))
            prepare(page, folder, data, lathe=any("lathe" in c.text for c in commands))
            if page == "docs/onnx.md":
                code, out, err, _ = run(SMALL_MODEL, folder)
                if code:
                    raise SystemExit(f"{SMALL_MODEL}\n{out}{err}")
            if any(DATABASE in c.text for c in commands) and find_postgresql("initdb"):
                stack.enter_context(serve_database())
            fine, outputs = run_page(page, text, folder, chosen.match)
        succeeded &= fine
        if chosen.write:
            (ROOT / page).write_text(replace_outputs(text, outputs), encoding="utf-8")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
