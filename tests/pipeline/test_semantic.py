import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import semantic, semantic_steps
from pipeline.engine import Engine
from pipeline.match import COPIES
from pipeline.semantic import find_same
from pipeline.semantic_steps import Task
from schemas.errors import InputError
from schemas.signatures import SIGNATURE
from tests.builders import sample, write_parquet
from tests.runs import run_job
from tests.semantic.planted import planted
from transforms.match.columns import write_columns
from transforms.semantic.compare import compare
from transforms.semantic.found import read_found
from transforms.semantic.rows import ShardRows, member_type, read_vectors
from transforms.vectors import pack

VECTORS = np.array([[1, 0, 0], [0, 1, 0], [0.999, 0.04, 0], [0, 0, 1], [0, 0.05, 0.999], [0.6, 0, 0.8]])
LONGEST = 2  # the row with the longest caption: of equal pictures it goes first
SAME = ({0, LONGEST}, {3, 4})


def rejected(ran):
    return {int(row["key"]): row for row in ran.ledger() if "duplicate_semantic" in row["reasons"]}


def test_of_rows_that_mean_the_same_the_best_stays_and_keys_of_judge_change_judge_alone(tmp_path):
    rows = [
        sample(number, image_embedding=vector.tolist(), caption=f"a picture of pattern {number}" + " longer" * (number == LONGEST))
        for number, vector in enumerate(VECTORS)
    ]
    plain = [{name: value for name, value in row.items() if name != "jpg"} for row in rows]
    write_parquet(tmp_path / "shards/00000.parquet", plain)
    source = {"format": "urls", "paths": ["shards/*.parquet"], "columns": {"image_embedding": "image_embedding"}}

    def run(filters=None, listed=(), protected=False, **semantic):
        dedup = {"semantic": {"of": "image", **semantic}, "not_duplicates": list(listed)}
        job = {"source": {**source, "protected": protected}, "dedup": dedup, "filters": filters or {}}
        return run_job(tmp_path, job, replace=True)

    ran = run()
    gone, ledger = rejected(ran), {int(row["key"]): row for row in ran.ledger()}
    assert [len(same & set(gone)) for same in SAME] == [1, 1]
    assert set(gone) <= set.union(*SAME)
    assert gone[0]["duplicate_of"] == ledger[LONGEST]["uid"]
    [evidence] = gone[0]["evidence"]
    assert (evidence["threshold"], evidence["detail"]) == (0.99, "embeddings of image")
    assert evidence["score"] > 0.99
    assert json.loads((ran.work / "semantic/facts.json").read_text()) == {
        "rows": 6, "earlier": 0, "centroids": 1, "largest": 6, "parted": 0,
    }  # fmt: skip
    before = {name: (ran.work / name).stat().st_mtime_ns for name in ("matched.json", "compared.json")}

    # A18: a row that another filter rejects stands for nobody. All keys are judge's; what is flagged stays.
    other = run({"caption_quality": {"max_characters": 24}}, max_outlier=0.72, action="flag")
    ledger = {int(row["key"]): row for row in other.ledger()}
    assert (ledger[0]["verdict"], ledger[LONGEST]["reasons"]) == ("kept", ["caption_quality"])
    assert [key for key, row in ledger.items() if "semantic_outlier" in row["flags"]] == [1]
    [(key, flagged)] = [(key, row) for key, row in ledger.items() if "duplicate_semantic" in row["flags"]]
    assert (flagged["verdict"], {ledger[other]["uid"] for other in (3, 4) if other != key}) == ("kept", {flagged["duplicate_of"]})
    assert {name: (other.work / name).stat().st_mtime_ns for name in before} == before

    # The user's word goes before likeness: of a protected source nobody goes, and what a list keeps apart is not even flagged.
    (tmp_path / "pairs.txt").write_text(f"{ledger[0]['uid']} {ledger[LONGEST]['uid']}\n")
    other = run(listed=["pairs.txt"], protected=True)
    flagged = {int(row["key"]): row for row in other.ledger() if "duplicate_semantic" in row["flags"]}
    assert not rejected(other)
    assert len(flagged) == 1
    assert set(flagged) < SAME[1]
    assert [row["evidence"][0]["detail"] for row in flagged.values()] == ["embeddings of image; source main is protected"]


@pytest.fixture(scope="module")
def rows_on_disk(tmp_path_factory):
    """600 rows with 80 planted copies, as annotate leaves them, in two shardings."""
    folder = tmp_path_factory.mktemp("annotated")
    vectors, _ = planted(600, 80, width=24)
    rng = np.random.default_rng(8)
    own = {name: rng.integers(0, 256, (600, 16), np.uint8) for name in ("uid", "order")}
    return vectors, {size: as_annotated(folder / str(size), vectors, own, size) for size in (600, 130)}


