"""`python -m lab_env`: starts the lab, runs things in it, and says what this machine can do.

`./run` is a thin front of it.  Where there is no POSIX shell it works alone, in any environment that has the
packages of requirements.txt.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from lab_env import fidelity, jupyter, signals, simulated_run, sudo
from lab_env.topology import STUDENT, topology
from portlab.errors import BadTarget, LabNotRunning, PortLabError

PROJECT = Path(__file__).resolve().parent.parent
DONE, FAILED, WRONG_USE = 0, 1, 2


def main(words: list[str] | None = None) -> int:
    """Read the command line and do what it says; the exit status is that of the command in the lab."""
    words = list(sys.argv[1:] if words is None else words)
    signals.take_back_ctrl_c()
    if words[:1] == ["test"]:
        return test(words[1:])
    arguments = read(words)
    sudo.adopt_home()
    os.environ.update(jupyter.common_environment())
    try:
        work: Callable[[argparse.Namespace], int] = arguments.work
        return work(arguments)
    except BadTarget as error:
        say(error)
        return WRONG_USE
    except (PortLabError, OSError) as error:
        say(error)
        return FAILED
    except KeyboardInterrupt:
        return 130


def read(words: list[str]) -> argparse.Namespace:
    """The command line; everything after the first `--` is the command for the lab, as it stands."""
    end = words.index("--") if "--" in words else len(words)
    top = parser()
    arguments = top.parse_args(words[:end])
    if end < len(words):
        if "command" not in arguments:
            top.error("only `exec` takes a command after --")
        # A `--` that follows a command belongs to that command.
        arguments.command += words[end:] if arguments.command else words[end + 1 :]
    return arguments


def say(sentence: object) -> None:
    """One sentence for the person at the terminal."""
    print(f"portlab: {sentence}", file=sys.stderr)


# --- the command line -----------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The verbs and their options."""
    top = argparse.ArgumentParser(
        prog="./run",
        description="PortLab: ports and port scanning, learned in a closed lab network.",
        epilog="Start with:  ./run lab     Something is wrong?  ./run doctor",
    )
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for name, work, text, fill in (
        ("lab", lab, "open JupyterLab in the lab", add_lab),
        ("exec", execute, "run a command in the lab: ./run exec -- portlab syn web", add_exec),
        ("shell", shell, "open a shell in the lab", add_shell),
        ("doctor", doctor, "try what this machine can do, and say what to type next", None),
        ("bench", bench, "measure PortLab beside other scanners, or the labs beside each other", add_bench),
    ):
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.set_defaults(work=work)
        if fill:
            fill(verb)
    verbs.add_parser(
        "test",
        help="does it work here?  --all: with browser and Docker too; other words go to pytest: -k ping",
        add_help=False,
    )
    verbs.add_parser("help", help="show this").set_defaults(work=lambda _: print(top.format_help()) or DONE)
    return top


def add_lab(verb: argparse.ArgumentParser) -> None:
    """The options of `lab`."""
    verb.add_argument(
        "--port",
        type=port_number,
        default=jupyter.USUAL_PORT,
        metavar="N",
        help="port on this computer's loopback; a busy one is passed over (default %(default)s)",
    )
    verb.add_argument("--no-browser", action="store_true", help="only print the address, open nothing")
    verb.add_argument(
        "--reset",
        metavar="NN",
        action="append",
        default=[],
        help="a fresh copy of lesson NN; the old one is kept beside it",
    )
    add_fidelity(verb)
    verb.add_argument("--docker", action="store_true", help="in containers, with the real server programs")
    verb.add_argument(
        "--save-images", type=Path, metavar="FILE", help="write the Docker lab's images into FILE, to carry"
    )
    verb.add_argument(
        "--load-images", type=Path, metavar="FILE", help="take the Docker lab's images from FILE"
    )


def add_exec(verb: argparse.ArgumentParser) -> None:
    """The options of `exec`."""
    add_place(verb)
    add_fidelity(verb)
    add_docker(verb)
    verb.add_argument("--no-loss", action="store_true", help="the slow link to the branch loses nothing")
    verb.add_argument("--seed", type=int, metavar="N", help="makes what the slow link loses repeatable")
    verb.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- CMD...", help="the command and its words"
    )


def add_shell(verb: argparse.ArgumentParser) -> None:
    """The options of `shell`."""
    add_place(verb)
    add_docker(verb)


def add_docker(verb: argparse.ArgumentParser) -> None:
    """In containers."""
    verb.add_argument(
        "--docker",
        action="store_true",
        help="in the Docker lab: the one that runs, else one for this command",
    )


MEASUREMENTS = {"scans": "bench", "lab": "bench.lab", "pictures": "bench.pictures", "steps": "bench.steps"}


def add_bench(verb: argparse.ArgumentParser) -> None:
    """What to measure."""
    verb.add_argument(
        "what",
        nargs="?",
        choices=MEASUREMENTS,
        default="scans",
        help="scans, the labs, drawing the pictures, a step of one in the browser (default: %(default)s)",
    )


