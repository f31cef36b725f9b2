"""Pieces of a long job are whole, undamaged and of this job, or they are not used."""

import errno
import os

import pytest

from dccad.errors import InputError
from dccad.support.job_folder import PieceFolder


def open_pieces(tmp_path, resume=True, **identity):
    return PieceFolder(tmp_path / "job", {"log": "a", **identity}, resume)


def test_a_damaged_piece_is_not_used(tmp_path):
    pieces = open_pieces(tmp_path)
    pieces.put("one", b"content")
    pieces.path("one").write_bytes(b"CONTENT")
    again = open_pieces(tmp_path)
    assert again.get("one") is None
    assert not list((tmp_path / "job").glob("one.*"))


def test_a_new_piece_takes_the_place_of_an_earlier_one(tmp_path):
    pieces = open_pieces(tmp_path)
    for content in (b"first", b"second", b"second"):
        pieces.put("state", content)
    assert len(list((tmp_path / "job").glob("state.*"))) == 1
    assert open_pieces(tmp_path).get("state") == b"second"


def test_of_two_pieces_of_one_name_the_newer_one_counts(tmp_path):
    pieces = open_pieces(tmp_path)
    pieces.put("state", b"first")
    first = pieces.path("state")
    kept = first.read_bytes()
    pieces.put("state", b"second")
    first.write_bytes(kept)  # as if the process had been killed before it removed this one
    os.utime(first, (1, 1))
    assert open_pieces(tmp_path).get("state") == b"second"
    assert not first.exists()


@pytest.mark.parametrize(
    "name", [".two.0123456789abcdef.piece.0a1b2c3d.unfinished", "whole.unfinished"]
)
def test_what_a_kill_left_unfinished_is_removed(tmp_path, name):
    open_pieces(tmp_path).put("one", b"content")
    left = tmp_path / "job" / name
    left.write_bytes(b"con")
    assert open_pieces(tmp_path).get("one") == b"content"
    assert not left.exists()


def test_a_folder_without_a_manifest_is_begun_if_it_has_no_piece(tmp_path):
    (tmp_path / "job").mkdir()
    pieces = open_pieces(tmp_path)
    pieces.put("one", b"content")
    (tmp_path / "job" / "manifest.json").unlink()
    with pytest.raises(InputError, match="job has no manifest: delete the folder to begin again"):
        open_pieces(tmp_path)


def test_other_files_and_other_jobs_are_left_alone(tmp_path):
    open_pieces(tmp_path).put("one", b"content")
    with pytest.raises(InputError, match="was begun with another log, another model, so its parts"):
        PieceFolder(tmp_path / "job", {"log": "b", "model": 1}, resume=True)
    with pytest.raises(InputError, match="holds the finished part of a job that was interrupted"):
        open_pieces(tmp_path, resume=False)
    (tmp_path / "job" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds 'notes.txt', which does not belong there"):
        open_pieces(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is in the way: a folder of that name is needed"):
        PieceFolder(tmp_path / "file", {}, resume=True)


def test_a_full_disk_leaves_earlier_pieces_and_no_empty_folder(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    pieces = open_pieces(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            pieces.put("one", b"content")
    assert not (tmp_path / "job").exists()
    pieces = open_pieces(tmp_path)
    pieces.put("one", b"content")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            pieces.put("two", b"content")
    assert [path.name[:4] for path in (tmp_path / "job").glob("*.piece")] == ["one."]


def test_removing_leaves_nothing(tmp_path):
    pieces = open_pieces(tmp_path)
    pieces.put("one", b"content")
    pieces.remove()
    assert not list(tmp_path.iterdir())
    open_pieces(tmp_path, resume=False)
