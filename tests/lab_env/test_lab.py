"""`lab.here()`: the first cell of every notebook."""

import json
from html.parser import HTMLParser

import pytest

import portlab as pl
from lab_env import lab
from lab_env.simulated_run import descriptor
from lab_env.topology import topology
from portlab.lab import VARIABLE

LAB = topology()


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """No lab around this process, and none left open by a test."""
    monkeypatch.delenv(VARIABLE, raising=False)
    pl.lab.use(None)
    yield
    pl.lab.use(None)


@pytest.fixture
def described(tmp_path, monkeypatch):
    def describe(**fields):
        path = tmp_path / "lab.json"
        path.write_text(json.dumps(descriptor(LAB, lossy=False) | fields))
        monkeypatch.setenv(VARIABLE, str(path))

    return describe


def test_where_there_is_no_lab_the_simulated_one_is_opened():
    assert pl.lab.current() is None
    said = str(lab.here())
    assert "SIMULATED LAB" in said
    assert "./run lab" in said
    assert pl.lab.fidelity() == "simulated"
    assert pl.ping("web", progress=False)["web"].state == "up"


def test_asking_twice_opens_nothing_more():
    lab.here()
    opened = pl.lab.current()
    assert "No lab is running" not in str(lab.here())
    assert pl.lab.current() is opened


def test_a_lab_that_runs_is_left_alone(described):
    described()
    running = pl.lab.current()
    assert lab.here().lab == running
    assert lab.here().opened_because == ""


def test_a_lab_that_has_ended_is_named_as_the_reason(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/nowhere/lab.json")
    assert "has ended" in str(lab.here())


def test_every_host_is_listed_the_own_one_first():
    listed = lab.here().rows()
    assert listed[0][0] == "student"
    assert {name: addresses.split(", ")[0] for name, addresses, _ in listed} == {
        host.name: LAB.address(host.name) for host in LAB.hosts
    }


class Reader(HTMLParser):
    """Keeps the open tags and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.scopes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.scopes += [value for name, value in attrs if name == "scope"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_notebook_shows_a_badge_and_a_table_with_headings():
    bundle = lab.here()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    reader = Reader()
    reader.feed(bundle["text/html"])
    assert reader.open == []
    assert reader.scopes == ["col"] * 3 + ["row"] * len(LAB.hosts)
    assert "SIMULATED LAB" in reader.words
    assert "10.77.2.10" in reader.words


def test_what_is_printed_below_it_is_broken_between_words():
    """JupyterLab's own rule, word-break: break-all, is for all printed text, refusals and tracebacks too."""
    assert ".jp-RenderedText pre{word-break:normal" in lab.here()._repr_mimebundle_()["text/html"]


def test_names_are_text_not_html(described):
    described(hosts={"<b>": ["10.77.1.5"]}, self="<b>")
    assert "<b>" not in lab.here()._repr_mimebundle_()["text/html"]
