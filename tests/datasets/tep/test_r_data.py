"""R data files: any packing is read, and damage is told in one line."""

import bz2
import gzip
import lzma
import random
import struct
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from dccad.datasets.tep import r_data
from dccad.datasets.tep.rieth import load_tep_rieth
from dccad.errors import InputError, MissingExtraError
from rdata_writer import write_rdata
from rieth_files import (
    FAULTY_TRAINING,
    GOOD,
    TRAIN_ROWS,
    assert_run_is,
    cell,
    frame,
    refusal,
    write,
)

pytestmark = pytest.mark.filterwarnings("ignore:not the published:dccad.errors.DccadWarning")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
@pytest.mark.parametrize("version", [2, 3])
def test_compression_and_version_of_the_format_do_not_matter(tmp_path, pack, version):
    table = frame([6], [1], TRAIN_ROWS)
    write(tmp_path / FAULTY_TRAINING, table, version=version, pack=pack)
    [run] = load_tep_rieth(tmp_path, faults=[6], parts="train").train
    assert_run_is(run, 6, 1, TRAIN_ROWS)


def test_memory_is_needed_for_the_selection_not_for_the_file(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    table = frame([1, 2], range(1, 101), 200)  # 40 000 rows, 17 MB
    write(path, table, pack=bytes)
    in_file = path.stat().st_size
    del table

    def peak(runs):
        tracemalloc.start()
        load_tep_rieth(tmp_path, faults=[1, 2], runs=runs, parts="train")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest / in_file

    load_tep_rieth(tmp_path, faults=[1], parts="train")  # what importing rdata takes is not counted
    assert peak([1]) < 0.25
    assert peak(None) < 1.25  # the values themselves are 0.95 of the file


@pytest.mark.parametrize(
    "objects",
    [
        {"a": GOOD, "b": GOOD},
        {"a": np.array([1.0, 2.0]), "b": GOOD},
        {"a": np.array([1.0, 2.0])},
        {"a": ["text"]},
        {},
    ],
    ids=["two frames", "vector and frame", "vector", "text", "nothing"],
)
def test_other_objects_than_one_data_frame_are_refused(tmp_path, objects):
    write_rdata(tmp_path / FAULTY_TRAINING, objects)
    assert refusal(tmp_path) == (
        f"FOLDER/{FAULTY_TRAINING}: the file does not hold one data frame; save one data frame "
        "and nothing else"
    )


def test_files_that_are_no_rdata_say_so(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    path.write_bytes(b"")
    assert refusal(tmp_path) == (
        f"FOLDER/{FAULTY_TRAINING}: the file is empty; copy or download it again"
    )
    path.write_bytes(b"<!DOCTYPE html><title>Access denied</title>")
    assert "not an RData file (it begins with b'<!DOCTY')" in refusal(tmp_path)
    path.write_bytes(gzip.compress(b"faultNumber,simulationRun\n1,1\n"))
    assert "not an RData file (it begins with b'faultNu')" in refusal(tmp_path)
    write(path, GOOD, pack=lambda content: content[len(b"RDX2\n") :])  # as R's saveRDS
    assert "not an RData file (it begins with b'X" in refusal(tmp_path)
    path.write_bytes(b"RDA3\nA\n3\n262657\n197888\n5\nUTF-8\n")
    assert "R data in a form that is not read (it begins with b'RDA3" in refusal(tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bytes], ids=["gz", "xz", "plain"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.97, 0.9999])
def test_download_that_broke_off_is_called_incomplete(tmp_path, pack, keep):
    path = tmp_path / FAULTY_TRAINING
    write(path, GOOD, pack=bytes)
    content = pack(path.read_bytes())
    path.write_bytes(content[: int(len(content) * keep)])
    assert "damaged or incomplete R data (" in refusal(tmp_path)


def test_flipped_byte_in_a_compressed_file_is_noticed(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    write(path, GOOD, pack=bytes)
    # stored, not deflated: only the checksum tells that a number has changed
    content = bytearray(gzip.compress(path.read_bytes(), compresslevel=0))
    content[content.index(struct.pack(">d", cell(1, 2, 3, 17))) + 7] ^= 1
    path.write_bytes(content)
    assert "damaged or incomplete R data (CRC check failed" in refusal(tmp_path)
    content = content[: len(content) // 2] + b"\0\0" + content[len(content) // 2 :]
    path.write_bytes(content)
    assert "damaged or incomplete R data (" in refusal(tmp_path)


def test_no_damage_ends_in_anything_but_one_line(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    write(path, frame([1], [1], TRAIN_ROWS), pack=bytes)
    whole = path.read_bytes()
    draw = random.Random(5)
    outcomes = Counter()
    for _ in range(150):
        content = bytearray(whole)
        # half of the damage in the structure at both ends, where lengths and types stand
        ends = [draw.randrange(90), len(content) - 1 - draw.randrange(900)]
        for _ in range(draw.choice([1, 1, 3])):
            position = draw.choice([*ends, draw.randrange(len(content))])
            content[position] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            load_tep_rieth(tmp_path, faults=[1], parts="train")
            outcomes["read"] += 1
        except InputError as error:
            outcomes["refused" if "\n" not in str(error) else "several lines"] += 1
    assert outcomes.keys() == {"read", "refused"}
    assert outcomes["refused"] > 50, outcomes
    assert outcomes["read"] > 5, outcomes  # a changed digit is no damage that a reader can see


def test_missing_package_is_named_with_its_extra(published_form, monkeypatch):
    def absent(module, extra):
        raise MissingExtraError(f"this step needs {module}: pip install 'dccad[{extra}]'")

    monkeypatch.setattr(r_data, "require", absent)
    assert "dccad[rdata]" in refusal(published_form, MissingExtraError)


def test_too_little_memory_is_no_traceback(published_form, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(r_data, "_parse", exhausted)
    assert refusal(published_form) == (
        f"FOLDER/{FAULTY_TRAINING}: not enough memory; select fewer runs, or, if the file may be "
        "damaged, copy or download it again"
    )
