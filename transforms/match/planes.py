"""Keys of a 64-bit hash that miss no pair within a radius: the hyperplanes of a finite affine space.

The bits are cut into q^n blocks, the points of the affine space AG(n, q); a key is the bits of the blocks on one of its hyperplanes. A
set of points that meets every hyperplane of AG(n, q) has at least n(q - 1) + 1 points (Jamison 1977; Brouwer and Schrijver 1978), so
n(q - 1) differing bits, which spoil that many blocks at most, leave a hyperplane whole: the pair shares its key.

| space | radius | keys | bits a key | choices of blocks that would do the same | for |
|---|---|---|---|---|---|
| AG(2, 3) | 4 | 12 | 21 or 22 | 15 keys of 21 | up to `MANY_ROWS` |
| AG(4, 2) | 4 | 30 | 32 | 70 keys of 32 | more rows |
| AG(3, 3) | 6 | 39 | 21 or 22 | 84 keys of 21 | hashes given from outside |

**Expected buckets.** N hashes under a key of b bits that were fair coins stand N / 2^b to a bucket and meet N^2 / 2^(b + 1) pairs. Keys of
pictures are not fair: with p_k the share of key k, a hash meets N times the sum of p_k^2 others, and 1 over that sum is the number of
keys that count. A pHash has half its bits set, and photos have more light above than below: take 2^(b - 3). Then 10^7 rows of four hashes
meet 120 others under a key of AG(2, 3), of which a comparison is 1.2 ns; 10^9 rows 12,000, but 8 under one of AG(4, 2), which moves two
and a half times the bytes. They cost the same near 3 x 10^8 rows.
"""

import dataclasses
import functools
import itertools

import numpy as np

HASH_BITS = 64
MANY_ROWS = 1 << 28


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """A set of keys.

    Attributes:
      radius: pairs of hashes within it always share a key.
      orders: int64[keys, 64], for each key, the bit of the hash that stands at each place of the permuted hash, from the top.
      masks: uint64[keys], the bits of the hash that each key holds.
      bits: int64[keys], how many they are.
    """

    radius: int
    orders: np.ndarray
    masks: np.ndarray
    bits: np.ndarray

    def __len__(self) -> int:
        return len(self.masks)

    @functools.cached_property
    def tables(self) -> np.ndarray:
        """What each octet of a hash, from the lowest, adds to the hash as it is permuted for each key, uint64[keys, 8, 256]."""
        return np.stack([_tables(order) for order in self.orders])

    def permuted(self, hashes: np.ndarray, key: int) -> np.ndarray:
        """The hashes with the bits of a key first, uint64[n]. Sorting them sorts by key and then by hash; distances stay as they are."""
        return _permute(hashes, self.tables[key])

    def original(self, hashes: np.ndarray, key: int) -> np.ndarray:
        """What `permuted` undoes.

        >>> some = np.array([1, 2**63], np.uint64)
        >>> plane(2, 3).original(plane(2, 3).permuted(some, 5), 5).tolist() == some.tolist()
        True
        """
        places = HASH_BITS - 1 - self.orders[key]
        back = np.empty(HASH_BITS, np.int64)
        back[places] = HASH_BITS - 1 - np.arange(HASH_BITS)
        return _permute(hashes, _tables(back))


def hyperplanes(n: int, q: int) -> list[tuple[int, ...]]:
    """The hyperplanes of AG(n, q), q prime, each as the numbers of its points.

    >>> [len(hyperplanes(*space)) for space in ((2, 3), (4, 2), (3, 3))]
    [12, 30, 39]
    """
    points = list(itertools.product(range(q), repeat=n))
    normals = [point for point in points if any(point)]
    found = {
        tuple(i for i, point in enumerate(points) if sum(a * b for a, b in zip(normal, point, strict=True)) % q == d)
        for normal in normals
        for d in range(q)
    }
    return sorted(found)


@functools.cache
def plane(n: int, q: int) -> Plane:
    """The keys of AG(n, q), q prime."""
    block_of_bit = [bit * q**n // HASH_BITS for bit in range(HASH_BITS)]
    kept = [[bit for bit in range(HASH_BITS) if block_of_bit[bit] in blocks] for blocks in hyperplanes(n, q)]
    orders = [[*bits, *(bit for bit in range(HASH_BITS) if bit not in bits)] for bits in kept]
    masks = [sum(1 << bit for bit in bits) for bits in kept]
    return Plane(n * (q - 1), np.array(orders, np.int64), np.array(masks, np.uint64), np.array([len(bits) for bits in kept]))


def plane_for(rows: int) -> Plane:
    """The keys under which this many rows meet.

    >>> len(plane_for(10**7)), len(plane_for(10**9))
    (12, 30)
    """
    return plane(2, 3) if rows <= MANY_ROWS else plane(4, 2)


def _tables(order: np.ndarray) -> np.ndarray:
    """By what bit `order[j]` moves to place j from the top, uint64[8, 256]."""
    tables = np.zeros((8, 256), np.uint64)
    values = np.arange(256)
    for place, bit in enumerate(order.tolist()):
        tables[bit >> 3, values >> (bit & 7) & 1 == 1] |= np.uint64(1 << HASH_BITS - 1 - place)
    return tables


def _permute(hashes: np.ndarray, tables: np.ndarray) -> np.ndarray:
    octets = np.ascontiguousarray(hashes, "<u8").view(np.uint8).reshape(-1, 8)
    out = np.zeros(len(hashes), np.uint64)
    for octet in range(8):
        out |= tables[octet][octets[:, octet]]
    return out
