"""What people ran into with shards, metadata and URLs, as small inputs through whole runs."""

import gzip
import hashlib
import io
import json

import imagehash
import pyarrow as pa
import pytest
from PIL import Image

from tests.builders import jpeg, png, sample, sample_members, tar_bytes, webp, write_parquet
from tests.images.side_data import DMI, packet
from tests.runs import parquets, run_job, run_samples, tars

CAPTION = "a red bicycle in the park"
EXIF = {
    "GPS GPSLatitude": "[52, 31, 12]", "GPS GPSLongitude": "[13, 24, 36]", "EXIF BodySerialNumber": "0012345",
    "EXIF CameraOwnerName": "Jo Example", "EXIF FNumber": "28/10",
}  # fmt: skip
DOTTED = ("22.05", "22.06", "dir.v1/a", "Track 2.0 (clean)")


def members(*keys, seed=0):
    return [member for place, key in enumerate(keys) for member in sample_members(key, jpeg(seed=seed + place), f"{CAPTION} number {key}")]


def sidecar(path, *keys):
    return write_parquet(path, [{"key": key, "caption": f"{CAPTION} number {key}", "status": "success"} for key in keys])


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run over a shard for each way in which tars go wrong; shards do not touch each other, so neither do the tests."""
    folder = tmp_path_factory.mktemp("tars")
    shards = folder / "shards"
    shards.mkdir()

    def put(name, content):
        (shards / name).write_bytes(content)

    whole = tar_bytes(members("000", "001", "002"))
    third = whole.index(jpeg(seed=2))
    put("cut.tar", whole[: third + 700])
    put("cut.parquet", sidecar(folder / "side.parquet", "000", "001", "002", "003").read_bytes()[:-8])
    put("unfinished.tar", tar_bytes(members("010", seed=10)))
    put("unfinished.parquet", b"")
    put("nothing.tar", b"")
    put("zeros.tar", bytes(10_240))

    put(
        "dots.tar", tar_bytes([(f"{key}.png" if key.startswith("22") else f"{key}.jpg", jpeg(seed=20 + n)) for n, key in enumerate(DOTTED)])
    )
    sidecar(shards / "dots.parquet", *DOTTED)

    twice = [
        ("000.jpg", jpeg(seed=30)),
        ("000.txt", CAPTION.encode()),
        ("000.jpg", jpeg(80, 60, seed=31, xmp=packet(plus__DataMining=f"{DMI}PROHIBITED-AIMLTRAINING"))),
    ]
    put("twice.tar", tar_bytes(twice))
    put("apart.tar", tar_bytes(sorted(members(*(f"{n:03}" for n in range(40)), seed=40), key=lambda member: member[0][-3:])))

    first, second = tar_bytes(members("000", "001", seed=90)), tar_bytes(members("002", "003", seed=92))
    put("glued.tar", first + second)
    put(
        "gluedgz.tar.gz",
        gzip.compress(tar_bytes(members("000", "001", seed=94))) + gzip.compress(tar_bytes(members("002", "003", seed=96))),
    )

    upper = [("000.JPG", jpeg(seed=100)), ("000.TXT", CAPTION.encode()), ("001.JPEG", jpeg(seed=101)), ("001.txt", CAPTION.encode())]
    put("upper.tar", tar_bytes([*upper, *members("a", "A", seed=102)]))

    put("bare.tar", tar_bytes([("000.jpg", webp(seed=110)), ("000.txt", b"")]))
    fields = {"key": ["000"], "caption": ["red car on a road"], "width": pa.nulls(1, pa.int64()), "height": pa.nulls(1, pa.int64())}
    write_parquet(shards / "bare.parquet", pa.table({**fields, "original_width": pa.nulls(1, pa.int64())}))

    put("exif.tar", tar_bytes(sample_members("000", jpeg(seed=120), CAPTION, {"exif": json.dumps(EXIF)})))
    nan = float("nan")
    put(
        "nan.tar",
        tar_bytes(sample_members("000", jpeg(seed=121), None, {"caption": CAPTION, "similarity": nan, "punsafe": nan, "NSFW": nan})),
    )
    source = {"paths": ["shards/*.tar*"], "max_unreadable": 1.0, "max_unreadable_shards": 2}
    rules = {"columns": {"rules": [{"column": "similarity", "min": 0.28}]}}
    return run_job(folder, tars({"source": source, "filters": rules, "publish": {"drop": []}}), documents=True)


def test_a_killed_download_leaves_a_cut_tar_and_a_cut_sidecar(ran):
    """D01"""
    rows = ran.shard("cut")
    assert [(row["key"], row["verdict"]) for row in rows] == [("000", "kept"), ("001", "kept"), ("002", "unreadable")]
    assert [row["caption"] for row in ran.data() if row["uid"] == rows[0]["uid"]] == [f"{CAPTION} number 000"]
    assert [row["verdict"] for row in ran.shard("unfinished")] == ["kept"]
    assert len([note for note in ran.notes() if "sidecar" in note and "unknown" in note]) == 2
    assert ran.shard("nothing") == ran.shard("zeros") == []


def test_a_key_with_dots_stays_whole(ran):
    """D02"""
    rows = ran.shard("dots")
    assert [row["key"] for row in rows] == list(DOTTED)
    captions = {row["uid"]: row["caption"] for row in ran.data()}
    assert [captions[row["uid"]] for row in rows] == [f"{CAPTION} number {key}" for key in DOTTED]


def test_an_opt_out_in_the_second_picture_of_a_doubled_name_is_seen(ran):
    """D03"""
    [row] = ran.shard("twice")
    assert row["flags"] == ["extra_member"]
    assert row["reasons"] == ["opt_out"]
    assert "further picture 1" in row["evidence"][0]["detail"]


def test_members_of_a_sample_that_lie_far_apart_are_one_row(ran):
    """D04"""
    rows = ran.shard("apart")
    assert [row["key"] for row in rows] == [f"{n:03}" for n in range(40)]
    assert {row["verdict"] for row in rows} == {"kept"}


@pytest.mark.parametrize("name", ["glued", "gluedgz"])
def test_the_second_of_two_tars_in_one_file_is_read_too(ran, name):
    """D05"""
    assert [row["key"] for row in ran.shard(name)] == ["000", "001", "002", "003"]


def test_upper_case_types_are_types_and_keys_keep_their_case(ran):
    """D06"""
    assert [row["key"] for row in ran.shard("upper")] == ["000", "001", "a", "A"]
    assert {row["verdict"] for row in ran.shard("upper")} == {"kept"}


def test_a_picture_under_a_wrong_suffix_with_an_empty_text_and_null_sizes(ran):
    """D07"""
    [row] = ran.shard("bare")
    [published] = [found for found in ran.data() if found["uid"] == row["uid"]]
    assert published["caption"] == "red car on a road"
    assert (published["width"], published["height"]) == (64, 48)
    assert published["image"]["path"] == f"{row['uid']}.webp"


def test_position_and_owner_in_the_exif_column_go_and_the_row_stays(ran):
    """D08"""
    [row] = ran.shard("exif")
    [published] = [found for found in ran.data() if found["uid"] == row["uid"]]
    assert row["verdict"] == "kept"
    assert "stripped:gps" in row["actions"]
    assert "28/10" in published["exif"]
    released = b"".join(path.read_bytes() for path in ran.out.rglob("*") if path.is_file()) + repr(ran.data()).encode()
    for secret in ("52, 31, 12", "13, 24, 36", "0012345", "Jo Example"):
        assert secret.encode() not in released


def test_a_re_encoded_minority_is_not_called_tampered_and_another_picture_is(tmp_path):
    """D09"""
    honest = [sample(n, sha256=hashlib.sha256(jpeg(seed=n)).hexdigest()) for n in range(88)]
    digests = {n: hashlib.sha256(png(seed=n)).hexdigest() for n in range(88, 100)}
    suffixes = {n: "png" if n % 2 else "webp" for n in digests}
    again = [
        sample(n, jpg=jpeg(seed=n, quality=95), url=f"https://a.example/{n}.{suffixes[n]}", sha256=digest) for n, digest in digests.items()
    ]
    shown = [Image.open(io.BytesIO(jpeg(64, 48, seed=500 + n))) for n in range(12)]
    other = [sample(n, sha256="0" * 64, image_phash=str(imagehash.phash(shown[n - 100]))) for n in range(100, 112)]
    ran = run_samples(tmp_path, [*honest, *again, *other], {"source": {"columns": {"phash": "image_phash"}}}, per_shard=100)
    rows = ran.ledger()
    assert {row["verdict"] for row in rows[:100]} == {"kept"}
    assert [row["flags"] for row in rows[88:100]] == [["hash_not_comparable"]] * 12
    assert [row["reasons"] for row in rows[100:]] == [["hash_mismatch"]] * 12


def test_nan_is_no_score_and_reaches_no_document(ran):
    """D10"""
    [row] = ran.shard("nan")
    [published] = [found for found in ran.data() if found["uid"] == row["uid"]]
    assert row["verdict"] == "kept"
    assert published["punsafe"] is published["similarity"] is None
    documents = list(ran.out.glob("*.json"))
    assert len(documents) > 3
    for path in documents:
        json.loads(path.read_text(), parse_constant=lambda word, path=path: pytest.fail(f"{word} in {path.name}"))


@pytest.mark.parametrize(("policy", "kept"), [("image_and_caption", 5), ("image", 1)])
def test_five_captions_of_one_url_are_five_pairs_where_the_policy_says_so(tmp_path, policy, kept):
    """D11 (a)"""
    captions = ["two boys on a swing", "children at play in the yard", "summer by the lake", "an afternoon outdoors", "swings need mending"]
    rows = [{"URL": "https://a.example/1.jpg", "TEXT": text, "WIDTH": 640, "HEIGHT": 480} for text in captions]
    write_parquet(tmp_path / "shards" / "a.parquet", rows)
    ran = run_job(tmp_path, parquets({"source": {"format": "urls"}, "dedup": {"policy": policy}}))
    assert [row["verdict"] for row in ran.ledger()].count("kept") == kept == len(ran.data())
