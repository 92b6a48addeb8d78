"""Which edges make the graph."""

import numpy as np

from transforms.match.policy import groups


def edges(*pairs):
    return np.array(pairs, np.uint64).reshape(-1, 2).T


def grouped(rule, captions, pictures):
    rows, roots = groups(rule, captions, pictures)
    found = {}
    for row, root in zip(rows.tolist(), roots.tolist(), strict=True):
        found.setdefault(root, []).append(row)
    assert all(root == min(rows) for root, rows in found.items())
    return sorted(found.values())


def test_each_rule_takes_its_own_edges():
    captions, pictures = edges((0, 1), (4, 5)), edges((1, 2), (4, 5))
    assert grouped("caption", captions, pictures) == [[0, 1], [4, 5]]
    assert grouped("image", captions, pictures) == [[1, 2], [4, 5]]
    assert grouped("image_or_caption", captions, pictures) == [[0, 1, 2], [4, 5]]
    assert grouped("image_and_caption", captions, pictures) == [[4, 5]]


def test_rows_in_one_component_of_each_family_are_a_group():
    captions, pictures = edges((0, 1), (1, 2), (2, 3), (8, 9)), edges((3, 9), (0, 3), (1, 8), (1, 2))
    assert grouped("image_and_caption", captions, pictures) == [[0, 3], [1, 2]]
