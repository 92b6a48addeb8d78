from types import SimpleNamespace

from pipeline.documents import meaning
from pipeline.documents.meaning_section import meaning_section
from pipeline.documents.view import ABSENT
from pipeline.jobfile import build_job, filters_of

SOURCE = {"format": "urls", "paths": ["a.parquet"], "columns": {"image_embedding": "vector"}}
FACTS = {"rows": 12_000, "earlier": 300, "centroids": 77, "largest": 900, "parted": 2}


def evidence_of(source=SOURCE, **sections):
    job = build_job({"version": 1, "source": source, "output": "out", **sections}, "/", "job.yaml")
    found = {"reason": {"duplicate_semantic": 31}, "flag": {"semantic_outlier": 4}}
    counts = SimpleNamespace(rows=lambda metric: found[metric])
    judged = {"semantic": FACTS, "cluster_sizes": {"semantic": {"2": 9, "11": 1}}}
    return SimpleNamespace(run=SimpleNamespace(job=job, filters=filters_of(job)), counts=counts, judged=judged)


def told_of(evidence):
    embedded, compared = meaning.embeddings(evidence), meaning.semantic(evidence)
    [section] = meaning_section({"embeddings": embedded, "semantic": compared}) or [None]
    return section, " ".join(meaning.limits_of_meaning(evidence, embedded, compared))


def test_a_job_without_embeddings_has_no_such_section_and_no_such_limits():
    assert told_of(evidence_of({"format": "urls", "paths": ["a.parquet"]})) == (None, "")


def test_the_model_the_heads_and_what_became_of_rows_that_mean_the_same_are_told():
    heads = [{"name": "marked", "weights": "w.npy", "sha256": "0" * 64, "max": 0.9, "reason": "watermark"}]
    section, limits = told_of(
        evidence_of(
            dedup={"semantic": {"of": "image", "max_outlier": 0.6}},
            filters={"embeddings": {"model": "ViT-B/32"}, "embedding_heads": {"heads": heads}, "misinformation": {"min_agreement": 0.1}},
        )
    )
    told = " ".join(section.paragraphs)
    assert "Model: ViT-B/32. Embeddings of pictures: given by the source; of captions: none." in told
    assert (
        "12,000 rows were compared by embeddings of pictures, and held against 300 of earlier runs: 31 were removed and 0 flagged" in told
    )
    assert "(cosine above 0.99)" in told
    assert "4 rows lie far from their neighbours (above 0.6)" in told
    assert [table.rows for table in section.tables] == [
        (("marked", "pictures", "trained", ABSENT, ABSENT, "0.9", "watermark"),), (("2", "9"), ("11", "1")),
    ]  # fmt: skip
    for part in ("those of ViT-B/32", "around 77 centroids", "Around 2 centroids lay more rows", "no statement was checked"):
        assert part in limits
