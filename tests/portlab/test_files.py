import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from portlab import files
from portlab.errors import BadTarget

PROJECT = Path(__file__).parents[2]


def test_write_and_read(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    files.write(path, "grün\n")
    assert files.read(path) == "grün\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    usual, ours = tmp_path / "usual", tmp_path / "ours"
    usual.write_text("")
    files.write(ours, "")
    assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_what_stood_there_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(KeyError):
        fail_half_way(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def fail_half_way(path: Path) -> None:
    with files.written_whole(path) as draft:
        draft.write_text("half")
        assert path.read_text() == "old"
        raise KeyError


def test_link_is_followed_not_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    files.write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    files.write("-", "text\n")
    with files.written_whole("-") as draft:
        draft.write_bytes(b"\x00bytes")
    assert capfdbinary.readouterr().out == b"text\n\x00bytes"


def test_device_is_written_through() -> None:
    files.write("/dev/null", "text")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("name", ["no/such/folder/x", ".", "bad\x00name"])
def test_unwritable_path_is_one_sentence(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    with pytest.raises(BadTarget, match="cannot be written") as caught:
        files.write(path, "text")
    assert repr(path) in str(caught.value)


@pytest.mark.parametrize("name", ["missing", ".", "bad\x00name"])
def test_unreadable_path_is_one_sentence(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    with pytest.raises(BadTarget, match="cannot be read") as caught:
        files.read(path)
    assert repr(path) in str(caught.value)


def test_folder_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)  # root may write everywhere
    with pytest.raises(BadTarget, match="Permission denied"):
        files.write(tmp_path / "x", "text")
    assert list(tmp_path.iterdir()) == []


# --- what stood there is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_rights_that_stood_there_stay(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    path.chmod(mode)
    files.write(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_owner_that_stood_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    files.write(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


@pytest.mark.parametrize("act", [files.check_writable, lambda path: files.write(path, "new")])
@pytest.mark.parametrize("by_link", [False, True])
def test_write_protected_file_is_not_replaced(tmp_path: Path, act: object, by_link: bool) -> None:
    path, link = tmp_path / "result.txt", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o444)  # root may write it all the same, and shall not
    link.symlink_to(path)
    with pytest.raises(BadTarget, match=r"write-protected.*chmod u\+w"):
        act(link if by_link else path)  # type: ignore[operator]
    assert path.read_text() == "old"


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadTarget, match="No space left on device"):
        files.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# --- what is no ordinary file is written into ------------------------------------------------------------------


def test_pipe_is_written_into(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    files.check_writable(pipe)
    files.write(pipe, "text")
    reader.join(10)
    assert heard == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("spelling", ["/dev/fd/{}", "/proc/self/fd/{}", "/dev/fd/../fd/{}"])
def test_open_descriptor_is_written_into_where_it_stands(tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    with path.open("a") as log:
        files.check_writable(spelling.format(log.fileno()))
        files.write(spelling.format(log.fileno()), "new\n")
        with files.written_whole(spelling.format(log.fileno())) as draft:
            draft.write_text("whole\n")
    assert path.read_text() == "old\nnew\nwhole\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "link"])
@pytest.mark.parametrize("redirect", [">", ">>"])
def test_standard_output_that_is_a_log_grows(tmp_path: Path, name: str, redirect: str) -> None:
    (tmp_path / "log").write_text("old\n")
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = f"from portlab import files; print('before'); files.write({name!r}, 'text\\n'); print('after')"
    line = f'"{sys.executable}" -c "{code}" {redirect} log'
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True, env={"PYTHONPATH": str(PROJECT)})
    old = "old\n" if redirect == ">>" else ""
    assert (tmp_path / "log").read_text() == f"{old}before\ntext\nafter\n"


def test_another_process_s_output_grows(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as out, subprocess.Popen(["sleep", "60"], stdout=out) as other:
        out.write("old\n")
        out.flush()
        try:
            files.write(f"/proc/{other.pid}/fd/1", "new\n")
        finally:
            other.kill()
    assert log.read_text() == "old\nnew\n"


def test_what_cannot_be_written_into_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with (tmp_path / "x").open() as only_read, pytest.raises(BadTarget, match="Bad file descriptor"):
        files.check_writable(f"/dev/fd/{only_read.fileno()}")
    with pytest.raises(BadTarget, match="Bad file descriptor"):
        files.check_writable("/dev/fd/999")


def test_full_device_is_one_sentence() -> None:
    for writes in (lambda: files.write("/dev/full", "x"), lambda: write_whole("/dev/full")):
        with pytest.raises(BadTarget, match=r"'/dev/full' cannot be written: No space left on device\."):
            writes()


def write_whole(path: str) -> None:
    with files.written_whole(path) as draft:
        draft.write_text("x")


def test_no_output_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(BadTarget, match="Standard output is closed"):
        files.write("-", "text")


def test_notebook_output_takes_text_but_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cell:
        said = ""

        def write(self, text: str) -> None:
            self.said += text

    cell = Cell()
    monkeypatch.setattr(sys, "stdout", cell)
    files.write("-", "text")
    assert cell.said == "text"
    with pytest.raises(BadTarget, match="the standard output of a terminal"):
        write_whole("-")


# --- what a path is --------------------------------------------------------------------------------------------

NO_PATHS = [None, 5, True, 2.5, b"bytes", ["x"], "", float("nan"), np.int64(1), 10**5000, object()]


@pytest.mark.parametrize(
    "path", NO_PATHS, ids=[f"{type(path).__name__}-{n}" for n, path in enumerate(NO_PATHS)]
)
@pytest.mark.parametrize("act", [files.read, files.check_writable, files.identity, files.is_standard_output])
def test_what_is_no_path_is_said(path: object, act: object) -> None:
    with pytest.raises(BadTarget, match=r"not the name of a file|names no file"):
        act(path)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000 + "x", "file/x", "loop"])
def test_path_that_leads_nowhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    path = str(tmp_path / name)
    with pytest.raises(BadTarget, match="cannot be written") as caught:
        files.check_writable(path)
    assert len(str(caught.value)) < 800
    with pytest.raises(BadTarget, match="cannot be read"):
        files.read(path)


def test_folder_and_socket_are_no_places(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        with pytest.raises(BadTarget, match="neither a file nor a pipe"):
            files.check_writable(tmp_path / "s")
    with pytest.raises(BadTarget, match="it is a folder"):
        files.check_writable(tmp_path)
    with pytest.raises(BadTarget, match="there is no folder"):
        files.check_writable(tmp_path / "no" / "x")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_folder_that_takes_no_file_is_known_before() -> None:
    with pytest.raises(BadTarget, match="'/proc/x' cannot be written"):
        files.check_writable("/proc/x")


def test_one_file_however_it_is_spelled(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("")
    (tmp_path / "soft").symlink_to("real")
    (tmp_path / "hard").hardlink_to(real)
    (tmp_path / "dangling").symlink_to("new")
    spellings = [real, f"{tmp_path}/./real", f"{tmp_path}//real", tmp_path / "soft", tmp_path / "hard"]
    assert len({files.identity(path) for path in spellings}) == 1
    assert files.identity(tmp_path / "dangling") == files.identity(tmp_path / "new")
    assert files.identity(tmp_path / "new") != files.identity(real)
    assert files.identity("-") == files.identity("/dev/stdout")
    assert files.identity("/dev/null") is None  # nothing is kept there, so nothing is lost


def test_file_without_end_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 3 << 20)
    with pytest.raises(BadTarget, match="holds more than 3 MiB"):
        files.read("/dev/zero")
