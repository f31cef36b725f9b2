"""What is printed of data sets: their runs, and how to come by them."""

from pathlib import Path

import numpy as np

from dccad import Run
from dccad.cli.printing.datasets import (
    describe_dataset,
    print_dataset,
    print_datasets,
    print_download,
)
from dccad.datasets import Dataset

DATA = Dataset(
    "mini",
    (Run(np.zeros((4, 2)), ("a", "b"), "d00", fault=0),),
    (Run(np.zeros((5, 2)), ("a", "b"), "d03_te", fault=3, onset=2),),
)


def test_every_run_is_described_with_its_part_fault_size_and_onset():
    described = describe_dataset(DATA)
    names = ("run", "split", "fault", "rows", "sensors", "onset")
    assert described["name"] == "mini"
    assert [tuple(run[name] for name in names) for run in described["runs"]] == [
        ("d00", "train", 0, 4, 2, None),
        ("d03_te", "test", 3, 5, 2, 2),
    ]


def test_the_table_has_a_row_for_each_run_and_a_dash_without_onset(capsys):
    print_dataset(describe_dataset(DATA))
    first, head, *rows = capsys.readouterr().out.splitlines()
    assert first == "mini: 1 training and 1 test runs (fault 0: none)"
    assert head.split() == ["run", "split", "fault", "rows", "sensors", "onset"]
    assert [row.split() for row in rows] == [
        ["d00", "train", "0", "4", "2", "–"],
        ["d03_te", "test", "3", "5", "2", "2"],
    ]


def test_the_list_says_where_a_set_is_or_how_to_come_by_it(capsys):
    there = {"name": "tep", "description": "classic", "folder": "/data/tep", "available": True}
    away = {"name": "skab", "description": "pump", "folder": None, "available": False}
    own = {"name": "tep-simulated", "description": "own", "folder": None, "available": True}
    print_datasets([there, away | {"obtain": "download it"}, own])
    assert capsys.readouterr().out.splitlines() == [
        "tep: classic",
        "  in /data/tep",
        "skab: pump",
        "  not here: download it",
        "tep-simulated: own",
        "  here",
    ]


def test_a_download_names_the_command_that_uses_it(capsys):
    print_download("tep", Path("/data/tep"))
    print_download("tep-many", Path("/x"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "dccad benchmark tep-pairs --data /data/tep"
    assert lines[3] == "dccad benchmark tep-many --data /x"
