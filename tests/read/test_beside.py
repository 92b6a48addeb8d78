import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputError
from schemas.samples import SAMPLE, Samples
from schemas.shards import Shard
from tests.clip_retrieval import clip_retrieval
from transforms.read.beside import Beside, with_embeddings


def samples_of(keys, first=0):
    n = len(keys)
    empty = {name: [None] * n for name in SAMPLE.names} | {"disallowed": [False] * n, "extra": [[]] * n, "flags": [[]] * n}
    core = pa.RecordBatch.from_pydict(empty | {"row": range(first, first + n), "key": keys}, schema=SAMPLE)
    return Samples(core, pa.RecordBatch.from_pydict({"url": [None] * n}), {})


def beside(folder, name, layout):
    [shard] = with_embeddings([Shard(name, "main", f"/shards/{name}", layout, 1, "1")], str(folder), "main")
    return Beside(shard)


def test_embeddings_beside_the_shards_are_told_by_key_since_clip_retrieval_leaves_rows_out(tmp_path):
    vectors = {f"{number:09d}": ([1, number], [1, 0]) for number in range(4)}
    clip_retrieval(tmp_path, [(key, *vectors[key]) for key in ("000000002", "000000000")], "0")
    samples = samples_of(list(vectors))
    vectors, rows = beside(tmp_path, "00000.tar", "webdataset").of(samples)["image"]
    assert (vectors.tolist(), rows.tolist()) == ([[1, 0], [1, 2]], [0, 2])


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda folder: (folder / "img_emb/img_emb_0.npy").write_bytes(b"\x80\x04N."), r"img_emb_0\.npy: no \.npy file"),
        (lambda folder: np.save(folder / "img_emb/img_emb_0.npy", np.ones((9, 2), np.float16)), r"9 vectors, and .* has 3 rows"),
        (lambda folder: np.save(folder / "img_emb/img_emb_0.npy", np.ones(3)), "embeddings are a matrix"),
        (lambda folder: (folder / "metadata/metadata_0.parquet").unlink(), "no metadata_<N>.parquet"),
        (lambda folder: [path.unlink() for path in folder.glob("*/*.npy")], "nothing for the shard"),
        (lambda folder: np.save(folder / "img_emb/img_emb_00.npy", np.ones((3, 2))), "have one number"),
    ],
)
def test_files_that_do_not_belong_to_their_shard_are_refused_by_name(tmp_path, break_it, told):
    clip_retrieval(tmp_path, [(f"{number:09d}", [1, 0], [1, 0]) for number in range(3)], "0")
    break_it(tmp_path)
    with pytest.raises(InputError, match=told):
        beside(tmp_path, "00000.tar", "webdataset").of(samples_of(["000000000"]))


def test_a_range_of_row_groups_begins_where_the_groups_before_it_end(tmp_path):
    (tmp_path / "img_emb").mkdir()
    np.save(tmp_path / "img_emb/img_emb_3.npy", np.arange(12, dtype=np.float32).reshape(6, 2))
    path = tmp_path / "part_003.parquet"
    pq.write_table(pa.table({"url": list("abcdef")}), path, row_group_size=2)
    whole = Shard("part_003-g0001", "main", str(path), "urls", path.stat().st_size, "1", row_groups=(1, 3))
    [shard] = with_embeddings([whole], str(tmp_path), "main")
    vectors, rows = Beside(shard).of(samples_of([None, None], first=1))["image"]
    assert (vectors.tolist(), rows.tolist()) == ([[6, 7], [8, 9]], [0, 1])


def test_a_shard_without_embeddings_has_none():
    assert Beside(Shard("a", "main", "a.tar", "webdataset", 1, "1")).of(None) == {}
