"""A finished release as a takedown finds it: its files by shard, whatever version of Winnow wrote them."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.documents.evidence import by_shard
from pipeline.judged import read_judged
from pipeline.run import Run, reopen_as_far_as_known
from schemas.errors import JobError, MissingError
from schemas.signatures import FAST_SLACK
from transforms.storage import exists, list_folder, read_bytes, read_json


@dataclasses.dataclass(frozen=True)
class Finished:
    """A finished release.

    Attributes:
      run: as it was run.
      manifest: its manifest, and `manifest_sha256`, the hash of that file.
      judged: judge's marker.
      annotations: shard -> file; `summaries` and `ledgers` likewise.
      signatures: likewise; none of a shard whose signatures an earlier takedown could not empty.
      unknown: keys of its job that this version knows no more.
    """

    run: Run
    manifest: Mapping[str, Any]
    manifest_sha256: str
    judged: Mapping[str, Any]
    annotations: Mapping[str, str]
    signatures: Mapping[str, str]
    summaries: Mapping[str, str]
    ledgers: Mapping[str, str]
    unknown: Sequence[str] = ()

    @property
    def version(self) -> str:
        """Of the release."""
        return str(self.manifest["release"])

    @property
    def is_of_this_version(self) -> bool:
        """Whether this version of Winnow, with the same models, would name its files as they are named."""
        try:
            return not self.run.unannotated()
        except MissingError:  # a model is gone: what is done here needs none
            return False

    @property
    def slack(self) -> int:
        """Bits by which its perceptual hashes may be off."""
        return FAST_SLACK if self.run.job.dedup.images.mode == "fast" else 0


def open_finished(out: str, work: str | None) -> Finished:
    """A release with all that was kept of its making; no key, model or list of its job that is gone since stands against it.

    Raises:
      DifferenceError: there is no such run.
      JobError: it has not ended.
    """
    run, unknown = reopen_as_far_as_known(out, work)
    layout = run.layout
    judged = read_judged(layout)
    if judged is None or not exists(layout.manifest):
        raise JobError(f"{out} is no finished release ({layout.manifest} is not there): `winnow run` ends it first")
    manifest = read_bytes(layout.manifest)
    return Finished(
        run, read_json(layout.manifest, manifest), hashlib.sha256(manifest).hexdigest(), judged, by_shard(run, layout.annotations),
        _signatures(run), by_shard(run, layout.emitted),
        {shard.name: layout.ledger_file(shard.name) for shard in run.shards}, unknown,
    )  # fmt: skip


def _signatures(run: Run) -> dict[str, str]:
    """Shard -> its signatures, of the shards that have some."""
    there = {file.path.rpartition("/")[2].rsplit(".", 2)[0]: file.path for file in list_folder(run.layout.signatures, ".arrow")}
    return {shard.name: there[shard.name] for shard in run.shards if shard.name in there}
