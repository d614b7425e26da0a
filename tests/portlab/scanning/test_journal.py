"""The journal of a running scan: events are numbered over all batches, and nothing is counted that was not sent."""

import numpy as np
import pytest

from portlab.model import ERRNO, Answer, Events, no_frames
from portlab.scanning.journal import NO_ROW, Journal
from portlab.techniques import technique
from tests.portlab.frames import SOURCE_PORT, TOKEN, events_of, probe
from tests.portlab.techniques.test_recognise import tcp


def test_events_are_numbered_over_all_batches():
    journal = Journal(technique("syn"))
    assert journal.add(np.concatenate([probe(), probe(port=81, row=1)])) == slice(0, 2)
    assert journal.add(probe(port=82, row=2)) == slice(2, 3)
    stray = tcp("SA", ack=TOKEN)
    first = journal.keep(events_of(stray, tcp("SA")))
    second = journal.keep(events_of(stray, stray, tcp("RA", sport=82)))
    assert (first.event.tolist(), second.event.tolist()) == ([1], [2])  # of their own batch
    every = journal.answers()
    assert (every.event.tolist(), every.probe.tolist()) == ([1, 4], [0, 2])
    assert [Answer.of(code) for code in every.answer] == [Answer.SYN_ACK, Answer.RST]
    assert len(journal.events().frames) == 5
    assert journal.answered(slice(0, 2)).tolist() == [True, False]
    assert journal.answered(slice(2, 3)).tolist() == [True]


def test_errnos_are_numbered_by_themselves():
    journal = Journal(technique("connect"))
    journal.add(np.concatenate([probe(), probe(port=81, row=1)]))
    for number in (0, 1):
        end = np.array([(1, 0, number, 0, -1, -1, 0)], ERRNO)
        journal.keep(Events(events_of(tcp("SA"), tcp("A")).frames, end))
    assert journal.answers().event.tolist() == [0, 1]
    assert (len(journal.events().frames), len(journal.events().errnos)) == (4, 2)


def test_an_empty_journal():
    journal = Journal(technique("syn"))
    assert len(journal.answers()) == len(journal.events().frames) == len(journal.sent()) == 0
    assert len(journal.keep(Events(no_frames(), np.empty(0, ERRNO)))) == 0


@pytest.mark.parametrize(
    ("times", "left"), [([0, 0, 0], 0), ([5, 0, 0], 1), ([5, 6, 0], 2), ([5, 6, 7], 3), ([0, 6, 0], 2)]
)
def test_what_was_cut_short_was_not_sent(times, left):
    journal = Journal(technique("syn"))
    journal.add(np.concatenate([probe(time_ns=time, source_port=SOURCE_PORT + time) for time in times]))
    assert len(journal.sent()) == left


def test_by_arp_the_wire_asks():
    journal = Journal(technique("ping-arp"))
    journal.add(probe(time_ns=0))
    assert len(journal.sent()) == 1


def test_what_was_sent_is_a_copy():
    journal = Journal(technique("syn"))
    journal.add(probe(row=NO_ROW))
    sent = journal.sent()
    journal.probes.rows["time_ns"] = 0
    assert sent["time_ns"].tolist() != [0]
    assert sent["row"].tolist() == [NO_ROW]
