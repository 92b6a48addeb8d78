"""Facts about embeddings: who made them, what was concluded from them, and which rows mean the same."""

from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed
from pipeline.embeddings import NAMES, given_by_source
from schemas.annotations import EMBEDDINGS
from schemas.reasons import DUPLICATE_SEMANTIC, SEMANTIC_OUTLIER
from transforms.filters.embedding_heads import EmbeddingHeads
from transforms.filters.embeddings import SIDES, Embeddings
from transforms.filters.misinformation import Misinformation


def embeddings(evidence: Evidence) -> Fact:
    """The model and where each side comes from, and the heads over it; null where the job has none."""
    rules = {rule.name: rule for rule in evidence.run.filters}
    made, heads = rules[EMBEDDINGS], rules[EmbeddingHeads.name]
    assert isinstance(made, Embeddings)
    assert isinstance(heads, EmbeddingHeads)
    job = evidence.run.job
    origin = {
        side: "computed" if getattr(made, side) else "given by the source" if given_by_source(job, side) else "none" for side in SIDES
    }
    how = "filters.embeddings and source.embeddings; heads: filters.embedding_heads"
    if set(origin.values()) == {"none"}:
        return computed(None, how)
    table = [
        {
            "head": head.name, "of": NAMES[head.of], "kind": "trained" if head.weights else "zero-shot",
            "prompts": [*head.prompts, *(f"not: {text}" for text in head.against)], "min": head.min, "max": head.max, "reason": head.reason,
        }
        for head in heads.heads
    ]  # fmt: skip
    return computed({"model": made.model, "device": made.device, **{NAMES[side]: origin[side] for side in SIDES}, "heads": table}, how)


def semantic(evidence: Evidence) -> Fact:
    """How rows that mean the same were looked for, and what became of them; null where the job does not ask."""
    asked = evidence.run.job.dedup.semantic
    how = "dedup.semantic: k-means over embeddings, then all pairs around one centroid (SemDeDup, arXiv:2303.09540), verified exactly"
    if asked.of is None:
        return computed(None, how)
    flags = evidence.counts.rows("flag")
    sizes = evidence.judged["cluster_sizes"].get("semantic", {})
    value: dict[str, Any] = {
        "of": NAMES[asked.of], "eps": asked.eps, "action": asked.action, **(evidence.judged["semantic"] or {}),
        "removed": evidence.counts.rows("reason").get(DUPLICATE_SEMANTIC, 0), "flagged": flags.get(DUPLICATE_SEMANTIC, 0),
        "max_outlier": asked.max_outlier, "outliers": flags.get(SEMANTIC_OUTLIER, 0),
        "clusters": [{"size": int(size), "clusters": number} for size, number in sorted(sizes.items(), key=lambda pair: int(pair[0]))],
    }  # fmt: skip
    return computed(value, how)


def limits_of_meaning(evidence: Evidence, embedded: Fact, compared: Fact) -> list[str]:
    """What embeddings, and lists of misleading domains, do not show, in words; nothing where none were used."""
    told = []
    if embedded["value"] is not None:
        named = embedded["value"]["model"] or "a model that the job does not name"
        told.append(
            f"Embeddings are those of {named}: agreement, heads and likeness in meaning are as good, and as biased, as that model is; how "
            "good it is on this data was not measured."
        )
    if (found := compared["value"]) is not None:
        told.append(
            f"Rows that mean the same were looked for among embeddings of {found['of']}, around {found.get('centroids', 0):,} centroids: a "
            "pair on two sides of a border was not compared, and rows of earlier runs not with each other. A row that only means the same "
            "as one that was withdrawn is not withdrawn. Two rows may be near in meaning and still differ in what matters to a use."
        )
        if found.get("parted"):
            told.append(f"Around {found['parted']:,} centroids lay more rows than one place compares: they were parted by a hash.")
    rule = next(rule for rule in evidence.run.filters if isinstance(rule, Misinformation))
    if rule.enabled and (rule.domains or rule.min_agreement is not None):
        told.append(
            "Misinformation: no statement was checked. A flag or reason rests on a list of domains and its citation, or on low agreement "
            "of caption and picture, which irony, art and abstract captions show as well."
        )
    return told
