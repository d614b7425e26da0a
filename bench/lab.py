"""Both labs side by side: from nothing to every service answering, what they take meanwhile, and their end.

`./run bench lab` prints the table that stands in the README.  Where Docker can be used, its images are made anew for
this, without a cache, and what was fetched for them is fetched again.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab_env.docker.engine import IMAGES, DockerLab, ask, obstacle
from lab_env.docker.session import alone, variables
from lab_env.jupyter import Desk, listen
from lab_env.topology import STUDENT, topology

RUNS = 5
READY = "lab_env.docker.ready"
MIB = 1 << 20
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30}

Rows = dict[str, str]


def main() -> int:
    """Measure what can be measured here, and print one table."""
    columns = {"embedded": embedded()}
    if why := obstacle():
        print(f"without Docker: {why}", file=sys.stderr)
    else:
        columns["docker"] = docker()
    print(table(columns))
    return 0


def table(columns: dict[str, Rows]) -> str:
    """Markdown: a row for each thing measured, a column for each lab."""
    names = list(dict.fromkeys(name for rows in columns.values() for name in rows))
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[name, *(rows.get(name, "none") for rows in columns.values())] for name in names]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(up: list[float], down: list[float], memory: list[float]) -> Rows:
    """The rows that every lab has: seconds and MiB, as medians and ranges."""
    return {
        "start, until every service answers": seconds(up),
        "end": seconds(down),
        "memory of its hosts, fresh": f"{statistics.median(memory):.0f} MiB",
    }


def seconds(values: list[float]) -> str:
    """A median and its range."""
    if len(values) == 1:
        return f"{values[0]:.0f} s"
    return f"{statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f})"


def embedded() -> Rows:
    """The lab in namespaces: `./run exec`, whose command says when all services answer, then waits."""
    up, down, memory = [], [], []
    inside = f"{sys.executable} -m {READY} >&2 && echo up && read -r _"
    for _ in range(RUNS):
        started = time.perf_counter()
        command = [sys.executable, "-m", "lab_env", "exec", "--no-loss", "--", "sh", "-c", inside]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
            assert lab.stdin is not None
            assert lab.stdout is not None
            if lab.stdout.readline() != "up\n":
                raise SystemExit("the embedded lab did not start, see above")
            up.append(time.perf_counter() - started)
            memory.append(sum(map(proportional_set_size, family(lab.pid))) / MIB)
            ended = time.perf_counter()
            lab.stdin.write("\n")
            lab.stdin.close()
            lab.wait()
            down.append(time.perf_counter() - ended)
    return shown(up, down, memory)


def family(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from family(int(child))


def proportional_set_size(pid: int) -> int:
    """Bytes of memory of a process, what it shares with others divided among them; 0: it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except ProcessLookupError:
        return 0
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def docker() -> Rows:
    """The lab in containers: images without a cache, then up and down several times."""
    up, down, memory = [], [], []
    with tempfile.TemporaryDirectory(prefix="portlab-") as folder, listen(8888) as listener:
        desk = Desk(Path(folder), listener.getsockname()[1])
        listener.close()
        lab = DockerLab(topology().prefix, variables(Path(folder), desk) | {"PORTLAB_LOSS": "off"})
        with alone(lab):
            lab.down()
            rows = {f"image {image}": built(lab, image) for image in IMAGES}
            for _ in range(RUNS):
                up.append(lasting(lab.up))
                memory.append(sum(taken(lab)) / MIB)
                down.append(lasting(lab.down))
    return rows | shown(up, down, memory)


def built(lab: DockerLab, image: str) -> str:
    """How long an image takes to make, and its size."""
    took = lasting(lambda: lab.compose("build", "--no-cache", IMAGES[image]))
    size = int(ask("image", "inspect", "--format", "{{.Size}}", image))
    return f"{took:.0f} s, {size / 1e6:.0f} MB"


def lasting(work: Callable[[], None]) -> float:
    """Seconds that a function takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def taken(lab: DockerLab) -> Iterator[float]:
    """Bytes of memory of each host as Docker counts them: with what its files in memory take."""
    hosts = [host.name for host in topology().hosts if not host.nobody and host.name != STUDENT]
    containers = [lab.container(host) for host in hosts]
    for line in ask("stats", "--no-stream", "--format", "{{.MemUsage}}", *containers).splitlines():
        used = line.partition(" / ")[0]
        unit = used.lstrip("0123456789.")
        yield float(used.removesuffix(unit)) * UNITS[unit]


if __name__ == "__main__":
    sys.exit(main())
