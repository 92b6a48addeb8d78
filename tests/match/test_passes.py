"""Which rows send keys."""

import numpy as np
import pytest

from schemas.signatures import BANDS
from tests.match.signed_rows import Row, photo, signed, write
from transforms.match import hashed, passes
from transforms.match.blocks import unpack
from transforms.match.keys import LOW_BITS
from transforms.match.plan import CAPTIONS, PICTURES, RANGE_BITS, make_plan


@pytest.mark.parametrize("reach", ["plain", "views"])
def test_pictures_that_say_little_and_those_that_another_stands_for_are_under_no_key(tmp_path, reach):
    flat = np.full((200, 200), 90, np.uint8)
    rows = [Row("a", flat), Row("b", photo(1)), Row("c", flat + 1), Row("d", photo(2)), Row("e", photo(2)), Row("f", raw=b"no picture")]
    plan = make_plan(tuple(write(signed(rows, reach), tmp_path / "s")), str(tmp_path), "image", reach)
    for family, stood_for in ((CAPTIONS, []), (PICTURES, [[4], [3]])):
        plan.save(np.array(stood_for, np.uint64).reshape(2, -1), "same", family, 0)
    if reach == "plain":
        assert list(hashed.save(plan, 0)) == [0]
    of_pictures = [unit for unit in plan.units() if unit >> RANGE_BITS >= BANDS]
    sent = [unpack(block, [np.uint64])[1][0][1::2] for _, block in passes.send(plan, of_pictures, 0)]
    assert set((np.concatenate(sent) & LOW_BITS).tolist()) == {1, 3}
