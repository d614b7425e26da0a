"""The agent of a host and the learner's end, over a real socket; the host itself is a table."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import replace

import pytest

from lab_env import changes
from lab_env.changes import LISTENER, state_of
from lab_env.control import conntrack
from lab_env.control.agent import Agent
from lab_env.control.client import SocketControls
from lab_env.control.kernel import counted
from lab_env.hands import Counter
from lab_env.topology import Service, topology
from portlab.errors import BadTarget, LabNotRunning

LAB = topology("10.77")
WEB, DB = state_of(LAB, "web"), state_of(LAB, "db")
STOPPED = changes.stopped(WEB, "http")
LISTENING = changes.listening(WEB, 8081)
BREAKS = changes.guarded(WEB, "breaks")


class Table:
    """A host that only remembers what it became."""

    def __init__(self, *, is_broken=False):
        self.became = []
        self.is_broken = is_broken

    async def become(self, state):
        if self.is_broken or state == BREAKS:
            raise OSError("it broke")
        self.became.append(state)

    def log(self):
        return "a line with é\n"

    def sockets(self):
        return "tcp LISTEN\n"

    def conntrack(self):
        return ""

    def counters(self):
        return [("counter drop", 3, 180)]


class Host:
    """An agent with its table, in an event loop of its own."""

    def __init__(self, original, path):
        self.table, self.said = Table(), []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.agent = self.wait_for(self._agent(original))
        self.server = self.wait_for(self.agent.serve(path))

    async def _agent(self, original):
        return Agent(original, self.table, self.said.append)

    def wait_for(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _close(self):
        self.server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self):
        self.wait_for(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def hosts(tmp_path):
    made = {state.host: Host(state, tmp_path / f"{state.host}.sock") for state in (WEB, DB)}
    yield made
    for host in made.values():
        host.close()


@pytest.fixture
def controls(tmp_path, hosts):
    return SocketControls(tmp_path)


def test_a_host_becomes_what_it_is_told_and_says_what_it_is(controls, hosts):
    assert controls.state("web") == WEB
    controls.become({"web": STOPPED})
    assert controls.state("web") == STOPPED
    assert hosts["web"].table.became == [STOPPED]


def test_what_is_borrowed_comes_back_as_it_was(controls):
    controls.become({"web": LISTENING})
    with controls.borrow({"web": STOPPED}):
        assert controls.state("web") == STOPPED
    assert controls.state("web") == LISTENING


def test_what_is_borrowed_comes_back_when_the_line_breaks(controls, hosts, tmp_path):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(tmp_path / "web.sock"))
        line.sendall(json.dumps({"order": "borrow", "state": changes.to_json(STOPPED)}).encode() + b"\n")
        line.recv(100)
        assert hosts["web"].agent.state == STOPPED
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""  # the host hangs up when it is done
    assert controls.state("web") == WEB


def test_a_host_that_is_lent_is_nobody_elses(controls):
    with controls.borrow({"web": STOPPED}):
        for attempt in (
            lambda: controls.become({"web": LISTENING}),
            lambda: controls.borrow({"web": WEB}).__enter__(),
        ):
            with pytest.raises(BadTarget, match=r"web is lent to a case .* type: lab\.reset\(\)"):
                attempt()
        controls.become({"db": changes.stopped(DB, 3306)})
    controls.become({"web": LISTENING})


def test_a_reset_ends_every_loan(controls):
    with controls.borrow({"web": STOPPED}):
        controls.reset()
        assert controls.state("web") == WEB
        controls.become({"web": LISTENING})
    assert controls.state("web") == LISTENING


def test_two_hosts_change_both_or_not_at_all(controls):
    with controls.borrow({"db": DB}):
        for change in (controls.become, lambda states: controls.borrow(states).__enter__()):
            with pytest.raises(BadTarget, match="db is lent"):
                change({"web": STOPPED, "db": changes.stopped(DB, 3306)})
            assert controls.state("web") == WEB


def test_a_change_that_fails_leaves_the_host_as_it_was(controls, hosts):
    controls.become({"web": LISTENING})
    with pytest.raises(BadTarget, match="web stays as it was: it broke"):
        controls.become({"web": BREAKS})
    assert controls.state("web") == LISTENING
    assert hosts["web"].table.became == [LISTENING, LISTENING]
    assert hosts["web"].said == ["cannot be changed: it broke"]


def test_a_host_that_cannot_be_put_back_says_so_and_the_next_reset_tries_again(controls, hosts):
    web = hosts["web"]
    with (
        pytest.raises(BadTarget, match=r"web is neither changed nor put back: it broke.*lab\.reset"),
        controls.borrow({"web": STOPPED}),
    ):
        web.table.is_broken = True
    assert web.said == ["cannot be changed: it broke", "cannot be put back either: it broke"]
    web.table.is_broken = False
    controls.reset()
    assert controls.state("web") == WEB


@pytest.mark.parametrize(
    ("service", "allowed"),
    [
        (Service("http", 80, loopback=True, full=True), True),
        (Service(LISTENER, 8081, server="listener"), True),
        (Service(LISTENER, 8081, "udp", "silent"), True),
        (Service("telnet", 23), False),
        (Service("http", 8080), False),
        (Service(LISTENER, 8081, server="proxy"), False),
        (Service(LISTENER, 8081, server="os"), False),
        (Service("listens", 8081, server="listener"), False),
    ],
)
def test_a_host_runs_its_own_programs_and_those_that_merely_listen(controls, hosts, service, allowed):
    state = replace(WEB, services=(service,))
    if allowed:
        controls.become({"web": state})
    else:
        with pytest.raises(BadTarget, match=f"web has no program {service.name} for {service.port}/"):
            controls.become({"web": state})
    assert hosts["web"].table.became == [state] * allowed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"order": "reboot"}', "there is no order 'reboot'"),
        (b'{"order": "become"}', "this is no order: KeyError"),
        (b'{"order": "become", "state": 7}', "this is no order: TypeError"),
        (b'["order"]', "this is no order: TypeError"),
        (b"nonsense", "this is no order: JSONDecodeError"),
        (b"\xff\xfe", "this is no order: "),
        (b'{"order": "finish"}', "this connection does not record"),
        (json.dumps({"order": "become", "state": changes.to_json(DB)}).encode(), "this is web, not db"),
    ],
)
def test_what_is_no_order_is_answered_with_a_sentence_and_the_line_stays_open(tmp_path, hosts, line, said):
    with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
        client.connect(str(tmp_path / "web.sock"))
        client.sendall(line + b"\n" + b'{"order": "log"}\n')
        assert json.loads(answers.readline())["error"].startswith(said)
        assert json.loads(answers.readline())["answer"] == "a line with é\n"


def test_a_line_without_end_is_cut_off(tmp_path, hosts, controls):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "web.sock"))
        client.settimeout(10)
        with pytest.raises(ConnectionError):
            client.sendall(bytes(1 << 23))
    assert controls.state("web") == WEB


def test_a_host_tells_what_it_sees(controls):
    assert controls.log("web") == "a line with é\n"
    assert controls.sockets("web") == "tcp LISTEN\n"
    assert controls.counters("web") == [Counter("counter drop", 3, 180)]


def test_where_nobody_listens_the_lab_has_ended(tmp_path):
    with pytest.raises(LabNotRunning, match=r"web takes no orders .*\./run lab"):
        SocketControls(tmp_path).state("web")
    SocketControls(tmp_path).reset()  # nobody is there to be put back


# --- what the kernel tells --------------------------------------------------------------------------------


def test_only_rules_that_count_are_told():
    listing = """table ip portlab {
        chain forward {
            type filter hook forward priority filter; policy accept;
            ip daddr 10.77.2.10 tcp dport 22 tcp flags syn / syn,ack counter packets 7 bytes 280 drop
            ip daddr 10.77.2.20 drop
            counter packets 1 bytes 60
        }
    }"""
    assert counted(listing) == [
        ("ip daddr 10.77.2.10 tcp dport 22 tcp flags syn / syn,ack counter drop", 7, 280),
        ("counter", 1, 60),
    ]


def attribute(kind, *parts):
    """A netlink attribute: two bytes of length, two of kind, padded."""
    data = b"".join(parts)
    return (len(data) + 4).to_bytes(2, "little") + kind.to_bytes(2, "little") + data + bytes(-len(data) % 4)


def direction(kind, source, destination, *ports):
    addresses = [attribute(1, socket.inet_aton(source)), attribute(2, socket.inet_aton(destination))]
    return attribute(kind, attribute(1, *addresses), attribute(2, *ports))


def tcp(source, destination):
    return attribute(1, b"\x06"), attribute(2, source.to_bytes(2)), attribute(3, destination.to_bytes(2))


THERE = direction(1, "10.77.1.100", "10.77.2.20", *tcp(50000, 3306))
BACK = direction(2, "10.77.2.20", "10.77.1.100", *tcp(3306, 50000))
SAID = "src=10.77.1.100 dst=10.77.2.20 sport=50000 dport=3306"
SAID_BACK = "src=10.77.2.20 dst=10.77.1.100 sport=3306 dport=50000"
ECHO = attribute(1, b"\x01"), attribute(4, b"\x00\x07"), attribute(5, b"\x08"), attribute(6, b"\x00")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            THERE + BACK + attribute(3, b"\0\0\0\x0e") + attribute(7, b"\0\0\0\x78")
            + attribute(0x8004, attribute(0x8001, attribute(1, b"\x03"))),
            f"tcp 120 ESTABLISHED {SAID} {SAID_BACK} [ASSURED]",
        ),
        (
            THERE + BACK + attribute(3, b"\0\0\0\x08") + attribute(7, b"\0\0\0\x05")
            + attribute(4, attribute(1, attribute(1, b"\x01"))),
            f"tcp 5 SYN_SENT {SAID} [UNREPLIED] {SAID_BACK}",
        ),
        (
            direction(1, "10.77.1.100", "10.77.2.30", *ECHO) + direction(2, "10.77.2.30", "10.77.1.100", *ECHO)
            + attribute(3, b"\0\0\0\x0a") + attribute(7, b"\0\0\0\x1e"),
            "icmp 30 src=10.77.1.100 dst=10.77.2.30 type=8 code=0 id=7 "
            "src=10.77.2.30 dst=10.77.1.100 type=8 code=0 id=7",
        ),
    ],
)  # fmt: skip
def test_a_conversation_is_told_as_conntrack_tells_it(message, line):
    assert conntrack.line(message) == line
