"""What clusters decided comes back to the rows of a shard: reasons, flags, evidence, and what the ledger says of a row's copies."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from schemas import reasons
from schemas.job import Semantic
from schemas.reasons import DUPLICATE_SEMANTIC
from schemas.signatures import CAPTIONS_AGREE, PERMUTATIONS, PICTURES_AGREE
from transforms.choice import Choice
from transforms.earlier import NOTHING, Earlier
from transforms.filters.base import Finding
from transforms.filters.poisoning import Poisoning
from transforms.match.policy import PICTURE
from transforms.not_duplicates import KEY
from transforms.records import SPREADS
from transforms.resolve import CARRIED, COPY_RESERVED, DUPLICATE, OUTCOME, PLACEHOLDER, TRIGGER, UNPLACED
from transforms.verdicts import Verdicts, narrowed

COPY_OF_RESERVED = "a copy in its cluster carries a reservation"
COPY_OF_BENCHMARK = "a copy in its cluster is a picture of a benchmark"
BEYOND = "beyond max_per_caption"
TEXTS_AGREE = round(CAPTIONS_AGREE / PERMUTATIONS, 4)


@dataclasses.dataclass(frozen=True)
class Resolved:
    """What clusters say about the rows of one shard.

    Attributes:
      cluster: hex of the smallest uid of each row's cluster, None for a row alone.
      duplicate_of: hex uid of the row that stays in its place, None elsewhere.
    """

    cluster: list[str | None]
    duplicate_of: list[str | None]


@dataclasses.dataclass(frozen=True)
class Copies:
    """How often and where each row of a shard was seen.

    Attributes:
      copies: int64[n], rows of its cluster that have its picture.
      hosts: int64[n], registrable domains among them; 0 where none has a URL.
      captions: int64[n], distinct captions that a kept row may carry, its own among them.
    """

    copies: np.ndarray
    hosts: np.ndarray
    captions: np.ndarray


def apply_images(
    verdicts: Verdicts,
    outcomes: Sequence[bytes],
    first: int,
    choice: Choice,
    earlier: Earlier = NOTHING,
    poisoning: Poisoning | None = None,
) -> tuple[Resolved, Copies]:
    """Image (or policy) clusters' outcomes for one shard; the findings are added to `verdicts` too.

    Args:
      verdicts: the shard so far.
      outcomes: packed OUTCOME records.
      first: dense number of the shard's first row.
      choice: which copy stays.
      earlier: runs on the elder side.
      poisoning: the filter that tells what becomes of placeholders; None where it is off.
    """
    found = _outcomes(outcomes)
    rows = found["row"] - first
    bits = found["bits"]
    findings = [*_spread(verdicts, rows, bits), *_duplicates(verdicts, rows, found, choice, earlier)]
    if (bits & COPY_RESERVED).any():
        findings.append(Finding("flag", reasons.RESERVED_COPY_EXISTS, rows[bits & COPY_RESERVED > 0]))
    findings += _placeholders(rows, found, poisoning)
    apart = found["apart"].view("S16") != b""
    if apart.any():
        told = [f"{KEY}: kept apart from {uid.hex()}" for uid in found["apart"][apart].tolist()]
        findings.append(Finding("flag", reasons.NOT_DUPLICATE, rows[apart], details=told))
    unreadable = verdicts.unreadable
    verdicts.findings += [
        narrowed(finding, ~unreadable[finding.rows]) if finding.word not in reasons.BINDING and unreadable[finding.rows].any() else finding
        for finding in findings
    ]
    reserved = np.zeros(len(verdicts), bool)
    reserved[rows[bits & SPREADS[reasons.OPT_OUT] > 0]] = True
    verdicts.consent[reserved] = reasons.CONSENT.index(reasons.RESERVED)
    readable = ~unreadable[rows]
    duplicate_of = _named(len(verdicts), rows[readable], found["of"][readable])
    return Resolved(_named(len(verdicts), rows, found["name"]), duplicate_of), _copies(verdicts, rows, found)


def apply_captions(
    verdicts: Verdicts,
    outcomes: Sequence[bytes],
    first: int,
    choice: Choice,
    earlier: Earlier = NOTHING,
    poisoning: Poisoning | None = None,
    before: Sequence[Resolved] = (),
) -> Resolved:
    """Caption clusters' outcomes for one shard; the findings are added to `verdicts` too.

    Arguments as of `apply_images`, and `before`, what clusters said that go before these: where a row is a duplicate by them already, the
    evidence names who stays here, as the row's `duplicate_of` names another.
    """
    found = _outcomes(outcomes)
    rows = found["row"] - first
    beyond = found["bits"] & DUPLICATE > 0
    if beyond.any():
        kind, why = choice.treatment(source_of(verdicts))
        others = _others(found[beyond], rows[beyond], before)
        details = [
            "; ".join(filter(None, (BEYOND, why, of, earlier.told(by))))
            for by, of in zip(found["by"][beyond].tolist(), others, strict=True)
        ]
        verdicts.findings.append(Finding(kind, reasons.DUPLICATE_CAPTION, rows[beyond], _agreement(found[beyond]), TEXTS_AGREE, details))
    trigger = found[found["bits"] & TRIGGER > 0]
    if poisoning is not None and len(trigger):
        pictures, told = trigger["across"].astype(np.float64), [_on(hosts) for hosts in trigger["hosts"].tolist()]
        verdicts.add(poisoning.suspected(reasons.TRIGGER_CAPTION, trigger["row"] - first, pictures, poisoning.trigger_pictures, told))
    return Resolved(_named(len(verdicts), rows, found["name"]), _named(len(verdicts), rows, found["of"]))


def apply_semantic(
    verdicts: Verdicts,
    outcomes: Sequence[bytes],
    first: int,
    choice: Choice,
    semantic: Semantic,
    earlier: Earlier = NOTHING,
    before: Sequence[Resolved] = (),
) -> Resolved:
    """Outcomes for one shard of clusters of rows that mean the same, as of `apply_captions`; the findings are added to `verdicts` too."""
    found = _outcomes(outcomes)
    rows = found["row"] - first
    beyond = found["bits"] & DUPLICATE > 0
    if beyond.any():
        protected = choice.protects(source_of(verdicts))
        kind: Literal["reason", "flag"] = "flag" if protected or semantic.action == "flag" else "reason"
        similarity = np.round(found["agreement"][beyond].astype(np.float64), 4)
        said = (f"embeddings of {semantic.of}", protected)
        stay, others = found["by"][beyond].tolist(), _others(found[beyond], rows[beyond], before)
        told = ["; ".join(filter(None, (*said, of, earlier.told(by)))) for by, of in zip(stay, others, strict=True)]
        verdicts.findings.append(Finding(kind, DUPLICATE_SEMANTIC, rows[beyond], similarity, round(1 - semantic.eps, 4), told))
    return Resolved(_named(len(verdicts), rows, found["name"]), _named(len(verdicts), rows, found["of"]))


def _others(found: np.ndarray, rows: np.ndarray, before: Sequence[Resolved]) -> list[str | None]:
    """Whom rows repeat, in words, where `duplicate_of` of the ledger names somebody else."""
    named = [next((of for result in before if (of := result.duplicate_of[row])), None) for row in rows.tolist()]
    return [f"of {uid.hex()}" if other not in (None, uid.hex()) else None for uid, other in zip(found["of"].tolist(), named, strict=True)]


def carried_by(packed: Sequence[bytes]) -> np.ndarray:
    """CARRIED records of one shard, by row and place."""
    found = np.frombuffer(b"".join(packed), CARRIED)
    return found[np.lexsort((found["place"], found["row"]))]


def source_of(verdicts: Verdicts) -> str | None:
    """Name of the source that a shard is of; None where it has no row."""
    return verdicts.annotations.column("source")[0].as_py() if len(verdicts) else None


def _placeholders(rows: np.ndarray, found: np.ndarray, poisoning: Poisoning | None) -> list[Finding]:
    """Rows whose picture stands under so many captions that it is none of any of them."""
    if poisoning is None:
        return []
    kind: Literal["reason", "flag"] = "reason" if poisoning.placeholder == "reject" else "flag"
    findings = []
    for word, bit, kind_of in ((reasons.PLACEHOLDER, PLACEHOLDER, kind), (reasons.PLACEHOLDER_SUSPECTED, UNPLACED, "flag")):
        mask = found["bits"] & bit > 0
        if mask.any():
            told = [_on(hosts) for hosts in found["wide"][mask].tolist()]
            findings.append(
                Finding(kind_of, word, rows[mask], found["across"][mask].astype(np.float64), poisoning.placeholder_captions, told)
            )
    return findings


def _on(hosts: int) -> str:
    return f"on {hosts} domain{'s' * (hosts != 1)}" if hosts else "no URL is known"


def _spread(verdicts: Verdicts, rows: np.ndarray, bits: np.ndarray) -> list[Finding]:
    """Reservations and overlaps that rows have from a copy, where they do not carry the reason themselves."""
    findings = []
    for word, bit in SPREADS.items():
        mask = bits & bit > 0
        already = np.zeros(len(verdicts), bool)
        for finding in verdicts.findings:
            if finding.kind == "reason" and finding.word == word:
                already[finding.rows] = True
        if mask.any() and word in reasons.BINDING:
            verdicts.spreading.setdefault(word, np.zeros(len(verdicts), bool))[rows[mask]] = True
        mask &= ~already[rows]
        if mask.any():
            told = COPY_OF_BENCHMARK if word == reasons.EVAL_OVERLAP else COPY_OF_RESERVED
            findings.append(Finding("reason", word, rows[mask], details=told))
    return findings


def _duplicates(verdicts: Verdicts, rows: np.ndarray, found: np.ndarray, choice: Choice, earlier: Earlier) -> list[Finding]:
    """Rows that somebody stands for, by picture and by caption: a reason, or a flag where the job says so."""
    kind, why = choice.treatment(source_of(verdicts))
    by_picture = found["link"] & PICTURE > 0
    findings = []
    for word, least, chosen in (
        (reasons.DUPLICATE_IMAGE, PICTURES_AGREE, by_picture),
        (reasons.DUPLICATE_CAPTION, TEXTS_AGREE, ~by_picture),
    ):
        mask = (found["bits"] & DUPLICATE > 0) & chosen
        if mask.any():
            told = [
                "; ".join(filter(None, (why, earlier.told(by)))) or (None if earlier.holds(by) else choice.told(byte))
                for by, byte in found[["by", "differs"]][mask].tolist()
            ]
            findings.append(Finding(kind, word, rows[mask], _agreement(found[mask]), least, told))
    return findings


def _agreement(found: np.ndarray) -> np.ndarray:
    """How well rows agree with who stays in their place, float64[n], rounded to 1e-4."""
    return np.round(found["agreement"].astype(np.float64), 4)


def _copies(verdicts: Verdicts, rows: np.ndarray, found: np.ndarray) -> Copies:
    base = verdicts.annotations
    copies = np.ones(len(verdicts), np.int64)
    hosts = base.column("domain").is_valid().to_numpy(zero_copy_only=False).astype(np.int64)
    captions = base.column("has_caption").to_numpy(zero_copy_only=False).astype(np.int64)
    copies[rows], hosts[rows] = found["copies"], found["hosts"]
    stands = found["of"].view("S16") == b""
    captions[rows[stands]] = np.maximum(found["captions"][stands], captions[rows[stands]])
    return Copies(copies, hosts, captions)


def _outcomes(packed: Sequence[bytes]) -> np.ndarray:
    found = np.frombuffer(b"".join(packed), OUTCOME)
    return found[np.argsort(found["row"], kind="stable")]


def _named(n: int, rows: np.ndarray, uids: np.ndarray) -> list[str | None]:
    names: list[str | None] = [None] * n
    nobody = bytes(16)
    for row, uid in zip(rows.tolist(), uids.tolist(), strict=True):
        if uid != nobody:
            names[row] = uid.hex()
    return names
