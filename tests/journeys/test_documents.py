"""What the pages show runs: their Python, their commands, and every option that they name."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import documents
import run_documents
from conftest import caller
from dccad import DCCA
from dccad.cli.main import main
from documents import PAGES, Command, abridge, find_blocks, find_commands, prepare, read_page

COMMANDS = [command for page in PAGES for command in find_commands(page, read_page(page))]


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Gives the folder in which a page's files lie, as the working folder."""

    def enter(page):
        prepare(page, tmp_path, lathe=False)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return enter


def run_python(page):
    """Run the Python blocks of a page in one namespace and give it back."""
    namespace = {"__name__": "__main__"}
    for block in find_blocks(read_page(page)):
        if block.language == "python":
            code = "\n" * (block.line - 1) + "\n".join(block.lines)
            exec(compile(code, page, "exec"), namespace)
    return namespace


def small_model(folder):
    """A quickly fitted model of the page's plant, where the page assumes one."""
    settings = ["--window", "8", "--set", "n_kernels=2", "--set", "n_init=1"]
    settings += ["--set", "pretrain_epochs=1", "--set", "joint_epochs=1"]
    assert main(["fit", "plant.csv", "-o", str(folder), "--json", *settings]) == 0


# -- Python ---------------------------------------------------------------------------------------


def test_every_page_with_python_is_run():
    with_python = {
        page for page in PAGES if any(b.language == "python" for b in find_blocks(read_page(page)))
    }
    assert with_python == {"README.md", "docs/large.md", "docs/onnx.md"}


@pytest.mark.filterwarnings("ignore:2 of 52 sensors never change")
def test_the_python_of_the_readme_finds_the_fault(scratch):
    folder = scratch("README.md")
    found = run_python("README.md")
    onset = found["plant"].test_run(1).onset
    assert found["scores"].shape == found["flags"].shape == found["chances"].shape == (960,)
    assert found["flags"][:onset].mean() < 0.05
    assert found["flags"][onset + 30 :].mean() > 0.95
    assert found["chances"][onset + 30 :].max() < 0.01
    [alarm] = found["alarms"].alarms
    assert onset <= alarm["first_row"] < onset + 20
    assert found["alarms"].rate.unit == "per day"
    assert found["alarms"].rate.expected <= 0.5
    assert found["score"] is None
    assert (folder / "runs" / "plant" / "model.json").is_file()
    again = found["same"].decision_function(found["plant"].test_run(1))
    np.testing.assert_array_equal(again, found["scores"])


def test_the_python_for_large_logs_scores_every_row(scratch):
    import polars as pl

    folder = scratch("docs/large.md")
    run_python("docs/large.md")
    table = pl.read_parquet(folder / "scores.parquet")
    assert table["run"].unique(maintain_order=True).to_list() == ["part_0", "part_1"]
    assert len(table) == 900
    assert table["score"].is_nan().sum() == 2 * 29


def test_the_python_for_onnx_gives_the_shapes_it_names(scratch):
    pytest.importorskip("onnxruntime")
    folder = scratch("docs/onnx.md")
    small_model(folder / "models" / "plant")
    assert main(["export", "models/plant", "-o", "plant.onnx", "--json"]) == 0
    found = run_python("docs/onnx.md")
    for name in ("score", "flag", "region"):
        assert found[name].shape == (1, 100)
    assert np.isfinite(found["score"]).all()


# -- commands -------------------------------------------------------------------------------------

CHEAP = {
    "README.md": (r"data check|info|score|export", ["data", "info", "score", "export"]),
    "docs/data.md": (r"data check historian", ["data"]),
    "docs/onnx.md": (r"export|score", ["export", "score"]),
}
"""Commands that take a second or two; `make documents` runs them all."""


@pytest.mark.parametrize("page", CHEAP)
def test_cheap_commands_of_the_pages_run_in_page_order(page, scratch, capsys):
    folder = scratch(page)
    if page != "docs/data.md":
        pytest.importorskip("onnxruntime")
        small_model(folder / "models" / "plant")
    call, ran = caller(capsys), []
    for command in find_commands(page, read_page(page)):
        words = shlex.split(command.text.replace("\\\n", " "))
        if words[0] == "dccad" and re.search(CHEAP[page][0], command.text):
            code, _, err = call(*words[1:])
            assert code == 0, f"{page}:{command.line}: {err}"
            ran.append(words[1])
    assert ran == CHEAP[page][1]


def options_of(words, call):
    """Options that the help of the command names, short and long."""
    known = call(*words, "--help")[1]
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", known))


def command_words(text):
    """The words that name a command, and its options."""
    words = shlex.split(text.replace("\\\n", " "))[1:]
    depth = 2 if words[:1] == ["data"] else 1
    options = [word.partition("=")[0] for word in words[depth:] if re.match(r"--?[a-z]", word)]
    return tuple(words[:depth]), options


def inline_commands():
    """Commands in running text, such as `dccad data get tep`."""
    for page in PAGES:
        for text in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", read_page(page)):
            words = text.removeprefix(".venv/bin/")
            if words.startswith("dccad ") and " " in words:
                yield page, words.replace("…", "")


def test_every_option_of_a_command_on_the_pages_exists(capsys):
    call, known = caller(capsys), {}
    named = [(f"{c.page}:{c.line}", c.text) for c in COMMANDS if c.text.startswith("dccad ")]
    assert len(named) > 20
    for where, text in [*named, *inline_commands()]:
        words, options = command_words(text)
        if words[0].isupper():  # `dccad COMMAND --help`
            continue
        if words not in known:
            assert call(*words, "--help")[0] == 0, f"{where}: no command {' '.join(words)}"
            known[words] = options_of(words, call)
        missing = set(options) - known[words]
        assert not missing, f"{where}: dccad {' '.join(words)} has no {', '.join(sorted(missing))}"


