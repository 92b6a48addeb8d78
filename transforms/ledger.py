"""Writes down what became of every row of a shard, and why: findings in, one ledger batch out."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import reasons
from schemas.ledger import EVIDENCE, LEDGER, VERDICTS
from transforms.filters.base import Finding
from transforms.outcomes import Copies, Resolved
from transforms.storage import atomic_write
from transforms.verdicts import Verdicts, narrowed

UNIT = 2.0**-32


def ledger_batch(
    verdicts: Verdicts,
    images: Resolved,
    captions: Resolved,
    copies: Copies,
    weights: np.ndarray,
    vocabulary: Sequence[str],
    carried: Mapping[int, Sequence[str]] | None = None,
    semantic: Resolved | None = None,
) -> pa.RecordBatch:
    """The ledger rows of a shard (schemas.ledger.LEDGER).

    Args:
      verdicts: the shard with all findings, those of its clusters among them.
      images: what image (or policy) clusters say.
      captions: what caption clusters say.
      copies: how often each row was seen.
      weights: int64[n], in units of 2^-32; read for kept rows only.
      vocabulary: every reason of the run, in the order in which a row lists them.
      carried: row -> uids of the rows whose captions it carries; None where none does.
      semantic: what clusters of rows that mean the same say; None where nobody looked for them.
    """
    base = verdicts.annotations
    n = len(verdicts)
    kept = ~verdicts.rejected
    unreadable = verdicts.unreadable
    findings = [_of_kept(finding, kept) if finding.kind == "action" else finding for finding in verdicts.findings]
    verdict = np.where(unreadable, reasons.UNREADABLE, np.where(kept, reasons.KEPT, reasons.REJECTED))
    columns = {
        **{name: base.column(name) for name in ("uid", "source", "shard", "row", "key", "url")},
        "verdict": pa.array(verdict.tolist(), pa.string()),
        "reasons": _words(n, findings, "reason", vocabulary),
        "actions": _words(n, findings, "action"),
        "flags": _words(n, findings, "flag"),
        "cluster": pa.array(images.cluster, pa.string()),
        "caption_cluster": pa.array(captions.cluster, pa.string()),
        "duplicate_of": pa.array(_first(images, captions, *([semantic] if semantic else [])), pa.string()),
        "weight": pa.array(weights * UNIT, pa.float64(), mask=~kept),
        "evidence": _evidence(n, findings, vocabulary),
        "covers": _covers(verdicts),
        "consent": pa.array([reasons.CONSENT[state] for state in verdicts.consent.tolist()], pa.string()),
        "consent_observable": pa.array(verdicts.observable, pa.int32()),
        "copies": pa.array(copies.copies, pa.int64()),
        "copy_hosts": pa.array(copies.hosts, pa.int64(), mask=copies.hosts == 0),
        "caption_count": pa.array(copies.captions, pa.int64(), mask=~kept | (carried is None)),
        "captions": pa.array(
            [carried.get(row, []) if carried is not None and stays else None for row, stays in enumerate(kept.tolist())],
            pa.list_(pa.string()),
        ),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in LEDGER.names], schema=LEDGER)


def _first(*resolved: Resolved) -> list[str | None]:
    """Per row who stays in its place, as the first says that knows."""
    return [next(filter(None, named), None) for named in zip(*(found.duplicate_of for found in resolved), strict=True)]


def ledger_digest(ledger: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256, as hex, over one line `<shard> <sha256>` per ledger file, in the order of their names."""
    text = "".join(f"{name} {ledger[name]['sha256']}\n" for name in sorted(ledger))
    return hashlib.sha256(text.encode()).hexdigest()


def _covers(verdicts: Verdicts) -> pa.ListArray:
    """Per row the reasons that bind every copy of its picture."""
    findings = [Finding("reason", word, np.flatnonzero(rows)) for word, rows in verdicts.spreading.items() if word in reasons.BINDING]
    return _words(len(verdicts), findings, "reason", reasons.REASONS)


def write_ledger(ledger: pa.Table, path: str) -> dict[str, Any]:
    """Writes the ledger of a shard, its verdicts counted in the footer.

    Returns:
      `rows`, `sha256` of the file, and `verdicts`, how many of each.
    """
    words, counts = np.unique(ledger.column("verdict").to_numpy().astype(str), return_counts=True)
    verdicts = dict(zip(words.tolist(), counts.tolist(), strict=True))
    with atomic_write(path) as scratch:
        with pq.ParquetWriter(scratch, ledger.schema, compression="zstd") as writer:
            if ledger.num_rows:
                writer.write_table(ledger, row_group_size=100_000)
            writer.add_key_value_metadata({VERDICTS: json.dumps(verdicts)})
        with open(scratch, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"rows": ledger.num_rows, "sha256": sha256, "verdicts": verdicts}


def _of_kept(finding: Finding, kept: np.ndarray) -> Finding:
    return narrowed(finding, kept[finding.rows])


def _words(n: int, findings: Sequence[Finding], kind: str, order: Sequence[str] | None = None) -> pa.ListArray:
    """Per row the distinct words of one kind: in the given order, else by name."""
    chosen = [finding for finding in findings if finding.kind == kind and len(finding.rows)]
    words = [word for word in order if any(f.word == word for f in chosen)] if order else sorted({f.word for f in chosen})
    if not words:
        return pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), pa.array([], pa.string()))
    rank = {word: place for place, word in enumerate(words)}
    marks = np.concatenate([finding.rows.astype(np.int64) * len(words) + rank[finding.word] for finding in chosen])
    marks = np.array(sorted(set(marks.tolist())), np.int64)
    counts = np.bincount(marks // len(words), minlength=n)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = pa.array(words, pa.string()).take(pa.array(marks % len(words)))
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _evidence(n: int, findings: Sequence[Finding], vocabulary: Sequence[str]) -> pa.ListArray:
    """Per row one entry for every finding: reasons in order, then actions, then flags."""
    kinds = {"reason": 0, "action": 1, "flag": 2}
    ranks = {word: place for place, word in enumerate(vocabulary)}
    ordered = sorted(
        (f for f in findings if len(f.rows)), key=lambda f: (kinds[f.kind], ranks.get(f.word, 0), f.word, f.threshold is not None)
    )
    rows = np.concatenate([f.rows for f in ordered]).astype(np.int64) if ordered else np.empty(0, np.int64)
    scores = np.concatenate(
        [np.full(len(f.rows), np.nan) if f.scores is None else f.scores.astype(np.float64) for f in ordered] or [np.empty(0)]
    )
    words = [f.word for f in ordered for _ in range(len(f.rows))]
    thresholds = [f.threshold for f in ordered for _ in range(len(f.rows))]
    details = [detail for f in ordered for detail in _details(f)]
    at = np.argsort(rows, kind="stable")
    entries = pa.StructArray.from_arrays(
        [
            pa.array(words, pa.string()),
            pa.array(scores, pa.float64(), mask=np.isnan(scores)),
            pa.array(thresholds, pa.float64()),
            pa.array(details, pa.string()),
        ],
        fields=list(EVIDENCE),
    ).take(pa.array(at))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def _details(finding: Finding) -> Sequence[str | None]:
    if finding.details is None or isinstance(finding.details, str):
        return [finding.details] * len(finding.rows)
    return finding.details
