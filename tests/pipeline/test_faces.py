"""Faces from the column of a source to the published picture, and what the documents say of them."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from pipeline.run import open_run
from schemas.errors import JobError
from tests.builders import jpeg, sample, write_parquet
from tests.runs import parquets, run_job, write_job


def rows():
    boxes = [[[0.25, 0.25, 0.75, 0.75]], [], None]
    return [sample(n, jpg=jpeg(320, 240, seed=n), face_bboxes=found) for n, found in enumerate(boxes)]


def shown(row):
    return np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")).astype(int)


def test_a_face_is_blurred_in_what_is_published_and_a_picture_without_known_boxes_is_not(tmp_path):
    write_parquet(tmp_path / "shards" / "a.parquet", rows())
    ran = run_job(tmp_path, parquets({"filters": {"faces": {"find": "column", "do": "blur", "max_not_scored": 0.5}}}), documents=True)
    ledger = ran.ledger()
    assert [row["verdict"] for row in ledger] == ["kept", "kept", "rejected"]
    assert (ledger[0]["actions"], "faces" in ledger[0]["flags"]) == (["blurred:faces"], True)
    assert ledger[2]["reasons"] == ["not_scored"]
    published = ran.data()
    raws = [row["jpg"] for row in rows()]
    before = np.asarray(Image.open(io.BytesIO(raws[0])).convert("RGB")).astype(int)
    after = shown(published[0])
    inside = np.s_[60:180, 80:240]
    assert after[inside].std() < 0.6 * before[inside].std()
    assert published[0]["sha256"] != published[0]["read_sha256"]
    assert published[1]["image"]["bytes"] == raws[1]
    told = json.loads((ran.out / "datasheet.json").read_text())
    assert "was published with the faces blurred" in json.dumps(told)


def test_boxes_that_no_column_has_are_missed_before_the_run(tmp_path):
    write_parquet(tmp_path / "shards" / "a.parquet", [sample(0)])
    with pytest.raises(JobError, match=r"filters\.faces\.find: column, and the source has no column face_bboxes; .* it has: caption, "):
        open_run(str(write_job(tmp_path, parquets({"filters": {"faces": {"find": "column"}}}))), ())


@pytest.mark.parametrize("action", [None, "reject"])
def test_faces_are_reported_or_keep_a_row_out(tmp_path, action):
    write_parquet(tmp_path / "shards" / "a.parquet", rows())
    options = {"find": "column", "do": action, "on_missing": "keep", "max_not_scored": 0.5} if action else {}
    ran = run_job(tmp_path, parquets({"filters": {"faces": options}}))
    assert [row["verdict"] for row in ran.ledger()] == ["rejected" if action else "kept", "kept", "kept"]
    assert ran.ledger()[0]["reasons"] == (["faces"] if action else [])
