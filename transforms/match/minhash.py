"""MinHash signatures of texts, bit for bit those of datasketch 2.x (scheme `affine32`, 128 permutations, seed 1), and their LSH bands.

A text is the set of its shingles: runs of three characters, or of five words. Each shingle becomes the first 32 bits of its SHA-1,
mixed by MurmurHash3's finaliser; permutation k is `a[k] * h + b[k]` modulo 2^32; the signature holds the least value of each. Two
signatures agree in a share of places that estimates the Jaccard similarity of the two sets (Broder 1997).

Captions repeat their 3-grams (67.5 million in a million captions, 28,513 of them different), so each is looked up in a table and
SHA-1 runs once per new one. The table is bounded: when it is half full at its greatest size it is emptied, and nothing shows.
"""

import functools
import hashlib
import re
from collections.abc import Sequence

import numpy as np

from schemas.signatures import BAND_ROWS, BANDS, PERMUTATIONS
from transforms.compiled import ZERO, compiled
from transforms.match.texts import Texts

SHINGLE_CHARACTERS = 3
SHINGLE_WORDS = 5
CHARACTER_SEED = 0x9E3779B97F4A7C15  # keys of the two kinds of shingles never meet
WORD_SEED = 0xC2B2AE3D27D4EB4F
LEAST_SLOTS = 1 << 15
MOST_SLOTS = 1 << 21

_NUMBER = re.compile(r"\d+")
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


@functools.cache
def permutations() -> tuple[np.ndarray, np.ndarray]:
    """The factors `a` and the summands `b`, uint32[128] each, drawn as `datasketch.MinHash(128, seed=1)` draws them."""
    draw = np.random.RandomState(1)
    a = draw.randint(0, 1 << 31, PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, PERMUTATIONS, dtype=np.uint32)
    return a, b


def hash_shingles(shingles: Sequence[bytes]) -> np.ndarray:
    """The hash that datasketch takes of each shingle, before the permutations, uint32[n].

    >>> hash_shingles([b"abc"]).tolist()
    [2901324555]
    """
    sha1 = hashlib.sha1
    digests = b"".join([sha1(shingle, usedforsecurity=False).digest()[:4] for shingle in shingles])
    h = np.frombuffer(digests, "<u4").astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    return h ^ (h >> np.uint32(16))


