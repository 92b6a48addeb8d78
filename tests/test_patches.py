"""Patches are counted by different pictures and domains, the same however the rows lie in shards."""

import numpy as np
import pyarrow as pa
import pytest

from transforms.filters.poisoning import MEASURED, Poisoning
from transforms.images.places import LEVELS, PLAIN_PIXELS, Corners
from transforms.patches import MOST, NEAR_SEEDS, SEED, bounded, corners_of, frequent, in_order, seeds, seen_again, short_keys, sightings

KIND = MEASURED.field("corners").type


def column(*rows):
    return pa.array([[{"place": place, "hash": found, "sure": True} for place, found in row] for row in rows], KIND)


def corners(place, found, rows=None, sure=None):
    n = len(place)
    given = (np.arange(n) if rows is None else rows, place, found, np.ones(n) if sure is None else sure)
    return Corners(*(np.array(values, kind) for values, kind in zip(given, (np.int64, np.uint8, np.uint64, bool), strict=True)))


def counted(place, found, pictures, hosts, least=2, parts=1, sure=None):
    """SEED records of what several shards send."""
    every, pictures, hosts = corners(place, found, sure=sure), np.array(pictures, np.uint64), np.array(hosts, np.uint64)
    mine = [np.arange(len(place)) % parts == part for part in range(parts)]
    sent = [sightings(every.where(part), pictures[part], hosts[part]) for part in mine]
    return in_order(seeds(bounded(np.concatenate(sent)), least)).tolist()


def test_the_same_hash_at_another_place_is_another_patch():
    found = corners_of(column([(0, 7), (5, 7)], [], [(0, 7)]))
    assert (found.row.tolist(), found.place.tolist(), found.hashes.tolist()) == ([0, 0, 2], [0, 5, 0], [7, 7, 7])
    keys = short_keys(found.place, found.hashes)
    assert keys[0] == keys[2] != keys[1]
    assert frequent(keys, 2).tolist() == [keys[0]]


def test_pictures_and_domains_count_once():
    place, found = [0] * 6, [9] * 6
    assert counted(place, found, [1, 1, 2, 2, 3, 0], [5, 5, 5, 6, 0, 7]) == [(0, 9, 3, 3)]
    assert counted(place, found, [1] * 6, [5, 6, 7, 8, 9, 10]) == [], "many copies of one picture have one corner"


def test_where_hardly_anything_ends_it_is_no_patch():
    """A bar with a name along one side: by chance a letter looks like an edge."""
    place, found, sure = [0] * 40, [9] * 40, [number < 10 for number in range(40)]
    assert counted(place, found, range(1, 41), [5] * 40, sure=sure) == [(0, 9, 10, 1)]
    assert counted(place, found, range(1, 41), [5] * 40, sure=[number < 9 for number in range(40)]) == []
    assert counted(place, found, range(1, 41), [5] * 40, sure=[False] * 40) == []


@pytest.mark.parametrize("parts", [2, 7])
def test_how_rows_lie_in_shards_does_not_show_even_where_a_patch_is_beyond_all_bounds(parts):
    draw = np.random.default_rng(5)
    drawn = (draw.integers(0, 3, 6000), draw.integers(0, 4, 6000), draw.integers(1, 1000, 6000), draw.integers(0, 30, 6000))
    once = counted(*drawn)
    assert counted(*drawn, parts=parts) == once
    assert {pictures for _, _, pictures, _ in once} == {MOST}
    assert {hosts for _, _, _, hosts in once} == {29}


def test_a_row_has_the_most_frequent_of_its_patches_and_near_ones_of_the_first_are_found():
    known = np.array([(0, 0b1111, 90, 9), (3, 64, 20, 2), (0, 1 << 40, 6, 1)], SEED)
    rows = np.array([0, 0, 1, 2, 3, 4])
    place = np.array([3, 0, 0, 0, 3, 1], np.uint8)
    found = np.array([64, 0b1111, 1 << 40, 0b11, 1 << 60, 0b1111], np.uint64)
    at, which = seen_again(corners(place, found, rows), known)
    assert (at.tolist(), which.tolist()) == ([0, 1, 2, 3], [0, 2, 0, 1])
    many = np.array([(1, 1 << 50, 99, 1)] * NEAR_SEEDS + [(0, 8, 5, 1)], SEED)
    assert seen_again(corners([0, 0], [8, 9]), many)[0].tolist() == [0]


def test_plain_rectangles_are_near_by_level_and_size_and_levels_by_bits():
    known = np.array([(PLAIN_PIXELS, 0x4C14, 30, 3), (LEVELS, 0xF0, 20, 3)], SEED)
    near, far = [0x4C14, 0x4B15, 0x4D13], [0x4C16, 0x4E14, 0x5C14, 0x4C94]
    assert seen_again(corners([PLAIN_PIXELS] * 7, near + far), known)[0].tolist() == [0, 1, 2]
    assert seen_again(corners([LEVELS] * 3, [0xF0, 0xF0 ^ 0x3F, 0xF0 ^ 0x7F]), known)[0].tolist() == [0, 1]


def test_short_keys_are_spread_over_all_of_their_range():
    keys = short_keys(np.repeat(np.arange(16, dtype=np.uint8), 500), np.tile(np.arange(500, dtype=np.uint64), 16))
    assert len(np.unique(keys)) > 7990
    assert np.bincount(keys >> 29, minlength=8).min() > 800


def test_in_large_runs_a_patch_must_be_on_a_share_of_all_rows():
    rule = Poisoning()
    assert [rule.least_pictures(rows) for rows in (10, 1_000_000, 10**9)] == [5, 5, 1000]


def test_the_evidence_says_where_and_on_how_many_domains():
    measures = pa.array([{"corners": [{"place": 3, "hash": 64, "sure": True}]}, {"corners": []}, None], MEASURED)
    patches = np.array([(3, 64, MOST, 2)], SEED).tobytes()
    flag, own = Poisoning(reject=["corner_patch"]).patched(measures, patches, 100)
    assert (flag.word, flag.rows.tolist(), flag.scores.tolist(), flag.threshold) == ("poisoning:corner_patch", [0], [256.0], 5)
    assert flag.details == ["bottom right, 16 pixels; on 256 or more pictures of 2 domains"]
    assert (own.kind, own.word, own.details) == ("reason", "poisoning", "corner_patch")
    assert Poisoning().patched(measures, b"", 100) == []
