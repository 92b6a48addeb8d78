"""Which patches stand in a corner of many different pictures: packed hashes in, counted over the run, found again in each shard.

Two steps, so that nearly nothing travels: first four bytes of every hash of a corner (five a row) say which can be frequent at all, then
whoever has one of those tells picture and domain. Of a patch at most `MOST` pictures and `MOST` domains are counted, those with the
smallest digests, so that a logo on ten million pictures takes no more room than one on a thousand.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.images.places import CORNERS, LEVELS, PLAIN_PIXELS, Corners

MOST = 256
NEAR_SEEDS = 256  # patches, the most frequent, that are also found where a few bits differ
NEAR_BITS = (4, 4, 4, 4, 0, 0, 6, 2, 4, 4)  # by size (transforms.images.places.SIZES); plain rectangles are near by level and size instead
PARTITION_KEYS = 1 << 22  # of the first step that meet in one place; a constant, so that nothing shows in the result
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)

PICTURE, HOST, DOUBT = 0, 1, 2
DOUBTS = 3  # pictures for each that makes a patch known, that may have it where nothing ends
SIGHTING = np.dtype([("place", "u1"), ("what", "u1"), ("hash", "<u8"), ("value", "<u8")])
"""A patch was seen on a picture, or on a domain, or something like it where no edge tells that it was laid over the picture."""

SEED = np.dtype([("place", "u1"), ("hash", "<u8"), ("pictures", "<i4"), ("hosts", "<i4")])
"""A patch that is frequent."""


def corners_of(corners: pa.ListArray) -> Corners:
    """The column `corners` of the measures of `poisoning`."""
    rows = pc.list_parent_indices(corners).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = pc.list_flatten(corners)
    return Corners(rows, *(pc.struct_field(flat, name).to_numpy(zero_copy_only=False) for name in ("place", "hash", "sure")))


def short_keys(place: np.ndarray, found: np.ndarray) -> np.ndarray:
    """What stands for hashes (uint64) at their places (uint8) in the first step, uint32[n]."""
    with np.errstate(over="ignore"):
        return (_mixed(found ^ (place.astype(np.uint64) + np.uint64(1)) * _MIX) >> np.uint64(32)).astype(np.uint32)


def frequent(keys: np.ndarray, least: int) -> np.ndarray:
    """The short keys that stand there at least so often, ascending.

    >>> frequent(np.array([7, 3, 7, 9, 7, 3], np.uint32), 2).tolist()
    [3, 7]
    """
    found, counts = np.unique(keys, return_counts=True)
    return found[counts >= least]


def sightings(corners: Corners, pictures: np.ndarray, hosts: np.ndarray) -> np.ndarray:
    """SIGHTING records of some hashes, at most `MOST` of a kind for each patch.

    Args:
      corners: the hashes.
      pictures: what tells their pictures apart, uint64[n]; 0 where there is none.
      hosts: likewise their domains.
    """
    seen = ((PICTURE, pictures, corners.sure), (HOST, hosts, corners.sure), (DOUBT, pictures, ~corners.sure))
    records = np.zeros((len(seen), len(corners.row)), SIGHTING)
    for part, (what, values, some) in zip(records, seen, strict=True):
        part["place"], part["what"], part["hash"] = corners.place, what, corners.hashes
        part["value"] = np.where(some & (values != 0), _mixed(values) | np.uint64(1), 0)
    return bounded(records[records["value"] != 0])


def bounded(records: np.ndarray) -> np.ndarray:
    """Distinct SIGHTING records in order, of each patch and kind the `MOST` with the smallest values; so counts do not depend on parts."""
    ordered = records[np.lexsort((records["value"], records["what"], records["hash"], records["place"]))]
    if not len(ordered):
        return ordered
    group = _heads(ordered, "place", "hash", "what")
    fresh = group | (np.diff(ordered["value"], prepend=0) != 0)
    ordered, group = ordered[fresh], group[fresh]
    starts = np.flatnonzero(group)
    place = np.arange(len(ordered)) - np.repeat(starts, np.diff([*starts, len(ordered)]))
    return ordered[place < MOST]


def seeds(records: np.ndarray, least: int) -> np.ndarray:
    """SEED records of the patches on at least so many different pictures, from bounded SIGHTING records.

    Where `DOUBTS` times as many pictures show the same and no edge of it, it is no patch: a bar with a name, of which letters make edges.
    """
    if not len(records):
        return np.empty(0, SEED)
    starts = np.flatnonzero(_heads(records, "place", "hash"))
    out = np.zeros(len(starts), SEED)
    out["place"], out["hash"] = records["place"][starts], records["hash"][starts]
    out["pictures"] = np.add.reduceat(records["what"] == PICTURE, starts, dtype=np.int32)
    out["hosts"] = np.add.reduceat(records["what"] == HOST, starts, dtype=np.int32)
    doubts = np.add.reduceat(records["what"] == DOUBT, starts, dtype=np.int32)
    return out[(out["pictures"] >= min(least, MOST)) & (doubts <= DOUBTS * out["pictures"])]


def in_order(records: np.ndarray) -> np.ndarray:
    """SEED records, the most frequent first."""
    return records[np.lexsort((records["hash"], records["place"], -records["hosts"], -records["pictures"]))]


def seen_again(corners: Corners, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that have a frequent patch, and which.

    Args:
      corners: hashes, by row.
      known: SEED records in the order of `in_order`. The first `NEAR_SEEDS` are found where they differ a little as well.

    Returns:
      Rows, ascending, each once; and for each the number of the first of `known` that it has.
    """
    best = np.full(len(corners.row), len(known), np.int64)
    by_place = np.argsort(known["place"], kind="stable")
    for place in np.unique(corners.place).tolist():
        mine, candidates = np.flatnonzero(corners.place == place), by_place[known["place"][by_place] == place]
        if not len(candidates):
            continue
        found, hashes = corners.hashes[mine], known["hash"][candidates]
        at = np.argsort(hashes)
        where = np.minimum(np.searchsorted(hashes[at], found), len(at) - 1)
        best[mine] = np.where(hashes[at][where] == found, candidates[at][where], len(known))
        for seed in candidates[candidates < NEAR_SEEDS][::-1].tolist():  # the most frequent has the last word
            best[mine[_near(place, found, known["hash"][seed])]] = seed
    hit = best < len(known)
    order = np.lexsort((best[hit], corners.row[hit]))
    chosen, first = np.unique(corners.row[hit][order], return_index=True)
    return chosen, best[hit][order][first]


