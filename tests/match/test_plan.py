"""Plans: every unit is in one pass, and arrays are written as they are read."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.plan import RANGE_BITS, Plan, make_plan
from transforms.match.rows import SignatureFile


@settings(deadline=None)
@given(st.integers(1, 10**9), st.integers(1, 100), st.sampled_from(["views", "plain"]))
def test_every_unit_is_in_exactly_one_pass(total, count, reach):
    plan = Plan("x", total, 18, "image", reach, 64 << 20, "")
    passes = plan.passes(count)
    assert [unit for units in passes for unit in units] == plan.units()
    assert 1 <= len(passes) <= count
    assert {unit >> RANGE_BITS for unit in plan.units()} == set(range(len(plan.key_bytes)))


def test_a_step_written_twice_has_the_same_bytes(tmp_path):
    plan = make_plan((SignatureFile("a", 3), SignatureFile("b", 0)), str(tmp_path), "image", "plain")
    assert plan.rows.total == plan.total == 3
    array = np.arange(6, dtype=np.uint64).reshape(2, 3)
    plan.save(array, "edges", 0, 1)
    first = (tmp_path / "steps" / "edges-0-1.npy").read_bytes()
    plan.save(array, "edges", 0, 1)
    assert (tmp_path / "steps" / "edges-0-1.npy").read_bytes() == first
    np.testing.assert_array_equal(plan.load("edges", 0, 1), array)
