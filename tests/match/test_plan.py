"""Plans: every unit is in one pass, and arrays are written as they are read."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.plan import RANGE_BITS, Plan, make_plan
from transforms.match.rows import SignatureFile


@settings(deadline=None)
@given(st.integers(1, 10**9), st.integers(1, 100), st.sampled_from(["views", "plain"]))
def test_every_unit_is_in_exactly_one_pass_which_holds_no_more_than_it_may_and_no_key_is_cut_that_fits_one(total, count, reach):
    plan = Plan("x", total, 18, "image", reach, 64 << 20, "")
    keys = [unit >> RANGE_BITS for unit in plan.units()]
    sent = {unit: total * plan.key_bytes[key] / (1 << plan.range_bits_of(key)) for unit, key in zip(plan.units(), keys, strict=True)}
    most = sum(sent.values()) / count
    passes = plan.passes(most)
    assert [unit for units in passes for unit in units] == plan.units()
    assert all(len(units) == 1 or sum(sent[unit] for unit in units) <= most * 1.001 for units in passes)
    assert len(passes) <= 2 * count + 1
    for key, size in enumerate(plan.key_bytes):
        assert sum(any(unit >> RANGE_BITS == key for unit in units) for units in passes) == 1 or total * size > most


def test_a_step_written_twice_has_the_same_bytes(tmp_path):
    plan = make_plan((SignatureFile("a", 3), SignatureFile("b", 0)), str(tmp_path), "image", "plain")
    assert plan.rows.total == plan.total == 3
    array = np.arange(6, dtype=np.uint64).reshape(2, 3)
    plan.save(array, "edges", 0, 1)
    first = (tmp_path / "steps" / "edges-0-1.npy").read_bytes()
    plan.save(array, "edges", 0, 1)
    assert (tmp_path / "steps" / "edges-0-1.npy").read_bytes() == first
    np.testing.assert_array_equal(plan.load("edges", 0, 1), array)
