"""Damaged workbooks end in a table or in one line, never in a lost process."""

import random
import re
import zipfile

import pytest
import xlsxwriter

from dccad.errors import InputError
from opened_workbooks import ROWS, opened, read, refusal
from workbooks import compound_file, damaged, write_ods, write_xls, write_xlsb


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_protected_workbooks_are_refused(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        path.write_bytes(compound_file({"EncryptionInfo": b"\4", "EncryptedPackage": b"\5" * 5000}))
    else:
        write_ods(path, ROWS, manifest='<manifest:encryption-data manifest:checksum="x"/>')
    assert refusal(path) == ("FILE: the workbook is protected by a password; save it without one")


def small_workbook(kind, path):
    rows = [["t", "a", "b"], *[[float(i), i / 7, f"text {i % 5}"] for i in range(60)]]
    if kind != "xlsx":
        return {"xls": write_xls, "ods": write_ods, "xlsb": write_xlsb}[kind](path, rows)
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for i, row in enumerate(rows):
        sheet.write_row(i, 0, row)
    book.close()
    return path


def outcome(path):
    """None where the workbook is read, else the message, which is one line about the file."""
    try:
        opened(path).frame.collect()
    except InputError as error:
        message = str(error)
    else:
        return None
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls", "ods"])
def test_damaged_workbooks_end_in_a_table_or_one_line(tmp_path, capfd, kind):
    path = small_workbook(kind, tmp_path / f"log.{kind}")
    content, rng = path.read_bytes(), random.Random(3)
    outcomes = []
    for _ in range(100):
        path.write_bytes(damaged(content, rng))
        outcomes.append(outcome(path))
    assert len([message for message in outcomes if message is not None]) > 50
    assert capfd.readouterr().err == ""  # nor does native code print its traces


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "ods"])
def test_damage_that_checksums_do_not_show_ends_in_a_table_or_one_line(tmp_path, capfd, kind):
    path = small_workbook(kind, tmp_path / f"log.{kind}")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    parts = [name for name in members if re.search("sheet|content.xml|workbook|Strings", name)]
    rng, outcomes = random.Random(4), []
    for _ in range(100):
        hit = rng.choice(parts)
        with zipfile.ZipFile(path, "w") as archive:
            for name, member in members.items():
                archive.writestr(name, damaged(member, rng) if name == hit else member)
        outcomes.append(outcome(path))
    assert len([message for message in outcomes if message is not None]) > 40
    assert capfd.readouterr().err == ""


def test_one_cell_far_away_is_refused_instead_of_filling_the_memory(tmp_path):
    message = (
        "FILE: the cells of sheet 'Log' lie too far apart (rows 1 to 1048576, columns 1 to "
        "16384); delete those far from the table, or save the sheet as CSV"
    )
    path = tmp_path / "far.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Log")
    sheet.write_column(0, 0, ["a", 1])
    sheet.write(1048575, 16383, 0.5)
    book.close()
    assert refusal(path) == message
    # formatted cells without a value are no matter
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Log")
    sheet.write_column(0, 0, ["a", 1])
    sheet.write_blank(1048575, 16383, None, book.add_format({"bold": True}))
    book.close()
    assert read(path)["a"].to_list() == [1]
