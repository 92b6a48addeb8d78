"""What becomes of the rows of one shard, as far as the rows themselves tell: reasons, flags, actions, consent.

Filters conclude from their own measures (`Finding`s); here the findings of all of them meet. What duplicates add comes from
`transforms.resolve`, weights from `transforms.balance`; `transforms.ledger` writes the whole down.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from schemas import reasons
from transforms.filters.base import Context, Filter, Finding
from transforms.filters.opt_out import Consent, OptOut
from transforms.not_duplicates import NO_PAIRS, Pairs

Mode = Literal["fast", "exact"]
SAME_URL = "a row with the same URL carries a reservation"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What judge must know of the whole run before it judges a row.

    Attributes:
      counts: filter name -> integers it asked for, summed.
      reserved: sorted distinct `url_id`s of URLs under a location-scoped reservation, packed, 16 bytes each.
      listed: sorted distinct uids that `dedup.not_duplicates` names and a row has, packed, 16 bytes each.
      patches: what stands in a corner of many different pictures, packed records of `transforms.patches.SEED`.
    """

    counts: Mapping[str, Mapping[str, int]]
    reserved: bytes
    listed: bytes = b""
    patches: bytes = b""

    def with_patches(self, patches: bytes) -> "Facts":
        """The same, with what was found in the corners of pictures."""
        return dataclasses.replace(self, patches=patches)

    @staticmethod
    def merged(parts: Iterable["Facts"]) -> "Facts":
        """Facts of several shards together; order does not matter."""
        counts: dict[str, dict[str, int]] = {}
        reserved: list[np.ndarray] = [np.empty(0, "V16")]
        listed: list[np.ndarray] = [np.empty(0, "V16")]
        for part in parts:
            for name, found in part.counts.items():
                sums = counts.setdefault(name, {})
                for word, number in found.items():
                    sums[word] = sums.get(word, 0) + number
            reserved.append(np.frombuffer(part.reserved, "V16"))
            listed.append(np.frombuffer(part.listed, "V16"))
        ordered = {name: dict(sorted(found.items())) for name, found in sorted(counts.items())}
        return Facts(ordered, _distinct(np.concatenate(reserved)), _distinct(np.concatenate(listed)))


@dataclasses.dataclass
class Verdicts:
    """The rows of one shard while they are judged.

    Attributes:
      annotations: base columns and measures of every row, one record batch.
      findings: what was concluded so far; reasons of unreadable rows only where they bind whoever gets the picture elsewhere.
      consent: state of every row: index into schemas.reasons.CONSENT, int8[n].
      observable: bits of schemas.ledger, int32[n].
      spreading: per binding reason, the rows whose reservation covers their whole cluster, bool[n]; `eval_overlap` likewise, of pictures.
      located: rows under a location-scoped reservation, bool[n].
    """

    annotations: pa.RecordBatch
    findings: list[Finding]
    consent: np.ndarray
    observable: np.ndarray
    spreading: dict[str, np.ndarray]
    located: np.ndarray

    def __len__(self) -> int:
        return self.annotations.num_rows

    @property
    def unreadable(self) -> np.ndarray:
        """Rows without a readable picture, bool[n]."""
        return self.annotations.column("problem").is_valid().to_numpy(zero_copy_only=False)

    @property
    def rejected(self) -> np.ndarray:
        """Rows that carry any reason, bool[n]; unreadable ones among them."""
        mask = self.unreadable.copy()
        for finding in self.findings:
            if finding.kind == "reason":
                mask[finding.rows] = True
        return mask

    def add(self, findings: Iterable[Finding], *, spreading: bool = False) -> None:
        """Takes in further findings; a reason that binds nobody elsewhere means nothing for an unreadable row.

        Args:
          findings: what was found.
          spreading: whether their reasons cover the rows' clusters.
        """
        unreadable = self.unreadable
        for finding in findings:
            binding = finding.kind != "reason" or finding.word in reasons.BINDING
            self.findings.append(finding if binding else narrowed(finding, ~unreadable[finding.rows]))
            if spreading:
                self.spreading.setdefault(finding.word, np.zeros(len(self), bool))[self.findings[-1].rows] = True

    def bits(self, vocabulary: Sequence[str]) -> np.ndarray:
        """Reasons of every row as a bitmask over a vocabulary, uint64[n]."""
        mask = np.zeros(len(self), np.uint64)
        for finding in self.findings:
            if finding.kind == "reason":
                mask[finding.rows] |= np.uint64(1 << vocabulary.index(finding.word))
        return mask


