"""Whole programs, from start to exit, in one lab and in turns: PortLab, nmap, the floor.

What is printed are medians of several runs and ratios.  Machines differ, and are busy with other things: only
ratios of one run of this program are worth telling.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time

from portlab import lab

RUNS = 5
PORTLAB = [sys.executable, "-m", "portlab"]
NMAP = ["nmap", "-n", "-Pn"]

RACES: list[tuple[str, dict[str, list[str]]]] = [
    (
        "SYN scan of all 65,535 ports of infra",
        {
            "portlab": [*PORTLAB, "syn", "infra", "-p", "all"],
            "nmap": [*NMAP, "-sS", "-p-", "infra"],
            "floor": [sys.executable, "-m", "bench.floor", "infra"],
        },
    ),
    (
        "SYN scan of 100 ports of db, which drops nearly all",
        {
            "portlab": [*PORTLAB, "syn", "db", "-p", "1000-1099"],
            "nmap": [*NMAP, "-sS", "-p", "1000-1099", "db"],
        },
    ),
    (
        "connect scan of 1,000 ports of files",
        {
            "portlab": [*PORTLAB, "connect", "files", "-p", "1-1000"],
            "nmap": [*NMAP, "-sT", "-p", "1-1000", "files"],
        },
    ),
    (
        "ping sweep of the office",
        {
            "portlab": [*PORTLAB, "ping", "office"],
            "nmap": ["nmap", "-n", "-sn", "-PE", lab.resolve("office") or ""],
        },
    ),
]


def main() -> int:
    """Run every race in a lab of its own, without loss."""
    if lab.current() is None:
        return subprocess.call(
            [sys.executable, "-m", "lab_env", "exec", "--no-loss", "--", sys.executable, "-m", "bench"]
        )
    if not shutil.which("nmap"):
        print(
            "nmap is not installed: there is nothing to compare with.  Type: sudo apt-get install nmap",
            file=sys.stderr,
        )
        return 1
    for title, programs in RACES:
        print(f"{title} ({RUNS} runs each, in turns; load {os.getloadavg()[0]:.1f})")
        report(race(programs))
    return 0


def race(programs: dict[str, list[str]]) -> dict[str, list[float]]:
    """Seconds of every run of every program."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(RUNS):
        for name, command in programs.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - started)
    return times


def report(times: dict[str, list[float]]) -> None:
    """One line a program: median, range, and PortLab's time as a multiple of it."""
    ours = statistics.median(times["portlab"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        told = f"  {name:8} median {median:6.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})"
        print(told if name == "portlab" else f"{told}   portlab takes {ours / median:.2f} x as long")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
