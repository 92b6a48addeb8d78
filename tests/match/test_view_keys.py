"""Keys of views: what is sent of a picture, and that what lies near enough meets."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.signatures import LOOKED_UP, PARTS, VIEWS
from transforms.images.nearest import orient
from transforms.images.views import SUBSET_BITS
from transforms.match import view_keys
from transforms.match.keys import LOW_BITS, mixed
from transforms.match.view_keys import KINDS, VIEW_KEY_BITS, VIEW_KEYS, entries

EVERY = np.ones(1, bool)
ALL_VIEWS = (1 << len(VIEWS)) - 1
BARE = ALL_VIEWS & ~(1 << VIEWS.index("unbarred") | 1 << VIEWS.index("untrimmed"))  # no bars, no border


def pictures(n, seed=1, have=ALL_VIEWS):
    """Random views of n pictures, doubts among the bits of their subset, identities."""
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, 1 << 63, (n, len(VIEWS)), dtype=np.uint64) << np.uint64(1)
    doubts = np.zeros((n, len(LOOKED_UP + PARTS), 2, 4), np.uint8)
    for subset, bits in enumerate(SUBSET_BITS):
        doubts[:, :, subset] = draw.permuted(np.broadcast_to(bits, (*doubts.shape[:2], len(bits))), axis=-1)[..., :4]
    return np.full(n, have, np.uint32), hashes, doubts, draw.integers(0, 1 << 64, n, dtype=np.uint64)


def sent(have, hashes, doubts, ids, key, wanted=EVERY):
    """Permuted hashes, words and ranges."""
    rows = np.arange(len(have), dtype=np.uint64)
    found = list(entries(have, hashes, doubts, ids, rows, np.zeros(len(have), bool), key, wanted))
    parts = np.repeat([part for part, _ in found], [len(some) for _, some in found])
    return *np.concatenate([some for _, some in found]).T, parts


def permuted(word, subset):
    """A hash as it travels, by its definition: bits of the subset, the others by frequency, the mean last."""
    kept = SUBSET_BITS[subset].tolist()
    rest = sorted((bit for bit in range(1, 64) if bit not in kept), key=lambda bit: (bit // 8 + bit % 8, bit))
    return int("".join(str(int(word) >> bit & 1) for bit in (*kept, *rest, 0)), 2)


def expected(picture, key):
    """What one picture sends, as sets of (looked up, turned bits, permuted hash)."""
    have, hashes, doubts, _ = picture
    subset, kind = divmod(key, KINDS)
    asking = [name for name in VIEWS if (name == PARTS[kind - 1] if kind else name not in PARTS)]
    out = {(0, 0, permuted(hashes[VIEWS.index(name)], subset)) for name in asking if have >> VIEWS.index(name) & 1}
    for name, way in itertools.product(LOOKED_UP + PARTS, range(8)):
        view, flips = VIEWS.index(name), 4 if way < 2 else 2
        if (way > 1 and (name in PARTS or name == "untrimmed")) or not have >> view & 1:
            continue
        met = name
        if name in PARTS:
            flips, met = 1, {"left": "right", "right": "left"}.get(name, name) if way else name
        if (met in PARTS) != bool(kind) or (kind and met != PARTS[kind - 1]):
            continue
        turned = orient(hashes[view : view + 1], way)[0]
        places = doubts[(LOOKED_UP + PARTS).index(name), subset, :flips].tolist()
        places = [bit % 8 * 8 + bit // 8 if way & 4 else bit for bit in places]
        for number in range(flips + 1):
            for chosen in itertools.combinations(places, number):
                out.add((1, number, permuted(int(turned) ^ sum(1 << bit for bit in chosen), subset)))
    return out


@pytest.mark.parametrize("key", range(VIEW_KEYS))
def test_a_picture_sends_its_views_and_what_it_is_looked_up_by_in_every_orientation_and_variant(key):
    have, hashes, doubts, ids = pictures(3)
    have[1] = BARE
    have[2] = 0
    found, words, _ = sent(have, hashes, doubts, ids, key)
    for row in range(3):
        mine = words & LOW_BITS == row
        columns = words[mine] >> np.uint64(63), words[mine] >> np.uint64(60) & np.uint64(7), found[mine]
        told = list(zip(*[column.tolist() for column in columns], strict=True))
        assert len(told) == len(set(told))
        assert set(told) == (expected((int(have[row]), hashes[row], doubts[row], ids[row]), key) if have[row] else set())


def test_what_a_picture_has_twice_it_sends_once():
    have, hashes, doubts, ids = pictures(1)
    once = len(sent(have, hashes, doubts, ids, 0)[0])
    hashes[0, VIEWS.index("unbarred")] = hashes[0, VIEWS.index("centre95")] = hashes[0, VIEWS.index("whole")]
    assert len(sent(have, hashes, doubts, ids, 0)[0]) == once - 2 - 56


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 7), st.integers(0, 11), st.data())
def test_a_view_that_differs_in_uncertain_bits_of_the_key_and_in_others_meets_at_that_distance(way, key, data):
    """The bits of a key may differ where they were least certain; bits behind it anywhere."""
    subset, kind = divmod(key, KINDS)
    name = PARTS[kind - 1] if kind else "whole"
    way, flips = (way % 2, 1) if kind else (way, 4 if way < 2 else 2)
    have, hashes, doubts, ids = pictures(2, seed=key)
    looked_up = {"left": "right", "right": "left"}.get(name, name) if way else name
    view, place = VIEWS.index(looked_up), (LOOKED_UP + PARTS).index(looked_up)
    uncertain = data.draw(st.sets(st.sampled_from(doubts[0, place, subset, :flips].tolist())))
    others = data.draw(st.sets(st.sampled_from([bit for bit in range(1, 64) if bit not in SUBSET_BITS[subset]]), max_size=8))
    changed = int(hashes[0, view]) ^ sum(1 << bit for bit in uncertain | others)
    hashes[1, VIEWS.index(name)] = orient(np.array([changed], np.uint64), way)[0]
    found, words, _ = sent(have, hashes, doubts, ids, key)
    shift = np.uint64(64 - VIEW_KEY_BITS[key])
    asks = [int(e) for e, w in zip(found, words, strict=True) if w & LOW_BITS == 1 and w >> np.uint64(63) == 0]
    distances = [
        (int(e) ^ ask).bit_count() + int(w >> np.uint64(60) & np.uint64(7))
        for e, w in zip(found, words, strict=True) if w & LOW_BITS == 0 and w >> np.uint64(63)
        for ask in asks if int(e) >> int(shift) == ask >> int(shift)
    ]  # fmt: skip
    assert len(uncertain) + len(others) in distances


def test_ranges_are_those_of_the_key_and_only_the_wanted_are_sent():
    picture = pictures(50)
    wanted = np.arange(8) % 3 == 0
    for key in (0, 7):
        found, words, parts = sent(*picture, key, np.ones(8, bool))
        np.testing.assert_array_equal(parts, mixed(found >> np.uint64(64 - VIEW_KEY_BITS[key]), 3))
        some = sent(*picture, key, wanted)
        for mine, every in zip(some, (found, words, parts), strict=True):
            np.testing.assert_array_equal(mine, every[wanted[parts]])


def test_bytes_a_key_are_about_what_pictures_without_bars_send():
    have, hashes, doubts, ids = pictures(20, have=BARE)
    for key in range(VIEW_KEYS):
        sent_bytes = 16 * len(sent(have, hashes, doubts, ids, key)[0]) / 20
        assert sent_bytes <= view_keys.BYTES_A_KEY[key] <= 1.25 * sent_bytes
