import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.commands.run import run_phases
from pipeline.run import open_run
from schemas.errors import InputError, JobError
from tests.builders import encode, sample, write_webdataset
from tests.clip_retrieval import clip_retrieval
from tests.models.tiny_pair import COLOURS, NO_DIRECTION, sha256, write_pair
from tests.runs import Ran, run_job, run_samples, tars, write_job
from transforms.vectors import unpack

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

NAMES = list(COLOURS)


def coloured(number, **changed):
    """A picture of one colour and a pattern that its hashes see, and a caption of that colour."""
    name = NAMES[number % len(NAMES)]
    rng = np.random.default_rng(number)
    light = np.kron(rng.uniform(0.2, 1, (8, 8)), np.ones((16, 16)))[..., None]
    pixels = (light * np.array(COLOURS[name]) * 255).astype(np.uint8)
    return sample(number, jpg=encode(Image.fromarray(pixels), "PNG"), caption=f"{name} thing number {number}", **changed)


def embedded(ran, side):
    packed = pa.array([row["embeddings"] and row["embeddings"][side] for row in ran.annotations()], pa.binary())
    return unpack(packed)


def with_pair(folder, **filters):
    return {"filters": {"embeddings": write_pair(folder / "pair"), **filters}}


def test_pairs_are_embedded_once_whatever_their_sharding_and_agreement_and_failures_are_judged(tmp_path):
    """Law 2: other batches, the same bytes. Law 3: a row that the model fails on is rejected, and too many stop the run with its name."""
    samples = [coloured(number) for number in range(9)]
    samples[3]["caption"] = "red red red"  # of a grey picture
    samples[5]["caption"] = "blue blue blue"  # of a red one
    samples[7]["caption"] = " ".join([NO_DIRECTION] * 6)
    job = with_pair(tmp_path, clip_score={"min": 0.3})
    job["filters"]["embeddings"]["max_not_scored"] = 0.5
    ran = run_samples(tmp_path / "four", samples, job, per_shard=4)
    pictures, rows = embedded(ran, "image")
    assert (pictures.shape, rows.tolist()) == ((8, 3), [0, 1, 2, 3, 4, 5, 6, 8])
    told = ran.by_key()
    assert [key for key, row in told.items() if "clip_score" in row["reasons"]] == ["000000005"]
    [evidence] = [found for found in told["000000005"]["evidence"] if found["reason"] == "clip_score"]
    assert (evidence["score"], evidence["threshold"]) == (0.0, 0.3)
    assert ("not_scored" in told["000000007"]["flags"], told["000000007"]["reasons"]) == (True, ["not_scored"])
    with pytest.raises(InputError, match=r"filter embeddings failed on 1 of 9 rows.*It asks embeddings: tiny 1\.0"):
        run_job(tmp_path / "four", tars(job), "filters.embeddings.max_not_scored=0.1")
    write_webdataset(tmp_path / "nine/shards", samples)
    whole = open_run(str(write_job(tmp_path / "nine", tars(job))), ())
    run_phases(whole, ("annotate",))
    measured = [{row["uid"]: (row["embeddings"], row["clip_score"]) for row in found.annotations()} for found in (ran, Ran(whole))]
    assert measured[0] == measured[1]


