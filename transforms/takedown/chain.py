"""The ledger of removals: rows that each hold the hash of the row before, so that none can be changed, left out or slipped in unseen."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import DifferenceError, JobError
from schemas.reasons import ILLEGAL
from schemas.removals import HEAD, REMOVALS, REMOVE, RESTORE, SHARED
from schemas.signatures import FAST_SLACK
from transforms.storage import atomic_write, exists, open_read, read_parquet

START: Final = "0" * 64  # what the first row holds for the hash of the row before


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256, as hex, of a row as canonical JSON, the hash of the row before included."""
    text = json.dumps([row[name] for name in REMOVALS.names], separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def appended(removals: pa.Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A ledger with further rows, chained to its last.

    Args:
      removals: of schema `REMOVALS`.
      rows: all columns but `prev_hash`.
    """
    before = head_of(removals)
    chained = []
    for row in rows:
        chained.append({**row, "prev_hash": before})
        before = row_hash(chained[-1])
    return pa.concat_tables([removals, pa.Table.from_pylist(chained, REMOVALS)]).replace_schema_metadata({HEAD: before})


def head_of(removals: pa.Table) -> str:
    """Hash of the last row."""
    return row_hash(removals.slice(removals.num_rows - 1).to_pylist()[0]) if removals.num_rows else START


def checked(path: str, removals: pa.Table) -> pa.Table:
    """The ledger itself, where its chain holds.

    Args:
      path: where it lies, for the message.
      removals: as it was read, its metadata with it.

    Raises:
      DifferenceError: a row was changed, left out or slipped in; names the first that does not fit.
    """
    before = START
    for number, row in enumerate(removals.select(REMOVALS.names).to_pylist(), 1):
        if row["prev_hash"] != before:
            raise DifferenceError(f"{path}: the chain of removals is broken before row {number}; restore the file from a copy that holds")
        before = row_hash(row)
    if (removals.schema.metadata or {}).get(HEAD, b"").decode() != before:
        raise DifferenceError(f"{path}: the chain of removals does not end where it says; restore the file from a copy that holds")
    return removals


def read_removals(path: str) -> pa.Table:
    """A ledger of removals; empty where there is none yet.

    Raises:
      DifferenceError: its chain is broken.
    """
    return checked(path, read_parquet(path)) if exists(path) else REMOVALS.empty_table()


def write_removals(path: str, removals: pa.Table) -> None:
    """Writes a ledger of removals, atomically."""
    with atomic_write(path) as scratch:
        pq.write_table(removals, scratch, compression="zstd")


def standing(removals: pa.Table) -> pa.Table:
    """The rows of removals that hold, those that were restored left out."""
    removed, restored = (pc.equal(removals.column("action"), action) for action in (REMOVE, RESTORE))
    gone = removals.column("removal_id").filter(restored)
    return removals.filter(pc.and_(removed, pc.invert(pc.is_in(removals.column("removal_id"), gone.combine_chunks()))))


def restored(path: str, removals: pa.Table, ids: Sequence[str], version: str) -> pa.Table:
    """A ledger in which some removals no longer hold.

    Args:
      path: where it lies, for the message.
      removals: the ledger.
      ids: of the removals.
      version: of the release that they are restored after.

    Raises:
      DifferenceError: there is no such removal, or it was restored before.
      JobError: it removed what is illegal, which is never published again.
    """
    held = standing(removals).select(["removal_id", "reason"]).to_pylist()
    reasons = {row["removal_id"]: row["reason"] for row in held}
    unknown = next((given for given in ids if given not in reasons), None)
    if unknown is not None:
        raise DifferenceError(f"{path}: holds no removal {unknown!r} that stands; its ids look like r-000001")
    illegal = next((given for given in ids if reasons[given] == ILLEGAL), None)
    if illegal is not None:
        raise JobError(f"--restore {illegal}: was removed as illegal, and such rows are never published again; leave it out")
    nothing = dict.fromkeys(REMOVALS.names)
    return appended(
        removals, [{**nothing, "removal_id": given, "effective_version": version, "action": RESTORE} for given in dict.fromkeys(ids)]
    )


def covering(removals: pa.Table, others: pa.Table) -> set[str]:
    """Ids of removals that cover content of other ones too: by the same value, or by a perceptual hash that is near enough."""
    values = others.column("value").drop_null()
    same = removals.filter(pc.is_in(removals.column("value"), values.combine_chunks())).column("removal_id").to_pylist()
    mine = [int(row["value"], 16) for row in others.select(["kind", "value"]).to_pylist() if row["kind"] == "phash"]
    near = [
        row["removal_id"]
        for row in removals.filter(pc.equal(removals.column("kind"), "phash")).select(["removal_id", "value", "radius"]).to_pylist()
        if any((int(row["value"], 16) ^ word).bit_count() <= row["radius"] + FAST_SLACK for word in mine)
    ]
    return {*same, *near}


def shared(removals: pa.Table) -> pa.Table:
    """What may be handed to whoever holds a copy of the data (schemas.removals.SHARED): uids of what stands, but for what is illegal."""
    held = standing(removals)
    told = held.filter(pc.not_equal(held.column("reason"), ILLEGAL)).select(["uid", "reason", "effective_version"]).to_pylist()
    rows = [{**row, "kind": "uid", "value": row["uid"]} for row in {row["uid"]: row for row in told}.values()]
    return pa.Table.from_pylist(rows, SHARED)


def removed_uids(path: str) -> set[str]:
    """Uids of what stands in a ledger of removals.

    Raises:
      DifferenceError: its chain is broken.
    """
    return set(standing(read_removals(path)).column("uid").to_pylist())


def is_ledger(path: str) -> bool:
    """Whether a file is a ledger of removals."""
    with open_read(path) as file:
        if file.read(4) != b"PAR1":
            return False
        file.seek(0)
        return set(REMOVALS.names) <= set(pq.read_schema(file).names)


def next_id(removals: pa.Table) -> int:
    """Number of the next removal."""
    found = pc.max(pc.cast(pc.utf8_slice_codeunits(removals.column("removal_id"), 2), pa.int64())).as_py()
    return 1 + (found or 0)