@compiled
def _look_up(
    points: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    text: int,
    at: int,
    table: np.ndarray,
    used: int,
    slots: np.ndarray,
    fresh: np.ndarray,
) -> tuple[int, int, int]:
    """Finds or makes the slot of every 3-gram, from place `at` of a text on, until the table is half full.

    Returns the text and the place where it stopped, and how many slots it made (their numbers stand in `fresh`).
    """
    mask, made = np.uint64(len(table) - 1), ZERO
    while text < len(starts):
        while at < lengths[text] - 2:
            if 2 * (used + made) >= len(table):
                return text, at, made
            j = starts[text] + at
            code = np.uint64(points[j]) << np.uint64(42) | np.uint64(points[j + 1]) << np.uint64(21) | np.uint64(points[j + 2])
            slot = (code * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & mask
            while table[slot] != code:
                if table[slot] == np.uint64(0xFFFFFFFFFFFFFFFF):
                    table[slot] = code
                    fresh[made] = slot
                    made += 1
                    break
                slot = (slot + np.uint64(1)) & mask
            slots[j] = slot
            at += 1
        text, at = text + 1, ZERO
    return text, at, made


def least(hashes: np.ndarray, starts: np.ndarray, counts: np.ndarray, marks: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The least value of every permutation over each run of hashes, uint32[n, 128]; all ones where a run is empty.

    Args:
      hashes: uint32[m].
      starts: int64[n], where each run begins in `hashes`.
      counts: int64[n], how long it is.
      marks: uint32[n], what every hash of a run is xored with first.
      a: uint32[128], the factors of the permutations.
      b: uint32[128], the summands.
    """
    out = np.full((len(starts), len(a)), 0xFFFFFFFF, np.uint32)
    _take_least(hashes, starts, counts, marks, a, b, out)
    return out


@compiled
def _take_least(
    hashes: np.ndarray, starts: np.ndarray, counts: np.ndarray, marks: np.ndarray, a: np.ndarray, b: np.ndarray, out: np.ndarray
) -> None:
    for i in range(len(starts)):
        row, begin, last, mark = out[i], starts[i], starts[i] + counts[i] - 1, marks[i]
        for j in range(begin, last + 1, 4):  # four at once, so that the least values are loaded and stored a quarter as often
            k1, k2, k3 = j + 1 if j + 1 < last else last, j + 2 if j + 2 < last else last, j + 3 if j + 3 < last else last
            h0, h1 = np.uint32(hashes[j] ^ mark), np.uint32(hashes[k1] ^ mark)
            h2, h3 = np.uint32(hashes[k2] ^ mark), np.uint32(hashes[k3] ^ mark)
            for k in range(len(a)):
                factor, summand, low = a[k], b[k], row[k]
                one, two = np.uint32(h0 * factor + summand), np.uint32(h1 * factor + summand)
                three, four = np.uint32(h2 * factor + summand), np.uint32(h3 * factor + summand)
                one, three = one if one < two else two, three if three < four else four
                one = one if one < three else three
                row[k] = one if one < low else low


def band_keys(minima: np.ndarray, seed: np.uint64, bands: int = BANDS, rows: int = BAND_ROWS) -> np.ndarray:
    """One 64-bit key per text and band of seven minima, uint64[n, 18]: texts that agree in a whole band share its key.

    With 18 bands of 7, two texts of Jaccard similarity s share a key with probability 1 - (1 - s^7)^18: 0.79 at 0.7, 0.99 at 0.8.
    """
    out = np.empty((len(minima), bands), np.uint64)
    _mix_bands(minima, seed, rows, out)
    return out


@compiled
def _mix_bands(minima: np.ndarray, seed: np.uint64, rows: int, out: np.ndarray) -> None:
    for i in range(len(minima)):
        for band in range(len(out[i])):
            h = seed
            for k in range(band * rows, band * rows + rows):
                h = (h ^ np.uint64(minima[i, k])) * np.uint64(0xFF51AFD7ED558CCD)
                h ^= h >> np.uint64(32)
            out[i, band] = h


class MinHasher:
    """Signs batches of texts and remembers the hashes of the 3-grams it has met."""

    def __init__(self, slots: int = LEAST_SLOTS, most: int = MOST_SLOTS):
        self._most = most
        self._clear(slots)

    def characters(self, texts: Texts, marks: np.ndarray | None = None) -> np.ndarray:
        """Minima over the character 3-grams of each text, uint32[n, 128]; all ones where a text has fewer than three characters.

        Args:
          texts: n of them.
          marks: uint32[n], what the hash of each of a text's shingles is told apart by; None: nothing.
        """
        counts = np.maximum(texts.lengths - (SHINGLE_CHARACTERS - 1), 0)
        return least(self._hashes(texts), texts.starts, counts, _or_zeros(marks, counts), *permutations())

    def words(self, texts: Sequence[str], marks: np.ndarray | None = None) -> np.ndarray:
        """Minima over the word 5-grams of each text in normal form, uint32[n, 128]; all ones where a text has fewer than five words.

        Args:
          texts: n of them.
          marks: uint32[n], as for `characters`.
        """
        shingles: list[bytes] = []
        counts = np.zeros(len(texts), np.int64)
        for i, text in enumerate(texts):
            found = word_shingles(text)
            counts[i] = len(found)
            shingles += found
        return least(hash_shingles(shingles), np.cumsum(counts) - counts, counts, _or_zeros(marks, counts), *permutations())

    def _clear(self, slots: int) -> None:
        self._table, self._values, self._used = np.full(slots, _EMPTY), np.zeros(slots, np.uint32), 0

    def _hashes(self, texts: Texts) -> np.ndarray:
        """The hash of the 3-gram that begins at each code point, where one of these texts has one there, uint32[m]."""
        slots, hashes = np.zeros(len(texts.points), np.int64), np.empty(len(texts.points), np.uint32)
        text, at, begin = 0, 0, 0
        fresh = np.empty(self._most, np.int64)
        while text < len(texts.starts):
            text, at, made = _look_up(texts.points, texts.starts, texts.lengths, text, at, self._table, self._used, slots, fresh)
            self._fill(fresh[:made])
            end = texts.starts[text] + at if text < len(texts.starts) else len(texts.points)
            np.take(self._values, slots[begin:end], out=hashes[begin:end], mode="wrap")  # every slot is in the table
            begin = end
            if text < len(texts.starts):
                self._clear(min(4 * len(self._table), self._most))
        return hashes

    def _fill(self, slots: np.ndarray) -> None:
        grams = [
            (chr(c >> 42) + chr(c >> 21 & 0x1FFFFF) + chr(c & 0x1FFFFF)).encode("utf-8", "surrogatepass")
            for c in self._table[slots].tolist()
        ]
        self._values[slots] = hash_shingles(grams)
        self._used += len(slots)


def _or_zeros(marks: np.ndarray | None, counts: np.ndarray) -> np.ndarray:
    return np.zeros(len(counts), np.uint32) if marks is None else marks


def number_marks(texts: Sequence[str]) -> np.ndarray:
    """A hash of the numbers of each text, in their order, uint32[n]; 0 where it has none.

    >>> one, two, again, none = number_marks(["page 1 of 12", "page 2 of 12", "1 of 12 pages", "a page"]).tolist()
    >>> one == again != two, none
    (True, 0)
    """
    numbers = [" ".join(_NUMBER.findall(text)) for text in texts]
    return np.where([bool(found) for found in numbers], hash_shingles([found.encode() for found in numbers]), np.uint32(0))


def word_shingles(text: str) -> list[bytes]:
    """Every run of five words of a text whose words stand one space apart, in UTF-8.

    >>> word_shingles("a red kite over the sea")
    [b'a red kite over the', b'red kite over the sea']
    """
    words = text.encode("utf-8", "surrogatepass").split(b" ")
    ends = np.cumsum([len(word) + 1 for word in words]).tolist()
    raw = b" ".join(words)
    return [raw[ends[i] - len(words[i]) - 1 : ends[i + SHINGLE_WORDS - 1] - 1] for i in range(len(words) - SHINGLE_WORDS + 1)]
