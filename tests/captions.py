"""Real captions of photos and of the web, for tests that count false alarms."""

import gzip

import pyarrow.parquet as pq

from tests.shared_data import shared


def real_captions() -> list[list[str]]:
    """Multi30k, Conceptual Captions and LAION-style alt-texts, without case; skips the test where they are absent."""
    multi = shared("data", "captions", "multi30k", "data", "task1", "raw", "train.en.gz")
    with gzip.open(multi, "rt", encoding="utf-8") as lines:
        captions = [line.casefold() for line in lines]
    cc3m = shared("data", "captions", "cc3m", "validation_first_half.tsv").read_text(encoding="utf-8").splitlines()
    laion = pq.read_table(shared("data", "captions", "laion_style", "tests", "test_files", "test_10000.parquet"))["TEXT"].to_pylist()
    return [captions, [line.split("\t")[0] for line in cc3m], [text.casefold() for text in laion if text]]
