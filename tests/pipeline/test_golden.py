"""The demo's ledger, row by row, is the one that is written down."""

from tests.golden import expected, told


def test_the_demo_gives_the_golden_ledger(demo_run):
    found, golden = told(demo_run.ledger()), expected()
    assert sorted(found) == sorted(golden)
    differing = {key: (found[key], golden[key]) for key in golden if found[key] != golden[key]}
    assert not differing
