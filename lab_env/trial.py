"""What learners do, tried in the lab around this process: a SYN scan of an open, a closed and a dropped port.

`python3 -m lab_env.trial` says what differs from the contract, one line a port.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from lab_env import contract
from lab_env.contract import Clause
from lab_env.topology import Topology, topology
from portlab.model import Reason, State

AS_IT_MUST, DIFFERS = 0, 3
OUTCOMES = (
    (State.OPEN, Reason.SYN_ACK),
    (State.CLOSED, Reason.RESET),
    (State.FILTERED, Reason.NO_RESPONSE),
)
PATIENCE_S = 30.0

Verdicts = Mapping[int, tuple[str, str]]
"""State and reason by port."""


def chosen(plan: Topology) -> list[Clause]:
    """One row of the contract for each outcome, all of the first host that shows all three."""
    for host in plan.hosts:
        rows = [] if host.nobody else list(contract.port_rows(plan, "syn", host))
        found = {(row.expected.state, row.expected.reason): row for row in reversed(rows)}
        if all(outcome in found for outcome in OUTCOMES):
            return [found[outcome] for outcome in OUTCOMES]
    raise LookupError("no host of this lab has an open, a closed and a dropped port")


def scanned(host: str, ports: Sequence[int]) -> tuple[Verdicts, str]:
    """What `portlab syn` finds, typed as a learner would, and what it complains of."""
    numbers = ",".join(map(str, ports))
    command = [
        sys.executable,
        "-P",
        "-m",
        "portlab",
        "syn",
        host,
        "-p",
        numbers,
        "--no-progress",
        "--json",
        "-",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S
    )
    if not done.stdout:
        return {}, done.stderr.strip()
    found = json.loads(done.stdout)
    verdicts = {row["port"]: (row["state"], row["reason"]) for row in found["results"]}
    return verdicts, found.get("stopped_by") or done.stderr.strip()


def differences(rows: Sequence[Clause], found: Verdicts) -> Iterator[str]:
    """Where the scan found something else than the contract says, as sentences."""
    for row in rows:
        assert row.port is not None
        must = (str(row.expected.state), str(row.expected.reason))
        if (got := found.get(row.port)) != must:
            said = "nothing at all" if got is None else "{} ({})".format(*got)
            yield f"{row.host} {row.port}/tcp must be {must[0]} ({must[1]}), and the SYN scan found {said}"


def main() -> int:
    """Try it in this lab; 0: as it must be."""
    rows = chosen(topology())
    found, complaint = scanned(rows[0].host, [row.port for row in rows if row.port is not None])
    wrong = list(differences(rows, found))
    if wrong and complaint:
        wrong.append(complaint)
    for line in wrong:
        print(f"    {line}")
    return DIFFERS if wrong else AS_IT_MUST


if __name__ == "__main__":
    sys.exit(main())
