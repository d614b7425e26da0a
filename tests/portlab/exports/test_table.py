import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from portlab import exports
from portlab.evidence.scans import Scans
from portlab.exports import to_csv, to_frame
from portlab.exports.table import COLUMNS, FLAT, rows, scan_of
from portlab.model import Answer
from portlab.techniques import TECHNIQUES, technique
from portlab.view import host_table, port_map
from tests.portlab.exports.made import FACTS, ROW, made, scanned


@pytest.mark.parametrize("name", TECHNIQUES)
def test_frame_says_what_the_rows_say(name: str) -> None:
    scan = scanned(name)
    frame = scan.to_frame()
    assert tuple(frame.columns) == tuple(FLAT)
    assert frame["complete"].all()
    assert len(frame) == len(scan)
    for line, result in zip(frame.to_dict("records"), scan, strict=True):
        for column in COLUMNS:
            value, wanted = line[column], getattr(result, column)
            assert (pd.isna(value) and wanted is None) or value == wanted, column


@pytest.mark.parametrize("scan", [scanned("syn"), scanned("ping"), made()], ids=["syn", "ping", "empty"])
def test_types_do_not_depend_on_the_rows(scan: object) -> None:
    kinds = {name: str(kind) for name, kind in to_frame(scan).dtypes.items()}  # type: ignore[arg-type]
    words = ("protocol", "technique", "state", "reason", "service", "fidelity", "traffic")
    numbers = ("port", "tries", "icmp_type", "icmp_code", "ttl")
    assert kinds == (
        dict.fromkeys(("host", "address", "answered_by", "scanner"), "str")
        | dict.fromkeys(words, "category")
        | dict.fromkeys(numbers, "Int64")
        | {"rtt_ms": "float64", "complete": "bool"}
    )


def test_states_are_in_the_order_of_the_model() -> None:
    frame = scanned("syn").to_frame()
    assert list(frame["state"].cat.categories) == ["open", "closed", "filtered"]
    assert set(frame["reason"].cat.categories) == set(frame["reason"])


