"""The elder side: rows of earlier runs and of benchmark sets, that the rows of a run are held against and never the other way round.

Elder rows are numbered after all rows of the run. They send their keys like any other row, but no pair of two elder rows is told or
verified, and what an earlier run found about them stays: rows of one of its clusters are one node of every graph here. What a set of
them may be:

| kind | rows | what match tells about a row that is verified against one |
|---|---|---|
| `HELD` | kept by an earlier run, or in a cluster that it kept a row of | in `Clusters.cluster`, the dense number of its first row |
| `BINDING` | taken down or opted out there, by content | a line of `read_ties` |
| `NOTICE` | rejected there because their picture was a placeholder | a line of `read_ties` |
| `BENCHMARK` | of a set that is to be kept out | a line of `read_ties` |
| `NO_PART` | rejected there, with nobody kept in their place | nothing |

For each kind a row is told the elder row that it equals, or else the first in content order of those near it that it is verified
against. Only a `HELD` row ends its search for a cluster; a row may be tied to one of each kind. Ties come from the graph of the policy;
those to `BENCHMARK` rows also from that of captions and, where the policy asks for more than a picture, from one of pictures alone.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from schemas.layout import join
from transforms import storage
from transforms.array_file import read_array, write_array
from transforms.match.row_files import write_rows
from transforms.match.rows import OWNER_BITS, ElderFile, SignatureFile

OWN, HELD, BINDING, BENCHMARK, NO_PART, NOTICE = range(6)  # `OWN`: a row of the run itself

PLACE = pa.schema(
    [
        pa.field("kind", pa.uint8(), nullable=False),
        pa.field("cluster", pa.int64(), nullable=False),  # number within the set of the first row of its cluster; -1 for a row alone
        pa.field("caption_cluster", pa.int64(), nullable=False),  # likewise, over captions alone
        pa.field("said", pa.uint8(), nullable=False),  # whatever else who made the set wants to know of a row that is tied to it
        pa.field("semantic_cluster", pa.int64(), nullable=False),  # as `cluster`, of rows that mean the same; -1 also where nobody stands
        pa.field("host", pa.uint64(), nullable=False),  # of its registrable domain, 0 where none is known; likewise:
        pa.field("words", pa.uint64(), nullable=False),  # what its caption speaks of (transforms.text.content_words)
        pa.field("caption", pa.uint64(), nullable=False),  # of its normal form
    ]
)
"""What is known of the rows of a signature file of the elder side, row for row: the file `ElderFile.places`."""

TIE = np.dtype(
    [
        ("row", "<i8"), ("elder", "<i8"),  # dense numbers of the row and of the elder row that it is verified against
        ("uid", "V16"),  # of the elder row
        ("graph", "u1"),  # transforms.match.grouping: BY_CAPTION, BY_PICTURE or BY_POLICY
        ("kind", "u1"), ("said", "u1"), ("link", "u1"), ("agreement", "<f4"),  # link and agreement as in `Clusters`
    ]
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Places:
    """What is known of some rows, elder or not.

    Attributes:
      kind: uint8[n]; `OWN` for rows of the run itself.
      cluster: uint64[n], dense number of the first row of its elder cluster; its own for a row alone and for rows of the run.
      caption_cluster: uint64[n], likewise.
      said: uint8[n], as in `PLACE`; 0 for rows of the run.
    """

    kind: np.ndarray
    cluster: np.ndarray
    caption_cluster: np.ndarray
    said: np.ndarray


def elder_set(files: Iterable[tuple[str, int, str]]) -> tuple[ElderFile, ...]:
    """The files of one set, each as path, rows and path of its places, in the order by which the set numbers its rows."""
    out: list[ElderFile] = []
    before = 0
    for path, rows, places in files:
        out.append(ElderFile(path, rows, places, before))
        before += rows
    return tuple(out)


def write_places(
    path: str,
    kind: np.ndarray,
    cluster: np.ndarray | None = None,
    caption_cluster: np.ndarray | None = None,
    said: np.ndarray | None = None,
    semantic_cluster: np.ndarray | None = None,
    host: np.ndarray | None = None,
    words: np.ndarray | None = None,
    caption: np.ndarray | None = None,
) -> None:
    """Writes what is known of the rows of a file, atomically; without clusters each row is alone."""
    alone, nothing = np.full(len(kind), -1), np.zeros(len(kind), np.uint8)
    clusters = [alone if found is None else found for found in (cluster, caption_cluster, semantic_cluster)]
    others = [nothing if found is None else found for found in (said, host, words, caption)]
    given = (kind, *clusters[:2], others[0], clusters[2], *others[1:])
    columns = [pa.array(values, field.type) for values, field in zip(given, PLACE, strict=True)]
    write_rows(path, columns, PLACE)


def read_places(path: str) -> dict[str, np.ndarray]:
    """The columns of a file of places, over its memory map."""
    with storage.open_arrow(path) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
    return {name: batch.column(name).to_numpy() for name in batch.schema.names}


def places_of(parts: Iterable[tuple[SignatureFile, int, slice | np.ndarray]]) -> Places:
    """What is known of some rows.

    Args:
      parts: files, the dense number of the first row of each, and which of its rows.
    """
    kinds, clusters, captions, said = ([np.empty(0, dtype)] for dtype in (np.uint8, np.uint64, np.uint64, np.uint8))
    for file, start, rows in parts:
        numbers = np.arange(start, start + file.rows, dtype=np.uint64)[rows]
        if isinstance(file, ElderFile):
            known = read_places(file.places)
            kinds.append(known["kind"][rows])
            said.append(known["said"][rows])
            for name, found in (("cluster", clusters), ("caption_cluster", captions)):
                first = known[name][rows]
                found.append(np.where(first < 0, numbers, (first + (start - file.before)).astype(np.uint64)))
        else:
            kinds.append(np.full(len(numbers), OWN, np.uint8))
            clusters.append(numbers)
            captions.append(numbers)
            said.append(np.zeros(len(numbers), np.uint8))
    return Places(*(np.concatenate(found) for found in (kinds, clusters, captions, said)))


def write_ties(folder: str, number: int, ties: np.ndarray) -> None:
    """Writes what ties the rows of a file of clusters to elder rows, atomically."""
    write_array(_path_of_ties(folder, number), ties)


def read_ties(folder: str, start: int, stop: int, file_bits: int = OWNER_BITS) -> np.ndarray:
    """What ties dense rows [start, stop) to elder rows that are neither `HELD` nor `NO_PART`: records `TIE` by row, graph and kind."""
    found = [np.empty(0, TIE)]
    for number in range(start >> file_bits, -(-stop >> file_bits)):
        ties = read_array(_path_of_ties(folder, number))
        found.append(ties[slice(*np.searchsorted(ties["row"], [start, stop]))])
    return np.concatenate(found)


def _path_of_ties(folder: str, number: int) -> str:
    return join(folder, f"{number:07d}.ties.npy")
