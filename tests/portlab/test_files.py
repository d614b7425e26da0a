import errno
import os
import stat
from pathlib import Path

import pytest

from portlab import files
from portlab.errors import BadTarget


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
