"""Rows joined while edges are found, against networkx-free plain sets."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.joined import Joined

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12)


def arrays(pairs):
    table = np.array(pairs, np.uint64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@settings(deadline=None)
@given(st.lists(PAIRS, max_size=4), PAIRS)
def test_joined_rows_are_those_that_edges_connect(batches, asked):
    joined, component = Joined(np.arange(13, dtype=np.uint64)), list(range(13))
    for pairs in batches:
        joined.join(*arrays(pairs))
        for a, b in pairs:
            component = [component[a] if c == component[b] else c for c in component]
    assert joined.apart(*arrays(asked)).tolist() == [component[a] != component[b] for a, b in asked]
    expected = []
    for place, (a, b) in enumerate(asked):
        if component[a] != component[b]:
            expected.append(place)
            component = [component[a] if c == component[b] else c for c in component]
    assert joined.open(*arrays(asked)).tolist() == expected
