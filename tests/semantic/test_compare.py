import numpy as np
import pytest

from tests.semantic.planted import planted
from transforms.semantic import compare as module
from transforms.semantic.compare import ALONE, compare


def by_brute_force(vectors, eps):
    """The same in the plainest way: one row after the other, every cosine in double precision."""
    wide = vectors.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    cosine = np.round(wide @ wide.T, 4)
    leader = np.full(len(wide), ALONE)
    for row in range(len(wide)):
        joins = [before for before in range(row) if leader[before] == before and cosine[row, before] > round(1 - eps, 4)]
        leader[row] = joins[0] if joins else row
    alone = np.bincount(leader, minlength=len(wide))[leader] == 1
    np.fill_diagonal(cosine, -1)
    outlier = 1 - np.sort(cosine, axis=1)[:, -8:].mean(axis=1)
    return np.where(alone, ALONE, leader), outlier


@pytest.mark.parametrize("eps", [0.005, 0.05, 0.3])
@pytest.mark.parametrize("block", [1 << 24, 250 * 13])
def test_it_equals_all_pairs_one_by_one_in_blocks_of_any_size(monkeypatch, eps, block):
    monkeypatch.setattr(module, "_BLOCK", block)
    monkeypatch.setattr(module, "_PAIRS", 7)
    vectors, _ = planted(250, 60)
    found = compare(vectors, eps)
    leader, outlier = by_brute_force(vectors, eps)
    assert found.leader.tolist() == leader.tolist()
    assert found.outlier == pytest.approx(outlier, abs=5e-4)


def test_a_chain_of_small_steps_is_not_one_cluster():
    angles = np.arange(6) * 0.1  # neighbours have a cosine of .995, ends of .88
    found = compare(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("<f2"), 0.01)
    assert found.leader.tolist() == [0, 0, 2, 2, 4, 4]
    assert found.similarity.tolist() == pytest.approx([1, 0.995, 1, 0.995, 1, 0.995], abs=5e-4)


def test_a_row_far_from_all_others_has_a_high_outlier_score():
    vectors = np.zeros((20, 4), "<f2")
    vectors[:, 0] = 1
    vectors[19] = [0, 0, 1, 0]
    outlier = compare(vectors, 0.01).outlier
    assert outlier[19] == 1
    assert not outlier[:19].any()


def test_one_row_has_no_neighbour_and_none_is_nothing():
    found = compare(np.ones((1, 1), "<f2"), 0.1)
    assert (found.leader.tolist(), np.isnan(found.outlier).tolist()) == ([ALONE], [True])
    assert not len(compare(np.empty((0, 4), "<f2"), 0.1).leader)


def test_rows_that_all_mean_the_same_have_the_first_as_their_leader():
    found = compare(np.ones((500, 1), "<f2"), 0.1)
    assert not found.leader.any()
