"""Every row of the contract, asked through PortLab's own functions, in the simulated and in the embedded lab."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pytest

import portlab as pl
from lab_env.contract import Clause, Expectation, rows
from lab_env.simulated_run import descriptor
from lab_env.topology import topology
from portlab.lab import VARIABLE
from portlab.packets.headers import ETHERNET_SIZE
from portlab.techniques import port_techniques

LAB = topology()
SCANS = {name: getattr(pl, f"{name}_scan") for name in port_techniques()}
ROWS = list(rows(LAB))
TIME_TO_LIVE = ETHERNET_SIZE + 8  # where it lies in a frame


def subject(row):
    """Rows with the same subject can be asked in one scan; one that limits its ICMP errors goes alone."""
    limited = LAB.by_name[row.host].icmp_limited and row.technique == "udp"
    return row.technique, row.method, row.payload, row.patience, row.host if limited else ""


def ask(technique, method, payload, patience, hosts, ports):
    """One scan for many rows; silent ports twice, so that the whole contract stays short."""
    options = {"timeout": patience or 1.0, "tries": 1 if patience else 2, "progress": False}
    if technique == "ping":
        return pl.ping(hosts, method=method, **options)
    if technique == "udp" and payload:
        options["payload"] = payload
    return SCANS[technique](hosts, ports, **options)


def found(scan, row):
    """What the scan says about one row, in the contract's terms."""
    result = scan[row.host] if row.port is None else scan[row.host, row.port]
    icmp = None if result.icmp_type is None else (result.icmp_type, result.icmp_code)
    exchange = scan.exchange(row.host) if row.port is None else scan.exchange(row.host, row.port)
    frame = None if exchange.decides is None else exchange.frames[exchange.decides]
    is_ip = frame is not None and bytes(frame["data"][12:14]) == b"\x08\x00"
    ttl = int(frame["data"][TIME_TO_LIVE]) if is_ip else None
    if (
        row.technique != "connect"
    ):  # what connect() says comes without a TTL, unless somebody listened beside it
        ttl = result.ttl
    return Expectation(result.state, result.reason, result.answered_by, icmp, ttl)


def disagreements(asked):
    """Ask all these rows; those that came back otherwise than the contract says.

    Rows with the same subject are one scan of all their hosts and ports (what else that asks is not looked at), and
    the scans of one technique go side by side, so that silence is waited for but once (the simulated lab's clock
    jumps over it, and one process has one such lab: there they go one after the other).
    """
    wrong = []
    side_by_side = pl.ping("gateway", progress=False).fidelity != "simulated"
    for _, of_technique in groupby(sorted(asked, key=subject), key=lambda row: row.technique):
        groups = [list(group) for _, group in groupby(of_technique, key=subject)]
        with ThreadPoolExecutor(len(groups) if side_by_side else 1) as pool:
            for group, scan in zip(groups, pool.map(scan_of, groups), strict=True):
                assert scan.complete
                wrong += [
                    f"{line(row)}: {got} instead of {row.expected}"
                    for row in group
                    if (got := found(scan, row)) != row.expected
                ]
    return wrong


def scan_of(group):
    """One scan of all hosts and ports of rows with the same subject."""
    *same, _ = subject(group[0])
    hosts = list(dict.fromkeys(row.host for row in group))
    return ask(*same, hosts, list(dict.fromkeys(row.port for row in group)))


def line(row: Clause) -> str:
    words = (row.technique, row.method, row.host, "" if row.port is None else str(row.port), row.payload)
    return " ".join(word for word in words if word)


def rows_of(technique):
    return [row for row in ROWS if row.technique == technique]


@pytest.fixture
def simulated(tmp_path, monkeypatch):
    """The simulated lab around this process, its slow link without loss."""
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(descriptor(LAB, lossy=False)))
    monkeypatch.setenv(VARIABLE, str(path))


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("technique", ["ping", *SCANS])
def test_simulated(technique):
    assert pl.ping("gateway", progress=False).fidelity == "simulated"
    assert disagreements(rows_of(technique)) == []


@pytest.mark.inlab
@pytest.mark.parametrize("technique", ["ping", *SCANS])
def test_embedded(technique):
    assert pl.ping("gateway", progress=False).fidelity == "embedded"
    assert disagreements(rows_of(technique)) == []
