"""Writes the shards again that a takedown changes, one element a shard, and judge's marker with their new ledgers.

shards that change ─► RewriteShard ─► work/annotations/, signatures/, ledger/, emitted/, out/data/ of the new release ─► Mark
"""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam

from pipeline.emit import summary_digest
from pipeline.judged import read_judged
from schemas.errors import reported
from schemas.layout import Layout
from schemas.versions import digest, guard, versions
from transforms.storage import write_bytes
from transforms.takedown.shard import Everywhere, ShardChange, rewrite_private, rewrite_public


@dataclasses.dataclass(frozen=True)
class Names:
    """How summaries are named: as emit names them, where this version of Winnow made the release, else by what the old one is called.

    Attributes:
      takedown: digest of all that the new release depends on.
      common: what the summaries of all shards depend on (`pipeline.emit.common_of`); None where another version made the release.
    """

    takedown: str
    common: Sequence[Any] | None

    def ending(self, summary: str, annotated: str, ledger: str) -> str:
        """The digest in the name of a summary.

        Args:
          summary: name of the old one.
          annotated: digest of all that the shard's annotation depends on.
          ledger: SHA-256 of its new ledger.
        """
        return digest([summary, self.takedown]) if self.common is None else summary_digest(annotated, ledger, self.common)


class RewriteShards(beam.PTransform):
    """Writes shards again; the picture above is its graph."""

    def __init__(self, shards: Sequence[tuple[ShardChange, str]], everywhere: Everywhere, names: Names, old: Layout, new: Layout) -> None:
        super().__init__()
        self.shards, self.everywhere, self.names, self.old, self.new = shards, everywhere, names, old, new

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """The version of the new release, once the marker is written."""
        shards = root | "Shards" >> beam.Create(self.shards) | "Spread" >> beam.Reshuffle()
        written = shards | "RewriteShard" >> beam.ParDo(_RewriteShard(self.everywhere, self.names, self.new))
        once = root | "Once" >> beam.Create([self.everywhere.version])
        return once | "Mark" >> beam.ParDo(_Mark(self.old, self.new), beam.pvalue.AsList(written))


class _RewriteShard(beam.DoFn):
    def __init__(self, everywhere: Everywhere, names: Names, layout: Layout) -> None:
        self.everywhere, self.names, self.layout = everywhere, names, layout
        self.expected = versions()

    def setup(self) -> None:
        guard(self.expected)

    def process(self, element: tuple[ShardChange, str]) -> Iterable[tuple[str, dict[str, Any]]]:
        shard, annotated = element
        with reported(f"takedown, shard {shard.shard}"):
            told = rewrite_private(shard, self.everywhere)
            ending = self.names.ending(shard.summary.rpartition("/")[2], annotated, told["sha256"])
            rewrite_public(shard, self.everywhere, self.layout.summary(shard.shard, ending))
            yield shard.shard, told


class _Mark(beam.DoFn):
    """Judge's marker of the old release, with the new ledgers; what was appended is told as one with it."""

    def __init__(self, old: Layout, new: Layout) -> None:
        self.old, self.new = old, new

    def process(self, version: str, written: Sequence[tuple[str, dict[str, Any]]]) -> Iterable[str]:
        with reported("takedown, marker"):
            judged = read_judged(self.old) or {}
            ledger = {**judged["ledger"], **{shard: {**judged["ledger"][shard], **told} for shard, told in written}}
            write_bytes(self.new.judged, json.dumps({**judged, "ledger": ledger}, sort_keys=True, allow_nan=False).encode())
            yield version