def as_annotated(folder, vectors, own, size):
    folder.mkdir()
    shards = []
    for start in range(0, len(vectors), size):
        part = slice(start, start + size)
        count = len(vectors[part])
        side = pack(vectors[part], np.arange(count), count)
        measured = pa.StructArray.from_arrays([side, pa.nulls(count, pa.binary())], ["image", "text"])
        annotation, signature = folder / f"{start}.parquet", folder / f"{start}.arrow"
        pq.write_table(pa.table({"embeddings": measured, "problem": pa.nulls(count, pa.string())}), annotation)
        columns = [pa.array([bytes(row) for row in values[part]], pa.binary(16)) for values in own.values()]
        write_columns([pa.RecordBatch.from_arrays(columns, schema=pa.schema([SIGNATURE.field(name) for name in own]))], str(signature))
        shards.append(ShardRows(str(start), str(annotation), str(signature), start, count))
    return tuple(shards)


def found_by(shards, folder, **changed):
    task = Task(**{"shards": shards, "side": "image", "eps": 0.01, "centroids": 9, "folder": str(folder), **changed})
    find_same(task, Engine.from_job(1))
    return (folder / "0000000.arrow").read_bytes(), read_found(str(folder), 0, 600)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_exchange_is_cut_by_every_copy_that_the_engine_holds(tmp_path, rows_on_disk, monkeypatch, workers):
    class Watched:
        def __init__(self):
            self.ran = []

        def workers_for(self, _):
            return workers

        def run(self, label, build):
            self.ran.append(label)
            Engine.from_job(1).run(label, build)

    monkeypatch.setattr("pipeline.match.BASE_BYTES", 1)
    engine = Watched()
    one = rows_on_disk[1][600]
    exchanged = 600 * member_type(24).itemsize
    find_same(Task(one, "image", 0.01, 64, str(tmp_path)), engine, exchanged // 2 + 1)
    assert sum(label.startswith("semantic: compare") for label in engine.ran) == 2 * COPIES[workers > 1]


def test_the_result_is_the_same_bytes_for_any_sharding_and_number_of_shares(tmp_path, rows_on_disk, monkeypatch):
    """Law 2."""
    _, sharded = rows_on_disk
    plain, _ = found_by(sharded[600], tmp_path / "one")
    monkeypatch.setattr(semantic, "Memory", lambda *_: MemoryOfFour())
    assert found_by(sharded[130], tmp_path / "four")[0] == plain


class MemoryOfFour:
    def shares(self, _):
        return 4


def test_around_each_centroid_it_equals_all_pairs_and_overall_it_misses_little(tmp_path, rows_on_disk):
    """The reference: every cosine in double precision. Rows on two sides of a border between centroids are not compared, as in SemDeDup."""
    vectors, sharded = rows_on_disk
    _, found = found_by(sharded[600], tmp_path / "near")
    _, whole = found_by(sharded[600], tmp_path / "all", centroids=1)
    wide = vectors.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    same = np.round(wide @ wide.T, 4) > 0.99
    np.fill_diagonal(same, False)
    assert np.array_equal(whole.cluster >= 0, same.any(axis=1))
    members = np.flatnonzero((found.cluster >= 0) & (found.cluster != np.arange(600)))
    assert same[members, found.cluster[members]].all()
    assert (found.cluster >= 0).sum() >= 0.9 * (whole.cluster >= 0).sum()
    assert json.loads((tmp_path / "near/facts.json").read_text())["centroids"] == 9


def test_more_rows_around_a_centroid_than_one_place_holds_are_parted_and_counted(tmp_path, rows_on_disk, monkeypatch):
    """Law 6."""
    _, sharded = rows_on_disk
    monkeypatch.setattr(semantic_steps, "MOST_AROUND", 100)
    monkeypatch.setattr(semantic, "MOST_AROUND", 100)
    held = []
    monkeypatch.setattr(semantic_steps, "compare", lambda vectors, *rest: held.append(len(vectors)) or compare(vectors, *rest))
    found_by(sharded[600], tmp_path, centroids=1)
    assert max(held) < 150
    assert sum(held) == 600
    assert json.loads((tmp_path / "facts.json").read_text())["parted"] == 1


def test_embeddings_of_two_widths_are_refused_with_the_cure(tmp_path):
    vectors = np.eye(2, 3)
    [shard] = as_annotated(tmp_path / "three", vectors, {name: np.ones((2, 16), np.uint8) for name in ("uid", "order")}, 2)
    with pytest.raises(InputError, match="embeddings of 3 numbers, and others have 2; give all rows those of one model"):
        list(read_vectors(shard, "image", 2))
