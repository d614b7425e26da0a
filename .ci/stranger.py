#!/usr/bin/env python3
"""What somebody types who has cloned the project: `stranger.py CHECKOUT`.  Fails where a promise is not kept."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

PATIENCE = 600  # seconds for JupyterLab to tell its address; the first start installs all of it

os.chdir(sys.argv[1])
real = os.geteuid() == 0 or bool(
    shutil.which("nft", path="/usr/sbin:/sbin")
)  # whether the lab has what it needs


def said(what: str, started: float) -> None:
    """One line about what was done, and how long it took."""
    print(f"--- {what}: {time.monotonic() - started:.0f} s", flush=True)


def lab() -> None:
    """./run lab, until JupyterLab answers; then Ctrl-C."""
    started = time.monotonic()
    words = ["./run", "lab", "--no-browser", *([] if real else ["--fidelity", "simulated"])]
    if not real:
        told = subprocess.run(["./run", "lab", "--no-browser"], capture_output=True, text=True)
        assert told.returncode == 1, told
        assert "sudo apt-get install -y iproute2 nftables" in told.stderr, told.stderr
        print(told.stderr.rstrip())
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    signal.alarm(PATIENCE)
    for line in process.stdout:
        print(line, end="", flush=True)
        if address := re.search(r"http://127\.0\.0\.1:\d+/\S+", line):
            break
    else:
        raise SystemExit("./run lab ended without an address")
    with urllib.request.urlopen(address[0]) as answer:
        assert answer.status == 200
        assert b"JupyterLab" in answer.read()
    process.send_signal(signal.SIGINT)
    process.communicate()
    signal.alarm(0)
    said("./run lab has answered and was ended by SIGINT", started)


def scan() -> None:
    """One scan, in the best lab there is here."""
    started = time.monotonic()
    words = ["./run", "exec", "--no-loss", *([] if real else ["--fidelity", "simulated"]), "--"]
    told = subprocess.run(
        [*words, "portlab", "syn", "web", "-p", "9,22,80", "--csv", "-"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    print(told.stdout.rstrip())
    fidelity = "embedded" if real else "simulated"
    for verdict in ("closed,reset", "filtered,no-response", "open,syn-ack", fidelity):
        assert verdict in told.stdout, verdict
    said("a scan", started)


def test() -> None:
    """./run test: green, whatever this machine has."""
    started = time.monotonic()
    done = subprocess.run(["./run", "test", "-q", "--durations=5"])
    said(f"./run test ended with {done.returncode}", started)
    if done.returncode:
        raise SystemExit(done.returncode)


lab()
scan()
test()
