"""Makes sure, before any worker starts, that whoever compares embeddings in a job has some to compare."""

from collections.abc import Mapping

from schemas.annotations import EMBEDDINGS
from schemas.errors import JobError
from schemas.job import Job
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


def _asked(job: Job, filters: Mapping[str, Filter]) -> list[tuple[str, str]]:
    """Key of the job, and the side that it asks for."""
    asked: list[tuple[str, str]] = []
    for kind, bound in ((ClipScore, "min"), (Misinformation, "min_agreement")):
        if getattr(filters[kind.name], bound) is not None:
            asked += [(f"filters.{kind.name}.{bound}", side) for side in SIDES]
    heads = filters[EmbeddingHeads.name]
    assert isinstance(heads, EmbeddingHeads)
    asked += [(f"filters.{heads.name}.heads.{place}", head.of) for place, head in enumerate(heads.heads)]
    if job.dedup.semantic.of is not None:
        asked.append(("dedup.semantic.of", job.dedup.semantic.of))
    return asked
