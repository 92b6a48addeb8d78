"""What of a finished release decides about rows that are appended to it: facts of the run as a whole, and the weights of its cells."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transforms.storage import read_bytes
from transforms.verdicts import Facts
from transforms.weigh import Weights, frozen_weights

if TYPE_CHECKING:
    from pipeline.run import Run


@dataclasses.dataclass(frozen=True)
class FrozenFacts:
    """What judge takes over from the release.

    Attributes:
      counts: what filters counted over the run that made it.
      weights: of its cells; a cell that it has no kept row of weighs 1.
      reserved: path of the hashes of URLs that nobody may have.
    """

    counts: Mapping[str, Mapping[str, int]]
    weights: Weights
    reserved: str

    def of(self, facts: Facts) -> Facts:
        """The facts by which appended rows are judged: the release's counts, and its reserved URLs beside their own."""
        mine = dataclasses.replace(facts, counts={})
        return dataclasses.replace(Facts.merged([mine, Facts({}, read_bytes(self.reserved))]), counts=self.counts)


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A release that shards are appended to.

    Attributes:
      base: all that it holds, as it was run.
      facts: what judge takes over.
    """

    base: "Run"
    facts: FrozenFacts

    @property
    def names(self) -> frozenset[str]:
        """Its shards. Whatever lies about them anywhere stays as it is."""
        return frozenset(shard.name for shard in self.base.shards)


def frozen_facts(judged: Mapping[str, Any], reserved: str) -> FrozenFacts:
    """From judge's marker, and the path of the reserved URLs beside it."""
    return FrozenFacts(judged["counts"], frozen_weights(judged["cells"], judged["weights"]), reserved)
