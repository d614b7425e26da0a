"""A live picture without a page: what it keeps, what it tells, what it says when something goes wrong."""

import pytest

from portlab.errors import BadTarget
from portlab.learn.live import Live


def told(live, detail):
    """What arrives when the page tells something: the widget's own way in."""
    live._handle_custom_msg(detail, [])


def test_a_notebook_keeps_the_figure_and_its_words_and_no_widget():
    bundle = Live("<figure>first</figure>", "first")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"] == "first"
    assert "<figure>first</figure>" in bundle["text/html"]


def test_two_pictures_do_not_answer_to_one_name():
    one, other = Live("<figure></figure>", ""), Live("<figure></figure>", "")
    assert one.name in one._repr_mimebundle_()["text/html"]
    assert one.name != other.name


def test_everyone_who_listens_hears_what_the_page_tells():
    live, heard = Live("<figure></figure>", ""), []
    live.on_tell(heard.append)
    live.on_tell(lambda detail: heard.append(detail["do"]))
    told(live, {"do": "start"})
    assert heard == [{"do": "start"}, "start"]


def test_drawing_anew_changes_figure_and_words():
    live = Live("<figure>one</figure>", "one")
    live.draw("<figure>two</figure>", "two")
    assert (live.html, live.text) == ("<figure>two</figure>", "two")
    assert "two" in live._repr_mimebundle_()["text/html"]


def test_a_passing_picture_is_shown_until_the_next_one_is_kept():
    live = Live("<figure>still</figure>", "still")
    live.draw("<figure>half way</figure>", "half way", passing=True)
    assert (live.passing, live.html) == ("<figure>half way</figure>", "<figure>still</figure>")
    live.draw("<figure>done</figure>", "done")
    assert (live.passing, live.html) == ("", "<figure>done</figure>")


def raising(error):
    def answer(detail):
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadTarget("There is no host 'wbe'."), "There is no host 'wbe'."),
        (
            KeyError("port"),
            "Something went wrong in the program: KeyError: 'port'\nin test_live.py, line ",
        ),
    ],
    ids=["a mistake of the learner", "a fault of the program"],
)
def test_what_goes_wrong_is_shown_until_the_next_thing_is_told(error, words, capsys):
    live = Live("<figure></figure>", "")
    live.on_tell(raising(error))
    told(live, {})
    assert live.trouble.startswith(words)
    assert ("Traceback" in capsys.readouterr().err) == isinstance(error, KeyError)
    live._answers.clear()
    told(live, {})
    assert live.trouble == ""
