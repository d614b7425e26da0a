from __future__ import annotations

import subprocess

import pytest

from lab_env.firewall import ruleset
from lab_env.topology import ACK, FIN, GATEWAY, PSH, RST, SYN, URG, Action, Rule, topology

LAB = topology("10.77")
ALL_FLAGS = FIN | SYN | RST | PSH | ACK | URG


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (Rule(Action.DROP), "counter drop"),
        (Rule(Action.DROP, ("db",)), "ip daddr 10.77.2.20 counter drop"),
        (Rule(Action.DROP, ("db", "vault")), "ip daddr { 10.77.2.20, 10.77.2.30 } counter drop"),
        (Rule(Action.ACCEPT, protocol="tcp", ports=(80,)), "tcp dport 80 counter accept"),
        (Rule(Action.ACCEPT, protocol="udp", ports=(53, 69)), "udp dport { 53, 69 } counter accept"),
        (Rule(Action.DROP, protocol="icmp"), "ip protocol icmp counter drop"),
        (Rule(Action.DROP, protocol="tcp"), "ip protocol tcp counter drop"),
        (
            Rule(Action.REJECT_RESET, ("web",), "tcp", (3389,)),
            "ip daddr 10.77.2.10 tcp dport 3389 counter reject with tcp reset",
        ),
        (
            Rule(Action.REJECT_PORT, ("web",), "udp", (161,)),
            "ip daddr 10.77.2.10 udp dport 161 counter reject with icmp type port-unreachable",
        ),
        (Rule(Action.REJECT_ADMIN), "counter reject with icmp type admin-prohibited"),
        (
            Rule(Action.DROP, protocol="tcp", ports=(22,), flags=(SYN | ACK, SYN)),
            "tcp dport 22 tcp flags & (syn|ack) == syn counter drop",
        ),
        (
            Rule(Action.DROP, protocol="tcp", flags=(ALL_FLAGS, 0)),
            "tcp flags & (fin|syn|rst|psh|ack|urg) == 0x0 counter drop",
        ),
        (
            Rule(Action.DROP, protocol="tcp", flags=(ALL_FLAGS, FIN | PSH | URG)),
            "tcp flags & (fin|syn|rst|psh|ack|urg) == fin|psh|urg counter drop",
        ),
        (Rule(Action.ACCEPT, established=True), "ct state established,related counter accept"),
    ],
)
def test_a_rule_is_one_line(rule: Rule, line: str) -> None:
    lines = [text.strip() for text in ruleset(LAB, "web", [rule]).splitlines()]
    assert lines[lines.index('iifname "lo" accept') + 1] == line


def test_rules_keep_their_order() -> None:
    rules = [Rule(Action.ACCEPT, protocol="tcp", ports=(80,)), Rule(Action.DROP)]
    text = ruleset(LAB, "quiet", rules)
    assert text.index("dport 80") < text.index("counter drop")
    assert text == ruleset(LAB, "quiet")


def test_only_the_gateway_judges_what_it_passes_on() -> None:
    assert "hook forward" in ruleset(LAB, GATEWAY)
    assert "hook input" not in ruleset(LAB, GATEWAY)
    assert "hook input" in ruleset(LAB, "desk")
    assert "hook forward" not in ruleset(LAB, "desk")


def test_only_conversations_with_tracked_hosts_are_remembered() -> None:
    lines = [line.strip() for line in ruleset(LAB, GATEWAY).splitlines() if line.endswith("notrack")]
    tracked = "{ 10.77.2.20, 10.77.2.30 }"
    assert lines == [f"ip saddr != {tracked} ip daddr != {tracked} notrack"] * 2


def test_a_host_without_rules_needs_no_firewall() -> None:
    assert ruleset(LAB, "web") == ""


@pytest.mark.inlab
@pytest.mark.parametrize("host", [GATEWAY, "quiet", "desk"])
def test_the_kernel_takes_the_text(host: str) -> None:
    checked = subprocess.run(
        ["nft", "-c", "-f", "-"], input=ruleset(topology(), host), text=True, capture_output=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.inlab
def test_loading_it_twice_changes_nothing() -> None:
    shown = []
    for _ in range(2):
        subprocess.run(["nft", "-f", "-"], input=ruleset(topology(), "desk"), text=True, check=True)
        shown.append(subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    assert shown[0] == shown[1]
    assert shown[0].count("reject with tcp reset") == 3