def vocabulary(filters: Sequence[Filter]) -> tuple[str, ...]:
    """Every reason a run can give, in the order in which a ledger row lists them."""
    known = set(reasons.REASONS)
    return (*reasons.REASONS, *sorted({rule.reason for rule in filters} - known))


def collect_facts(annotations: pa.RecordBatch, filters: Sequence[Filter], mode: Mode = "fast", pairs: Pairs = NO_PAIRS) -> Facts:
    """What one shard adds to the facts of the run."""
    counts = {}
    listed = b""
    if len(pairs.uids):
        uids = np.frombuffer(bytes.fromhex("".join(annotations.column("uid").to_pylist())), "S16")
        listed = _distinct(uids[np.isin(uids, pairs.uids)].view("V16"))
    reserved = np.empty(0, "V16")
    for rule in filters:
        if not (rule.enabled and rule.judged):
            continue
        measures = annotations.column(rule.name)
        if found := rule.count(measures, annotations):
            counts[rule.name] = found
        if isinstance(rule, OptOut):
            located = rule.evaluated(measures, _context(annotations, rule, {}, mode)).consent.location_reserved
            ids = annotations.column("url_id")
            rows = np.flatnonzero(located & ids.is_valid().to_numpy(zero_copy_only=False))
            reserved = _fixed(ids.take(pa.array(rows)), 16)
    return Facts(counts, _distinct(reserved), listed)


def judge_rows(annotations: pa.RecordBatch, filters: Sequence[Filter], facts: Facts, mode: Mode = "fast") -> Verdicts:
    """Every finding about the rows of a shard, but for what duplicates add."""
    n = annotations.num_rows
    nobody = np.zeros(n, bool)
    verdicts = Verdicts(annotations, [], np.full(n, _state(reasons.NOT_OBSERVABLE), np.int8), np.zeros(n, np.int32), {}, nobody.copy())
    verdicts.findings += _read_flags(annotations)
    for rule in filters:
        if not rule.enabled:
            continue
        if not rule.judged:
            verdicts.findings += _not_scored(annotations, rule)
            continue
        context = _context(annotations, rule, facts.counts, mode)
        if isinstance(rule, OptOut):
            evaluated = rule.evaluated(annotations.column(rule.name), context)
            found = evaluated.findings() + _consent(verdicts, rule, evaluated.consent, facts)
        else:
            found = rule.judge(annotations.column(rule.name), context)
        found += _not_scored(annotations, rule)
        verdicts.findings += [_as_flag(finding) for finding in found] if rule.action == "flag" else found
    verdicts.findings = _readable_only(verdicts)
    return verdicts


def _context(annotations: pa.RecordBatch, rule: Filter, counts: Mapping[str, Mapping[str, int]], mode: Mode) -> Context:
    measures = {name: annotations.column(name) for name in (*rule.reads, rule.name) if name in annotations.schema.names}
    return Context(annotations, measures, counts.get(rule.name, {}), mode)


