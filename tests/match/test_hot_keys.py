"""A key that very many rows share costs a row what any other costs: bytes moved and pairs compared grow with rows, not with their pairs."""

import collections

import numpy as np
import pyarrow as pa
import pytest

from pipeline import match_steps
from schemas.signatures import PHASHES
from tests.match.signed_rows import Row, matched, photo, signed, write
from transforms.match import members, verification
from transforms.match.signatures import caption_columns

FEWER, TIMES = 150, 4


def rows_of(kind: str, count: int) -> pa.RecordBatch:
    """Rows that share a URL, a file, the hash of a picture to two bits, or a caption to its last word; they share nothing else."""
    draw = np.random.default_rng(3)
    batch = signed([Row("anything", url=b"u" * 16) if kind == "url" else Row("anything", photo(1))]).take([0] * count)
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["uid"] = columns["order"] = pa.array([draw.bytes(16) for _ in range(count)], pa.binary(16))
    if kind == "caption":
        texts = [f"a red kite flies over the old boat on the blue lake {number}" for number in range(count)]
        columns["picture_hashes"] = pa.array([draw.bytes(8 * len(PHASHES)) for _ in range(count)], columns["picture_hashes"].type)
    else:
        texts = [" ".join("".join(draw.choice(list("abcdefghijklmnoprstuvwz"), 6)) for _ in range(9)) for _ in range(count)]
    if kind in ("hash", "caption"):
        columns["picture_id"] = pa.array(draw.integers(1, 1 << 63, count, np.uint64))
    if kind == "hash":
        hashes = np.frombuffer(b"".join(columns["picture_hashes"].to_pylist()), "<u8").reshape(count, -1).copy()
        for _ in range(2):
            hashes ^= np.uint64(1) << draw.integers(0, 64, hashes.shape, np.uint64)
        columns["picture_hashes"] = pa.array([row.tobytes() for row in hashes], columns["picture_hashes"].type)
    columns |= caption_columns(texts)
    return pa.RecordBatch.from_arrays([columns[name] for name in batch.schema.names], schema=batch.schema)


@pytest.fixture
def work(monkeypatch):
    """Bytes that the steps of match have yielded, and pairs of rows that were compared."""
    done: collections.Counter[str] = collections.Counter()

    def count_bytes(plain):
        def process(self, element):
            for out in plain(self, element):
                done["bytes"] += len(out[1]) if isinstance(out, tuple) else 0
                yield out

        return process

    def count_pairs(plain):
        def compare(left, at_left, right, at_right):
            done["compared"] += len(at_left)
            return plain(left, at_left, right, at_right)

        return compare

    monkeypatch.setattr(match_steps._Step, "process", count_bytes(match_steps._Step.process))
    for module in (members, verification):
        for name in ("picture_agreements", "caption_agreements"):
            monkeypatch.setattr(module, name, count_pairs(getattr(module, name)))
    return done


@pytest.mark.parametrize("kind", ["url", "file", "hash", "caption"])
def test_a_key_of_very_many_rows_costs_each_as_much_as_one_of_few(tmp_path, work, kind):
    counts = []
    for count in (FEWER, FEWER * TIMES):
        work.clear()
        found = matched(write(rows_of(kind, count), tmp_path / f"s{count}"), tmp_path / f"c{count}")
        assert len(set((found.caption_cluster if kind == "caption" else found.cluster).tolist())) == 1, "and they are one cluster"
        counts.append(work.copy())
    for name, before in counts[0].items():
        assert counts[1][name] <= 1.1 * TIMES * before, name
