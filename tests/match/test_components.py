"""Union-find against a search by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.components import components


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_components_equal_a_search_from_every_row(edges):
    rows, roots = components(np.array(edges, np.uint64).reshape(-1, 2).T)
    neighbours = {row: {row} for edge in edges for row in edge}
    for a, b in edges:
        neighbours[a].add(b)
        neighbours[b].add(a)
    assert rows.tolist() == sorted(neighbours)
    for row, root in zip(rows.tolist(), roots.tolist(), strict=True):
        seen, wave = {row}, {row}
        while wave:
            wave = set().union(*(neighbours[r] for r in wave)) - seen
            seen |= wave
        assert root == min(seen)


def test_a_chain_of_a_hundred_thousand_rows_is_one_component():
    chain = np.arange(100_000, dtype=np.uint64)
    _, roots = components(np.stack([chain[1:], chain[:-1]]))
    assert not roots.any()
