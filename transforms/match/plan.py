"""What every step of match knows: the rows, the rule, the ranges of keys, and where a step leaves its results for the next.

A plan is small and travels with every step; the list of files, which may be long, lies beside the results and is read once a process.
Nothing in it but the rows and the rule can show in the clusters.
"""

import dataclasses
import functools
import hashlib
import json
import math
from typing import Literal

import numpy as np

from schemas.layout import join
from schemas.signatures import BANDS
from transforms import storage
from transforms.array_file import read_array, write_array
from transforms.match.elders import Places, places_of
from transforms.match.keys import PICTURE_KEY_BYTES
from transforms.match.laid import Floor
from transforms.match.planes import Plane, plane_for
from transforms.match.policy import Rule
from transforms.match.rows import OWNER_BITS, ElderFile, Rows, SignatureFile, owner_bits_of
from transforms.match.view_keys import BYTES_A_KEY

CAPTIONS, PICTURES = 0, 1  # the families
PARTITION_BYTES = 16 << 20  # what a core's cache holds is sorted and looked at in three quarters of the time that 64 MiB take
PORTIONS = 4  # as much as that is sent to one range of a key of pictures, see `transforms.match.portions`
BLOCK_BYTES = 128 << 10  # an owner sends to a partition, about, where there are a thousand owners
IDENTITY_BYTES = 28  # a row and family
CAPTION_KEY_BYTES = 9  # a row and band
RANGE_BITS = 16  # of a unit's number that name the range

STEPS = "steps"

Reach = Literal["views", "plain"]


