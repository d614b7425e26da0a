import pytest

from lab_env.docker import engine
from portlab.errors import LabNotRunning


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Pool overlaps with other one on this address space", "PORTLAB_PREFIX=10.99"),
        ("Bind for 127.0.0.1:8888 failed: port is already allocated", "--port 8899"),
        ("no space left on device", "no space left on device"),
    ],
)
def test_what_compose_complains_of_says_what_to_type(said, expected):
    assert expected in engine.explanation(said, "10.77")


def test_another_prefix_is_proposed():
    assert "PORTLAB_PREFIX=10.77" in engine.overlap("10.99", "x")


def test_the_checksum_is_that_of_the_sources(tmp_path, monkeypatch):
    for name in engine.SOURCES:
        (tmp_path / name).mkdir() if "." not in name else (tmp_path / name).write_text("")
    monkeypatch.setattr(engine, "PROJECT", tmp_path)
    empty = engine.checksum()
    (tmp_path / "portlab" / "__pycache__").mkdir()
    (tmp_path / "portlab" / "__pycache__" / "x.pyc").write_text("x")
    assert engine.checksum() == empty
    (tmp_path / "portlab" / "model.py").write_text("x")
    assert engine.checksum() != empty


def program(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (None, engine.INSTALL),
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", engine.NOT_RUNNING),
        ("echo 'Got permission denied while trying to connect' >&2; exit 1", engine.NO_PERMISSION),
        ('[ "$1" = info ]', engine.NO_COMPOSE),
        ("exit 0", ""),
    ],
    ids=["not installed", "not running", "no permission", "no compose", "all there"],
)
def test_an_obstacle_is_named(tmp_path, monkeypatch, script, expected):
    monkeypatch.setenv("PATH", str(tmp_path))
    if script:
        program(tmp_path, "docker", script)
    assert engine.obstacle() == expected


def test_a_host_that_does_not_run_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "docker", "exit 0")
    with pytest.raises(LabNotRunning, match=r"\./run lab --docker"):
        engine.DockerLab("10.79").command("web", ["true"])


def test_a_host_that_does_not_stay_is_told_while_the_others_are_waited_for(tmp_path, monkeypatch):
    """Docker starts it again and again: it will never answer."""
    container = "portlab-10-79_mail_1"
    program(
        tmp_path,
        "docker",
        f"""case "$1 $2" in
            "network inspect") echo '[]' ;;
            "ps "*) echo 1234 ;;
            "inspect "*) echo '{engine.TOO_OFTEN} /{container}' ;;
            "exec "*) exec /bin/sleep 600 ;;
            "info "*) echo 6.1.0 ;;
        esac""",
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine, "LOOK_EVERY", 0.01)
    with pytest.raises(LabNotRunning, match=f"{container} ends again and again.*docker logs {container}"):
        engine.DockerLab("10.79").up()
