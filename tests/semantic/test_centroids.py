import numpy as np
import pytest

from tests.semantic.planted import planted
from transforms.semantic import centroids as module
from transforms.semantic.centroids import find_centroids, nearest
from transforms.vectors import unit


def test_centroids_and_the_nearest_of_each_row_do_not_depend_on_the_size_of_blocks(monkeypatch):
    """Law 2."""
    vectors, _ = planted(3_000, 100, width=16)
    found = find_centroids(vectors[:800], 20, 3_000)
    near = nearest(vectors, found)
    for block in (1, 5_000):
        monkeypatch.setattr(module, "_BLOCK", block)
        assert np.array_equal(find_centroids(vectors[:800], 20, 3_000), found)
        assert np.array_equal(nearest(vectors, found), near)


def test_rows_of_one_topic_share_a_centroid_with_most_of_their_copies():
    vectors, of = planted(3_000, 500)
    near = nearest(vectors, find_centroids(vectors[:1_000], 12, 3_000))
    assert (near[2_500:] == near[of]).mean() > 0.95


def test_a_centroid_that_too_many_rows_are_near_is_parted_as_far_as_they_differ(monkeypatch):
    monkeypatch.setattr(module, "MOST_AROUND", 200)
    vectors, _ = planted(2_000, 0, width=16, topics=2)
    vectors[:900] = vectors[0]
    found = find_centroids(vectors, 3, 2_000)
    counts = np.bincount(nearest(vectors, found))
    assert np.sort(counts)[-2] <= 400
    assert counts.max() >= 900


def test_there_are_never_more_centroids_than_vectors_that_differ():
    vectors, _ = unit(np.eye(3))
    assert len(find_centroids(np.repeat(vectors, 5, axis=0), 10, 15)) == 3


def test_embeddings_too_wide_for_whole_numbers_are_refused():
    with pytest.raises(ValueError, match="at most 4096"):
        find_centroids(np.ones((1, 5_000), "<f2"), 1, 1)
