"""The contract, asked from the student's workstation in the Docker lab; `test_inside.py` has pytest run this."""

import pytest

import portlab as pl
from tests.lab.test_contract import SCANS, disagreements, rows_of


@pytest.mark.parametrize("technique", ["ping", *SCANS])
def test_contract(technique):
    assert pl.ping("gateway", progress=False).fidelity == "docker"
    assert disagreements(rows_of(technique)) == []
