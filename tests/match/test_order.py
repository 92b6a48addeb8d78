"""Content order: larger picture, longer caption, then fixed bits."""

import numpy as np

from transforms.match.order import as_words, content_order


def test_larger_pictures_come_first_then_longer_captions_up_to_a_thousand_characters():
    captions = ["x", "y" * 1_000, "z" * 1_200, "a" * 1_200, None]
    uids = [bytes([i] * 16) for i in range(5)]
    order = [row.tobytes() for row in content_order(np.array([5_000, 10, 10, 10, 1 << 40]), captions, uids)]
    ranks = sorted(range(5), key=order.__getitem__)
    assert ranks[:2] == [4, 0]
    assert {order[i][4:6] for i in (1, 2, 3)} == {bytes(2)}, "beyond 1,000 characters length does not count"


def test_rows_that_differ_only_in_their_uid_are_ordered_by_it():
    order = content_order(np.array([9, 9]), ["a", "a"], [b"b" * 16, b"a" * 16])
    assert order[1].tobytes() < order[0].tobytes()


def test_words_sort_as_the_bytes_do():
    order = np.random.default_rng(1).integers(0, 3, (200, 16), dtype=np.uint8)
    high, low = as_words(order)
    by_words = np.lexsort((low, high))
    assert [order[i].tobytes() for i in by_words] == sorted(row.tobytes() for row in order)
