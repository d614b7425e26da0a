"""The Docker lab itself: contract and nmap from the inside, isolation, rights, real clients, and its end."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from lab_env.docker import compose, daemons
from lab_env.docker.engine import PROJECT, SOURCES
from lab_env.topology import topology

from .conftest import OWNER, PREFIX, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PLAN = topology(PREFIX)
NET_ADMIN, NET_RAW = 1 << 12, 1 << 13
OUTSIDE = "192.0.2.1"  # TEST-NET-1 (RFC 5737): nobody's, and asked only from inside the lab


def pytest_inside(running, *words, folder="/opt/portlab"):
    command = shlex.join(["python3", "-m", "pytest", "-p", "no:cacheprovider", "-q", *words])
    done = running.run("sh", "-c", f"cd {folder} && {command}", timeout=400)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return int(re.search(r"(\d+) passed", done.stdout)[1])


def test_the_contract_holds(running):
    assert pytest_inside(running, "tests/inside.py") == 8


def test_nmap_agrees(running):
    assert pytest_inside(running, "tests/lab/test_against_nmap.py") == 9


# --- hands on the lab -----------------------------------------------------------------------------

DIFFERENT = {
    "test_a_host_is_lent_to_one_case_at_a_time_and_others_are_told_to_whom": "a process elsewhere has no number",
    "test_a_reset_heals_what_was_done_by_hand": "done by hand from outside, see below",
    "test_the_log_of_a_server_that_never_answers_knows_who_came": "rsyslog says err, PortLab's server says error",
    "test_the_sockets_of_a_host_show_what_a_scan_cannot": "real programs listen on 0.0.0.0",
}
"""Tests of the embedded lab that have another form in Docker, and why; inside_hands.py has most of these forms."""


def test_hands_on_the_lab(running):
    but = " and ".join(f"not {name}" for name in DIFFERENT)
    assert pytest_inside(running, "tests/lab/test_hands.py", "tests/lab/test_both_ends.py", "-k", but) >= 47


def test_hands_on_real_programs(running):
    assert pytest_inside(running, "tests/inside_hands.py") == 21


def state_of(running, host, port):
    said = running.run("portlab", "syn", host, "-p", str(port), "--json", "-").stdout
    return json.loads(said[said.index("{") :])["results"][0]["state"]


def learner(running, *lines):
    """The learner's lines of Python, run to their end."""
    return running.run("python3", "-c", "\n".join(["from lab_env import lab", *lines]))


def test_a_change_leaves_docker_s_own_rules_alone(running):
    """They answer for the resolver of the container; `lab.counters` does not tell of them."""
    rules = ("nft", "list", "tables")
    before = running.run(*rules, host="files").stdout
    assert learner(running, 'lab.stop("files", 21)', "lab.reset()").returncode == 0
    assert running.run(*rules, host="files").stdout == before
    assert learner(running, 'assert lab.counters("files") == []').returncode == 0


def test_a_reset_heals_what_was_done_by_hand(running):
    container = running.lab.container("web")
    docker("exec", container, "ip", "route", "del", "default")
    assert state_of(running, "web", 80) == "filtered"
    assert learner(running, "lab.reset()").returncode == 0
    assert state_of(running, "web", 80) == "open"


def test_a_host_that_is_started_again_is_as_at_the_start_and_its_loan_has_ended(running):
    learner(running, "lab.listen('web', 8081)")
    holding = [
        "import subprocess, sys",
        "with lab.case('stopped'):",
        " print('open', flush=True)",
        " sys.stdin.read()",
    ]
    command = running.lab.command(
        "student", ["python3", "-c", "\n".join(["from lab_env import lab", *holding])]
    )
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout.readline() == "open\n"
        assert state_of(running, "web", 80) == "closed"
        docker("restart", "-t", "0", running.lab.container("web"))
        wait_until_ready(running)
        assert (state_of(running, "web", 80), state_of(running, "web", 8081)) == ("open", "closed")
        _, said = client.communicate("", timeout=30)
    assert client.returncode == 1
    assert "LabNotRunning: web takes no orders" in said
    assert state_of(running, "web", 80) == "open"


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


# --- isolation ------------------------------------------------------------------------------------


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
    for host in ("gateway", "web"):
        done = running.run("ping", "-c", "1", "-W", "2", OUTSIDE, host=host)
        assert done.returncode != 0
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


@pytest.mark.parametrize("host", [host.name for host in PLAN.hosts if host.services])
def test_server_programs_may_neither_change_the_network_nor_craft_packets(running, host):
    seen = []
    for line in running.run("sh", "-c", RIGHTS_OF_ALL, host=host).stdout.splitlines():
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


# --- the learner's desk ---------------------------------------------------------------------------


