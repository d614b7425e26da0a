"""`python -m lab_env.embedded [--host HOST] -- COMMAND...`: run a command in a fresh embedded lab."""

from __future__ import annotations

import argparse
import sys

from lab_env import embedded, signals
from portlab.errors import PortLabError


def main() -> int:
    """Read the command line, run the lab, pass the exit status on."""
    parser = argparse.ArgumentParser(prog="python -m lab_env.embedded", description=__doc__)
    parser.add_argument("--host", default="student")
    parser.add_argument("--attach", action="store_true", help="in the lab that runs already")
    parser.add_argument("--no-loss", action="store_true", help="the slow link loses nothing")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    signals.take_back_ctrl_c()
    try:
        if arguments.attach:
            return embedded.attach(arguments.command, host=arguments.host)
        return embedded.run(arguments.command, host=arguments.host, lossy=not arguments.no_loss)
    except PortLabError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