@pytest.mark.parametrize("name", ["syn", "udp", "ping"])
def test_csv_comes_back_exactly(tmp_path: Path, name: str) -> None:
    scan = scanned(name)
    scan.to_csv(tmp_path / "scan.csv")
    with (tmp_path / "scan.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    table = [row | {"complete": True} for row in rows(scan)]
    wanted = [{key: "" if value is None else str(value) for key, value in row.items()} for row in table]
    assert lines == wanted
    timed = [float(line["rtt_ms"]) for line in lines if line["rtt_ms"]]
    assert timed == [row["rtt_ms"] for row in rows(scan) if row["rtt_ms"] is not None]


def test_csv_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    to_csv(made({}), "-")
    assert capsys.readouterr().out.splitlines()[0] == ",".join(FLAT)


def test_each_row_says_whether_its_scan_went_on_to_its_end(tmp_path: Path) -> None:
    both = Scans([made({}), made({"port": 81}, {"port": 82}, complete=False, stopped_by="interrupted")])
    assert both.to_frame()["complete"].tolist() == [True, False, False]
    both.to_csv(tmp_path / "both.csv")
    read = pd.read_csv(tmp_path / "both.csv")
    assert read["complete"].dtype == bool
    assert read.loc[~read["complete"], "port"].tolist() == [81, 82]


def test_several_scans_are_one_table() -> None:
    both = Scans([scanned("syn"), scanned("udp")])
    frame = both.to_frame()
    assert len(frame) == len(both[0]) + len(both[1])
    assert list(frame["technique"].cat.categories) == ["syn", "udp"]


@pytest.mark.parametrize("name", TECHNIQUES)
def test_scan_from_rows_says_the_same(name: str) -> None:
    scan = scanned(name)
    again = scan_of(rows(scan), FACTS | {"technique": name, "fidelity": scan.fidelity})
    assert np.array_equal(again.findings.answer, scan.findings.answer)
    for before, after in zip(scan, again, strict=True):
        assert before == after


@pytest.mark.parametrize(
    ("speaker", "answer"),
    [
        ("10.77.2.10", Answer.PORT_UNREACH_BY_TARGET),
        ("10.77.1.1", Answer.PORT_UNREACH_BY_OTHER),
    ],
)
def test_who_spoke_tells_answers_apart(speaker: str, answer: Answer) -> None:
    scan = made({"state": "filtered", "reason": "port-unreach", "answered_by": speaker})
    assert Answer.of(scan.findings.answer[0]) is answer


def test_every_meaning_has_its_way_back() -> None:
    for name in TECHNIQUES:
        for answer, meaning in technique(name).MEANINGS.items():
            port = None if name.startswith("ping") else 80
            row = ROW | {"state": str(meaning.state), "reason": str(meaning.reason), "port": port}
            found = scan_of([row], FACTS | {"technique": name}).row(0)
            assert (found.state, found.reason) == (meaning.state, meaning.reason), (name, answer)


# --- words from elsewhere ---------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "=cmd|' /C calc'!A0", "＝1", "＋1", "－1", "＠x"]


@pytest.mark.parametrize("name", FORMULAS)
def test_csv_has_no_text_that_a_spreadsheet_reckons_with(tmp_path: Path, name: str) -> None:
    made({"host": name}, fidelity=name).to_csv(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert (line["host"], line["fidelity"]) == (f"'{name}", f"'{name}")
    assert line["rtt_ms"] == ""


CONTROLS = [
    "\x1b[31mred",
    "a\nb",
    "tab\t",
    "\r\nx",
    "bell\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "nul\0",
    "\ud800",
    "\ufffe",
]


@pytest.mark.parametrize("word", CONTROLS, ids=ascii)
def test_control_characters_reach_no_terminal_and_no_file(tmp_path: Path, word: str) -> None:
    scan = made({"host": word}, fidelity=word, stopped_by=word, complete=False, authorised=(word,))
    scan.to_nmap_xml(tmp_path / "x.xml")
    scan.to_csv(tmp_path / "x.csv")
    xml, table = (tmp_path / "x.xml").read_text("utf-8"), (tmp_path / "x.csv").read_text("utf-8")
    shown = [
        repr(scan),
        str(scan.row(0)),
        str(scan.exchange(scan.host[0], 80)),
        str(port_map(scan)),
        xml,
        table,
    ]
    shown += [str(host_table(scan)), scan.to_json() or "", scan._repr_mimebundle_()["text/html"]]
    for text in shown:
        assert text.replace("\n", "").isprintable(), ascii(text)
        assert word not in text
    assert ascii(word)[1:-1].split("\\")[1][:3] in shown[0]  # written out, so that it is seen
    assert exports.read_nmap_xml(tmp_path / "x.xml")[0].host == scan.host


@pytest.mark.parametrize("name", ["ping", "ping-arp", "connect", "syn", "udp"])
def test_who_asked_is_a_column(name: str) -> None:
    """Live it is this machine's own address, also where ARP was as far as it came."""
    scan = scanned(name)
    frame = to_frame(scan)
    assert set(frame["scanner"]) == {"10.77.1.100"}
    assert set(frame["traffic"]) == {"scan"}
    assert scan.row(0).scanner == "10.77.1.100"


@pytest.mark.parametrize("name", ["syn", "udp", "ping", "ping-arp", "connect"])
def test_the_ttl_is_that_of_the_frame_that_decided(name: str) -> None:
    scan = scanned(name)
    for index, ttl in enumerate(scan.to_frame()["ttl"]):
        exchange = scan.exchange(scan.host[index], scan.row(index).port)
        if exchange.decides is None or name in ("connect", "ping-arp"):  # nothing, an errno, ARP
            assert ttl is pd.NA
        else:
            assert ttl == exchange.frames["data"][exchange.decides][22]  # byte 8 of the IP header
        assert scan.row(index).ttl == (None if ttl is pd.NA else ttl)


def test_two_resets_are_told_apart_by_their_ttl() -> None:
    """The gateway is no router away and speaks in the name of web, which is one."""
    scan = scanned("syn")
    assert (scan["web", 3389].ttl, scan["web", 80].ttl) == (64, 63)
    assert scan["web", 3389].answered_by == scan["web", 80].answered_by
