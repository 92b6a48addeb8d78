"""The nearest few partners of each picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.partners import ANCHORS, PARTNERS, candidates, kept

LOCAL = np.uint64((1 << 18) - 1)


def told(rows):
    """Candidates of (row, other, distance, order, anchor)."""
    table = np.array(rows, np.uint64).reshape(-1, 5)
    notes = table[:, 2] << np.uint64(36) | table[:, 3] << np.uint64(1) | table[:, 4]
    return candidates(np.stack([table[:, 0], table[:, 1], notes], 1), LOCAL)


def read(found):
    """As (row, other, distance, anchor)."""
    columns = found[0] >> np.uint64(39), found[1] >> np.uint64(1), found[0] >> np.uint64(35) & np.uint64(15), found[1] & np.uint64(1)
    return list(zip(*[column.tolist() for column in columns], strict=True))


def test_the_nearest_are_kept_and_of_equally_near_ones_the_first_in_content_order():
    rows = [(7, 100 + i, 3 if i < 50 else 1, 1_000 - i, 0) for i in range(60)] + [(8, 1, 8, 5, 0)]
    found, crowded = kept(told(rows), PARTNERS)
    expected = [(7, 159 - i, 1, 0) for i in range(10)] + [(7, 149 - i, 3, 0) for i in range(PARTNERS - 10)] + [(8, 1, 8, 0)]
    assert read(found) == expected
    assert crowded == 1


def test_a_partner_told_under_many_keys_is_one_at_its_least_distance():
    found, crowded = kept(told([(1, 9, 5, 2, 0), (1, 9, 3, 2, 0), (1, 9, 4, 2, 0)] * 50), PARTNERS)
    assert read(found) == [(1, 9, 3, 0)]
    assert crowded == 0


def test_what_stands_for_a_crowd_is_kept_however_far_it_is():
    near = [(1, 100 + i, 0, 50 + i, 0) for i in range(40)]
    far = [(1, 200 + i, 7, i, 1) for i in range(20)] * 2
    found, _ = kept(told(near + far), PARTNERS)
    assert [row for row in read(found) if row[3]] == [(1, 200 + i, 7, 1) for i in range(ANCHORS)]
    assert len(read(found)) == PARTNERS + ANCHORS


ROW = st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 8), st.just(0), st.integers(0, 1))


@settings(deadline=None)
@given(st.lists(ROW, max_size=60), st.lists(st.integers(0, 2), min_size=60, max_size=60))
def test_what_is_kept_of_kept_parts_is_what_is_kept_of_the_whole(rows, parts):
    """So the number of passes cannot show."""
    rows = [(row, other, distance, other * 7 % 31, anchor) for row, other, distance, _, anchor in rows]
    whole, crowded = kept(told(rows), 4)
    shares = [told([row for row, part in zip(rows, parts, strict=False) if part == n]) for n in range(3)]
    again, crowded_again = kept(np.concatenate([kept(share, 5)[0] for share in shares], axis=1), 4)
    assert set(read(again)) == set(read(whole))
    assert crowded_again == crowded