def test_vectors_beside_the_shards_that_say_nothing_give_no_score_and_all_others_the_cosine(tmp_path):
    """Float16 as clip-retrieval writes it: rows that it left out, NaN, infinite, of length zero, and the embedding of no caption."""
    rng = np.random.default_rng(5)
    pairs = rng.normal(size=(8, 2, 16)).astype(np.float16)
    pairs[2, 0, 3], pairs[3, 1], pairs[4, 0, 0] = np.nan, 0, np.inf
    samples = [sample(number) for number in range(8)]
    samples[5]["caption"] = None
    left_out = 1
    clip_retrieval(tmp_path / "emb", [(f"{n:09d}", *pairs[n]) for n in (7, 6, 5, 4, 3, 2, 0) if n != left_out], "0")
    write_webdataset(tmp_path / "shards", samples)
    np.save(tmp_path / "head.npy", pairs[0, 0])
    head = {"name": "like_the_first", "weights": "head.npy", "sha256": sha256(tmp_path / "head.npy")}
    job = {
        "source": {"format": "webdataset", "paths": ["shards/*.tar"], "embeddings": "emb"},
        "filters": {"embedding_heads": {"heads": [head]}},
    }
    opened = open_run(str(write_job(tmp_path, job)), ())
    run_phases(opened, ("annotate",))
    found = Ran(opened).annotations()
    wide = pairs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        unit = wide / np.linalg.norm(wide, axis=2, keepdims=True)
    agreement = {n: float(unit[n, 0] @ unit[n, 1]) for n in (0, 6, 7)}
    assert [row["clip_score"] and row["clip_score"]["score"] for row in found] == [
        pytest.approx(agreement[n], abs=2e-3) if n in agreement else None for n in range(8)
    ]
    likeness = {n: float(unit[n, 0] @ wide[0, 0]) for n in (0, 3, 5, 6, 7)}
    assert [row["embedding_heads"]["values"] for row in found] == [
        [pytest.approx(likeness[n], abs=1e-2) if n in likeness else None] for n in range(8)
    ]


def test_where_the_shard_is_the_metadata_itself_rows_are_told_by_their_order(tmp_path):
    urls = [f"https://site.example/{number}.jpg" for number in range(6)]
    clip_retrieval(tmp_path, [("", [1, number], [1, 0]) for number in range(6)], "7", metadata=False)
    (tmp_path / "metadata").mkdir()
    pq.write_table(pa.table({"url": urls, "caption": [f"caption of {url}" for url in urls]}), tmp_path / "metadata/metadata_7.parquet")
    job = {"source": {"format": "urls", "paths": ["metadata/*.parquet"], "embeddings": "."}}
    opened = open_run(str(write_job(tmp_path, job)), ())
    run_phases(opened, ("annotate",))
    pictures, rows = embedded(Ran(opened), "image")
    assert rows.tolist() == list(range(6))
    assert (pictures[:, 1] / pictures[:, 0]).tolist() == pytest.approx(range(6), abs=0.02)


def test_new_embeddings_beside_the_shards_make_their_annotations_stale(tmp_path):
    clip_retrieval(tmp_path / "emb", [("000000000", [1, 0], [1, 0])], "0")
    write_webdataset(tmp_path / "shards", [sample(0)])
    job = {"source": {"format": "webdataset", "paths": ["shards/*.tar"], "embeddings": "emb"}}
    before = open_run(str(write_job(tmp_path, job)), ()).annotate_digests
    clip_retrieval(tmp_path / "emb", [("000000000", [1, 0], [0, 1]), ("x", [1, 0], [0, 1])], "0")
    assert open_run(str(write_job(tmp_path, job)), ()).annotate_digests != before


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ({"filters": {"clip_score": {"min": 0.2}}}, r"filters\.clip_score\.min: it needs embeddings of pictures"),
        ({"filters": {"misinformation": {"min_agreement": 0.1}}}, r"filters\.misinformation\.min_agreement"),
        ({"filters": {"clip_score": {"by_language": {"de": {"min": 0.2}}}}}, r"filters\.clip_score\.by_language\.de\.min: it needs"),
        ({"filters": {"misinformation": {"by_language": {"de": {"min_agreement": 0}}}}}, r"by_language\.de\.min_agreement: it needs"),
        ({"dedup": {"semantic": {"of": "text"}}}, r"dedup\.semantic\.of: it needs embeddings of captions"),
        ({"filters": {"embedding_heads": {"heads": [{"name": "a", "prompts": ["x"], "against": ["y"]}]}}}, r"embedding_heads\.heads\.0"),
    ],
)
def test_who_asks_for_embeddings_that_nothing_gives_is_told_so_before_the_run(tmp_path, job, told):
    write_webdataset(tmp_path / "shards", [sample(0)])
    with pytest.raises(JobError, match=told):
        open_run(str(write_job(tmp_path, tars(job))), ())
