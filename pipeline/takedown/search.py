"""Finds the rows that a takedown covers: by its entries, then their copies, by clusters and by what pictures look like.

    shards ─► FindRows ─┬─────────────────────► FindCopies ─┬────────────────► FindMembers ─┬────► FindNames ─► WriteFound
                        └► clusters, pictures ─────▲        └► more clusters ─────▲         └► uids ──▲

Every step reads a few columns of a shard's private files; the search for entries by a hash of what was published, and for pictures whose
signatures another version wrote, its data file too. What leads on is merged in the order of the shards, so that arrival decides nothing.
"""

import dataclasses
import functools
import json
from collections.abc import Iterable, Sequence
from typing import Final

import apache_beam as beam
import pyarrow as pa

from pipeline.steps import Step
from schemas.errors import InputError, reported
from schemas.reasons import ILLEGAL
from schemas.versions import guard, versions
from transforms.consent.list_files import Entry
from transforms.consent.lists import Lists, load_lists
from transforms.match.columns import open_columns
from transforms.storage import atomic_write, write_bytes
from transforms.takedown.found import facts_of, rows_of, write_found
from transforms.takedown.hits import Clusters, Hits, clusters_of, find, members, names, union
from transforms.takedown.near import MANY, Block, Reading, Wanted, gallery, look_same, wanted_of
from transforms.takedown.published import Signing, find_published

NAMES: Final = ("cluster", "caption_cluster", "duplicate_of", "captions", "evidence")
CARRIED: Final = ("captions",)


@dataclasses.dataclass(frozen=True)
class Entries:
    """The entries of a takedown, as whoever looks for them loads them: a list of millions travels by its path.

    Attributes:
      paths: the list; empty where there is none.
      as_of: date on which its entries must be valid.
      reason: of entries that state none.
      others: entries that stand in no list, and `named`, what these are called in evidence.
    """

    paths: tuple[str, ...]
    as_of: str | None
    reason: str
    others: tuple[Entry, ...]
    named: str

    def load(self) -> Lists:
        """The entries; those of the last takedown of this process are at hand."""
        return _loaded(self)


@functools.lru_cache(maxsize=1)
def _loaded(entries: Entries) -> Lists:
    return load_lists(list(entries.paths), entries.as_of, entries.reason, entries.others, entries.named)


@dataclasses.dataclass(frozen=True)
class Asking:
    """What is looked for, and how pictures are compared.

    Attributes:
      entries: the entries.
      pictures: example pictures.
      images: how pictures of the run were decoded, and which views of them are kept.
      slack: bits added to the radius of perceptual hashes in lists.
      radius: bits by which those of pictures may differ.
      views: whether views are compared too; else they are left to the clusters, which were made by them.
      keep_captions: whether rows carry the captions of others.
    """

    entries: Entries
    pictures: tuple[Wanted, ...]
    images: Signing
    slack: int
    radius: int
    views: bool
    keep_captions: bool


@dataclasses.dataclass(frozen=True)
class ShardFiles:
    """A shard, and where its files lie. Attributes: number: its place among all; signature: None where there is none."""

    number: int
    shard: str
    annotation: str
    data: str
    ledger: str
    signature: str | None


@dataclasses.dataclass(frozen=True)
class Searched:
    """A shard as far as it was searched.

    Attributes:
      files: where it lies.
      hits: rows that go.
      copies: kept rows that are copies of one that goes for its URL.
      members: rows that go because a copy in their cluster does.
      unsigned: whether its signatures could not be read, so that its published pictures were hashed anew.
      table: what was found (`transforms.takedown.found`), once it was looked up.
      named: whether its ledger names a row that is hidden; `carries`, one whose caption nobody carries any more.
    """

    files: ShardFiles
    hits: Hits
    copies: tuple[int, ...] = ()
    members: int = 0
    unsigned: bool = False
    table: pa.Table | None = None
    named: bool = False
    carries: bool = False


@dataclasses.dataclass(frozen=True)
class Lead:
    """What leads to further rows: clusters, and pictures. `number`: of the shard that it was found in."""

    number: int
    clusters: Clusters
    wanted: Sequence[Wanted] = ()


@dataclasses.dataclass(frozen=True)
class Leads:
    """The leads of all shards. `left`: pictures whose views are not compared because there are too many."""

    clusters: Clusters
    blocks: Sequence[Block]
    left: int


class Search(beam.PTransform):
    """Searches all shards of a release; the picture above is its graph."""

    def __init__(self, shards: Sequence[ShardFiles], asking: Asking, path: str) -> None:
        """A search.

        Args:
          shards: of the release.
          asking: what is looked for.
          path: where the table of what is found goes (`transforms.takedown.found`); beside it, with `.json`, what concerns all shards.
        """
        super().__init__()
        self.shards, self.asking, self.path = shards, asking, path

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """The path, once both files are written."""
        asking, once = self.asking, root | "Once" >> beam.Create([self.path])

        def merged(leads: beam.PCollection[Lead], label: str) -> beam.pvalue.AsSingleton:
            return beam.pvalue.AsSingleton(once | f"Merge{label}" >> beam.ParDo(_Merge(asking), beam.pvalue.AsList(leads)))

        shards = root | "Shards" >> beam.Create(self.shards)
        found = shards | "FindRows" >> beam.ParDo(_FindRows(asking)).with_outputs("leads", main="searched")
        leads = merged(found.leads, "Found")
        copied = found.searched | "FindCopies" >> beam.ParDo(_FindCopies(asking), leads).with_outputs("leads", main="searched")
        looked_up = copied.searched | "FindMembers" >> beam.ParDo(_FindMembers(asking), merged(copied.leads, "Copies"))
        uids = beam.pvalue.AsSingleton(once | "Uids" >> beam.ParDo(_Uids(asking), beam.pvalue.AsList(looked_up)))
        told = looked_up | "FindNames" >> beam.ParDo(_FindNames(asking), uids)
        return once | "WriteFound" >> beam.ParDo(_Write(asking), beam.pvalue.AsList(told), leads)


