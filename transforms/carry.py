"""Captions that kept rows carry beside their own: asked for by the shard that publishes them, read where they lie, and sent there.

What moves is row numbers and texts; no picture is read or moved. judge has chosen which, at most `MOST_CAPTIONS` a row, so that neither a
message nor a published row grows with its cluster.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from schemas.job import Source
from schemas.shards import Shard
from transforms.read.reader import open_shard
from transforms.storage import read_parquet
from transforms.text.personal_data import redact

ASK = np.dtype([("from_row", "<i8"), ("shard", "<i4"), ("row", "<i8"), ("place", "<i4")])
ANSWER = np.dtype([("row", "<i8"), ("place", "<i4"), ("bytes", "<i4")])


def asks(path: str, shard: int, numbers: Mapping[str, int]) -> Iterator[tuple[int, bytes]]:
    """What a shard asks of others: number of the shard that has the captions, packed ASK records.

    Args:
      path: a file of schemas.ledger.CARRIED.
      shard: number of the shard it is about.
      numbers: shard name -> number.
    """
    table = read_parquet(path)
    found = np.zeros(table.num_rows, ASK)
    found["from_row"], found["row"], found["shard"] = table["from_row"].to_numpy(), table["row"].to_numpy(), shard
    found["place"] = np.arange(table.num_rows)
    names = table["shard"].combine_chunks().dictionary_encode()
    of = np.array([numbers[name] for name in names.dictionary.to_pylist()], np.int64)[names.indices.to_numpy()]
    for number in np.unique(of).tolist():
        yield number, found[of == number].tobytes()


def answers(
    shard: Shard, source: Source, asked: Iterable[bytes], kinds: Sequence[str], allowed: frozenset[bytes] = frozenset()
) -> Iterator[tuple[int, bytes]]:
    """What a shard answers: number of the shard that asked, packed captions; personal data of these kinds is written over, but allowed."""
    found = np.sort(np.frombuffer(b"".join(asked), ASK), order=["shard", "place"])
    rows, at = np.unique(found["from_row"], return_inverse=True)
    with open_shard(shard, source) as reader:
        captions = reader.captions().take(pa.array(rows)).to_pylist()
    texts = [("" if text is None else redact(text, kinds, allowed) if kinds else text).encode() for text in captions]
    lengths = np.array([len(text) for text in texts], np.int64)
    for mine in np.split(np.arange(len(found)), np.flatnonzero(np.diff(found["shard"])) + 1) if len(found) else ():
        head = np.zeros(len(mine), ANSWER)
        head["row"], head["place"], head["bytes"] = found["row"][mine], found["place"][mine], lengths[at[mine]]
        content = b"".join([len(head).to_bytes(8, "little"), head.tobytes(), *(texts[place] for place in at[mine].tolist())])
        yield int(found["shard"][mine[0]]), content


@dataclasses.dataclass(frozen=True)
class Carried:
    """The captions that the rows of one shard carry, in order.

    Attributes:
      rows: int64[n], ascending, the row that carries each.
      texts: as they are published.
    """

    rows: np.ndarray
    texts: pa.StringArray

    @classmethod
    def of(cls, blocks: Iterable[bytes]) -> "Carried":
        """From what others answered, in any order."""
        heads, texts = [np.empty(0, ANSWER)], []
        for block in blocks:
            end = 8 + int.from_bytes(block[:8], "little") * ANSWER.itemsize
            heads.append(np.frombuffer(block[8:end], ANSWER))
            texts.append(_texts(block[end:], heads[-1]["bytes"]))
        head = np.concatenate(heads)
        order = np.lexsort((head["place"], head["row"]))
        joined = pa.concat_arrays([pa.array([], pa.large_string()), *texts])
        return cls(head["row"][order], joined.take(pa.array(order)))

    def by(self, row: int) -> list[str]:
        """What a row carries."""
        start, stop = np.searchsorted(self.rows, (row, row + 1))
        return [text for text in self.texts.slice(start, stop - start).to_pylist() if text]


def _texts(content: bytes, lengths: np.ndarray) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(content))
