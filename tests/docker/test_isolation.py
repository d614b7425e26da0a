"""What the Docker lab is kept from, and who may do what in it: nothing gets out, nobody has rights without need."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import pytest

from lab_env.docker import compose, daemons
from lab_env.topology import topology

from .conftest import HOPE, OWNER, PREFIX, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PLAN = topology(PREFIX)
SERVERS = [host.name for host in PLAN.hosts if host.services]
NET_ADMIN, NET_RAW = 1 << 12, 1 << 13
OUTSIDE = "192.0.2.1"  # TEST-NET-1 (RFC 5737): nobody's, and asked only from inside the lab


@pytest.fixture
def counters(running):
    """Counts packets of the lab that the computer itself takes in or passes on from one network to another."""
    if os.geteuid():
        pytest.skip("has to be root to count")
    rules = []
    for net in PLAN.networks:
        (network_id,) = docker(
            "network", "ls", "-q", "--filter", f"name={running.lab.project}_{net.name}"
        ).split()
        bridge = f"br-{network_id}"
        rules += [("INPUT", "-i", bridge), ("FORWARD", "-i", bridge, "!", "-o", bridge)]
    for chain, *match in rules:
        iptables("-I", chain, "1", *match)
    yield lambda: [counted(chain, match) for chain, *match in rules]
    for chain, *match in rules:
        iptables("-D", chain, *match)


def iptables(*words):
    return subprocess.run(["iptables", "-w", *words], check=True, capture_output=True, text=True).stdout


def counted(chain, match):
    """Packets that met our own rule: the one that does nothing with them."""
    for line in iptables("-v", "-S", chain).splitlines():
        if f"-i {match[1]} " in line and " -j " not in line:
            return int(re.search(r" -c (\d+)", line)[1])
    raise AssertionError(f"no rule for {match[1]} in {chain}")


def test_nothing_gets_out(running, counters):
    ways = running.run("ip", "route").stdout.splitlines()
    assert sorted(line.split()[0] for line in ways) == [f"{PREFIX}.1.0/24", "default"]
    for said in running.on_all(
        ("gateway", "web"), "sh", "-c", f"ping -c 1 -W 2 {OUTSIDE}; echo ended: $?"
    ).values():
        assert re.search(r"ended: [12]$", said.strip())
    assert f"{PREFIX}.1.1" in running.run("ping", "-c", "1", "-W", "2", OUTSIDE).stdout  # the gateway says no
    assert running.run("portlab", "ping", "web").returncode == 0
    assert counters() == [0] * 6


def test_the_gateway_knows_the_labs_networks_only(running):
    ways = running.run("ip", "route", host="gateway").stdout.splitlines()
    assert sorted(line.split()[0] for line in ways) == [f"{PREFIX}.{n}.0/24" for n in (1, 2, 3)]


def test_a_scan_of_the_outside_is_refused(running):
    done = running.run("portlab", "syn", OUTSIDE, "-p", "80")
    assert done.returncode == 2
    assert OUTSIDE in done.stderr


def test_the_computer_has_no_address_in_the_lab(running):
    said = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True).stdout
    assert not re.search(rf"\b{re.escape(PREFIX)}\.[123]\.", said)


def test_only_jupyter_is_published_and_only_here(running):
    published = {}
    for container in running.containers():
        told = json.loads(docker("inspect", container))[0]
        assert told["HostConfig"]["Privileged"] is False
        assert told["HostConfig"]["ReadonlyRootfs"] is True
        assert told["HostConfig"]["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in told["HostConfig"]["SecurityOpt"]
        published |= {k: v for k, v in told["NetworkSettings"]["Ports"].items() if v}
    assert published == {"8888/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(running.desk.port)}]}


# --- rights ---------------------------------------------------------------------------------------


RIGHTS_OF_ALL = r"""for p in /proc/[0-9]*; do
  printf '%s %s %s %s\n' $(sed -nE 's/^Cap(Eff|Bnd):.//p' $p/status) $(cat $p/comm) "$(tr '\0\n' '  ' < $p/cmdline)"
done 2>/dev/null"""
MAY = {"dnsmasq": NET_ADMIN | NET_RAW, "slow-link": NET_RAW}


@pytest.fixture(scope="module")
def rights(running):
    """Host -> its programs and their rights, one a line."""
    return running.on_all(SERVERS, "sh", "-c", RIGHTS_OF_ALL)


@pytest.mark.parametrize("host", SERVERS)
def test_server_programs_may_neither_change_the_network_nor_craft_packets(rights, host):
    seen = []
    for line in rights[host].splitlines():
        effective, bounding, name, *command = line.split()
        if "lab_env.docker.host" in command or name == "sh":  # the first programs, and who asks this
            continue
        allowed = MAY.get("slow-link" if "lab_env.docker.gateway" in command else name, 0)
        assert (int(effective, 16) | int(bounding, 16)) & (NET_ADMIN | NET_RAW) & ~allowed == 0, line
        seen.append(name)
    assert len(seen) >= len(daemons.of_host(PLAN.by_name[host]))


def test_the_learner_has_raw_packets_and_nothing_else(running):
    status = running.run("cat", "/proc/self/status").stdout
    sets = re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\s+(\w+)", status, re.M)
    assert [int(value, 16) for value in sets] == [NET_RAW] * 4


def test_on_a_host_only_root_comes_near_the_sockets(running):
    listing = running.run("ls", "/control")
    assert sorted(listing.stdout.split()) == sorted(
        f"{host.name}.sock" for host in PLAN.hosts if host.services
    )
    done = subprocess.run(
        ["docker", "exec", "-u", "1000", running.lab.container("web"), "ls", compose.CONTROL],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Permission denied" in done.stderr


# --- the learner's desk ---------------------------------------------------------------------------


def asked(running, path, token):
    request = urllib.request.Request(f"http://127.0.0.1:{running.desk.port}{path}")
    if token:
        request.add_header("Authorization", f"token {token}")
    try:
        with urllib.request.urlopen(request, timeout=HOPE) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_jupyter_answers_the_token_and_nobody_else(running):
    assert running.desk._answers()
    assert asked(running, "/api/contents", running.desk.token) == 200
    assert asked(running, "/api/contents", "wrong") == 403
    assert asked(running, "/api/contents", "") == 403


def test_files_are_the_host_users(running):
    assert running.run("sh", "-c", "echo mine > /work/mine.txt").returncode == 0
    mine = running.desk.folder / "mine.txt"
    assert mine.read_text() == "mine\n"
    assert mine.stat().st_uid == running.desk.folder.stat().st_uid
    if not os.geteuid():
        assert mine.stat().st_uid == OWNER
