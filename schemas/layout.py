"""Where everything lies below the release folder and the private work folder."""

import dataclasses


def join(folder: str, *parts: str) -> str:
    """Joins with "/" on any filesystem.

    >>> join("gs://bucket/out/", "data", "a.parquet")
    'gs://bucket/out/data/a.parquet'
    """
    return "/".join([folder.rstrip("/"), *parts])


@dataclasses.dataclass(frozen=True)
class Layout:
    """The two folders of a run, and the files in them.

    Attributes:
      out: the release: only what may be published.
      work: beside it, never inside: annotations, signatures, clusters, ledger, logs, review. Mode 0700.
      trial: name of a folder in `work` that judge writes to instead; empty for the run itself.
      part: what is matched and judged as one: 0 the run itself, from 1 on what was appended to its release, in turn.
    """

    out: str
    work: str
    trial: str = ""
    part: int = 0

    def appended(self, part: int) -> "Layout":
        """The same release, but what is done as a whole, over the rows of this part alone, goes to `work/appended/<part>/`."""
        return dataclasses.replace(self, part=part)

    @property
    def whole(self) -> str:
        """Folder of what is done as a whole, over all rows of a part."""
        return join(self.work, "appended", str(self.part)) if self.part else self.work

    def tuned(self) -> "Layout":
        """The same run, but what judge writes goes to `work/tune/` instead of the release's own ledger."""
        return dataclasses.replace(self, trial="tune")

    @property
    def judging(self) -> str:
        """Folder of what judge writes."""
        return join(self.work, self.trial) if self.trial else self.work

    @property
    def record(self) -> str:
        """The job as it was run and the shards it found, so that a finished run can be looked into without its source."""
        return join(self.work, "run.json")

    @property
    def manifest(self) -> str:
        return join(self.out, "manifest.json")

    @property
    def data(self) -> str:
        return join(self.out, "data")

    def data_file(self, shard: str) -> str:
        return join(self.data, f"{shard}.parquet")

    @property
    def annotations(self) -> str:
        return join(self.work, "annotations")

    def annotation(self, shard: str, digest: str) -> str:
        return join(self.annotations, f"{shard}.{digest}.parquet")

    @property
    def signatures(self) -> str:
        return join(self.work, "signatures")

    def signature(self, shard: str, digest: str) -> str:
        return join(self.signatures, f"{shard}.{digest}.arrow")

    @property
    def emptied(self) -> str:
        """Which of them were emptied of illegal rows: JSON, name -> rows."""
        return join(self.work, "emptied.json")

    @property
    def illegal(self) -> str:
        """What those rows' copies can be told by, a list of opt-outs; see `schemas.removals`."""
        return join(self.work, "illegal.parquet")

    @property
    def eval_sets(self) -> str:
        """Signatures of the benchmark sets that are kept out."""
        return join(self.work, "eval_sets")

    def eval_set(self, part: str, digest: str, ending: str) -> str:
        return join(self.eval_sets, f"{part}.{digest}.{ending}")

    @property
    def elders(self) -> str:
        """What is known of the rows of earlier runs that this one is held against."""
        return join(self.whole, "elders")

    def elder(self, shard: str, digest: str) -> str:
        return join(self.elders, f"{shard}.{digest}.arrow")

    @property
    def clusters(self) -> str:
        return join(self.whole, "clusters")

    @property
    def ledger(self) -> str:
        return join(self.judging, "ledger")

    def ledger_file(self, shard: str) -> str:
        return join(self.ledger, f"{shard}.parquet")

    @property
    def policies(self) -> str:
        """What the hosts say of the rows; see `schemas.consent_signals`."""
        return join(self.judging if self.trial else self.whole, "policies")

    def policy_file(self, shard: str) -> str:
        return join(self.policies, f"{shard}.parquet")

    @property
    def captions(self) -> str:
        """Where the captions lie that kept rows carry beside their own; with `dedup.keep_captions` only."""
        return join(self.judging, "captions")

    def captions_file(self, shard: str) -> str:
        return join(self.captions, f"{shard}.parquet")

    @property
    def emitted(self) -> str:
        return join(self.work, "emitted")

    def summary(self, shard: str, digest: str) -> str:
        return join(self.emitted, f"{shard}.{digest}.parquet")

    @property
    def judged(self) -> str:
        """The marker of judge, and what it found about the run as a whole: audit, solver, facts."""
        return join(self.judging if self.trial else self.whole, "judged.json")

    @property
    def reserved(self) -> str:
        """Beside it: hashes of the URLs that nobody may have, packed, 16 bytes each."""
        return join(self.judging if self.trial else self.whole, "reserved.bin")

    @property
    def matched(self) -> str:
        """The marker of match."""
        return join(self.whole, "matched.json")

    @property
    def semantic(self) -> str:
        """Which rows mean the same; with `dedup.semantic.of` only."""
        return join(self.whole, "semantic")

    @property
    def compared(self) -> str:
        """The marker of that."""
        return join(self.whole, "compared.json")

    @property
    def documents(self) -> str:
        """Summaries of all shards, added up."""
        return join(self.work, "documents")

    @property
    def removals(self) -> str:
        """What was taken down of this release and of those it came from; see `schemas.removals`."""
        return join(self.work, "removals.parquet")

    @property
    def shared_removals(self) -> str:
        """Of those what may be handed to whoever holds a copy: uids, without what is illegal. Not published: it is an index too."""
        return join(self.work, "removals.shared.parquet")

    @property
    def revision(self) -> str:
        """Of which release this one is a revision, and how; absent where it is none."""
        return join(self.work, "revision.json")

    @property
    def review(self) -> str:
        return join(self.work, "review")

    @property
    def flags(self) -> str:
        """What people have flagged, and nobody has decided on yet; see `schemas.removals`."""
        return join(self.review, "flags.parquet")

    @property
    def log(self) -> str:
        return join(self.work, "log")

    @property
    def lease(self) -> str:
        return join(self.work, "lease.json")
