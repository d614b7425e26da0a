"""What the command line writes and prints: no file is lost, and the table comes whatever becomes of the files."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from portlab import cli, lab
from portlab.evidence.result import Scan
from portlab.scanning import scan as scans
from tests.portlab.test_cli import PORTS, Captured, in_simulated_lab, no_wire
from tests.portlab.wires import RuleWire, answer_like_linux

__all__ = ["in_simulated_lab", "no_wire"]  # fixtures


# --- nothing is lost ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_wire")
@pytest.mark.parametrize("other", ["{}/x", "{}/./x", "{}//x", "{}/y/../x", "{}/soft", "{}/hard"])
@pytest.mark.parametrize("exists", [True, False])
def test_two_exports_never_share_a_file(tmp_path: Path, capsys: Captured, other: str, exists: bool) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "soft").symlink_to("x")
    if exists:
        (tmp_path / "x").write_text("old")
        (tmp_path / "hard").hardlink_to(tmp_path / "x")
    elif "hard" in other:
        return
    path, second = str(tmp_path / "x"), other.format(tmp_path)
    assert cli.main(["syn", "localhost", "--json", path, "--csv", second]) == cli.WRONG_USE
    assert f"--csv {second} and --json {path} are one file: one would be lost." in capsys.readouterr().err
    assert not exists or (tmp_path / "x").read_text() == "old"


@pytest.mark.usefixtures("no_wire")
@pytest.mark.parametrize("second", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_only_one_export_takes_standard_output(second: str, capsys: Captured) -> None:
    assert cli.main(["syn", "localhost", "--json", "-", "--csv", second]) == cli.WRONG_USE
    assert "Only one of the exports can go to standard output" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x", "./x", "soft", "hard"])
def test_what_is_read_is_not_overwritten(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x").write_text('<nmaprun scanner="nmap" start="1"><host/></nmaprun>')
    Path("soft").symlink_to("x")
    Path("hard").hardlink_to("x")
    assert cli.main(["read", "x", "--json", name]) == cli.WRONG_USE
    assert f"--json {name} and the file to be read are one file" in capsys.readouterr().err
    assert "<nmaprun" in Path("x").read_text()


@pytest.mark.parametrize("redirect", [">", ">>"])
@pytest.mark.parametrize("name", ["log", "/dev/stdout"])
def test_export_and_standard_output_in_one_file(tmp_path: Path, name: str, redirect: str) -> None:
    (tmp_path / "log").write_text("old\n")
    done = shell(f"{PORTLAB} connect localhost -p 1 --csv {name} {redirect} log", tmp_path)
    log = (tmp_path / "log").read_text()
    assert log.startswith("old\n") or redirect == ">"
    if name == "log":
        assert (done.returncode, "one would be lost" in done.stderr) == (cli.WRONG_USE, True)
    else:
        assert (done.returncode, log.splitlines()[-2].startswith("host,")) == (cli.DONE, True)
        assert log.splitlines()[-1].startswith("localhost,127.0.0.1,1,tcp")


@pytest.mark.usefixtures("in_simulated_lab")
@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_full_disk_does_not_lose_the_table(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, quiet: list[str]
) -> None:
    (tmp_path / "x.json").write_text("old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    exports = ["--json", str(tmp_path / "x.json"), "--pcap", str(tmp_path / "x.pcap")]
    assert cli.main(["syn", "web", "-p", PORTS, *exports, *quiet]) == cli.FAILED
    output = capsys.readouterr()
    assert "80/tcp" in output.out
    assert "No space left on device" in output.err
    assert (tmp_path / "x.json").read_text() == "old"
    assert (tmp_path / "x.pcap").stat().st_size > 0  # the other export is there


@pytest.mark.parametrize("error", [ValueError("odd"), KeyboardInterrupt(), OSError(5, "Input/output error")])
@pytest.mark.usefixtures("in_simulated_lab")
def test_whatever_an_export_meets_the_table_is_printed(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException
) -> None:
    def fail(self: object, path: str) -> None:
        raise error

    monkeypatch.setattr(Scan, "to_csv", fail)
    command = ["syn", "web", "-p", PORTS, "--csv", str(tmp_path / "x"), "--json", str(tmp_path / "y")]
    assert cli.main(command) == cli.FAILED
    output = capsys.readouterr()
    assert "80/tcp" in output.out
    assert f"'{tmp_path}/x' is not written: " in output.err
    assert json.loads((tmp_path / "y").read_text())["complete"] is True


@pytest.mark.parametrize("interrupted", [False, True])
def test_scan_that_could_not_begin_leaves_the_old_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path, interrupted: bool
) -> None:
    wire = RuleWire(answer_like_linux({80}))
    error = KeyboardInterrupt() if interrupted else OSError(100, "Network is down")

    def fail(addresses: object, wait: float, gap: float) -> None:
        raise error

    monkeypatch.setattr(wire, "resolve", fail)
    monkeypatch.setattr(scans, "open_wire", lambda kind: wire)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    command = ["syn", "localhost", "-p", "1-50", "--no-progress", "--json", str(old), "--csv", str(new)]
    assert cli.main(command) == (cli.INTERRUPTED if interrupted else cli.FAILED)
    output = capsys.readouterr()
    assert old.read_text() == "old"
    assert "stays as it was: the scan ended before anything was known" in output.err
    assert ("interrupted" if interrupted else "Network is down") in output.err
    assert "INCOMPLETE" in output.out


# --- standard output and standard error may be closed, full, or gone -----------------------------------------------

PORTLAB = f"{shlex.quote(sys.executable)} -m portlab"
CLOSED = [
    ("connect localhost -p 1 >&-", cli.WRONG_USE, "", "Standard output is closed"),
    ("ports ssh >&-", cli.WRONG_USE, "", "Standard output is closed"),
    ("connect localhost -p 1 --json - >&-", cli.WRONG_USE, "", "Standard output is closed"),
    ("connect localhost -p 1 --json /dev/stdout >&-", cli.WRONG_USE, "", "Standard output is closed"),
    ("connect localhost -p 1 --json x >&-", cli.DONE, "", ""),
    ("connect localhost -p 1 --json x >&- 2>&- <&-", cli.DONE, "", ""),
    ("connect localhost -p 1 2>&-", cli.DONE, "1/tcp", ""),
    ("connect localhost -p 1 --authorise 192.0.2.0/28 --reason x 2>&-", cli.DONE, "1/tcp", ""),
    ("connect localhost -p 1 --authorise 192.0.2.0/28 --reason x 2>/dev/full", cli.DONE, "1/tcp", ""),
    ("connect 8.8.8.8 2>&-", cli.WRONG_USE, "", ""),
    ("dance 2>&-", cli.WRONG_USE, "", ""),
    (
        "connect localhost -p 1 > /dev/full",
        cli.FAILED,
        "",
        "standard output cannot be written: No space left",
    ),
    ("ports ssh > /dev/full", cli.FAILED, "", "22/tcp"),
    (
        "connect localhost -p 1 --json /dev/full",
        cli.FAILED,
        "1/tcp",
        "'/dev/full' cannot be written: No space",
    ),
    ("connect localhost -p 1 --json - --csv x | true", 0, "", ""),
    ("--help > /dev/full", cli.FAILED, "", ""),
]


@pytest.mark.parametrize(("command", "status", "said", "told"), CLOSED, ids=[row[0][:60] for row in CLOSED])
def test_streams_that_are_closed(tmp_path: Path, command: str, status: int, said: str, told: str) -> None:
    done = shell(f"{PORTLAB} {command}", tmp_path)
    assert (done.returncode, "Traceback" in done.stderr, "Exception" in done.stderr) == (status, False, False)
    assert said in done.stdout
    assert told in done.stderr
    if " x" in command and status == cli.DONE and "reason" not in command:
        assert (tmp_path / "x").stat().st_size > 0


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != lab.VARIABLE}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
