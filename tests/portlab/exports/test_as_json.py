import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portlab as pl
from portlab.errors import BadTarget, MalformedPacket
from portlab.exports import Scans, to_json
from portlab.exports.table import COLUMNS
from portlab.exports.times import as_text, from_text
from portlab.techniques import TECHNIQUES
from tests.portlab.exports.made import FACTS, made, scanned


def document(scan: Any) -> dict[str, Any]:
    text = to_json(scan)
    assert text is not None
    parsed: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    return parsed


def test_shape() -> None:
    found = document(scanned("syn"))
    first = ("technique", "fidelity", "started", "elapsed_s", "complete", "authorised", "lost_here")
    assert tuple(found)[: len(first)] == first
    assert tuple(found)[-1] == "results"
    assert all(tuple(row) == COLUMNS for row in found["results"])
    filtered = next(row for row in found["results"] if row["reason"] == "no-response")
    assert filtered["rtt_ms"] is filtered["answered_by"] is filtered["icmp_type"] is None


def test_ping_has_no_port() -> None:
    rows = document(scanned("ping"))["results"]
    assert {row["port"] for row in rows} == {None}
    assert {row["state"] for row in rows} == {"up", "no-answer"}


@pytest.mark.parametrize("name", TECHNIQUES)
def test_read_back_exactly(tmp_path: Path, name: str) -> None:
    scan = scanned(name)
    scan.to_json(tmp_path / "scan.json")
    (again,) = pl.read_json(tmp_path / "scan.json")
    assert list(again) == list(scan)
    assert again.to_json() == scan.to_json()
    assert (again.started_ns, again.elapsed_s) == (scan.started_ns, scan.elapsed_s)


@pytest.mark.parametrize(
    "facts",
    [
        {
            "complete": False,
            "stopped_by": "interrupted",
            "never_asked": (("10.77.2.10", 81), ("10.77.2.20", None)),
        },
        {"authorised": ("192.0.2.0/28 without 192.0.2.9 (my own router)",), "lost_here": 3},
        {"matched": False, "started_ns": 0, "elapsed_s": 0.1 + 0.2},
    ],
)
def test_facts_are_read_back(tmp_path: Path, facts: dict[str, Any]) -> None:
    scan = made({}, **facts)
    scan.to_json(tmp_path / "x.json")
    (again,) = pl.read_json(tmp_path / "x.json")
    for name, value in (FACTS | facts).items():
        assert getattr(again, name) == value


def test_scan_without_rows(tmp_path: Path) -> None:
    made().to_json(tmp_path / "x.json")
    assert [len(scan) for scan in pl.read_json(tmp_path / "x.json")] == [0]


def test_several_scans_in_one_document(tmp_path: Path) -> None:
    both = Scans([scanned("syn"), scanned("udp"), made({}, fidelity="capture")])
    both.to_json(tmp_path / "x.json")
    found = json.loads((tmp_path / "x.json").read_text())
    assert found["technique"] == "syn, udp"
    assert len(found["results"]) == sum(map(len, both))
    again = pl.read_json(tmp_path / "x.json")
    assert again.to_json() == both.to_json()
    assert [list(scan) for scan in again] == [list(scan) for scan in both]


def test_no_scan_at_all(tmp_path: Path) -> None:
    Scans().to_json(tmp_path / "x.json")
    assert pl.read_json(tmp_path / "x.json") == []


def changed(**row: Any) -> str:
    found = document(made({}))
    found["results"][0] |= row
    return json.dumps(found)


def without(key: str) -> str:
    found = document(made({}))
    (found if key in found else found["results"][0]).pop(key)
    return json.dumps(found)


BAD = [
    "",
    "{",
    "null",
    "[]",
    "7",
    "{}",
    '{"results": []',
    '{"results": 7}',
    '{"results": [7]}',
    '{"results": [{}]}',
    "[" * 100_000,
    changed(state="ajar"),
    changed(reason="because"),
    changed(address="web"),
    changed(address=7),
    changed(port=65_536),
    changed(port=-1),
    changed(port="80"),
    changed(port=True),
    changed(rtt_ms="fast"),
    changed(tries=1000),
    changed(answered_by="nobody"),
    changed(icmp_type=[1]),
    changed(scan=3),
    changed(rtt_ms=float("nan")),
    without("technique"),
    without("started"),
    without("results"),
    without("state"),
    without("address"),
    document(made({})) and json.dumps(document(made({})) | {"started": "yesterday"}),
    json.dumps(document(made({})) | {"technique": "wave"}),
    json.dumps(document(made({})) | {"technique": None}),
    json.dumps(document(made({})) | {"elapsed_s": None}),
]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_no_result_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(MalformedPacket, match=r"is not a result of PortLab in JSON .* --json FILE") as caught:
        pl.read_json(path)
    assert repr(str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(MalformedPacket):
        pl.read_json(tmp_path / "x.json")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="No such file"):
        pl.read_json(tmp_path / "none.json")


@given(st.integers(0, 2**62))
def test_times_are_exact(time_ns: int) -> None:
    assert from_text(as_text(time_ns)) == time_ns


ROWS = st.fixed_dictionaries(
    {
        "host": st.sampled_from(["web", "10.77.2.10"]),
        "port": st.integers(0, 65_535),
        "state": st.sampled_from(["open", "closed", "filtered"]),
        "reason": st.sampled_from(["syn-ack", "reset", "no-response", "port-unreach"]),
        "rtt_ms": st.none() | st.floats(0, 1e6),
        "tries": st.integers(0, 255),
        "answered_by": st.none() | st.sampled_from(["10.77.2.10", "10.77.1.1"]),
        "icmp_type": st.none() | st.integers(0, 255),
        "icmp_code": st.none() | st.integers(0, 255),
    }
)


@given(st.lists(ROWS, max_size=5))
def test_any_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.getbasetemp()
    same_name = [row | {"host": rows[0]["host"]} for row in rows]
    scan = made(*same_name)
    scan.to_json(folder / "any.json")
    scan.to_nmap_xml(folder / "any.xml")
    assert pl.read_json(folder / "any.json").to_json() == scan.to_json()
    assert pl.read_nmap_xml(folder / "any.xml").to_json() == scan.to_json()


def test_kind_of_traffic_and_asker_come_back(tmp_path: Path) -> None:
    row = {"scanner": "10.77.1.101"}
    Scans([made(row, traffic="ordinary"), made(row)]).to_json(tmp_path / "x.json")
    again = pl.read_json(tmp_path / "x.json")
    assert [(scan.traffic, scan.row(0).scanner) for scan in again] == [
        ("ordinary", "10.77.1.101"),
        ("scan", "10.77.1.101"),
    ]
    text = (tmp_path / "x.json").read_text().replace('"ordinary"', '"nonsense"')
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(MalformedPacket, match="nonsense"):
        pl.read_json(tmp_path / "x.json")
