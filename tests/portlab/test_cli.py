import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import portlab as pl
from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import cli, lab, scope
from portlab.scanning import scan as scans
from portlab.techniques import port_techniques
from tests.portlab.wires import RuleWire, answer_like_linux

PORTS = "9,22,80,443,3389,8080"
VERDICTS = [
    (9, "closed", "reset"),
    (22, "filtered", "no-response"),
    (80, "open", "syn-ack"),
    (443, "open", "syn-ack"),
    (3389, "closed", "reset"),
    (8080, "filtered", "admin-prohibited"),
]

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def in_simulated_lab() -> None:
    lab.use(simulated(topology()))


@pytest.fixture
def no_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a wire was opened")

    monkeypatch.setattr(scans, "open_wire", refuse)


@pytest.mark.usefixtures("in_simulated_lab")
def test_json_to_standard_output_is_only_json(capsys: Captured) -> None:
    assert cli.main(["syn", "web", "-p", PORTS, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["port"], row["state"], row["reason"]) for row in found["results"]] == VERDICTS


@pytest.mark.usefixtures("in_simulated_lab")
def test_csv_to_standard_output(capsys: Captured) -> None:
    assert cli.main(["syn", "web", "-p", PORTS, "--csv", "-"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(int(row["port"]), row["state"], row["reason"]) for row in rows] == VERDICTS


@pytest.mark.usefixtures("in_simulated_lab")
@pytest.mark.parametrize("name", ["ping", *port_techniques()])
def test_every_technique_is_a_command(name: str, capsys: Captured) -> None:
    ports = [] if name == "ping" else ["-p", "80,161"]
    assert cli.main([name, "web", "infra", *ports, "--seed", "1", "--no-progress"]) == 0
    said = capsys.readouterr().out
    assert "SIMULATED" in said
    assert "infra" in said


@pytest.mark.usefixtures("in_simulated_lab")
def test_options_reach_the_scan(capsys: Captured) -> None:
    assert cli.main(["ping", "10.77.1.1-60", "--method", "arp", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["results"]
    assert {row["technique"] for row in rows} == {"ping-arp"}
    assert cli.main(["udp", "voip", "-p", "5060", "--payload", "sip", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["state"] == "open"
    assert cli.main(["syn", "web", "-p", "22", "--tries", "2", "--timeout", "0.5", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["tries"] == 2


@pytest.mark.usefixtures("in_simulated_lab")
def test_all_exports_at_once_and_read_again(tmp_path: Path, capsys: Captured) -> None:
    files = {name: str(tmp_path / f"x.{name}") for name in cli.EXPORTS}
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    assert cli.main(["syn", "web", "-p", PORTS, *options]) == 0
    assert "web" in capsys.readouterr().out
    for name in ("json", "xml", "pcap"):
        assert cli.main(["read", files[name], "--json", "-"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [(row["port"], row["state"], row["reason"]) for row in found["results"]] == VERDICTS


@pytest.mark.usefixtures("in_simulated_lab")
def test_ladder_shows_the_packets(capsys: Captured) -> None:
    assert cli.main(["syn", "web", "-p", "80", "--ladder"]) == 0
    said = capsys.readouterr().out
    assert "SYN" in said
    assert len(said.splitlines()) > 10


@pytest.mark.usefixtures("in_simulated_lab")
def test_quiet_prints_nothing(tmp_path: Path, capsys: Captured) -> None:
    assert cli.main(["syn", "web", "-p", "80", "--quiet", "--json", str(tmp_path / "x")]) == 0
    assert capsys.readouterr().out == ""


def test_connect_scan_on_loopback(capsys: Captured) -> None:
    assert cli.main(["connect", "localhost", "-p", "1-3", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fidelity"] == "host"
    assert {row["address"] for row in found["results"]} == {"127.0.0.1"}


# --- wrong use: one sentence, status 2, no packet ----------------------------------------------------------------

WRONG = [
    (["syn", "8.8.8.8"], "8.8.8.8 may not be probed"),
    (["syn", "134744072"], "8.8.8.8 (from '134744072')"),
    (["syn", "0.0.0.0/0"], "0.0.0.0 (from '0.0.0.0/0')"),
    (["syn", "localhost", "10.77.1.10"], "10.77.1.10 may not be probed"),
    (["ping", "office"], "'office'"),
    (["ping", "::1"], "IPv4 only"),
    (["ping", ""], "''"),
    (["ping", "localhost", "--method", "smoke"], "'smoke'"),
    (["syn", "http://web/"], "'http://web/'"),
    (["syn", "localhost", "-p", "80-20"], "'80-20'"),
    (["syn", "localhost", "-p", "65536"], "'65536'"),
    (["syn", "localhost", "-p", ""], "''"),
    (["syn", "localhost", "-p", "-5"], "'-5'"),
    (["udp", "localhost", "-p", "53", "--payload", "bomb"], "'bomb'"),
    (["syn", "localhost", "-p", "80", "--timeout", "soon"], "timeout='soon'"),
    (["syn", "localhost", "-p", "80", "--timeout", "-1"], "timeout=-1"),
    (["syn", "localhost", "-p", "80", "--timeout", "nan"], "timeout=nan"),
    (["syn", "localhost", "-p", "80", "--rate", "inf"], "rate=inf"),
    (["syn", "localhost", "-p", "80", "--rate", "0"], "rate=0"),
    (["syn", "localhost", "-p", "80", "--tries", "2.5"], "tries=2.5"),
    (["syn", "localhost", "-p", "80", "--deadline", "never"], "deadline='never'"),
    (["syn", "localhost", "-p", "80", "--authorise", "192.0.2.0/28"], "needs a reason"),
    (["syn", "localhost", "--authorise", "0.0.0.0/0", "--reason", "x"], "'0.0.0.0/0' is too large"),
    (["syn", "localhost", "--authorise", "here", "--reason", "x"], "'here'"),
    (["syn", "localhost", "--exclude", "127.0.0.1"], "--authorise NET"),
    (
        ["syn", "localhost", "--authorise", "192.0.2.0/28", "--reason", "x", "--exclude", "1.1.1.1"],
        "it is in none of",
    ),
    (
        ["syn", "192.0.2.1", "--authorise", "192.0.2.0/28", "--reason", "x", "--exclude", "1.1.1.1"],
        "'1.1.1.1'",
    ),
    (
        ["syn", "192.0.2.1", "--authorise", "192.0.2.0/28", "--reason", "x", "--exclude", "192.0.2.1"],
        "excluded",
    ),
    (["syn", "localhost", "-p", "80", "--json", "/no/such/folder/x"], "'/no/such/folder/x'"),
    (["syn", "localhost", "-p", "80", "--json", "-", "--csv", "-"], "Only one"),
    (
        ["syn", "localhost", "-p", "80", "--timeout", "0.0001"],
        "timeout=0.0001 cannot be: timeout is a number from",
    ),
    (["syn", "localhost", "-p", "80", "--timeout", "3601"], "timeout=3601 cannot be"),
    (["syn", "localhost", "-p", "80", "--timeout", "1" * 5000], "timeout=inf cannot be"),
    (
        ["syn", "localhost", "-p", "80", "--tries", "1" * 4000],
        "cannot be: tries is a whole number from 1 to 30",
    ),
    (["syn", "localhost", "-p", "80", "--tries", "31"], "tries=31 cannot be"),
    (["syn", "localhost", "-p", "80", "--rate", "1e300"], "rate=1e+300 cannot be"),
    (["syn", "localhost", "-p", "80", "--deadline", "1e9"], "deadline=1000000000.0 cannot be"),
    (["syn", "localhost", "-p", "80", "--seed", "-1"], "seed=-1 cannot be"),
    (["syn", "localhost", "-p", "9" * 5000], "is not a port number"),
    (["syn", "\x1b[31mred", "-p", "80"], "holds characters that are not plain ASCII"),
    (["syn", "x" * 9000, "-p", "80"], "is neither a name nor an IPv4 address"),
    (["syn", "localhost", "--json", ""], "'' names no file"),
    (["syn", "localhost", "--json", "a\0b"], "no name of a file holds a zero byte"),
    (["syn", "localhost", "--json", "x" * 5000], "cannot be written: File name too long"),
    (["syn", "localhost", "--json", "."], "'.' cannot be written: it is a folder"),
    (["syn", "localhost", "--json", "/proc/x"], "'/proc/x' cannot be written"),
    (["syn", "localhost", "--json", "/dev/fd/77"], "'/dev/fd/77' cannot be written: Bad file descriptor"),
    (
        ["syn", "localhost", "--authorise", "192.0.2.0/28", "--reason", "x", "--exclude", ""],
        "'' is not a network",
    ),
    (["read", ""], "'' names no file"),
    (["read", "x" * 5000], "cannot be read: File name too long"),
    (["read", "a\0b"], "no name of a file holds a zero byte"),
    (["ports", "9" * 5000], "is not a port number"),
    (["read", "/no/such/file"], "'/no/such/file'"),
    (["read", "."], "'.'"),
    (["read", __file__], repr(__file__)),
    (["ports", "70000"], "70000"),
    (["ports", "ssh", "--protocol", "sctp"], "'sctp'"),
]


@pytest.mark.usefixtures("no_wire")
@pytest.mark.parametrize(("arguments", "quoted"), WRONG, ids=[" ".join(row[0])[:60] for row in WRONG])
def test_wrong_use_is_one_sentence(arguments: list[str], quoted: str, capsys: Captured) -> None:
    assert cli.main(arguments) == cli.WRONG_USE
    output = capsys.readouterr()
    assert output.out == ""
    *_, last = output.err.splitlines()
    assert last.startswith("portlab: ")
    assert quoted in last
    assert "Traceback" not in output.err


@pytest.mark.usefixtures("no_wire")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["syn"],
        ["syn", "web", "--js", "-"],
        ["syn", "web", "--seed", "x"],
        ["read"],
        ["read", "a", "b"],
    ],
)
def test_wrong_command_line(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == cli.WRONG_USE
    assert "usage: portlab" in capsys.readouterr().err


def test_authorisation_is_said_apart_and_recorded(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    wire = RuleWire(answer_like_linux({80}))
    monkeypatch.setattr(scans, "open_wire", lambda kind: wire)
    command = ["syn", "192.0.2.7", "-p", "80", "--authorise", "192.0.2.0/28", "--exclude", "192.0.2.9"]
    assert cli.main([*command, "--reason", "my own router", "--json", "-"]) == 0
    output = capsys.readouterr()
    assert (
        "Authorised for probing, on your word: 192.0.2.0/28 without 192.0.2.9 (my own router)" in output.err
    )
    found = json.loads(output.out)
    assert found["authorised"] == ["192.0.2.0/28 without 192.0.2.9 (my own router)"]
    assert found["results"][0]["state"] == "open"
    assert len(scope.authorised()) == 1


# --- ends that are not "done" ------------------------------------------------------------------------------------


def test_interrupted_scan_prints_what_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    wire = RuleWire(answer_like_linux({80}))
    wire.interrupt_after = 5
    monkeypatch.setattr(scans, "open_wire", lambda kind: wire)
    command = ["syn", "localhost", "-p", "1-500", "--no-progress", "--json", str(tmp_path / "x")]
    assert cli.main(command) == cli.INTERRUPTED
    assert "INCOMPLETE" in capsys.readouterr().out
    assert json.loads((tmp_path / "x").read_text())["complete"] is False


def test_network_that_goes_down_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    wire = RuleWire(answer_like_linux({80}))
    wire.fails_after = 5
    monkeypatch.setattr(scans, "open_wire", lambda kind: wire)
    assert cli.main(["syn", "localhost", "-p", "1-500", "--no-progress"]) == cli.FAILED
    assert "Network is down" in capsys.readouterr().out


def test_deadline_that_the_user_set_is_no_failure(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    wire = RuleWire(lambda packet: None)
    monkeypatch.setattr(scans, "open_wire", lambda kind: wire)
    assert cli.main(["syn", "localhost", "-p", "1-50", "--deadline", "0.2", "--no-progress"]) == cli.DONE
    assert "INCOMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (pl.NotPermitted("not here"), cli.FAILED),
        (pl.LabNotRunning("no lab"), cli.FAILED),
        (OSError(5, "Input/output error"), cli.FAILED),
        (KeyboardInterrupt(), cli.INTERRUPTED),
    ],
)
def test_other_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, error: BaseException, status: int
) -> None:
    def fail(kind: object) -> None:
        raise error

    monkeypatch.setattr(scans, "open_wire", fail)
    assert cli.main(["syn", "localhost", "-p", "80"]) == status
    assert capsys.readouterr().err.startswith("portlab: ")


# --- the command as a process ------------------------------------------------------------------------------------


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != lab.VARIABLE}
    command = [sys.executable, "-m", "portlab", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **more)  # type: ignore[call-overload,no-any-return]


def test_as_a_process() -> None:
    done = run("ports", "ssh")
    assert done.returncode == 0
    assert "22/tcp" in done.stdout
    assert run("syn", "8.8.8.8").returncode == cli.WRONG_USE
    assert run("--version").stdout.strip() == f"PortLab {pl.__version__}"
    assert "Scan only what you may" in run("--help").stdout


def test_reader_that_goes_away_is_no_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m portlab ports | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("port")


def test_terminal_without_the_symbols() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "portlab", "connect", "localhost", "-p", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["ports", "22"], {"numpy", "pandas", "scapy"}),
        (["connect", "localhost", "-p", "1"], {"pandas", "scapy", "matplotlib"}),
    ],
)
def test_nothing_heavy_is_imported(arguments: list[str], unwanted: set[str]) -> None:
    code = f"import sys; from portlab import cli; cli.main({arguments!r}); print({unwanted!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


# --- wrong command lines: two lines, status 2 ---------------------------------------------------------------------

LEFT_OVER = [
    (["syn", "web", "-p", "80", "443"], "type -p 80,443"),
    (["syn", "web", "-p", "80,", "443"], "type -p 80,443"),
    (["syn", "web", "-p", "80", "-p", "22", "443", "1-5"], "type -p 80,22,443,1-5"),
    (
        ["syn", "web", "-p", "80", "db"],
        "'db' stands apart: type the targets side by side, before the options: web",
    ),
    (["syn", "web", "--port", "80"], "there is no option '--port'. Did you mean --ports?"),
    (["syn", "web", "--no-such-thing"], "there is no option '--no-such-thing'."),
    (["syn", "web", "--timeout", "1", "--timeout", "2"], "--timeout is given twice: which one is meant?"),
    (["syn", "web", "--json", "a", "--json", "b"], "--json is given twice"),
    (["syn", "web", "-p"], "expected one argument"),
    (["syn", "web", "--seed", "x"], "'x'"),
    (["read", "a", "b"], "'b' is too much: portlab read takes one at a time"),
    (["ports", "22", "--json", "x"], "there is no option '--json'"),
    (["dance\x1b[31m"], "invalid choice"),
    (["syn", "web", "-p", "80", "\x1b]0;x"], "'\\x1b]0;x' stands apart"),
]


@pytest.mark.usefixtures("no_wire")
@pytest.mark.parametrize(("arguments", "told"), LEFT_OVER, ids=[repr(row[0])[:60] for row in LEFT_OVER])
def test_wrong_command_line_is_said_in_two_lines(arguments: list[str], told: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == cli.WRONG_USE
    output = capsys.readouterr()
    first, second = output.err.splitlines()
    assert output.out == ""
    assert first.startswith("portlab: ")
    assert told in first
    assert second.startswith("usage: portlab")
    assert "\x1b" not in output.err


def test_ports_given_twice_are_joined(capsys: Captured) -> None:
    assert cli.main(["connect", "localhost", "-p", "1", "-p", "2-3", "--csv", "-"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["port"] for row in rows] == ["1", "2", "3"]


def test_read_nmap_xml_and_captures_by_their_content(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "x").write_text('<nmaprun scanner="nmap" start="1"><host/></nmaprun>')
    assert cli.main(["read", str(tmp_path / "x")]) == 0
    assert capsys.readouterr().out == (
        "No scan was found.\n\n"
        "! Left out: 1 host without an address.\n"
        "! The scan did not end well (nmap did not say that it was done).\n"
    )
