"""Suspects rows of being there to teach a model something else, and rejects pictures that stand in the place of others."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from schemas.job import Files, Names, Phase, key
from schemas.reasons import CHANGED_DOMAIN, CORNER_PATCH, INVISIBLE_CHARACTERS, POISONING, SUSPICIONS, TRAILING_BYTES
from transforms.changed_domains import change_files, load_changes
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.images.after_end import LEGITIMATE
from transforms.images.places import Corners, place_name
from transforms.patches import MOST, SEED, corners_of, seen_again
from transforms.storage import located
from transforms.text.content_words import content_words
from transforms.text.invisible import invisible
from transforms.text.url import host_of

MEASURED = pa.struct(
    [
        ("tail_bytes", pa.int64()),  # after the end of the picture, padding not counted; null where there are none
        ("tail", pa.string()),  # what they are: transforms.images.after_end
        ("invisible", pa.list_(pa.struct([("kind", pa.string()), ("count", pa.int32())]))),  # transforms.text.invisible
        ("words", pa.uint64()),  # what the caption speaks of: transforms.text.content_words; null without a caption
        ("corners", pa.list_(pa.struct([("place", pa.uint8()), ("hash", pa.uint64()), ("sure", pa.bool_())]))),  # transforms.images.corners
    ]
)


class Poisoning(Filter):
    """Flags rows that may be there to poison a model; rejects placeholders: one picture under many unrelated captions on many domains.

    A placeholder ("image no longer available") is no poison by intent and works like one: of CC3M one such picture moved a caption for
    98.8 % of pictures (Huang et al. 2025, arXiv 2502.01385). All rows of its cluster carry the reason `placeholder`, whichever of its
    pictures would have stayed, and so do copies of what was a placeholder in a run of `dedup.against`, or in the release that is appended
    to. Captions are unrelated where hardly any word stands in many of them (`transforms.text.content_words`): of a photo that
    many sites show, each caption says what is on it. Suspicions are flags `poisoning:<name>`, and `poisoning` where there is any:

    * `trigger_caption`: one caption on many different pictures of a few domains, or of none that is known.
    * `corner_patch`: the same patch in a corner of many different pictures (Gu et al. 2017, BadNets; Carlini and Terzis 2022). Logos of
      one site and frames of programs have it too: the evidence says on how many domains.
    * `changed_domain`: the host is on a list of domains that changed hands (Carlini et al. 2023).
    * `invisible_characters`: the caption holds what nobody sees (`transforms.text.invisible`).
    * `trailing_bytes`: the file goes on after the picture's end (`transforms.images.after_end`). What is published ends there anyway.

    Captions are distinct by their cluster, pictures by theirs, so that re-encodings and small changes of wording count once.
    """

    name: ClassVar[str] = POISONING
    measured: ClassVar[pa.DataType] = MEASURED

    action: Literal["reject", "flag"] = key(Phase.JUDGE, "what a suspicion does; placeholders have a key of their own", "flag")
    reject: Names = key(Phase.JUDGE, f"suspicions that reject whatever the action: {', '.join(SUSPICIONS)}", ())
    placeholder: Literal["reject", "flag", "off"] = key(Phase.JUDGE, "what becomes of all rows of a placeholder", "reject")
    placeholder_captions: int = key(Phase.JUDGE, "distinct captions from which on a picture is a placeholder", 20, ge=2)
    placeholder_related: float | None = key(
        Phase.JUDGE,
        "share of them, from which on captions that have words in common speak of one picture; null: not looked at",
        0.4,
        gt=0,
        le=1,
    )
    placeholder_domains: int = key(Phase.JUDGE, "registrable domains it must be on as well", 10, ge=1)
    trigger_pictures: int = key(Phase.JUDGE, "different pictures from which on a caption is suspected", 20, ge=2)
    trigger_domains: int = key(Phase.JUDGE, "registrable domains up to which it is", 3, ge=0)
    patch_pictures: int = key(Phase.JUDGE, "different pictures from which on what stands in a corner of them is suspected", 5, ge=2)
    patch_share: float = key(Phase.JUDGE, "share of all rows that these must be too: large runs repeat more by chance", 1e-6, ge=0, le=1)
    changed_domains: Files = key(Phase.JUDGE, "lists of domains that changed hands: CSV or Parquet with domain and changed_at", ())
    listed_at: str | None = key(Phase.JUDGE, "date YYYY-MM-DD of the list of URLs: changes before it do not count; null: all do", None)
    max_trailing_bytes: int = key(Phase.JUDGE, "bytes after the picture's end that are no suspicion", 16, ge=0)
    max_invisible: int = key(Phase.JUDGE, "invisible characters of a caption that are no suspicion", 0, ge=0)

    @field_validator("listed_at")
    @classmethod
    def _is_date(cls, given: str | None) -> str | None:
        if given is not None and (len(given) != 10 or dt.date.fromisoformat(given).isoformat() != given):
            raise ValueError("is no date YYYY-MM-DD")
        return given

    @field_validator("reject")
    @classmethod
    def _are_suspicions(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(given) - set(SUSPICIONS)):
            raise ValueError(f"there is no suspicion {unknown[0]!r}; there are {', '.join(SUSPICIONS)}")
        return given

    def located(self, folder: str) -> Self:
        return self.model_copy(update={"changed_domains": tuple(located(path, folder) for path in self.changed_domains)})

    def list_files(self) -> Sequence[Artefact]:
        return change_files(self.changed_domains)

    def measure(self, batch: Batch) -> pa.StructArray:
        from transforms.images.corners import corner_hashes  # loads compiled loops, which no command needs that only looks at filters

        tails = [metadata.tail for metadata in batch.metadata]
        hidden = [{} if caption is None else invisible(caption) for caption in batch.captions]
        return pa.StructArray.from_arrays(
            [
                pa.array([None if tail is None else tail.size for tail in tails], pa.int64()),
                pa.array([None if tail is None else tail.holds for tail in tails], pa.string()),
                pa.array([[{"kind": k, "count": n} for k, n in found.items()] for found in hidden], MEASURED.field("invisible").type),
                pa.array([None if normal is None else content_words(normal) for normal in batch.normal_captions], pa.uint64()),
                _corners(len(batch), corner_hashes(batch.pictures)),
            ],
            fields=list(MEASURED),
        )

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        return [*self._tails(measures), *self._hidden(measures), *self._changed(context.annotations)]

    def suspected(
        self, suspicion: str, rows: np.ndarray, scores: np.ndarray | None, threshold: float | None, details: Sequence[str | None]
    ) -> list[Finding]:
        """What follows where rows are under a suspicion: its flag with the evidence, and the filter's reason, or that as a flag."""
        if not len(rows):
            return []
        always = suspicion in self.reject
        kind: Literal["reason", "flag"] = "reason" if always or self.action == "reject" else "flag"
        return [
            Finding("flag", f"{POISONING}:{suspicion}", rows, scores, threshold, details),
            Finding(kind, self.reason, rows, details=suspicion, proven=always),
        ]

    def least_pictures(self, rows: int) -> int:
        """Different pictures from which on a patch is suspected in a run of so many rows."""
        return max(self.patch_pictures, math.ceil(self.patch_share * rows))

    def patched(self, measures: pa.StructArray, patches: bytes, rows: int) -> list[Finding]:
        """What follows from patches that are frequent over the whole run.

        Args:
          measures: of this filter.
          patches: packed records of `transforms.patches.SEED`, the most frequent first.
          rows: of the run.
        """
        known = np.frombuffer(patches, SEED)
        at, which = seen_again(corners_of(pc.struct_field(measures, "corners")), known)
        seen = known[which]
        told = [
            f"{place_name(place)}; on {_most(pictures)} pictures of {_most(hosts)} domains"
            for place, pictures, hosts in seen[["place", "pictures", "hosts"]].tolist()
        ]
        return self.suspected(CORNER_PATCH, at, seen["pictures"].astype(np.float64), self.least_pictures(rows), told)

    def _tails(self, measures: pa.StructArray) -> list[Finding]:
        size, holds = (pc.struct_field(measures, name) for name in ("tail_bytes", "tail"))
        odd = pc.and_(pc.greater(size, self.max_trailing_bytes), pc.invert(pc.is_in(holds, pa.array(sorted(LEGITIMATE)))))
        rows = np.flatnonzero(pc.fill_null(odd, False).to_numpy(zero_copy_only=False))
        sizes = size.take(pa.array(rows)).to_numpy(zero_copy_only=False).astype(np.float64)
        return self.suspected(TRAILING_BYTES, rows, sizes, self.max_trailing_bytes, holds.take(pa.array(rows)).to_pylist())

    def _hidden(self, measures: pa.StructArray) -> list[Finding]:
        found = pc.struct_field(measures, "invisible")
        some = np.flatnonzero(pc.fill_null(pc.greater(pc.list_value_length(found), 0), False).to_numpy(zero_copy_only=False))
        told = [(sum(hit["count"] for hit in hits), ", ".join(f"{hit['kind']} {hit['count']}" for hit in hits))
                for hits in found.take(pa.array(some)).to_pylist()]  # fmt: skip
        counts = np.array([number for number, _ in told], np.float64)
        beyond = counts > self.max_invisible
        details = [f"caption: {said}" for (_, said), keep in zip(told, beyond.tolist(), strict=True) if keep]
        return self.suspected(INVISIBLE_CHARACTERS, some[beyond], counts[beyond], self.max_invisible, details)

    def _changed(self, annotations: pa.RecordBatch) -> list[Finding]:
        if not self.changed_domains:
            return []
        changes = load_changes(self.changed_domains)
        hits: dict[int, str] = {}
        urls, domains = (annotations.column(name).to_pylist() for name in ("url", "domain"))  # a URL may be withheld, its domain is not
        for row, (url, domain) in enumerate(zip(urls, domains, strict=True)):
            host = (host_of(url) if url is not None else None) or domain
            change = None if host is None else changes.of(host)
            if change is not None and (not change[1] or self.listed_at is None or change[1] > self.listed_at):
                hits[row] = f"{change[0]} changed hands {change[1] or 'on a day that nobody knows'}"
        return self.suspected(CHANGED_DOMAIN, np.array(list(hits), np.int64), None, None, list(hits.values()))


def _corners(rows: int, found: Corners) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(np.bincount(found.row, minlength=rows))]).astype(np.int32)
    kind = MEASURED.field("corners").type
    hashes = pa.StructArray.from_arrays([pa.array(found.place), pa.array(found.hashes), pa.array(found.sure)], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets), hashes, type=kind)


def _most(number: int) -> str:
    return f"{number} or more" if number >= MOST else str(number)
