import pytest

from portlab.errors import BadTarget
from portlab.techniques import TECHNIQUES, technique
from portlab.view import meanings
from portlab.view.svg import escape


@pytest.mark.parametrize("name", TECHNIQUES)
def test_the_table_is_the_technique_s_own(name: str) -> None:
    table = meanings(name)
    bundle = table._repr_mimebundle_()
    assert max(len(line) for line in str(table).splitlines()) <= 110
    for meaning in technique(name).MEANINGS.values():
        assert escape(meaning.sentence) in bundle["text/html"]
        assert " ".join(meaning.sentence.split()) in " ".join(bundle["text/plain"].split())


def test_who_spoke_is_part_of_the_answer() -> None:
    text = str(meanings("udp"))
    assert "port unreach from the target itself  =>  × closed" in text
    assert "port unreach from somebody else  =>  ▨ filtered" in text


def test_no_such_technique() -> None:
    with pytest.raises(BadTarget, match="'telepathy'"):
        meanings("telepathy")
