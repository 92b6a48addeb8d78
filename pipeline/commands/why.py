"""`winnow why`: what became of one row, by its key, uid or URL, and of the other rows of its cluster."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from pipeline.commands.ledgers import ledgers
from schemas.errors import DifferenceError
from schemas.layout import Layout
from transforms.storage import list_folder, read_parquet
from transforms.text.url import normal_url, without_credentials

SHOWN = 50  # rows of a cluster
LISTED = 10  # uids of rows whose captions a row carries


def why(layout: Layout, console: Console, wanted: str) -> None:
    """Prints the ledger row of every match, its evidence, and its cluster.

    Args:
      layout: of the run.
      console: where to.
      wanted: a key, a uid, or a URL in any of its spellings; one that the ledger withholds is found too.

    Raises:
      DifferenceError: the ledger holds no such key, uid or URL.
    """
    found = list(_rows(layout, wanted))
    if not found:
        raise DifferenceError(f"{wanted}: no row of {layout.out} has this key, uid or URL (a key that holds personal data is withheld)")
    for row in found:
        console.print(_row(row))
    for cluster in sorted({row["cluster"] for row in found if row["cluster"]}):
        console.print(_cluster(layout, cluster))


def _rows(layout: Layout, wanted: str) -> Iterator[dict[str, Any]]:
    by_url = _with_url(layout, wanted) if "/" in wanted else {}
    for path, table in ledgers(layout, ["uid", "key", "url", "shard", "row"]):
        found = pc.or_(pc.equal(table["uid"], wanted.lower()), pc.fill_null(pc.equal(table["key"], wanted), False))
        found = pc.or_(found, pc.fill_null(pc.is_in(table["url"], pa.array([wanted, without_credentials(wanted)])), False))
        mask = found.to_numpy(zero_copy_only=False).copy() if isinstance(found, pa.Array) else found.to_numpy().copy()
        if table.num_rows:
            mask |= np.isin(table["row"].to_numpy(), by_url.get(table["shard"][0].as_py(), []))
        if mask.any():
            yield from read_parquet(path).filter(pa.array(mask)).to_pylist()


def _with_url(layout: Layout, url: str) -> dict[str, list[int]]:
    """Shard -> rows whose URL has the same normal form; annotations know it of withheld URLs too."""
    digest = hashlib.sha256(normal_url(url).encode("utf-8", "surrogatepass")).digest()[:16]
    found: dict[str, list[int]] = {}
    for file in list_folder(layout.annotations, ".parquet"):
        table = read_parquet(file.path, ["shard", "row", "url_id"])
        chosen = table.filter(pc.fill_null(pc.equal(table["url_id"], pa.scalar(digest, pa.binary(16))), False))
        for shard, row in zip(chosen["shard"].to_pylist(), chosen["row"].to_pylist(), strict=True):
            found.setdefault(shard, []).append(row)
    return found


def _row(row: dict[str, Any]) -> Table:
    table = Table("column", "value", title=f"{plain(row['shard'])}, row {row['row']}")
    for name, value in row.items():
        if name != "evidence" and value not in (None, []):
            table.add_row(name, plain(_listed(value) if isinstance(value, list) else value))
    for entry in row["evidence"]:
        told = [f"{name} {entry[name]:g}" for name in ("score", "threshold") if entry[name] is not None]
        table.add_row(f"  {plain(entry['reason'])}", plain("; ".join([*told, *([entry["detail"]] if entry["detail"] else [])])))
    return table


def _cluster(layout: Layout, cluster: str) -> Table:
    """The rows of a cluster, kept ones first."""
    columns = ["source", "shard", "row", "key", "uid", "url", "verdict", "reasons", "flags", "cluster"]
    parts = [table.filter(pc.fill_null(pc.equal(table["cluster"], cluster), False)) for _, table in ledgers(layout, columns)]
    members = pa.concat_tables(parts).sort_by([("verdict", "ascending"), ("shard", "ascending"), ("row", "ascending")])
    more = "" if members.num_rows <= SHOWN else f", the first {SHOWN} of {members.num_rows} rows"
    shown = Table("source", "shard", "row", "key", "uid", "url", "verdict", "reasons", "flags", title=f"cluster {cluster}{more}")
    for row in members.slice(0, SHOWN).to_pylist():
        shown.add_row(*(plain(", ".join(value) if isinstance(value, list) else "" if value is None else value)
                        for name, value in row.items() if name != "cluster"))  # fmt: skip
    return shown


def _listed(values: list[str]) -> str:
    more = len(values) - LISTED
    return ", ".join(values[:LISTED]) + (f" and {more:,} more" if more > 0 else "")
