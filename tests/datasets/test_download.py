"""Downloads from a server in this process: complete and right, or one line and nothing broken."""

import hashlib
import http.server
import logging
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import pytest

from dccad.datasets import download
from dccad.datasets.download import (
    MIRRORS,
    DownloadError,
    data_folder,
    fetch_files,
    find_tep,
    get_tep,
    tep_checksums,
)
from dccad.errors import DccadWarning, InputError, MissingExtraError

pooch = pytest.importorskip("pooch", reason="pooch, which the extra 'data' installs")

FILES = {
    name: "".join(f"{name} line {i:05d}\n" for i in range(length)).encode()
    for name, length in (("d00.dat", 20_000), ("d00_te.dat", 300), ("d01.dat", 1))
}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
BIG = FILES["d00.dat"]  # large enough that the client has a part of it when the connection is cut


@dataclass
class Mirror:
    """What one server holds, how it misbehaves, and what it was asked."""

    files: dict = field(default_factory=lambda: dict(FILES))
    cut_after: list = field(default_factory=list)  # bytes of the next answers for d00.dat
    ranges: bool = True  # honours Range
    wrong_start: bool = False
    address: str = ""
    asked: list = field(default_factory=list)  # (file, Range header)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        mirror = self.server.mirror
        name = self.path.rpartition("/")[2]
        wanted = self.headers.get("Range")
        mirror.asked.append((name, wanted))
        content = mirror.files.get(name)
        if content is None:
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and mirror.ranges else 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if mirror.wrong_start:
            start //= 2
        body = content[start:]
        self.send_response(206 if wanted and mirror.ranges else 200)
        if wanted and mirror.ranges:
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if name == "d00.dat" and mirror.cut_after:
            body = body[: mirror.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start a mirror on a free port of this machine."""
    monkeypatch.setenv("NO_PROXY", "*")
    servers = []

    def start(**options):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.mirror = Mirror(address=f"http://127.0.0.1:{server.server_port}/tep", **options)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server.mirror

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def fetch(folder, *mirrors, **options):
    addresses = [getattr(mirror, "address", mirror) for mirror in mirrors]
    return fetch_files(SUMS, folder, addresses, timeout=2, **options)


def refusal(folder, *mirrors, kind=DownloadError):
    with pytest.raises(kind) as caught:
        fetch(folder, *mirrors)
    message = str(caught.value)
    assert "\n" not in message
    for number, mirror in enumerate(mirrors, start=1):
        message = message.replace(getattr(mirror, "address", mirror), f"MIRROR{number}")
    return message.replace(str(folder), "FOLDER")


def assert_complete(folder):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


# It works -----------------------------------------------------------------------------------------


def test_all_files_arrive_and_nothing_else_is_left(serve, tmp_path):
    mirror = serve()
    folder = tmp_path / "made" / "on the way"
    assert fetch(folder, mirror) == folder
    assert_complete(folder)
    assert mirror.asked == [(name, None) for name in FILES]


def test_complete_folder_is_not_asked_for_again(serve, tmp_path):
    mirror = serve()
    fetch(tmp_path, mirror)
    mirror.asked.clear()
    fetch(tmp_path, mirror)
    assert mirror.asked == []
    (tmp_path / "d01.dat").unlink()
    fetch(tmp_path, mirror)
    assert mirror.asked == [("d01.dat", None)]


def test_windows_line_ends_are_the_same_file(serve, tmp_path):
    mirror = serve(files={name: text.replace(b"\n", b"\r\n") for name, text in FILES.items()})
    fetch(tmp_path / "new", mirror)
    assert_complete(tmp_path / "new")
    # a copy made by hand is left as it is
    by_hand = tmp_path / "by hand"
    by_hand.mkdir()
    for name, content in mirror.files.items():
        (by_hand / name).write_bytes(content)
    mirror.asked.clear()
    fetch(by_hand, mirror)
    assert mirror.asked == []
    assert (by_hand / "d01.dat").read_bytes() == b"d01.dat line 00000\r\n"


def test_file_of_that_name_with_other_content_is_replaced_with_a_warning(serve, tmp_path):
    (tmp_path / "d00_te.dat").write_text("my own notes")
    (tmp_path / "other.txt").write_text("untouched")
    with pytest.warns(DccadWarning, match=r"d00_te\.dat in .* is not the published file"):
        fetch(tmp_path, serve())
    assert (tmp_path / "other.txt").read_text() == "untouched"
    (tmp_path / "other.txt").unlink()
    assert_complete(tmp_path)


def test_file_is_replaced_only_once_the_right_one_has_come(serve, tmp_path, closed_port):
    (tmp_path / "d00.dat").write_text("my own notes")
    with pytest.warns(DccadWarning):
        refusal(tmp_path, closed_port)
    with pytest.warns(DccadWarning):
        refusal(tmp_path, serve(files={"d00.dat": b"something else"}))
    assert (tmp_path / "d00.dat").read_text() == "my own notes"


def test_pooch_stays_silent_and_keeps_its_own_level(serve, tmp_path):
    logger, said = pooch.get_logger(), []
    level = logger.level
    handler = logging.Handler()
    handler.emit = said.append
    logger.addHandler(handler)
    try:
        fetch(tmp_path, serve())
    finally:
        logger.removeHandler(handler)
    assert said == []
    assert logger.level == level != logging.WARNING


def test_progress_counts_the_files_that_were_there_already(serve, tmp_path, monkeypatch):
    (tmp_path / "d00.dat").write_bytes(BIG)
    shown = []

    class Bar:
        def __init__(self, title, total, enabled):
            shown.append((title, total, enabled))

        def __enter__(self):
            return lambda done, note: shown.append((done, note))

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(download, "progress_bar", Bar)
    fetch(tmp_path, serve(), progress=True)
    assert shown == [("downloading", 3, True), (1, "d00_te.dat"), (2, "d01.dat"), (3, "")]


# Cut connections ----------------------------------------------------------------------------------


def test_cut_connection_is_gone_on_with(serve, tmp_path):
    mirror = serve(cut_after=[204_800])
    fetch(tmp_path, mirror)
    assert_complete(tmp_path)
    assert mirror.asked[:2] == [("d00.dat", None), ("d00.dat", "bytes=204800-")]


def test_second_call_goes_on_where_the_first_was_cut(serve, tmp_path):
    mirror = serve(cut_after=[102_400, 71_680, 30_720, 9_216])
    message = refusal(tmp_path, mirror)
    assert message == (
        "d00.dat cannot be downloaded (MIRROR1: the connection was cut); 0 of 3 files are there; "
        "try again later to go on, or copy the files by hand into FOLDER, or set DCCAD_DATA to a "
        f"folder that has them as {tmp_path.name}/"
    )
    assert [path.name for path in tmp_path.iterdir()] == [".d00.dat.part"]
    assert (tmp_path / ".d00.dat.part").read_bytes() == BIG[:214_016]
    mirror.asked.clear()
    fetch(tmp_path, mirror)
    assert mirror.asked[0] == ("d00.dat", "bytes=214016-")
    assert_complete(tmp_path)


def test_mirror_without_ranges_starts_the_file_again(serve, tmp_path):
    mirror = serve(cut_after=[204_800], ranges=False)
    fetch(tmp_path, mirror)
    assert_complete(tmp_path)
    assert mirror.asked[1] == ("d00.dat", "bytes=204800-")


def test_mirror_that_sends_another_piece_is_asked_for_the_whole(serve, tmp_path):
    mirror = serve(cut_after=[204_800], wrong_start=True)
    fetch(tmp_path, mirror)
    assert_complete(tmp_path)
    assert mirror.asked[1:3] == [("d00.dat", "bytes=204800-"), ("d00.dat", None)]


@pytest.mark.parametrize(
    "leftover",
    [b"of another file" * 1000, BIG, BIG + b"and more"],
    ids=["of another file", "complete", "too long"],
)
def test_leftover_that_does_not_fit_costs_one_more_request(serve, tmp_path, leftover):
    (tmp_path / ".d00.dat.part").write_bytes(leftover)
    mirror = serve()
    fetch(tmp_path, mirror)
    assert_complete(tmp_path)
    assert mirror.asked[:2] == [("d00.dat", f"bytes={len(leftover)}-"), ("d00.dat", None)]


def test_another_mirror_goes_on_with_what_the_first_began(serve, tmp_path):
    first, second = serve(cut_after=[51_200, 1_024, 1_024, 1_024]), serve()
    fetch(tmp_path, first, second)
    assert_complete(tmp_path)
    assert second.asked == [("d00.dat", "bytes=54272-")]
    assert ("d01.dat", None) in first.asked  # a cut is no reason to give a mirror up


def test_mirror_that_cuts_at_once_is_left_for_the_next(serve, tmp_path):
    first, second = serve(cut_after=[0, 0]), serve()
    assert "(MIRROR1: the connection was cut); 0 of 3" in refusal(tmp_path, first)
    assert first.asked == [("d00.dat", None)]  # once: asking again would go on for ever
    fetch(tmp_path, first, second)
    assert_complete(tmp_path)


def test_less_than_a_piece_is_lost_in_a_cut(serve, tmp_path):
    mirror = serve(cut_after=[100_001])
    fetch(tmp_path, mirror)
    assert_complete(tmp_path)
    kept = int(re.fullmatch(r"bytes=(\d+)-", mirror.asked[1][1])[1])
    assert 100_001 - 1024 < kept <= 100_001


# Mirrors ------------------------------------------------------------------------------------------


def test_missing_file_is_taken_from_the_next_mirror(serve, tmp_path):
    first, second = serve(files={"d00.dat": BIG}), serve()
    fetch(tmp_path, first, second)
    assert_complete(tmp_path)
    assert [name for name, _ in first.asked] == list(FILES)
    assert [name for name, _ in second.asked] == ["d00_te.dat", "d01.dat"]


def test_wrong_content_is_thrown_away_and_taken_from_the_next_mirror(serve, tmp_path):
    upright = {**FILES, "d00.dat": b"the same numbers, not transposed\n" * 20}
    fetch(tmp_path, serve(files=upright), serve())
    assert_complete(tmp_path)


def test_mirror_that_does_not_answer_is_not_asked_for_every_file(serve, tmp_path, monkeypatch):
    mirror = serve()
    asked = []
    ask = download._ResumedDownload._ask

    def count(self, url, start):
        asked.append(url)
        return ask(self, url, start)

    monkeypatch.setattr(download._ResumedDownload, "_ask", count)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts, says nothing
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        fetch_files(SUMS, tmp_path, [address, mirror.address], timeout=0.2)
    assert_complete(tmp_path)
    assert sum(url.startswith(address + "/") for url in asked) == 1


def test_failure_says_what_each_mirror_answered(serve, tmp_path):
    wrong, lacking = serve(files={**FILES, "d00_te.dat": b"x"}), serve(files={"d00.dat": BIG})
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        silent = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(DownloadError) as caught:
            fetch_files(SUMS, tmp_path, [wrong.address, lacking.address + "/", silent], timeout=0.2)
    assert str(caught.value).startswith(
        f"d00_te.dat cannot be downloaded ({wrong.address}: wrong checksum; "
        f"{lacking.address}/: 404 Client Error: Not Found; {silent}: no answer within 0.2 s); "
        "1 of 3 files are there; try again later to go on, or copy"
    )
    # what is complete stays, what was wrong is gone
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"d00.dat": BIG}


def test_offline_says_how_to_go_on_without_a_network(closed_port, tmp_path):
    folder = tmp_path / "tep"
    assert refusal(folder, closed_port, closed_port + "/b") == (
        "cannot reach a mirror (MIRROR1: cannot be reached; MIRROR1/b: cannot be reached); connect "
        "to the internet, or copy the files by hand into FOLDER, or set DCCAD_DATA to a folder "
        "that has them as tep/"
    )
    assert list(folder.iterdir()) == []


def test_address_that_is_none_is_named(tmp_path):
    assert "(MIRROR1: not usable (InvalidSchema)); " in refusal(tmp_path, "ftp://example.org")
    assert "(MIRROR1: not usable (MissingSchema)); " in refusal(tmp_path, "files/tep")
    with pytest.raises(DownloadError, match=r"\(files/tep: not usable"):
        fetch_files(SUMS, tmp_path, "files/tep")  # one address is a list of one, not of letters


def test_file_in_place_of_the_folder_is_refused(serve, tmp_path):
    file = tmp_path / "tep"
    file.write_text("")
    assert refusal(file, serve(), kind=InputError) == (
        "FOLDER is a file, not a folder; name another folder for the download"
    )


def test_full_disk_is_told_and_leaves_nothing_half_written(serve, tmp_path):
    # the limit on file sizes stops the write as a full disk does
    program = (
        "import resource, signal, sys, pathlib\n"
        "from dccad.datasets.download import fetch_files\n"
        "import pooch, requests\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"sums, address = {SUMS!r}, sys.argv[1]\n"
        "try:\n"
        "    fetch_files(sums, pathlib.Path(sys.argv[2]), [address], timeout=2)\n"
        "except OSError as error:\n"
        "    print(type(error).__name__, error.strerror)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, serve().address, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "OSError File too large\n"
    assert not (tmp_path / "d00.dat").exists()


# Where --------------------------------------------------------------------------------------------


@pytest.fixture
def stand_in(monkeypatch):
    """Let the three small files be the published ones."""
    monkeypatch.setattr(download, "tep_checksums", lambda: dict(SUMS))


def test_environment_variable_names_the_folder(serve, tmp_path, monkeypatch, stand_in):
    monkeypatch.setenv("DCCAD_DATA", str(tmp_path / "plant data"))
    assert data_folder() == tmp_path / "plant data"
    assert find_tep() is None
    folder = get_tep(mirrors=[serve().address], timeout=2)
    assert folder == tmp_path / "plant data" / "tep"
    assert_complete(folder)
    assert find_tep() == folder
    (folder / "d01.dat").unlink()
    assert find_tep() is None


def test_without_it_the_platform_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for unset in (None, ""):
        monkeypatch.delenv("DCCAD_DATA", raising=False)
        if unset is not None:
            monkeypatch.setenv("DCCAD_DATA", unset)
        assert data_folder() == pooch.os_cache("dccad")
    if sys.platform == "linux":
        assert data_folder() == tmp_path / ".cache" / "dccad"
    monkeypatch.setenv("DCCAD_DATA", "~/plant")
    assert data_folder() == tmp_path / "plant"


def test_named_folder_goes_before_the_environment(serve, tmp_path, monkeypatch, stand_in):
    monkeypatch.setenv("DCCAD_DATA", str(tmp_path / "unused"))
    folder = get_tep(tmp_path / "here", mirrors=[serve().address], timeout=2)
    assert folder == tmp_path / "here"
    assert find_tep(folder) == folder
    assert not (tmp_path / "unused").exists()


def test_without_pooch_the_extra_is_named_and_nothing_is_found(monkeypatch, tmp_path):
    monkeypatch.delenv("DCCAD_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert find_tep() is None
    for action in (get_tep, lambda: get_tep(tmp_path)):
        with pytest.raises(MissingExtraError, match=r"pip install 'dccad\[data\]'"):
            action()


# The published files ------------------------------------------------------------------------------


def test_checksums_are_those_of_the_published_files(classic_folder):
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in classic_folder.glob("*.dat")
    }
    assert found == tep_checksums()


def test_published_files_are_complete_without_any_request(classic_folder, closed_port):
    assert find_tep(classic_folder) == classic_folder
    assert get_tep(classic_folder, mirrors=[closed_port], timeout=0.1) == classic_folder


def test_checksums_are_written_for_all_44_files():
    checksums = tep_checksums()
    assert sorted(checksums) == sorted(
        f"d{fault:02d}{part}.dat" for fault in range(22) for part in ("", "_te")
    )
    assert len(set(checksums.values())) == 44
    assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in checksums.values())


def test_mirrors_are_secure_addresses():
    assert len(set(MIRRORS)) == len(MIRRORS) >= 2
    assert all(mirror.startswith("https://") for mirror in MIRRORS)