def _near(place: int, found: np.ndarray, seed: np.uint64) -> np.ndarray:
    """Whether hashes of a place differ little enough from one, bool[n]: in a few bits, or of plain rectangles by one in level and size."""
    if PLAIN_PIXELS <= place < LEVELS:
        levels, sizes = (np.abs(part(found) - part(seed)) for part in (_level_of, _size_of))
        return np.asarray((levels <= 1) & (sizes <= 1))
    return np.bitwise_count(found ^ seed) <= NEAR_BITS[place // len(CORNERS)]


def _level_of(hashes: np.ndarray | np.uint64) -> np.ndarray:
    return np.asarray(hashes >> np.uint64(8)).astype(np.int64)


def _size_of(hashes: np.ndarray | np.uint64) -> np.ndarray:
    return np.asarray(hashes & np.uint64(0xFF)).astype(np.int64)


def _heads(records: np.ndarray, *names: str) -> np.ndarray:
    """Where a run of records with equal fields begins, bool[n]."""
    heads = np.ones(len(records), bool)
    heads[1:] = np.logical_or.reduce([records[name][1:] != records[name][:-1] for name in names])
    return heads


def _mixed(values: np.ndarray) -> np.ndarray:
    """Numbers scattered over 64 bits (the finaliser of SplitMix64, its second half)."""
    with np.errstate(over="ignore"):
        mixed = (values ^ (values >> np.uint64(30))) * _MIX_2
        return mixed ^ (mixed >> np.uint64(31))


def packed(parts: Sequence[bytes], kind: np.dtype) -> np.ndarray:
    """Packed records of several places as one array."""
    return np.frombuffer(b"".join(parts), kind)
