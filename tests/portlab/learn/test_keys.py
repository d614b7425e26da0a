"""A key file commits predictions; what is wrong with it is said by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from portlab.errors import BadTarget
from portlab.learn import keys


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    assert keys.from_environment() == {}
    (tmp_path / "key.json").write_text('{"04/open-door": {"state": "open", "packet": "RST"}}')
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "key.json"))
    assert keys.from_environment() == {"04/open-door": {"state": "open", "packet": "RST"}}


@pytest.mark.parametrize(
    ("text", "told"),
    [("[", "is no JSON: "), ("[]", "must map names such as"), ('{"open-door": {}}', "must map")],
)
def test_what_is_no_key_is_said(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(BadTarget, match=r"The key file .*key\.json' " + told):
        keys.load(path)


def test_a_key_that_is_not_there_is_named() -> None:
    with pytest.raises(BadTarget, match=r"'no/such/key\.json' cannot be read"):
        keys.load("no/such/key.json")
