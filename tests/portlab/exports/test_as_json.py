import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portlab as pl
from portlab.errors import BadTarget, MalformedPacket
from portlab.evidence.scans import Scans
from portlab.exports import to_json
from portlab.exports.claims import BY_THE_HOST
from portlab.exports.table import COLUMNS
from portlab.exports.times import as_text, from_text
from portlab.model import Reason
from portlab.techniques import TECHNIQUES, technique
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
    assert all(tuple(row) == tuple(COLUMNS) for row in found["results"])
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
            "unanswered": (("10.77.2.10", 82), ("10.77.2.30", None)),
        },
        {"authorised": ("192.0.2.0/28 without 192.0.2.9 (my own router)",), "lost_here": 3},
        {"matched": False, "started_ns": 0, "elapsed_s": 0.1 + 0.2},
    ],
)
def test_facts_are_read_back(tmp_path: Path, facts: dict[str, Any]) -> None:
    scan = made({}, **facts)
    scan.to_json(tmp_path / "x.json")
    scan.to_nmap_xml(tmp_path / "x.xml")
    for again in (*pl.read_json(tmp_path / "x.json"), *pl.read_nmap_xml(tmp_path / "x.xml")):
        for name, value in (FACTS | facts).items():
            assert getattr(again, name) == value


def test_a_file_of_before_knows_of_no_unanswered_rows(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(without("unanswered"))
    assert pl.read_json(tmp_path / "x.json")[0].unanswered == ()


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


def changed(name: str = "syn", **row: Any) -> str:
    found = document(made({}, technique=name))
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


def facts(**changes: Any) -> str:
    return json.dumps(document(made({})) | changes)


def twice(**changes: Any) -> str:
    found = document(made({}))
    found["results"].append(found["results"][0] | changes)
    return json.dumps(found)


FROM_SCAN = "row 1: technique is 'udp' in a scan where it is 'syn'"
UNBELIEVABLE = {
    # kinds: words for booleans, numbers for words, and the like
    "a word for a boolean": (facts(complete="false"), "complete is 'false' and not true or false"),
    "a number for a boolean": (facts(complete=1), "complete is 1 and not true or false"),
    "nothing for a boolean": (facts(matched=None), "matched is None"),
    "a boolean for a number": (facts(lost_here=True), "lost_here is True and not a whole number"),
    "a fraction of a frame": (facts(lost_here=1.5), "lost_here is 1.5 and not a whole number"),
    "text for a number": (facts(elapsed_s="1.0"), "elapsed_s is '1.0' and not a number"),
    "a list for text": (facts(stopped_by=["x"]), "stopped_by is ['x'] and not text"),
    "text for a list": (facts(authorised="10.0.0.0/8"), "authorised is '10.0.0.0/8' and not a list"),
    "a number in a list of text": (facts(notes=[7]), "notes is 7 and not text"),
    "a boolean for a scan": (changed(scan=False), "scan is False"),
    "no number of tries": (changed(tries=None), "row 1: tries is None"),
    "tries as text": (changed(tries="1"), "row 1: tries is '1'"),
    "a row that is a list": (facts(results=[[]]), "row 1 is [] and not an object"),
    # ranges
    "a negative time": (facts(elapsed_s=-1.0), "elapsed_s is -1.0 and not a number from 0 on"),
    "an endless time": (facts().replace('"elapsed_s": 1.25', '"elapsed_s": 1e999'), "elapsed_s is inf"),
    "before 1970": (facts(started="1969-12-31T23:59:59.000000000Z"), "started is -1000000000"),
    "after 2262": (
        facts(started="9999-12-31T23:59:59.000000000Z"),
        "not from 0 to 9,223,372,036,854,775,807",
    ),
    "a negative round trip": (changed(rtt_ms=-0.5), "row 1: rtt_ms is -0.5"),
    "an endless round trip": (
        changed(rtt_ms=1).replace('"rtt_ms": 1', '"rtt_ms": 1e999'),
        "row 1: rtt_ms is inf",
    ),
    "less than nothing lost": (facts(lost_here=-1), "lost_here is -1"),
    "the last scan from behind": (changed(scan=-1), "scan is -1 and not from 0 to 0"),
    "a number of 4,000 digits": (
        facts().replace('"lost_here": 0', f'"lost_here": {"9" * 4_000}'),
        "lost_here is 999",
    ),
    "nobody answered": (changed(answered_by="0.0.0.0"), "which is nobody's address"),
    # doubles
    "a port twice": (twice(), "row 2: 10.77.2.10 port 80 stands there twice"),
    "with two verdicts": (
        twice(state="closed", reason="reset"),
        "row 2: 10.77.2.10 port 80 stands there twice",
    ),
    "asked and not asked": (
        facts(complete=False, never_asked=[["10.77.2.10", 80]]),
        "row 1: 10.77.2.10 port 80 stands there twice",
    ),
    "not asked twice": (
        facts(complete=False, never_asked=[["10.0.0.1", 1]] * 2),
        "stands twice in never_asked",
    ),
    "a key twice": (facts().replace("{", '{"complete": false,', 1), "'complete' stands twice in one object"),
    # contradictions
    "complete and stopped": (facts(stopped_by="interrupted"), "called complete, and was stopped"),
    "complete and not asked": (facts(never_asked=[["10.0.0.1", 1]]), "did not ask everything"),
    "open by a reset": (changed(reason="reset"), "state open with reason reset is nothing that syn can find"),
    "open by silence": (changed(reason="no-response"), "state open with reason no-response"),
    "up without a ping": (changed(state="up"), "state up with reason syn-ack"),
    "no reason": (changed(reason="unknown"), "state open with reason unknown"),
    "silence that took its time": (
        changed(state="filtered", reason="no-response", rtt_ms=1.0),
        "no response, and",
    ),
    "silence from somebody": (
        changed(state="filtered", reason="no-response", answered_by="10.0.0.1"),
        "there was no response, and somebody",
    ),
    "open by another's word": (changed(answered_by="10.0.0.1"), "only the host itself can say that"),
    "half an ICMP message": (
        changed(state="filtered", reason="host-unreach", icmp_type=3),
        "icmp_code is None",
    ),
    "TCP by ICMP": (changed(icmp_type=3, icmp_code=1), "syn-ack is no ICMP message"),
    "a TTL of two bytes": (changed(ttl=256, answered_by="10.77.2.10"), "ttl is 256 and not from 0 to 255"),
    "a TTL in words": (changed(ttl="64", answered_by="10.77.2.10"), "ttl is '64' and not a whole number"),
    "a TTL of nobody": (changed(ttl=64), "ttl is 64, and no IP packet is known to have decided"),
    "a TTL of silence": (
        changed(state="filtered", reason="no-response", ttl=64),
        "ttl is 64, and no IP packet",
    ),
    "a TTL of ARP": (
        changed("ping-arp", port=None, state="up", reason="arp-response", answered_by="10.77.2.10", ttl=64),
        "ttl is 64, and no IP packet",
    ),
    "a TTL of connect()": (
        changed("connect", answered_by="10.77.2.10", ttl=64),
        "ttl is 64, and no IP packet",
    ),
    "another technique": (changed(technique="udp"), FROM_SCAN),
    "another protocol": (changed(protocol="udp"), "row 1: protocol is 'udp' in a scan where it is 'tcp'"),
    "another network": (
        changed(fidelity="host"),
        "row 1: fidelity is 'host' in a scan where it is 'embedded'",
    ),
    "a scan without ports": (changed(port=None), "row 1: port is None: a ping has none"),
    "one address, two names": (twice(port=81, host="db"), "10.77.2.10 is called 'web' and 'db'"),
    "an address as another's name": (changed(host="10.0.0.1"), "host is 10.0.0.1 and address is 10.77.2.10"),
    "no name": (changed(host=""), "host is empty"),
    "a name that clears the screen": (changed(host="web\x1b[2J"), "characters that cannot be shown"),
    "half a character": (changed(host="web\ud800"), "characters that cannot be shown"),
    "a reason that clears the screen": (facts(complete=False, stopped_by="\x9b2J"), "cannot be shown"),
    "all complete, one not": (
        json.dumps({"complete": True, "scans": [document(made({}, complete=False))], "results": []}),
        "all together are complete, and one is not",
    ),
}


@pytest.mark.parametrize(("text", "said"), UNBELIEVABLE.values(), ids=UNBELIEVABLE)
def test_nothing_is_believed(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(MalformedPacket, match="is not a result of PortLab in JSON") as caught:
        pl.read_json(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_numbers_that_python_itself_refuses(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(facts().replace('"lost_here": 0', f'"lost_here": {"9" * 5_000}'))
    with pytest.raises(MalformedPacket):
        pl.read_json(tmp_path / "x.json")


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


def rows_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows that a technique can find: each verdict with what may come beside it."""
    meanings = sorted({(str(said.state), str(said.reason)) for said in technique(name).MEANINGS.values()})

    def beside(pair: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
        state, reason = pair
        silent, own = reason == "no-response", Reason(reason) in BY_THE_HOST
        by = [None] if silent else [None, "10.77.2.10"] if own else [None, "10.77.2.10", "10.77.1.1"]
        numbers = (
            st.none() if silent or own else st.none() | st.tuples(st.integers(0, 255), st.integers(0, 255))
        )
        fixed = {
            "port": st.none() if name.startswith("ping") else st.integers(0, 65_535),
            "state": st.just(state),
            "reason": st.just(reason),
            "rtt_ms": st.none() if silent else st.none() | st.floats(0, 1e6),
            "tries": st.integers(0, 255),
            "answered_by": st.sampled_from(by),
        }
        no_ttl = reason == "arp-response" or name == "connect"
        ttl = st.none() if no_ttl else st.none() | st.integers(0, 255)
        return st.tuples(st.fixed_dictionaries(fixed), numbers, ttl).map(
            lambda all_: (
                all_[0]
                | dict(zip(("icmp_type", "icmp_code"), all_[1] or (None, None), strict=True))
                | {"ttl": all_[2] if all_[0]["answered_by"] else None}
            )
        )

    return st.sampled_from(meanings).flatmap(beside)


@given(st.data(), st.sampled_from(list(TECHNIQUES)), st.sampled_from(["web", "10.77.2.10"]))
def test_any_rows_come_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str, host: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows = data.draw(st.lists(rows_of(name), max_size=5, unique_by=lambda row: row["port"]))
    scan = made(*(row | {"host": host} for row in rows), technique=name)
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


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["open", "reset", "syn"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


FOLLOWS = {"service"}
"""Columns that follow from others, whatever the file says: the usual service from the port."""


@given(st.data())
def test_what_is_believed_is_what_was_said(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """One value of a good document is replaced by anything: it is refused, or it is what comes out again."""
    path = tmp_path_factory.getbasetemp() / "said.json"
    said = document(Scans([scanned("syn"), scanned("ping")]))
    place = data.draw(st.sampled_from([said, *said["scans"], *said["results"][:40:5], *said["results"][-3:]]))
    key = data.draw(st.sampled_from(sorted(set(place) - FOLLOWS - {"scans", "results"})))
    place[key] = data.draw(ANYTHING)
    path.write_text(json.dumps(said))
    try:
        again = document(pl.read_json(path))
    except MalformedPacket:
        return
    for row in (*again["results"], *said["results"]):
        for name in FOLLOWS:
            del row[name]
    assert again["results"] == said["results"]
    assert again["scans"] == said["scans"]
