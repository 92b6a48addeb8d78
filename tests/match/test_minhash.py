"""MinHash against datasketch, and each kernel against plain numpy."""

import gzip

import numpy as np
import pytest
from datasketch import MinHash

from schemas.signatures import BAND_ROWS, BANDS, PERMUTATIONS
from tests.shared_data import shared
from transforms.match import minhash
from transforms.match.texts import Texts
from transforms.text.caption import normal_form

SCRIPTS = [
    "a red kite over the sea", "кошка спит на окне", "猫が窓辺で寝ている", "고양이가 자고 있다", "قطة تنام على النافذة",
    "बिल्ली खिड़की पर सोती है", "🙂🙂🙂 family 👨‍👩‍👧", "aaaaaaaaaa", "abc", "ท้องฟ้าสีคราม", "𝒳𝒴𝒵 math", "é" * 40,
    "e\u0301\u0323\u0308 zalgo", "שָׁלוֹם עולם", "\u202eright to left", "각\u1100\u1161\u11a8", "👩🏽‍🚀 in space", "ﷺ",
    "1 2", "ＡＢＣ１２３", "𠮷野家", "كِتَابٌ",
]  # fmt: skip


def reference(shingles: set[str]) -> np.ndarray:
    signature = MinHash(num_perm=PERMUTATIONS, scheme="affine32")
    signature.update_batch([shingle.encode() for shingle in sorted(shingles)])
    return signature.hashvalues


def characters(text: str) -> set[str]:
    return {text[i : i + 3] for i in range(len(text) - 2)}


def words(text: str) -> set[str]:
    split = text.split()
    return {" ".join(split[i : i + 5]) for i in range(len(split) - 4)}


def test_the_permutations_are_those_of_datasketch():
    expected = MinHash(num_perm=PERMUTATIONS, scheme="affine32").permutations
    for ours, theirs in zip(minhash.permutations(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_character_signatures_equal_datasketch_in_many_scripts():
    texts = [normal_form(text) for text in SCRIPTS]
    for signature, text in zip(minhash.MinHasher().characters(Texts.of(texts)), texts, strict=True):
        np.testing.assert_array_equal(signature, reference(characters(text)), err_msg=text)


def test_word_signatures_equal_datasketch():
    texts = [normal_form(" ".join(SCRIPTS)), "one two three four five", "one two three four five six five four three"]
    for signature, text in zip(minhash.MinHasher().words(texts), texts, strict=True):
        np.testing.assert_array_equal(signature, reference(words(text)))


@pytest.mark.shared
def test_real_captions_have_the_signatures_of_datasketch():
    texts = []
    for language in ("en", "de", "fr", "cs"):
        path = shared("data", "captions", "multi30k", "data", "task1", "raw", f"train.{language}.gz")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [normal_form(line) for line, _ in zip(lines, range(150), strict=False)]
    for signature, text in zip(minhash.MinHasher().characters(Texts.of(texts)), texts, strict=True):
        np.testing.assert_array_equal(signature, reference(characters(text)), err_msg=text)


def test_a_table_that_is_emptied_again_and_again_changes_nothing():
    texts = Texts.of([normal_form(text) for text in SCRIPTS * 3])
    np.testing.assert_array_equal(minhash.MinHasher(slots=8, most=16).characters(texts), minhash.MinHasher().characters(texts))


def test_a_text_with_more_distinct_shingles_than_the_table_holds_is_signed():
    text = "".join(chr(0x4E00 + i) for i in range(500))
    np.testing.assert_array_equal(minhash.MinHasher(slots=16, most=64).characters(Texts.of([text]))[0], reference(characters(text)))


def test_texts_shorter_than_a_shingle_have_no_minima():
    hasher = minhash.MinHasher()
    assert (hasher.characters(Texts.of(["", "a", "ab"])) == 0xFFFFFFFF).all()
    assert (hasher.words(["", "one two three four"]) == 0xFFFFFFFF).all()
    assert hasher.characters(Texts.of([])).shape == hasher.words([]).shape == (0, PERMUTATIONS)


def test_the_least_values_equal_numpy():
    draw = np.random.default_rng(3)
    hashes, counts = draw.integers(0, 1 << 32, 500, dtype=np.uint32), np.array([3, 0, 200, 1])
    starts, (a, b) = np.cumsum(counts) - counts, minhash.permutations()
    marks = np.array([0, 7, 1 << 31, 99], np.uint32)
    for i, found in enumerate(minhash.least(hashes, starts, counts, marks, a, b)):
        values = (hashes[starts[i] : starts[i] + counts[i], None] ^ marks[i]) * a + b
        np.testing.assert_array_equal(found, values.min(axis=0, initial=0xFFFFFFFF))


def test_band_keys_equal_plain_python_and_are_shared_by_equal_bands_only():
    minima = np.random.default_rng(5).integers(0, 1 << 32, (4, PERMUTATIONS), dtype=np.uint32)
    minima[1, :BAND_ROWS] = minima[0, :BAND_ROWS]
    keys = minhash.band_keys(minima, np.uint64(minhash.CHARACTER_SEED))
    for row in range(4):
        for band in range(BANDS):
            h = minhash.CHARACTER_SEED
            for value in minima[row, band * BAND_ROWS : (band + 1) * BAND_ROWS].tolist():
                h = (h ^ value) * 0xFF51AFD7ED558CCD % (1 << 64)
                h ^= h >> 32
            assert keys[row, band] == h
    assert (keys[0] == keys[1]).tolist() == [True] + [False] * (BANDS - 1)
    assert not (keys == minhash.band_keys(minima, np.uint64(minhash.WORD_SEED))).any()
