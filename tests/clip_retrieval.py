"""Embeddings as clip-retrieval leaves them beside shards."""

import pathlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def clip_retrieval(folder: pathlib.Path, rows: Sequence[tuple], number: str, *, metadata: bool = True) -> None:
    """What clip-retrieval writes about (key, picture's vector, caption's vector)."""
    for name, place in (("img_emb", 1), ("text_emb", 2)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        np.save(folder / name / f"{name}_{number}.npy", np.array([row[place] for row in rows], np.float16))
    if metadata:
        (folder / "metadata").mkdir(exist_ok=True)
        table = pa.table({"image_path": [row[0] for row in rows], "caption": ["?"] * len(rows)})
        pq.write_table(table, folder / "metadata" / f"metadata_{number}.parquet")
