"""The most relevant domains of a release: `top_domains.csv`, and how concentrated the rest is."""

import csv
import dataclasses
import io
import math

from pipeline.documents.counts import Counts

HEADER = ("registrable_domain", "items", "image_bytes", "pixels", "rank", "cumulative_share")
TOP_SHARE = 0.1  # template for the public summary of training content, C(2025) 5235, 2.3: top 10 % of all domains by size
SME_SHARE, SME_MOST = 0.05, 1000  # there for small and medium-sized enterprises: 5 % or 1,000, whichever is lower
_QUERY = """
    with kept as (
        select a as domain, sum(rows) filter (metric = 'domain') as items, sum(bytes) filter (metric = 'domain') as size,
               sum(bytes) filter (metric = 'domain_pixels') as pixels
        from summary where (metric = 'domain' and b = 'kept') or metric = 'domain_pixels' group by a
    ), ranked as (
        select domain, items, size, coalesce(pixels, 0) as pixels, row_number() over (order by {size} desc, items desc, domain) as rank,
               sum({size}) over (order by {size} desc, items desc, domain rows unbounded preceding) as running,
               sum({size}) over () as whole,
               count(*) over () as number, sum(items) over () as all_items
        from kept where not contains(domain, '@')
    ) select domain, items::bigint, size::bigint, pixels::bigint, rank, running::double / nullif(whole::double, 0), number,
             all_items::bigint
      from ranked where rank <= ceil(number * $1) order by rank"""


@dataclasses.dataclass(frozen=True)
class Domains:
    """The table of the file, and what stands around it.

    Attributes:
      lines: domain, items, bytes, pixels, rank, cumulative share.
      number: registrable domains of all kept rows.
      items: kept rows with a domain.
      measure: what they are ranked by: image_bytes, or items where no row has bytes.
    """

    lines: tuple[tuple[str, int, int, int, int, float], ...]
    number: int
    items: int
    measure: str

    @property
    def for_sme(self) -> int:
        """Lines that the shorter list of small and medium-sized enterprises has."""
        return min(SME_MOST, math.ceil(self.number * SME_SHARE))


def top_domains(counts: Counts) -> Domains:
    """The top tenth of the kept rows' registrable domains by size, at least one; private suffixes are domains of their own."""
    measured = counts.database.execute("select coalesce(sum(bytes), 0) from summary where metric = 'domain' and b = 'kept'").fetchall()[0][
        0
    ]
    size = "size" if measured else "items"
    found = counts.database.execute(_QUERY.format(size=size), [TOP_SHARE]).fetchall()
    lines = tuple((a, b, c, d, e, round(f or 0.0, 6)) for a, b, c, d, e, f, _, _ in found)
    return Domains(lines, found[0][6] if found else 0, found[0][7] if found else 0, "image_bytes" if measured else "items")


def write_csv(domains: Domains) -> bytes:
    """The file `top_domains.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(domains.lines)
    return text.getvalue().encode()
