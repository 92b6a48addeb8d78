import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.samples import SAMPLE, Samples
from schemas.shards import Shard
from transforms.read.beside import Beside, with_embeddings


def test_a_range_of_row_groups_begins_where_the_groups_before_it_end(tmp_path):
    (tmp_path / "img_emb").mkdir()
    np.save(tmp_path / "img_emb/img_emb_3.npy", np.arange(12, dtype=np.float32).reshape(6, 2))
    path = tmp_path / "part_003.parquet"
    pq.write_table(pa.table({"url": list("abcdef")}), path, row_group_size=2)
    whole = Shard("part_003-g0001", "main", str(path), "urls", path.stat().st_size, "1", row_groups=(1, 3))
    [shard] = with_embeddings([whole], str(tmp_path), "main")
    core = {name: [None] * 2 for name in SAMPLE.names} | {"row": [1, 2], "disallowed": [False] * 2, "extra": [[]] * 2, "flags": [[]] * 2}
    samples = Samples(pa.RecordBatch.from_pydict(core, schema=SAMPLE), pa.RecordBatch.from_pydict({"url": ["d", "e"]}), {})
    vectors, rows = Beside(shard).of(samples)["image"]
    assert (vectors.tolist(), rows.tolist()) == ([[6, 7], [8, 9]], [0, 1])


def test_a_shard_without_embeddings_has_none():
    assert Beside(Shard("a", "main", "a.tar", "webdataset", 1, "1")).of(None) == {}