def test_every_option_in_running_text_exists_somewhere(capsys):
    """Bare options, such as `--join`, belong to a command or to a script of benchmarks/."""
    call = caller(capsys)
    commands = [("fit",), ("score",), ("info",), ("export",), ("benchmark",), ("demo",)]
    commands += [("data", name) for name in ("check", "get", "list", "show", "simulate")]
    known = set().union(*(options_of(words, call) for words in commands))
    scripts = "".join(path.read_text() for path in (documents.ROOT / "benchmarks").glob("*.py"))
    known |= set(re.findall(r'"(--[a-z][\w-]*)"', scripts)) | {"--help", "--hypothesis-profile"}
    for page in PAGES:
        named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", read_page(page)))
        assert named <= known, f"{page}: no option {', '.join(sorted(named - known))}"


def test_every_parameter_that_a_command_sets_exists():
    parameters = DCCA().get_params()
    for command in COMMANDS:
        for name in re.findall(r"--set (\w+)=", command.text):
            assert name in parameters, f"{command.page}:{command.line}: no parameter {name}"


def test_rows_in_the_prose_of_the_examples_are_those_of_the_outputs():
    text = read_page("docs/data.md")
    lines = text.splitlines()
    for block in find_blocks(text):
        lines[block.line - 1 : block.line - 1 + len(block.lines)] = [""] * len(block.lines)
    prose = " ".join(" ".join(lines).split())
    shown = "\n".join(line for command in COMMANDS for line in command.output)
    rows = set(re.findall(r"\brow (\d+)", prose)) - {"160", "573", "973"}  # known of the data
    assert rows
    for row in rows:
        assert re.search(rf"\s{row}\s", shown), f"docs/data.md: no output shows row {row}"


# -- the command that runs the pages --------------------------------------------------------------

PAGE = """# A page

```
$ echo 3 rows
2 rows
$ printf 'a 1\\nb 2\\nc  3\\n' && \\
  true
a 7
…
$ false
```

```python
print("not a command")
```

```
make test   # everything
not a command either
```
"""


def test_commands_are_found_with_their_output_and_their_line():
    found = find_commands("page.md", PAGE)
    assert [(c.line, c.text, c.output) for c in found] == [
        (4, "echo 3 rows", ("2 rows",)),
        (6, "printf 'a 1\\nb 2\\nc  3\\n' && \\\n  true", ("a 7", "…")),
        (10, "false", ()),
        (18, "make test", ()),
    ]


def test_a_command_that_fails_fails_the_run_and_the_others_run_all_the_same(tmp_path, capsys):
    succeeded, outputs = run_documents.run_page("page.md", PAGE, tmp_path)
    assert not succeeded
    assert [c.text[:6] for c in outputs] == ["echo 3", "printf"]
    shown = capsys.readouterr().out
    assert re.search(r"page\.md:10 +1 .* false\n +FAILED, expected exit code 0", shown)
    assert re.search(r"page\.md:18 +skip .* make test\n +runs the tests", shown)
    page = documents.replace_outputs(PAGE, outputs)
    assert page == PAGE.replace("2 rows", "3 rows").replace("a 7", "a 1")


def test_a_command_whose_files_are_missing_is_skipped_with_the_reason(tmp_path):
    command = Command("README.md", 1, "dccad benchmark tep-pairs --data tep/ -o pairs.json")
    assert run_documents.reason_to_skip(command, tmp_path) == "needs tep/ (--data FOLDER)"
    (tmp_path / "tep").mkdir()
    assert run_documents.reason_to_skip(command, tmp_path) is None
    command = Command("README.md", 1, "dccad data check models/tep-plant.csv")
    assert run_documents.reason_to_skip(command, tmp_path) is None


def test_a_command_that_is_said_to_be_refused_must_be(tmp_path, capsys):
    page = "```\n$ true\ndccad: error: no\n```\n"
    assert not run_documents.run_page("page.md", page, tmp_path)[0]
    assert "expected exit code 2" in capsys.readouterr().out
    page = "```\n$ echo 'dccad: error: no' >&2; exit 2\ndccad: error: yes\n```\n"
    assert run_documents.run_page("page.md", page, tmp_path) == (
        True,
        {Command("page.md", 2, page.splitlines()[1][2:], 3, ("dccad: error: yes",)): [
            "dccad: error: no"
        ]},
    )  # fmt: skip


def test_lines_of_a_kind_that_a_page_leaves_out_stay_out():
    shown = ["model  old", "…", "window  30 rows", "  and more", "…", "run  from  peak", "a  1  2"]
    output = ["model  new", "sensors  4", "window  8 rows", "  and less", "score  x"]
    output += ["run  from  peak", "a  3  4", "a  5  6"]
    assert abridge(output, shown) == [
        "model  new", "…", "window  8 rows", "  and less", "…", "run  from  peak", "a  3  4", "…",
    ]  # fmt: skip
    assert abridge(output, shown[:1]) == output


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_project_that_a_page_names_is_there(page):
    root = Path(__file__).parents[2]
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.py|(?:\w+/)+)`", read_page(page)))
    folders = {path.name for path in (root / "src" / "dccad").iterdir() if path.is_dir()}
    folders |= {"tests", "benchmarks", "docs", "src"}
    ours = {name for name in named if name.endswith(".py") or name.split("/")[0] in folders}
    gone = {
        name
        for name in ours
        if not any((p / name).exists() for p in (root, root / "src" / "dccad"))
    }
    assert not gone