def key_bytes(reach: Reach, rows: int) -> tuple[int, ...]:
    """What a row sends under each key, about: the bands of captions, then the keys of pictures. As many as there are keys."""
    return (CAPTION_KEY_BYTES,) * BANDS + (BYTES_A_KEY if reach == "views" else (PICTURE_KEY_BYTES,) * len(plane_for(rows)))


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run of match.

    Attributes:
      folder: where results lie.
      total: rows, those of the elder side among them.
      owner_bits: an owner has 2^owner_bits rows.
      rule: `dedup.policy`.
      reach: `dedup.images.reach`, the same for all rows: by which keys pictures meet.
      partition_bytes: what one key of an exchange holds at most, about; one of pictures' keys `PORTIONS` times as much.
      digest: of the list of files.
      elder: rows of the elder side; they have the last numbers.
      floor: where the blocks of exchanges lie; None where they travel.
      pictured: whether a row of the run has a hash to be met by; if none has, there are no keys of pictures.
    """

    folder: str
    total: int
    owner_bits: int
    rule: Rule
    reach: Reach
    partition_bytes: int
    digest: str
    elder: int = 0
    floor: Floor | None = None
    pictured: bool = True

    @property
    def own(self) -> int:
        """Rows of the run itself."""
        return self.total - self.elder

    @property
    def rows(self) -> Rows:
        """The rows of the run; the list of files is read once a process."""
        return _rows(join(self.folder, STEPS, "files.json"), self.owner_bits, self.digest)

    @property
    def key_bytes(self) -> tuple[int, ...]:
        """What a row sends under each key, about."""
        return key_bytes(self.reach, self.total)[: None if self.pictured else BANDS]

    @property
    def plane(self) -> Plane:
        """The keys of plain hashes."""
        return plane_for(self.total)

    @property
    def hashed(self) -> bool:
        """Whether pictures meet by their hashes, which `transforms.match.hashed` then keeps for all passes."""
        return self.pictured and self.reach == "plain"

    @property
    def owners(self) -> int:
        return -(-self.total >> self.owner_bits)

    def places(self, owner: int, local: np.ndarray | None = None) -> Places:
        """What is known of an owner's rows, or of some of them (ascending, within the owner), by earlier runs."""
        rows = self.rows
        return places_of((rows.files[number], rows.starts[number], wanted) for number, wanted in rows.parts(owner, local))

    @property
    def result_bits(self) -> int:
        """Results lie in files of 2^result_bits rows."""
        return min(self.owner_bits, OWNER_BITS)

    @property
    def local(self) -> np.uint64:
        """Mask of a row within its owner."""
        return np.uint64((1 << self.owner_bits) - 1)

    def owner_of(self, rows: np.ndarray) -> np.ndarray:
        """The owner of each dense row, int64[n]."""
        return (rows >> np.uint64(self.owner_bits)).astype(np.int64)

    def range_bits(self, bytes_a_row: int) -> int:
        """Bits that name the ranges of a key which sends this much of each row."""
        return max(0, math.ceil(math.log2(max(1, self.total * bytes_a_row / self.partition_bytes))))

    def range_bits_of(self, key: int) -> int:
        """Bits that name the ranges of a key."""
        return self.range_bits(self.key_bytes[key] // (PORTIONS if key >= BANDS else 1))

    def units(self) -> list[int]:
        """Every key and range as one number: `key << RANGE_BITS | range`."""
        return [unit for key in range(len(self.key_bytes)) for unit in self._units_of(key)]

    def _units_of(self, key: int) -> list[int]:
        return [key << RANGE_BITS | part for part in range(1 << self.range_bits_of(key))]

    def passes(self, most: float) -> list[list[int]]:
        """The units cut into runs that send at most so many bytes, about, or are one unit.

        A key that fits one pass is not cut: each of its passes would go through all rows for it.
        """
        passes: list[list[int]] = [[]]
        held = 0.0
        for key, size in enumerate(self.key_bytes):
            ranges = self._units_of(key)
            whole = self.total * size <= most
            for piece in [ranges] if whole else [[unit] for unit in ranges]:
                sent = self.total * size * len(piece) / len(ranges)
                if passes[-1] and held + sent > most:
                    passes.append([])
                    held = 0.0
                passes[-1] += piece
                held += sent
        return passes

    def path(self, step: str, *numbers: int) -> str:
        """Where a step leaves an array."""
        return join(self.folder, STEPS, "-".join([step, *map(str, numbers)]) + ".npy")

    def save(self, array: np.ndarray, step: str, *numbers: int) -> None:
        """Writes an array, atomically: a retried step writes the same bytes again."""
        write_array(self.path(step, *numbers), array)

    def load(self, step: str, *numbers: int) -> np.ndarray:
        """Reads what `save` wrote."""
        return read_array(self.path(step, *numbers))

    def look(self, step: str, *numbers: int) -> np.ndarray:
        """Reads what `save` wrote, only where it is looked at if it lies on this machine."""
        path = self.path(step, *numbers)
        return np.load(path, mmap_mode="r", allow_pickle=False) if storage.is_local(path) else self.load(step, *numbers)


def partition_bytes_of(rows: int, owner_bits: int) -> int:
    """What one key of an exchange of so many rows holds at most, about: as much as is best."""
    return max(PARTITION_BYTES, (rows >> owner_bits) * BLOCK_BYTES)


def make_plan(
    files: tuple[SignatureFile, ...],
    folder: str,
    rule: Rule,
    reach: Reach,
    owner_bits: int | None = None,
    partition_bytes: int | None = None,
    elders: tuple[ElderFile, ...] = (),
) -> Plan:
    """A plan, and the list of files written where every worker finds it; what is None is as is best for so many rows."""
    content = json.dumps([dataclasses.astuple(file) for file in (*files, *elders)]).encode()
    storage.write_bytes(join(folder, STEPS, "files.json"), content)
    own, elder = (sum(file.rows for file in some) for some in (files, elders))
    if owner_bits is None:
        owner_bits = owner_bits_of(own + elder)
    if partition_bytes is None:
        partition_bytes = partition_bytes_of(own + elder, owner_bits)
    return Plan(folder, own + elder, owner_bits, rule, reach, partition_bytes, hashlib.sha256(content).hexdigest(), elder)


@functools.lru_cache(maxsize=4)
def _rows(path: str, owner_bits: int, digest: str) -> Rows:  # noqa: ARG001 -- another list under the same name is another digest
    listed = json.loads(storage.read_bytes(path))
    return Rows(tuple(SignatureFile(*entry) if len(entry) == 2 else ElderFile(*entry) for entry in listed), owner_bits)
