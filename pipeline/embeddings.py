"""Makes sure, before any worker starts, that whoever compares embeddings in a job has some to compare."""

from collections.abc import Mapping
from typing import Any

from schemas.annotations import EMBEDDINGS
from schemas.errors import JobError
from schemas.job import Job
from transforms.filters import by_language
from transforms.filters.base import Filter
from transforms.filters.clip_score import ClipScore
from transforms.filters.embedding_heads import EmbeddingHeads
from transforms.filters.embeddings import SIDES
from transforms.filters.misinformation import Misinformation

NAMES = {"image": "pictures", "text": "captions"}


def check_embeddings(job: Job, filters: Mapping[str, Filter]) -> None:
    """Holds what asks for embeddings against what gives them.

    Raises:
      JobError: nothing gives them; names the key that asks and those that would give.
    """
    given: dict[str, bool] = {side: getattr(filters[EMBEDDINGS], side) is not None or given_by_source(job, side) for side in SIDES}
    for who, side in _asked(job, filters):
        if not given[side]:
            raise JobError(
                f"{who}: it needs embeddings of {NAMES[side]}, and nothing gives them: name filters.{EMBEDDINGS}.{side}, a column of the "
                f"source by the role {side}_embedding, or source.embeddings"
            )
    heads = filters[EmbeddingHeads.name]
    assert isinstance(heads, EmbeddingHeads)
    if any(head.prompts for head in heads.heads) and getattr(filters[EMBEDDINGS], "text") is None:  # noqa: B009 - a filter by name
        raise JobError(f"filters.{heads.name}.heads: prompts are texts, and no encoder reads them: name filters.{EMBEDDINGS}.text")


def given_by_source(job: Job, side: str) -> bool:
    """Whether any source brings embeddings of a side; of a folder only annotate knows which sides it has."""
    return any(source.embeddings is not None or f"{side}_embedding" in source.columns for source in job.source)


def refuse_other_embeddings(job: Job, theirs: Mapping[str, Any], where: str) -> None:
    """Makes sure that the embeddings of a finished run compare with those of a job which compares them.

    Those that a source gives are taken for those of the model that the job names; their widths are compared when they are read.

    Args:
      job: the job.
      theirs: the job of the finished run, as its record has it.
      where: what to call that run.

    Raises:
      JobError: names the run, the key and the cure.
    """
    side = job.dedup.semantic.of
    if side is None:
        return
    mine, other = getattr(job.filters, EMBEDDINGS), theirs["filters"].get(EMBEDDINGS, {})
    encoder, then = getattr(mine, side), other.get(side)
    given = any(source.get("embeddings") or f"{side}_embedding" in source["columns"] for source in theirs["source"])
    if then is None and not given:
        raise JobError(
            f"{where} has no embeddings of {NAMES[side]}, and dedup.semantic.of: {side} compares them. Make that run again with them, "
            "or leave dedup.semantic out here"
        )
    pairs = [(f"filters.{EMBEDDINGS}.model", other.get("model"), mine.model)]
    if encoder is not None and then is not None:
        now = encoder.model_dump(mode="json")
        pairs = [(f"filters.{EMBEDDINGS}.{side}.{name}", then.get(name), now[name]) for name in now if name not in _ELSEWHERE]
    for name, was, value in pairs:
        if was != value:
            raise JobError(
                f"{where} was made with {name}: {was}, and this job says {value}: their embeddings cannot be compared. Name the same model "
                "here, or make that run again"
            )


_ELSEWHERE = ("path", "tokenizer", "batch")  # keys of an encoder that do not tell which model it is


def _asked(job: Job, filters: Mapping[str, Filter]) -> list[tuple[str, str]]:
    """Key of the job, and the side that it asks for."""
    asked: list[tuple[str, str]] = []
    for kind, bound in ((ClipScore, "min"), (Misinformation, "min_agreement")):
        rule = filters[kind.name]
        if (option := by_language.asked_by(rule, bound)) is not None:
            asked += [(f"filters.{rule.name}.{option}", side) for side in SIDES]
    heads = filters[EmbeddingHeads.name]
    assert isinstance(heads, EmbeddingHeads)
    asked += [(f"filters.{heads.name}.heads.{place}", head.of) for place, head in enumerate(heads.heads)]
    if job.dedup.semantic.of is not None:
        asked.append(("dedup.semantic.of", job.dedup.semantic.of))
    return asked
