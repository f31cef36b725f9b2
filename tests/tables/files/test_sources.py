"""Names of logs: what they stand for, in which order, and what is said where nothing is there."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError
from dccad.tables.files.sources import Source, expand_sources, natural_key, without_password

# no deadline: other work may slow the machine
patient = settings(deadline=None, max_examples=200)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write empty files in the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("a\n1\n")
        return tmp_path

    return write


def labels(*inputs):
    return [source.label for source in expand_sources(inputs)]


def refusal(*inputs):
    with pytest.raises(InputError) as caught:
        expand_sources(inputs)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Found --------------------------------------------------------------------------------------------


def test_files_keep_the_order_in_which_they_are_named(folder):
    folder("b.csv", "a.xlsx")
    assert expand_sources(["b.csv", Path("a.xlsx")]) == [
        Source("file", Path("b.csv"), None, "b.csv", "b"),
        Source("file", Path("a.xlsx"), None, "a.xlsx", "a"),
    ]
    assert labels("a.xlsx") == labels(Path("a.xlsx")) == ["a.xlsx"]
    assert [source.label for source in expand_sources("a.xlsx")] == ["a.xlsx"]


def test_globs_come_in_natural_order(folder):
    folder("day10.csv", "day9.csv", "Day8.csv", "day9/day1.csv", "x/day2.csv", ".day3.csv")
    assert labels("[dD]ay*.csv") == ["Day8.csv", "day9.csv", "day10.csv"]
    assert labels("day*") == ["day9.csv", "day10.csv"]  # a folder that matches is left out
    assert labels("**/day*.csv") == [
        *("day9/day1.csv", "day9.csv", "day10.csv", "x/day2.csv"),
    ]


def test_existing_name_is_that_file_whatever_its_characters(folder):
    folder("log[1].csv", "log1.csv", "a*.csv", "ab.csv", "-x.csv")
    assert labels("log[1].csv", "a*.csv", "-x.csv") == ["log[1].csv", "a*.csv", "-x.csv"]


def test_folder_gives_its_tables_and_says_what_is_left_out(folder):
    root = folder(
        *("logs/2.csv", "logs/10.CSV", "logs/1.parquet", "logs/.hidden.csv", "logs/~$2.xlsx"),
        *("logs/readme.txt", "logs/photo.png", "logs/deep/3.csv", "logs/pump.dat"),
    )
    sources = expand_sources([root / "logs"])
    assert [source.path.name for source in sources] == ["1.parquet", "2.csv", "10.CSV", "pump.dat"]
    assert sources[0].notes == (
        f"folder {root}/logs: 4 of 9 entries are read, left out: .hidden.csv, deep/, photo.png, "
        "readme.txt, ~$2.xlsx",
    )
    assert all(not source.notes for source in sources[1:])


def test_folder_of_tables_alone_leaves_nothing_to_say(folder):
    folder("logs/1.csv")
    [source] = expand_sources(["logs"])
    assert source.notes == ()


def test_databases_and_standard_input_are_told_from_paths(folder):
    folder("plant.db")
    sqlite, server, stdin = expand_sources(
        [
            "sqlite:///plant.db",
            "postgresql://ann:s3cret@db.plant:5432/line%203?sslmode=require",
            "-",
        ]
    )
    assert sqlite == Source(
        "database", Path("plant.db"), "sqlite:///plant.db", "sqlite:///plant.db", "plant"
    )
    assert server == Source(
        "database",
        None,
        "postgresql://ann:s3cret@db.plant:5432/line%203?sslmode=require",
        "postgresql://ann@db.plant:5432/line%203",
        "line 3",
    )
    assert stdin == Source("stdin", None, None, "standard input", "stdin")


def test_files_of_the_same_name_give_runs_with_names_of_their_own(folder):
    folder("a/x.csv", "b/x.csv", "y.csv", "y.parquet", "z.csv", "c/d/w.csv", "e/d/w.csv")
    sources = expand_sources(["a/x.csv", "b/x.csv", "y.csv", "y.parquet", "z.csv"])
    assert [source.name for source in sources] == ["a/x", "b/x", "y.csv", "y.parquet", "z"]
    sources = expand_sources(["c/d/w.csv", "e/d/w.csv"])
    assert [source.name for source in sources] == ["c/d/w.csv", "e/d/w.csv"]


@patient
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(["", ".x", ".y"])),
        min_size=1,
        unique=True,
    )
)
def test_no_two_runs_have_the_same_name(tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("names")
    for parent, stem, suffix in parts:
        (root / parent).mkdir(exist_ok=True)
        (root / parent / f"{stem}{suffix}.csv").touch()
    sources = expand_sources(
        [root / parent / f"{stem}{suffix}.csv" for parent, stem, suffix in parts]
    )
    assert len({source.name for source in sources}) == len(parts)


@patient
@given(
    st.lists(st.tuples(st.sampled_from(["run", "Run ", ""]), st.integers(0, 10**30)), min_size=1)
)
def test_natural_order_is_that_of_the_numbers(pairs):
    texts = [f"{word}{number}.csv" for word, number in pairs]
    expected = sorted(pairs, key=lambda pair: (pair[0].casefold(), pair[1], pair[0]))
    assert sorted(texts, key=natural_key) == [f"{word}{number}.csv" for word, number in expected]


@patient
@given(st.text(max_size=12), st.text(max_size=12))
def test_any_two_names_can_be_ordered(one, other):
    below, above = natural_key(one) < natural_key(other), natural_key(one) > natural_key(other)
    assert below + above == (one != other)


@patient
@given(st.text(min_size=1, max_size=12) | st.text("@:/?#x", min_size=1, max_size=12))
def test_no_part_of_a_password_is_shown(password):
    shown = "postgresql://ann@host:5432/db"
    url = f"postgresql://ann:{password}@host:5432/db?password={password}"
    assert without_password(url) in (shown, "postgresql://ann@…")
    if not set("@?") & set(password):
        assert without_password(url) == shown
    [source] = expand_sources([url])
    assert source.name in ("db", "database")
    in_query = without_password(f"postgresql://host/db?password={password}")
    assert in_query == ("postgresql://host@…" if "@" in password else "postgresql://host/db")


# Not found ----------------------------------------------------------------------------------------


def test_missing_file_is_refused_with_the_nearest_name(folder):
    folder("logs/pump_1.csv", "logs/valve.csv")
    assert refusal("logs/pmup_1.csv") == (
        "logs/pmup_1.csv: no such file; did you mean logs/pump_1.csv?"
    )
    assert refusal("logs/valve") == "logs/valve: no such file; did you mean logs/valve.csv?"
    assert refusal("logs/other.parquet") == "logs/other.parquet: no such file; check the path"


def test_missing_folder_is_named(folder):
    folder("logs/1.csv")
    assert refusal("lgos/deep/1.csv") == (
        "lgos/deep/1.csv: folder lgos does not exist; check the path"
    )
    assert refusal("logs/1.csv/x.csv") == (
        "logs/1.csv/x.csv: folder logs/1.csv is no folder; check the path"
    )


def test_pattern_without_a_match_is_refused(folder):
    folder("logs/1.csv")
    assert refusal("logs/*.parquet") == (
        "logs/*.parquet: nothing matches; check the pattern and the folder it is in"
    )
    assert refusal("l*") == "l*: only folders match; check the pattern and the folder it is in"


def test_folder_without_tables_is_refused(folder):
    root = folder("logs/photo.png", "logs/deep/1.csv")
    (root / "empty").mkdir()
    suffixes = (
        ".csv, .tsv, .txt, .dat, .asc, .log, .parquet, .pq, .arrow, .feather, .ipc, .xlsx, .xlsm, "
        ".xlsb, .xls, .ods"
    )
    assert refusal("logs") == (
        "logs: no table file in this folder, it holds deep/, photo.png; needed are files with one "
        f"of the suffixes {suffixes}"
    )
    assert "in this folder, it is empty; needed" in refusal("empty")


def test_folder_that_cannot_be_read_is_refused(folder, monkeypatch):
    folder("logs/1.csv")

    def refuse(path):  # root may read every folder
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert refusal("logs") == (
        "logs: the folder cannot be read (Permission denied); check its permissions"
    )


@pytest.mark.parametrize("again", ["./a.csv", "a*.csv", ".", "link.csv", "sqlite:///a.csv"])
def test_what_is_named_twice_is_refused(folder, again):
    root = folder("a.csv")
    (root / "link.csv").symlink_to("a.csv")
    assert refusal("a.csv", again).endswith("; name every log once")
    assert "is named twice" in refusal("a.csv", again)


def test_standard_input_and_servers_are_read_once():
    assert refusal("-", "-") == "standard input is named twice; name every log once"
    assert refusal("postgresql://a:b@h/d", "postgresql://a:b@h/d") == (
        "postgresql://a@h/d is named twice; name every log once"
    )


def test_nothing_is_refused():
    assert refusal() == ("no log is named; name files, folders, a database address, or - for stdin")
    for text in ("", " ", "a\0b"):
        assert "is no path; name a file" in refusal(text)


def test_name_with_a_line_end_stays_on_one_line(folder):
    folder("a\nb.csv")
    assert labels("a\nb.csv") == ["'a\\nb.csv'"]
    assert refusal("a\nc.csv") == "'a\\nc.csv': no such file; did you mean 'a\\nb.csv'?"


@patient
@given(st.text(max_size=30) | st.text("abc./*[]~-:?\\", max_size=30))
def test_any_text_ends_in_files_or_one_line(tmp_path_factory, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        try:
            sources = expand_sources([text])
        except InputError as error:
            message = str(error)
        else:
            message = "".join(source.label for source in sources)
    assert len(message.splitlines()) == 1