def add_place(verb: argparse.ArgumentParser) -> None:
    """On which host of which lab."""
    verb.add_argument(
        "--attach", action="store_true", help="in the lab that runs already, not in a fresh one"
    )
    verb.add_argument("--lab", type=int, metavar="PID", help="which lab to attach to, where several run")
    verb.add_argument("--host", default=STUDENT, metavar="NAME", help="on this host (default: %(default)s)")


def add_fidelity(verb: argparse.ArgumentParser) -> None:
    """Which lab."""
    verb.add_argument(
        "--fidelity",
        choices=fidelity.CHOICES,
        help="embedded: real packets (Linux); simulated: computed (everywhere); default: the best there is",
    )


def port_number(text: str) -> int:
    """A port as typed, 1 to 65535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number (1 to 65535)")
    return int(text)


# --- the verbs ------------------------------------------------------------------------------------


def lab(arguments: argparse.Namespace) -> int:
    """JupyterLab in the lab, on this computer's loopback."""
    if arguments.docker or arguments.save_images or arguments.load_images:
        return docker_lab(arguments)
    from lab_env.jupyter.session import open_lab

    return open_lab(
        chosen=fidelity.choose(arguments.fidelity),
        port=arguments.port,
        browser=not arguments.no_browser,
        reset=arguments.reset,
    )


def docker_lab(arguments: argparse.Namespace) -> int:
    """JupyterLab in the Docker lab, or only its images from or to a file."""
    from lab_env.docker import session

    if arguments.save_images:
        return session.save(arguments.save_images)
    if arguments.load_images:
        return session.load(arguments.load_images)
    return session.open_lab(port=arguments.port, browser=not arguments.no_browser, reset=arguments.reset)


def execute(arguments: argparse.Namespace) -> int:
    """A command in a lab; its exit status is ours."""
    if not arguments.command:
        raise BadTarget("what should run in the lab?  For example: ./run exec -- portlab ping web")
    if arguments.docker:
        check_host(arguments.host)
        from lab_env.docker import session

        return session.execute(arguments.command, arguments.host, not arguments.no_loss, arguments.seed)
    if arguments.attach:
        return attach(arguments.command, arguments)
    check_host(arguments.host)
    if fidelity.choose(arguments.fidelity) == fidelity.EMBEDDED:
        from lab_env import embedded

        lossy = not arguments.no_loss
        return embedded.run(arguments.command, host=arguments.host, lossy=lossy, seed=arguments.seed)
    if arguments.host != STUDENT:
        raise LabNotRunning(
            f"the simulated lab has no {arguments.host} to run anything on: its hosts are computed"
        )
    sudo.become_user()
    return simulated_run.run(arguments.command, seed=arguments.seed or 0, lossy=not arguments.no_loss)


def shell(arguments: argparse.Namespace) -> int:
    """A shell in a lab."""
    if arguments.docker:
        check_host(arguments.host)
        from lab_env.docker import session

        say(f"you are on {arguments.host} of the Docker lab; `exit` leaves it")
        return session.execute(["bash"], arguments.host)
    command = [os.environ.get("SHELL") or "/bin/sh"]
    if arguments.attach:
        return attach(command, arguments)
    check_host(arguments.host)
    fidelity.choose(fidelity.EMBEDDED)  # a shell in a simulated lab would see the real network
    from lab_env import embedded

    say(f"you are on {arguments.host} in a lab of your own; `exit` ends both")
    return embedded.run(command, host=arguments.host)


def attach(command: list[str], arguments: argparse.Namespace) -> int:
    """A command in the lab that runs already."""
    if getattr(arguments, "fidelity", None) == fidelity.SIMULATED:
        raise BadTarget("--attach joins an embedded lab; a simulated one is made anew for each command")
    check_host(arguments.host)
    from lab_env import embedded

    return embedded.attach(command, host=arguments.host, lab=arguments.lab)


def check_host(name: str) -> None:
    """Raise BadTarget for a host that no program can run on."""
    hosts = [host.name for host in topology().hosts if not host.nobody]
    if name not in hosts:
        raise BadTarget(f"there is no host {name!r} to run anything on; there are: {', '.join(hosts)}")


def test(words: list[str]) -> int:
    """The tests, on all cores; the words go to pytest, whose summary is the last thing printed."""
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "pytest", "--numprocesses=auto", *words])


def doctor(_: argparse.Namespace) -> int:
    """Try everything."""
    from lab_env.doctor import examine

    return examine()


def bench(arguments: argparse.Namespace) -> int:
    """The measurements."""
    if not (PROJECT / "bench" / "__main__.py").exists():
        raise LabNotRunning("there are no measurements yet: `./run bench` comes with a later version")
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", MEASUREMENTS[arguments.what]])


if __name__ == "__main__":
    sys.exit(main())
