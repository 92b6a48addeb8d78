"""Equal rows are stood for by the first of them in content order."""

import numpy as np
import pytest

from tests.match.signed_rows import Row, photo, signed, write
from transforms.match import identity
from transforms.match.blocks import EMPTY
from transforms.match.plan import CAPTIONS, PICTURES, make_plan


def stand_ins(plan, shares):
    """The steps by hand: {(family, row): the row that stands for it}."""
    for number in range(shares):
        partitions, owners = {}, {owner: [EMPTY] for owner in range(plan.owners)}
        for owner in reversed(range(plan.owners)):
            for key, block in identity.send(plan, number, shares, owner):
                partitions.setdefault(key, []).append(block)
        for key, blocks in partitions.items():
            for owner, block in identity.choose(plan, key, blocks):
                owners[owner].append(block)
        for owner, blocks in owners.items():
            assert list(identity.save(plan, number, shares, owner, blocks)) == [owner]
    found = {}
    for owner in owners:
        for family in (CAPTIONS, PICTURES):
            for local, of in plan.load("same", family, owner).T.tolist():
                found[family, (owner << plan.owner_bits) + local] = of
    return found


@pytest.mark.parametrize(("owner_bits", "partition_bytes", "shares"), [(18, 64 << 20, 1), (2, 64, 1), (2, 64, 4)])
def test_the_first_in_content_order_stands_for_equal_rows(tmp_path, owner_bits, partition_bytes, shares):
    large, small = np.kron(photo(1), np.ones((2, 2), np.uint8)), photo(2)
    rows = [Row("one", small), Row("One", large), Row("one ", small), Row("two", large), Row(None), Row("!!!", small), Row("two")]
    batch = signed(rows)
    plan = make_plan(tuple(write(batch, tmp_path / "s", [3, 4])), str(tmp_path), "image", "plain", owner_bits, partition_bytes)
    order = batch.column("order").to_pylist()
    first = min((0, 2, 5), key=order.__getitem__)
    assert stand_ins(plan, shares) == {
        (CAPTIONS, 0): 1, (CAPTIONS, 2): 1, (CAPTIONS, 6): 3,
        **{(PICTURES, row): first for row in (0, 2, 5) if row != first},
        (PICTURES, max((1, 3), key=order.__getitem__)): min((1, 3), key=order.__getitem__),
    }  # fmt: skip
