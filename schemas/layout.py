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
    """

    out: str
    work: str

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
    def clusters(self) -> str:
        return join(self.work, "clusters")

    @property
    def ledger(self) -> str:
        return join(self.work, "ledger")

    def ledger_file(self, shard: str) -> str:
        return join(self.ledger, f"{shard}.parquet")

    @property
    def emitted(self) -> str:
        return join(self.work, "emitted")

    def summary(self, shard: str, digest: str) -> str:
        return join(self.emitted, f"{shard}.{digest}.parquet")

    @property
    def judged(self) -> str:
        """The marker of judge, and what it found about the run as a whole: audit, solver, facts."""
        return join(self.work, "judged.json")

    @property
    def matched(self) -> str:
        """The marker of match."""
        return join(self.work, "matched.json")

    @property
    def review(self) -> str:
        return join(self.work, "review")

    @property
    def log(self) -> str:
        return join(self.work, "log")

    @property
    def lease(self) -> str:
        return join(self.work, "lease.json")
