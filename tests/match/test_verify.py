"""Verification against plain numpy."""

import numpy as np

from schemas.signatures import CAPTION_EXACT, CAPTION_LONG, CAPTION_NONE, CAPTION_SHORT, CELLS, CHROMA, GEOMETRY, PERMUTATIONS, VIEWS
from tests.match.signed_rows import Row, matched, noisy, photo, signed, write
from transforms.images.alignment import AGREE
from transforms.images.details import Details
from transforms.images.shown import Shown
from transforms.match import verification
from transforms.match.blocks import pack, unpack
from transforms.match.verify import LEAST_EQUAL, PICTURE_KINDS, Captions, Pictures, caption_agreements, picture_agreements


def captions(kinds, seed=1):
    draw = np.random.default_rng(seed)
    kind = np.array(kinds, np.uint8)
    short = draw.integers(0, 3, (len(kinds), PERMUTATIONS), dtype=np.uint8)
    long = draw.integers(0, 2, (int((kind & CAPTION_LONG != 0).sum()), PERMUTATIONS), dtype=np.uint8)
    return Captions(kind, np.arange(len(kinds), dtype=np.uint64), short, long)


def test_agreements_count_equal_places_of_the_kinds_that_both_have():
    both = CAPTION_SHORT | CAPTION_LONG
    rows = captions([CAPTION_SHORT, CAPTION_SHORT, both, CAPTION_LONG, both])
    long_at = {2: 0, 3: 1, 4: 2}
    left, right = (a.reshape(-1) for a in np.mgrid[0:5, 0:5])
    for a, b, found in zip(left, right, caption_agreements(rows, left, rows, right), strict=True):
        kinds = rows.kind[a] & rows.kind[b]
        expected = int((rows.short[a] == rows.short[b]).sum()) if kinds & CAPTION_SHORT else 0
        if kinds & CAPTION_LONG:
            expected = max(expected, int((rows.long[long_at[a]] == rows.long[long_at[b]]).sum()))
        assert found == (PERMUTATIONS if a == b else expected)


def test_equal_captions_agree_wholly_and_captions_that_are_none_never():
    rows = captions([CAPTION_EXACT, CAPTION_EXACT, CAPTION_NONE, CAPTION_NONE])
    rows.ids[:] = [7, 7, 0, 0]
    assert caption_agreements(rows, np.array([0, 2]), rows, np.array([1, 3])).tolist() == [PERMUTATIONS, 0]


def test_ninety_places_are_the_least_that_estimate_seven_tenths():
    assert (LEAST_EQUAL - 1) / PERMUTATIONS < 0.7 <= LEAST_EQUAL / PERMUTATIONS


def pictures(thumbnails, phashes=None):
    n = len(thumbnails)
    return Pictures(
        thumbnails,
        np.zeros((n, 4), np.uint64) if phashes is None else phashes,
        np.zeros(n, np.uint32),
        np.zeros((n, len(VIEWS)), np.uint64),
        np.zeros((n, GEOMETRY), np.float32),
        Shown.of(thumbnails).looks,
        np.zeros((n, len(CHROMA), CELLS), np.int8),
        Details.none(n),
    )


def test_more_pairs_of_pictures_than_are_aligned_at_once_come_out_alike(monkeypatch):
    draw = np.random.default_rng(2)
    blobs = pictures(np.kron(draw.integers(0, 255, (6, 8, 8)), np.ones((6, 6))).astype(np.uint8))
    left, right = (a.reshape(-1) for a in np.mgrid[0:6, 0:6])
    whole = picture_agreements(blobs, left, blobs, right)
    monkeypatch.setattr("transforms.match.verify.CHUNK", 5)
    np.testing.assert_array_equal(picture_agreements(blobs, left, blobs, right), whole)
    np.testing.assert_array_equal(whole >= AGREE, left == right)
    np.testing.assert_array_equal(whole, np.round(whole, 4))


def test_a_picture_of_many_pairs_on_either_side_is_judged_as_ever():
    blobs = pictures(np.kron(np.random.default_rng(4).integers(0, 2, (30, 8, 8)) * 255, np.ones((6, 6))).astype(np.uint8))
    left, right = (np.concatenate([some, np.arange(5)]) for some in np.triu_indices(5, 1))
    copies = blobs.take(np.arange(30))
    np.testing.assert_array_equal(picture_agreements(blobs, left, blobs, right), picture_agreements(blobs, left, copies, right))


def test_what_a_row_on_both_sides_is_compared_by_is_read_once(tmp_path, monkeypatch):
    read, agree = [], verification.picture_agreements

    def seen(left, at_left, right, at_right):
        read.append((left is right, len(left)))
        return agree(left, at_left, right, at_right)

    monkeypatch.setattr(verification, "picture_agreements", seen)
    rows = [Row(f"caption {seed}", noisy(photo(1), seed)) for seed in range(4)]
    found = matched(write(signed(rows), tmp_path / "signed"), tmp_path / "found")
    assert len(set(found.cluster.tolist())) == 1
    assert read[0] == (True, 4)


def test_a_picture_is_aligned_in_the_mirror_where_its_hashes_say_so():
    thumbnail = np.kron(np.random.default_rng(3).integers(0, 255, (8, 8)), np.ones((6, 6))).astype(np.uint8)
    straight, mirrored = np.uint64(0x0123456789ABCDEF), np.uint64(0xFEDCBA98F0E1D2C3)
    both = pictures(np.stack([thumbnail, thumbnail[:, ::-1]]), np.array([[straight, mirrored] * 2, [mirrored, straight] * 2]))
    assert (picture_agreements(both, np.array([0, 1, 0]), both, np.array([1, 0, 0])) >= AGREE).all()


def test_pictures_come_out_of_a_block_as_they_went_in():
    sent = pictures(np.arange(2 * 48 * 48).astype(np.uint8).reshape(2, 48, 48), np.arange(8, dtype=np.uint64).reshape(2, 4))
    _, arrays = unpack(pack(1, *sent.arrays()), PICTURE_KINDS)
    for found, expected in zip(Pictures.of(arrays).arrays(), sent.arrays(), strict=True):
        np.testing.assert_array_equal(found, expected)
