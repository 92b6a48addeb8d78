"""Which rows share both components."""

import numpy as np

from transforms.match.components import components
from transforms.match.policy import intersections


def edges(*pairs):
    return np.array(pairs, np.uint64).reshape(-1, 2).T


def test_rows_in_one_component_of_each_family_are_a_group():
    captions, caption_roots = components(edges((0, 1), (1, 2), (2, 3), (8, 9)))
    pictures, picture_roots = components(edges((3, 9), (0, 3), (1, 8), (1, 2)))
    rows, mine, theirs = np.intersect1d(captions, pictures, return_indices=True)
    rows, roots = intersections(rows, caption_roots[mine], picture_roots[theirs])
    assert rows.tolist() == [0, 1, 2, 3]
    assert roots.tolist() == [0, 1, 1, 0]


def test_nothing_intersects_where_there_is_nothing():
    nothing = np.empty(0, np.uint64)
    assert [len(found) for found in intersections(nothing, nothing, nothing)] == [0, 0]
