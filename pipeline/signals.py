"""How often each consent signal spoke, and on how many registrable domains: exact counts over the whole run, for the datasheet.

    annotations ─► SendSignals ─► GroupByKey ─► CountDistinct ─► CombinePerKey(sum)

A key is what was said (signal, meaning) and a part of the domains; a value is how many rows of a shard lie there, and their distinct
domains. That a signal could have been seen is counted likewise, by the kind of place where it would stand.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping

import apache_beam as beam
import numpy as np

from pipeline.docket import Docket
from pipeline.steps import Step
from schemas.errors import reported
from schemas.versions import guard
from transforms.consent.signal import PLACES
from transforms.filters.base import Context
from transforms.filters.opt_out import OptOut

PARTS = 64
COULD_SPEAK, SILENT, SPOKE = "could speak", "silent", "spoke"
EVERY_ROW = ("every row", "")
Said = tuple[str, str]  # a signal and what it means for the use; or a kind of place and `COULD_SPEAK`
Counted = tuple[int, int]  # rows, domains


class CountSignals(beam.PTransform):
    """Shard numbers -> (what was said, rows and domains); the picture above is its graph."""

    def __init__(self, docket: Docket) -> None:
        super().__init__()
        self.docket = docket

    def expand(self, shards: beam.PCollection[int]) -> beam.PCollection[tuple[Said, Counted]]:
        """See the class."""
        return (
            shards
            | "SendSignals" >> beam.ParDo(_SendSignals(self.docket))
            | "GroupSignals" >> beam.GroupByKey()
            | "CountDistinct" >> beam.MapTuple(_count_distinct)
            | "SumSignals" >> beam.CombinePerKey(_sums)
        )


class _SendSignals(Step):
    def __init__(self, docket: Docket) -> None:
        self.docket = docket

    def setup(self) -> None:
        guard(dict(self.docket.versions))

    def process(self, shard: int) -> Iterator[tuple[tuple[Said, int], tuple[int, str]]]:
        docket = self.docket
        with reported(f"judge, signals of shard {docket.names[shard]}"):
            [rule] = [rule for rule in docket.filters if isinstance(rule, OptOut)]
            annotations = docket.read(shard)
            measures, domains = annotations.column(rule.name), annotations.column("domain").to_pylist()
            context = Context(annotations, {rule.name: measures}, {}, docket.mode)
            evaluated = rule.evaluated(measures, context)
            said, seen = evaluated.said(), evaluated.seen()
            said |= {(signal, SPOKE): rows for signal, rows in spoke(said).items()}
            for signal, count in silent(said, seen).items():
                yield ((signal, SILENT), 0), (count, "")
            said |= {(place, COULD_SPEAK): np.flatnonzero(mask) for place, mask in seen.items()}
            said[EVERY_ROW] = np.arange(annotations.num_rows)
            for key, rows in said.items():
                parts: dict[int, list[str]] = {}
                for domain in (domains[row] or "" for row in rows.tolist()):
                    parts.setdefault(zlib.crc32(domain.encode()) % PARTS, []).append(domain)
                for part, mine in parts.items():
                    yield (key, part), (len(mine), "\n".join(sorted(set(mine))))


def spoke(said: Mapping[Said, np.ndarray]) -> dict[str, np.ndarray]:
    """For every signal, the rows of which it reserves or permits the use.

    Args:
      said: (signal, meaning) -> rows.
    """
    nothing = np.empty(0, np.int64)
    return {signal: np.union1d(*(said.get((signal, means), nothing) for means in ("reserves", "permits"))) for signal in PLACES}


def silent(said: Mapping[Said, np.ndarray], seen: Mapping[str, np.ndarray]) -> dict[str, int]:
    """For every signal, how many rows could have carried it and of which it neither reserves nor permits the use.

    Args:
      said: (signal, meaning) -> rows; those that it spoke of under `SPOKE`.
      seen: place -> rows of which something could have been seen there, bool[n].
    """
    return {signal: int(seen[place].sum() - seen[place][said[signal, SPOKE]].sum()) for signal, place in PLACES.items() if place in seen}


def _count_distinct(key: tuple[Said, int], found: Iterable[tuple[int, str]]) -> tuple[Said, Counted]:
    rows, domains = 0, set[str]()
    for count, some in found:
        rows += count
        domains.update(some.split("\n"))
    return key[0], (rows, len(domains - {""}))


def _sums(found: Iterable[Counted]) -> Counted:
    """Rows and domains added up. Beam may ask for the sum of nothing, and of sums.

    >>> _sums([(1, 1), (5, 2)]), _sums([])
    ((6, 3), (0, 0))
    """
    rows, domains = 0, 0
    for more_rows, more_domains in found:
        rows, domains = rows + more_rows, domains + more_domains
    return rows, domains