def _consent(verdicts: Verdicts, rule: OptOut, consent: Consent, facts: Facts) -> list[Finding]:
    """Takes over consent states; finds rows whose URL is reserved through another row."""
    ids = verdicts.annotations.column("url_id")
    shared = np.zeros(len(verdicts), bool)
    valid = np.flatnonzero(ids.is_valid().to_numpy(zero_copy_only=False))
    reserved = np.frombuffer(facts.reserved, "V16")
    if len(reserved) and len(valid):
        mine = _fixed(ids.take(pa.array(valid)), 16)
        shared[valid] = np.isin(mine.view("S16"), reserved.view("S16"))
    verdicts.consent[:] = consent.state
    verdicts.consent[shared] = _state(reasons.RESERVED)
    verdicts.observable[:] = consent.observable
    verdicts.located |= consent.location_reserved | shared
    words = consent.content_reserved if rule.action == "reject" else (reasons.ILLEGAL,)
    verdicts.spreading.update({word: consent.content_reserved[word].copy() for word in words})
    elsewhere = np.flatnonzero(shared & ~consent.location_reserved)
    return [Finding("reason", reasons.OPT_OUT, elsewhere, details=SAME_URL)] if len(elsewhere) else []


def _read_flags(annotations: pa.RecordBatch) -> list[Finding]:
    flags = annotations.column("flags")
    values = flags.flatten()
    rows = flags.value_parent_indices().to_numpy(zero_copy_only=False) if len(values) else np.empty(0, np.int64)
    words = np.array(values.to_pylist(), object)
    return [Finding("flag", word, np.unique(rows[words == word]).astype(np.int64)) for word in sorted(set(words.tolist()))]


def _not_scored(annotations: pa.RecordBatch, rule: Filter) -> list[Finding]:
    failed = annotations.column("not_scored")
    values = failed.flatten()
    if not len(values):
        return []
    rows = failed.value_parent_indices().to_numpy(zero_copy_only=False)
    mine = np.unique(rows[np.array(values.to_pylist(), object) == rule.name]).astype(np.int64)
    if not len(mine):
        return []
    found = [Finding("flag", reasons.NOT_SCORED, mine, details=rule.name)]
    if rule.on_missing == "reject":
        found.append(Finding("reason", reasons.NOT_SCORED, mine, details=rule.name))
    return found


def _as_flag(finding: Finding) -> Finding:
    return dataclasses.replace(finding, kind="flag") if finding.kind == "reason" and not finding.proven else finding


def _readable_only(verdicts: Verdicts) -> list[Finding]:
    """Without the reasons that mean nothing for an unreadable row; `unreadable` itself comes first."""
    unreadable = verdicts.unreadable
    rows = np.flatnonzero(unreadable)
    problems = verdicts.annotations.column("problem").take(pa.array(rows)).to_pylist()
    kept = [Finding("reason", reasons.UNREADABLE, rows, details=problems)] if len(rows) else []
    for finding in verdicts.findings:
        if finding.kind == "reason" and finding.word not in reasons.BINDING and unreadable[finding.rows].any():
            kept.append(narrowed(finding, ~unreadable[finding.rows]))
        else:
            kept.append(finding)
    return kept


def narrowed(finding: Finding, keep: np.ndarray) -> Finding:
    """The same finding about fewer rows; `keep` is bool over `finding.rows`."""
    details = finding.details
    if details is not None and not isinstance(details, str):
        details = [detail for detail, kept in zip(details, keep.tolist(), strict=True) if kept]
    return dataclasses.replace(
        finding, rows=finding.rows[keep], scores=None if finding.scores is None else finding.scores[keep], details=details
    )


def _state(word: str) -> int:
    return reasons.CONSENT.index(word)


def _fixed(array: pa.Array, width: int) -> np.ndarray:
    """Values of a fixed-size binary array without nulls as void records."""
    return np.frombuffer(b"".join(array.to_pylist()), f"V{width}")


def _distinct(ids: np.ndarray) -> bytes:
    """Sorted distinct records, packed. Compared as bytes, so nothing depends on how numpy orders voids."""
    return b"".join(sorted(set(ids.tolist())))
