import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.annotations import BASE, NOTES
from schemas.signatures import DETAIL, SIGNATURE
from transforms.match.columns import open_columns, write_columns
from transforms.match.detail_column import DETAILED, DETAILS
from transforms.takedown.hits import GONE
from transforms.takedown.purge import as_counted, purge_annotations, purge_signatures

MEASURED = pa.struct([("score", pa.float64()), ("spans", pa.list_(pa.int32())), ("name", pa.string()), ("seen", pa.bool_())])
GROUPS = {"gender": "feminine", "age": None, "region": None, "language": "en"}
STAYS = {"source": "main", "shard": "a", "flags": ["animated"], "groups": GROUPS}


def annotation(number: int) -> dict:
    return {
        **STAYS, "uid": f"{number:032x}", "row": number, "key": "k", "url": "https://a.example/", "url_id": b"u" * 16,
        "domain": "a.example", "problem": None, "recorded": False, "not_scored": ["toxicity"], "bytes": 9, "format": "jpeg",
        "width": 4, "height": 3,
        "sha256": b"s" * 32, "sha1": b"1" * 20, "md5": b"m" * 16, "phash": 77, "low_detail": True, "has_caption": True, "caption_length": 5,
        "words": 2, "caption_id": b"c" * 16, "normal_caption_id": b"n" * 16, "numbers": [{"column": "x", "value": 1.0}],
        "mine": {"score": 0.5, "spans": [1, 2], "name": "somebody", "seen": True},
    }  # fmt: skip


def test_of_a_row_that_went_groups_and_scores_stay_and_of_a_hidden_one_groups_alone(tmp_path):
    schema = pa.schema([*BASE, ("mine", MEASURED)])
    table = pa.Table.from_pylist([annotation(n) for n in range(4)], schema)
    table = table.replace_schema_metadata({NOTES: json.dumps(["extra member: my name.jpg"]), b"other": b"as it is"})
    pq.write_table(table, tmp_path / "a.parquet")
    purge_annotations(str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"), [1, 3], {f"{3:032x}": "e" * 32}, [3])
    read = pq.read_table(tmp_path / "b.parquet")
    rows = read.to_pylist()
    assert (rows[0], rows[2]) == (annotation(0), annotation(2))
    empty = {
        **dict.fromkeys(schema.names), **STAYS, "problem": GONE, "recorded": True, "not_scored": [], "numbers": [], "low_detail": False,
        "has_caption": False, "caption_length": 0, "words": 0,
    }  # fmt: skip
    assert rows[1] == empty | {"uid": f"{1:032x}", "row": 1, "mine": {"score": 0.5, "spans": None, "name": None, "seen": True}}
    assert rows[3] == empty | {"uid": "e" * 32, "row": 3}
    metadata = pq.read_metadata(tmp_path / "b.parquet").metadata
    assert (metadata[NOTES], metadata[b"other"]) == (b'["extra member"]', b"as it is")
    assert read.schema.equals(schema)


def signature(number: int) -> dict:
    fixed = pa.types.is_fixed_size_binary
    row = {field.name: bytes([number + 1]) * field.type.byte_width if fixed(field.type) else 1 for field in SIGNATURE}
    return row | {"has_picture": True, "has_hashes": True, DETAILS: bytes([number + 1]) * DETAIL}


def test_of_a_signature_that_went_the_uid_is_left(tmp_path):
    write_columns([pa.RecordBatch.from_pylist([signature(n) for n in range(3)], SIGNATURE)], str(tmp_path / "a.arrow"))
    purge_signatures(str(tmp_path / "a.arrow"), str(tmp_path / "b.arrow"), [1, 2], {"03" * 16: "ee" * 16})
    old, new = (open_columns(str(tmp_path / name), [*SIGNATURE.names, DETAILED]) for name in ("a.arrow", "b.arrow"))
    assert [bytes(uid).hex() for uid in new["uid"]] == ["01" * 16, "02" * 16, "ee" * 16]
    assert (len(old[DETAILS]), len(new[DETAILS])) == (3, 1)
    for name in {*SIGNATURE.names, DETAILED} - {"uid"}:
        assert not np.any(new[name][1:]), name
        assert np.array_equal(new[name][0], old[name][0]), name


def test_the_summary_counts_no_domain_of_what_went_and_nothing_as_unreadable_that_was_read():
    annotations = pa.table({"domain": ["a.example", "b.example", "c.example"], "problem": [None, GONE, "cut"]})
    ledger = pa.table({"verdict": ["rejected", "rejected", "unreadable"]})
    counted = as_counted(annotations, ledger, [0])
    assert counted.to_pydict() == {"domain": [None, "b.example", "c.example"], "problem": [None, None, "cut"]}