class _Step(Step):
    def __init__(self, asking: Asking) -> None:
        self.asking, self.expected = asking, versions()

    def setup(self) -> None:
        guard(self.expected)

    def reading(self, files: ShardFiles) -> Reading | None:
        """How signatures of a shard are read; None where another version wrote them."""
        if files.signature is None:
            return None
        try:
            open_columns(files.signature, ())
        except InputError:
            return None
        return functools.partial(open_columns, files.signature)

    def or_published(self, files: ShardFiles) -> Reading:
        """The same; where there is none, by what is published: pictures are hashed anew."""
        return self.reading(files) or functools.partial(self.asking.images.columns, files.data, files.ledger)


class _FindRows(_Step):
    def setup(self) -> None:
        super().setup()
        self.blocks = gallery(self.asking.pictures, views=True)

    def process(self, files: ShardFiles) -> Iterable[Searched]:
        with reported(f"takedown, shard {files.shard}"):
            asking, lists = self.asking, self.asking.entries.load()
            parts = [find(files.annotation, lists, asking.slack), find_published(files.data, files.ledger, files.annotation, lists)]
            if self.blocks:
                parts.append(look_same(self.or_published(files), self.blocks, asking.radius, {}))
            hits = union(parts)
            if hits:
                wanted = wanted_of(self.or_published(files), hits)
                yield beam.pvalue.TaggedOutput("leads", Lead(files.number, clusters_of(files.ledger, hits), wanted))
            yield Searched(files, hits)


class _FindCopies(_Step):
    def process(self, element: Searched, leads: Leads) -> Iterable[Searched]:
        files = element.files
        with reported(f"takedown, shard {files.shard}"):
            more = members(files.ledger, leads.clusters, element.hits)
            known = union([element.hits, more.removed])
            near = look_same(self.or_published(files), leads.blocks, self.asking.radius, known) if leads.blocks else {}
            if near:
                yield beam.pvalue.TaggedOutput("leads", Lead(files.number, clusters_of(files.ledger, near)))
            unsigned = bool(leads.blocks) and self.reading(files) is None
            yield dataclasses.replace(element, hits=union([known, near]), copies=tuple(more.copies), members=more.number, unsigned=unsigned)


class _FindMembers(_Step):
    """Members of the clusters of copies; then what is known of all rows that go."""

    def process(self, element: Searched, leads: Leads) -> Iterable[Searched]:
        files = element.files
        with reported(f"takedown, shard {files.shard}"):
            more = members(files.ledger, leads.clusters, element.hits)
            hits = union([element.hits, more.removed])
            copies = [row for row in element.copies if row not in hits]
            signature = files.signature if hits and self.reading(files) else None
            facts = facts_of(files.ledger, files.annotation, signature, hits)
            table = rows_of(files.shard, hits, copies, facts) if hits or copies else None
            yield dataclasses.replace(element, hits={}, copies=(), members=element.members + more.number, table=table)


class _FindNames(_Step):
    def process(self, element: Searched, uids: tuple[list[str], list[str]]) -> Iterable[Searched]:
        with reported(f"takedown, shard {element.files.shard}"):
            hidden, unheard = (pa.array(found, pa.string()) for found in uids)
            named = bool(len(hidden)) and names(element.files.ledger, hidden, NAMES)
            carries = bool(len(unheard)) and names(element.files.ledger, unheard, CARRIED)
            yield dataclasses.replace(element, named=named, carries=carries)


class _Merge(_Step):
    def process(self, _: str, leads: Sequence[Lead]) -> Iterable[Leads]:
        ordered = sorted(leads, key=lambda lead: lead.number)
        wanted = [one for lead in ordered for one in lead.wanted]
        many = self.asking.views and len({one.identity for one in wanted}) > MANY
        blocks = gallery(wanted, views=self.asking.views and not many)
        yield Leads(Clusters.merged(lead.clusters for lead in ordered), blocks, sum(len(b.wanted) for b in blocks) if many else 0)


class _Uids(_Step):
    """Uids that are written down nowhere any more, and those of rows whose captions no row carries any more."""

    def process(self, _: str, searched: Sequence[Searched]) -> Iterable[tuple[list[str], list[str]]]:
        hidden, unheard = set[str](), set[str]()
        for table in (found.table for found in searched if found.table is not None):
            for row in table.select(["kind", "reason", "uid"]).to_pylist():
                hidden |= {row["uid"]} if row["reason"] == ILLEGAL else set()
                unheard |= {row["uid"]} if self.asking.keep_captions and row["kind"] is not None else set()
        yield sorted(hidden), sorted(unheard)


class _Write(_Step):
    def process(self, path: str, searched: Sequence[Searched], leads: Leads) -> Iterable[str]:
        with reported("takedown, what was found"):
            ordered = sorted(searched, key=lambda found: found.files.number)
            with atomic_write(path) as scratch:
                write_found((found.table for found in ordered if found.table is not None), scratch)
            told = {
                "members": sum(found.members for found in ordered), "unsigned": sum(found.unsigned for found in ordered),
                "without_views": leads.left, "named": [found.files.shard for found in ordered if found.named],
                "carrying": [found.files.shard for found in ordered if found.carries],
            }  # fmt: skip
            write_bytes(f"{path}.json", json.dumps(told).encode())
            yield path