def asked(running, path, token):
    request = urllib.request.Request(f"http://127.0.0.1:{running.desk.port}{path}")
    if token:
        request.add_header("Authorization", f"token {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
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


# --- real clients -----------------------------------------------------------------------------------

SSH = "sshpass -p netplus ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
HELLO = "Hello from PortLab"
CLIENTS = [
    ("curl -s http://web.lab/", "web.lab"),
    ("curl -sk https://web.lab/files/readme.txt", HELLO),
    ("curl -sk https://vault.lab/", "vault.lab"),
    ("curl -s -o /dev/null -w %{http_code} http://quiet.lab/", "500"),
    ("curl -s -x http://infra.lab:3128 http://web.lab/files/readme.txt", HELLO),
    ("curl -s ftp://student:netplus@files.lab/readme.txt", HELLO),
    ("curl -s -P - --disable-eprt ftp://student:netplus@files.lab/readme.txt", HELLO),
    ("curl -s tftp://files.lab/readme.txt", HELLO),
    (
        "curl -s -u student:netplus smb://files.lab/LAB/readme.txt --max-time 5 || echo SMB1 is off",
        "SMB1 is off",
    ),
    ("curl -s pop3://student:netplus@mail.lab/1", "Welcome to PortLab"),
    ("curl -sk pop3s://student:netplus@mail.lab/1", "Welcome to PortLab"),
    ("curl -s imap://student:netplus@mail.lab/INBOX?ALL", "SEARCH 1"),
    ("curl -sk imaps://student:netplus@mail.lab/INBOX?ALL", "SEARCH 1"),
    ("curl -sv smtp://mail.lab/student -X 'VRFY student@lab' 2>&1", "252"),
    ("curl -skv --ssl-reqd --user student:netplus smtp://mail.lab:587/ -X 'RSET' 2>&1", "235 2.7.0"),
    ("curl -skv --user student:netplus smtps://mail.lab/ -X 'RSET' 2>&1", "235 2.7.0"),
    ("curl -s telnet://ops.lab:8080 --max-time 1", "SSH-2.0-OpenSSH"),
    (f"{SSH} student@files.lab cat readme.txt", HELLO),
    (f"{SSH} -p 8080 student@ops.lab hostname", "ops"),
    (f"{SSH} student@voip.lab hostname", "voip"),
    (f"{SSH} student@gateway.lab hostname", "gateway"),
    (
        "(sleep 1; echo student; sleep 1; echo netplus; sleep 1; echo hostname; sleep 1) | telnet voip.lab",
        "voip",
    ),
    (f"dig +short @{PREFIX}.1.10 web.lab", f"{PREFIX}.2.10"),
    (f"dig +short +tcp @{PREFIX}.1.10 lab MX", "10 mail.lab."),
    (f"dig +short -x {PREFIX}.2.10 @{PREFIX}.1.10", "web.lab."),
    ("ldapsearch -LLL -x -H ldap://infra.lab -b dc=lab uid=student mail", "mail: student@lab"),
    (
        "LDAPTLS_REQCERT=never ldapsearch -LLL -x -H ldaps://infra.lab -b dc=lab uid=student cn",
        "cn: Lab Student",
    ),
    ("snmpget -v2c -c public gateway.lab 1.3.6.1.2.1.1.5.0", "gateway.lab"),
    (
        "snmpget -v3 -l authPriv -u student -a SHA -A netplus123 -x AES -X netplus123 gateway.lab 1.3.6.1.2.1.1.6.0",
        "Lab rack 1",
    ),
    ("nmap -n -Pn -sV -p 1433,1521,3306 db.lab", "MariaDB"),
]


@pytest.mark.parametrize(("command", "expected"), CLIENTS, ids=[command[:40] for command, _ in CLIENTS])
def test_real_clients_are_answered(running, command, expected):
    done = running.run("sh", "-c", command)
    assert expected in done.stdout, done.stderr


def test_logs_are_the_only_evidence_of_syslog_and_traps(running):
    running.run("bash", "-c", "echo '<13>portlab was here' > /dev/udp/ops.lab/514")
    running.run("snmptrap", "-v2c", "-c", "public", "ops.lab", "", "1.3.6.1.6.3.1.1.5.3")
    missing = {"portlab was here", "3.6.1.6.3.1.1.5.3"}
    command = ["timeout", "20", "docker", "logs", "-f", running.lab.container("ops")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as following:
        for line in following.stdout:
            missing = {text for text in missing if text not in line}
            if not missing:
                break
        following.terminate()
    assert not missing


# --- beside each other, again, and gone -----------------------------------------------------------------


def test_a_host_comes_back(running):
    docker("restart", "-t", "0", running.lab.container("gateway"))
    wait_until_ready(running)


def wait_until_ready(running):
    done = running.run("python3", "-m", "lab_env.docker.ready", timeout=90)
    assert done.returncode == 0, done.stderr


def test_a_host_that_is_started_again_in_the_middle_of_a_scan_ends_neither_scan_nor_lab(running):
    """What is missed meanwhile is silence, and silence is called filtered: never open, never an error."""
    command = running.lab.command(
        "student", ["portlab", "syn", "web", "-p", "1-2000", "--rate", "500", "--json", "-"]
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as scan:
        running.run("python3", "-c", WAIT_FOR_SYNS)
        docker("restart", "-t", "0", running.lab.container("web"))
        said, complaints = scan.communicate(timeout=120)
    assert scan.returncode == 0, complaints
    told = json.loads(said[said.index("{") :])["results"]
    assert len(told) == 2000
    assert {result["port"] for result in told if result["state"] == "open"} <= {80, 443}
    wait_until_ready(running)
    assert state_of(running, "web", 80) == "open"


WAIT_FOR_SYNS = """
from lab_env import lab
import time
while True:
    with lab.recording("gateway") as seen:
        time.sleep(0.1)
    if len(seen.frames):
        break
"""


def portlab(*words, prefix, **more):
    return subprocess.run(
        [sys.executable, "-m", "lab_env", *words],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=PROJECT,
        env=os.environ | {"PORTLAB_PREFIX": prefix},
        **({"stdin": subprocess.DEVNULL} | more if "input" not in more else more),
    )


def left_behind(project):
    label = f"label=com.docker.compose.project={project}"
    kinds = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"))
    return [docker(*words, "--filter", label) for words in kinds]


def test_two_labs_beside_each_other_and_one_leaves_nothing(running):
    done = portlab(
        "exec", "--docker", "--", "portlab", "syn", "web", "-p", "80", "--json", "-", prefix="10.80"
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout[done.stdout.index("{") :])["results"]
    assert (row["address"], row["state"]) == ("10.80.2.10", "open")
    assert left_behind("portlab-10-80") == ["", "", ""]
    assert running.run("portlab", "ping", "web").returncode == 0


def test_a_seed_for_the_slow_link_needs_a_lab_of_its_own(running):
    done = portlab("exec", "--docker", "--seed", "7", "--", "true", prefix=PREFIX)
    assert done.returncode == 1
    assert "PORTLAB_PREFIX=10.99" in done.stderr


def test_a_shell_on_a_host(running):
    done = portlab("shell", "--docker", "--host", "web", prefix=PREFIX, input="hostname; exit 3\n")
    assert (done.returncode, done.stdout) == (3, "web\n")


def test_a_lab_comes_up_after_a_crash_and_beside_a_busy_port_and_ctrl_c_takes_it_down(images, tmp_path):
    """Killed outright, `./run` leaves its containers; the next one clears them, and keeps the learner's work."""
    project = copy_project(tmp_path / "PortLab")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as busy:
        port = busy.getsockname()[1]
        with sitting(port, project) as (first, told):
            assert f"Port {port} is taken by another program" in told
            work = next((project / "my-notebooks").glob("00_*.ipynb"))
            work.write_text(work.read_text().replace("PortLab", "my own words", 1))
            first.kill()
            first.wait()
        assert left_behind("portlab-10-82")[0]
        with sitting(port, project) as (second, _):
            assert "my own words" in work.read_text()
            second.send_signal(signal.SIGINT)
            second.wait(60)
    assert left_behind("portlab-10-82") == ["", "", ""]
    assert "my own words" in work.read_text()


def copy_project(target):
    """A checkout of its own, with notebooks of its own."""
    for name in (*SOURCES, ".dockerignore"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        target.mkdir(exist_ok=True)
        copy(PROJECT / name, target / name)
    return target


@contextlib.contextmanager
def sitting(port, project):
    """`./run lab --docker` in this checkout, from the line with its address on."""
    command = [sys.executable, "-m", "lab_env", "lab", "--docker", "--no-browser", "--port", str(port)]
    environment = os.environ | {"PORTLAB_PREFIX": "10.82"}
    with subprocess.Popen(
        command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        told = ""
        for line in process.stdout:
            told += line
            if "?token=" in line:
                break
        try:
            yield process, told
        finally:
            process.stdout.close()
            if process.poll() is None:
                process.terminate()
                process.wait(60)


def test_taken_addresses_are_told(images):
    docker("network", "create", "--subnet", "10.81.2.0/24", "portlab-test-taken")
    try:
        done = portlab("exec", "--docker", "--", "true", prefix="10.81")
    finally:
        docker("network", "rm", "portlab-test-taken")
    assert done.returncode == 1
    assert "portlab-test-taken" in done.stderr
    assert "PORTLAB_PREFIX=" in done.stderr
    assert left_behind("portlab-10-81") == ["", "", ""]
