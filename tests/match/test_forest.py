"""Trees of candidates: what is held at a time, which pairs are compared while pictures are at hand, and that none is read again."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline.match
from tests.match.signed_rows import Row, matched, noisy, photo, sets, signed, write
from transforms.match import compact, forest


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 6), st.integers(1, 5))
def test_small_trees_are_not_cut_and_no_batch_is_much_more_than_asked_for(sizes, at_once, together):
    together = min(together, at_once)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(forest, "PAIRS_AT_ONCE", at_once)
        patched.setattr(forest, "MOST_TOGETHER", together)
        trees = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
        batches = [trees[some].tolist() for some in forest._batches(trees)]
    assert list(itertools.chain(*batches)) == trees.tolist()
    assert all(0 < len(batch) < at_once + together for batch in batches)
    for tree, size in enumerate(sizes):
        assert size > together or sum(tree in batch for batch in batches) == 1


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), min_size=1), st.data())
def test_what_else_is_compared_is_every_pair_of_a_group_that_is_not_known(known, data):
    left, right = np.array(sorted(known)).T
    good = np.array(data.draw(st.lists(st.booleans(), min_size=len(left), max_size=len(left))))
    group = {row: {row} for row in range(10)}
    for one, other in zip(left[good].tolist(), right[good].tolist(), strict=True):
        union = group[one] | group[other]
        group.update(dict.fromkeys(union, union))
    every = {pair for rows in group.values() if len(rows) > 2 for pair in itertools.combinations(sorted(rows), 2)}
    found = [tuple(pair) for pair in forest._further(10, left, right, good).T.tolist()]
    assert sorted(found) == sorted(every - known)


def test_pictures_of_groups_that_a_tree_has_joined_are_read_once(tmp_path, monkeypatch):
    photos = [photo(seed) for seed in range(4)]
    rows = [Row(f"caption number {at}", noisy(photos[at % 4], at)) for at in range(20)]
    files = write(signed(rows), tmp_path / "s", [11, 9])
    plain = matched(files, tmp_path / "c", "image")
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    monkeypatch.setattr(compact, "_pictures_of", lambda plan, rows: pytest.fail(f"pictures of {rows} are read again"))
    found = matched(files, tmp_path / "d", "image", owner_bits=3, memory_bytes=2_000_000)
    assert sets(found.cluster) == {frozenset(range(at, 20, 4)) for at in range(4)}
    np.testing.assert_array_equal(found.agreement, plain.agreement)
