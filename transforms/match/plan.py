"""What every step of match knows: the rows, the rule, the ranges of keys, and where a step leaves its results for the next.

A plan is small and travels with every step; the list of files, which may be long, lies beside the results and is read once a process.
Nothing in it but the rows and the rule can show in the clusters.
"""

import dataclasses
import functools
import hashlib
import json
import math

import numpy as np

from schemas.layout import join
from schemas.signatures import BANDS, PHASHES
from transforms import storage
from transforms.match.elders import Places, places_of
from transforms.match.keys import PICTURE_KEYS
from transforms.match.policy import Rule
from transforms.match.rows import OWNER_BITS, ElderFile, Rows, SignatureFile

CAPTIONS, PICTURES = 0, 1  # the families
KEYS = BANDS + PICTURE_KEYS
PARTITION_BYTES = 64 << 20
IDENTITY_BYTES = 28  # a row and family
KEY_BYTES = (12,) * BANDS + (16 * len(PHASHES),) * PICTURE_KEYS  # a row and key
RANGE_BITS = 16  # of a unit's number that name the range

STEPS = "steps"


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run of match.

    Attributes:
      folder: where results lie.
      total: rows, those of the elder side among them.
      owner_bits: an owner has 2^owner_bits rows.
      rule: `dedup.policy`.
      partition_bytes: what one key of an exchange holds at most, about.
      digest: of the list of files.
      elder: rows of the elder side; they have the last numbers.
    """

    folder: str
    total: int
    owner_bits: int
    rule: Rule
    partition_bytes: int
    digest: str
    elder: int = 0

    @property
    def own(self) -> int:
        """Rows of the run itself."""
        return self.total - self.elder

    @property
    def rows(self) -> Rows:
        """The rows of the run; the list of files is read once a process."""
        return _rows(join(self.folder, STEPS, "files.json"), self.owner_bits, self.digest)

    @property
    def owners(self) -> int:
        return -(-self.total >> self.owner_bits)

    def places(self, owner: int, local: np.ndarray | None = None) -> Places:
        """What is known of an owner's rows, or of some of them (ascending, within the owner), by earlier runs."""
        rows = self.rows
        return places_of((rows.files[number], rows.starts[number], wanted) for number, wanted in rows.parts(owner, local))

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

    def units(self) -> list[int]:
        """Every key and range as one number: `key << RANGE_BITS | range`."""
        return [key << RANGE_BITS | part for key in range(KEYS) for part in range(1 << self.range_bits(KEY_BYTES[key]))]

    def passes(self, count: int) -> list[list[int]]:
        """The units cut into runs of about equal bytes; fewer than `count` where there are fewer units."""
        units = self.units()
        ends = np.cumsum([KEY_BYTES[unit >> RANGE_BITS] / (1 << self.range_bits(KEY_BYTES[unit >> RANGE_BITS])) for unit in units])
        number = np.minimum((ends - ends[0] / 2) * count // ends[-1], count - 1)
        return [mine for n in range(count) if (mine := [unit for unit, at in zip(units, number.tolist(), strict=True) if at == n])]

    def path(self, step: str, *numbers: int) -> str:
        """Where a step leaves an array."""
        return join(self.folder, STEPS, "-".join([step, *map(str, numbers)]) + ".npy")

    def save(self, array: np.ndarray, step: str, *numbers: int) -> None:
        """Writes an array, atomically: a retried step writes the same bytes again."""
        with storage.atomic_write(self.path(step, *numbers)) as scratch, open(scratch, "wb") as file:
            np.save(file, array, allow_pickle=False)

    def load(self, step: str, *numbers: int) -> np.ndarray:
        """Reads what `save` wrote."""
        with storage.open_read(self.path(step, *numbers)) as file:
            return np.load(file, allow_pickle=False)


def make_plan(
    files: tuple[SignatureFile, ...],
    folder: str,
    rule: Rule,
    owner_bits: int = OWNER_BITS,
    partition_bytes: int = PARTITION_BYTES,
    elders: tuple[ElderFile, ...] = (),
) -> Plan:
    """A plan, and the list of files written where every worker finds it."""
    content = json.dumps([dataclasses.astuple(file) for file in (*files, *elders)]).encode()
    storage.write_bytes(join(folder, STEPS, "files.json"), content)
    own, elder = (sum(file.rows for file in some) for some in (files, elders))
    return Plan(folder, own + elder, owner_bits, rule, partition_bytes, hashlib.sha256(content).hexdigest(), elder)


@functools.lru_cache(maxsize=4)
def _rows(path: str, owner_bits: int, digest: str) -> Rows:  # noqa: ARG001 -- another list under the same name is another digest
    listed = json.loads(storage.read_bytes(path))
    return Rows(tuple(SignatureFile(*entry) if len(entry) == 2 else ElderFile(*entry) for entry in listed), owner_bits)
