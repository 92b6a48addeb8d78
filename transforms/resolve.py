"""What a cluster does to its members: reservations spread first, then one row stands for the others.

Members of one cluster lie in many shards. They meet as packed records, one partition of clusters at a time, and what follows for each
goes back to its shard as packed records. Rows are numbered densely over all shards, in shard order.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from schemas import reasons
from schemas.signatures import CAPTIONS_AGREE, PERMUTATIONS, PICTURES_AGREE
from transforms.filters.base import Finding
from transforms.match.clusters import Clusters
from transforms.match.order import MOST_CHARACTERS, order_of
from transforms.verdicts import Verdicts, narrowed

ALONE = -1
PICTURE_LINK = 1  # bit of a link: the picture ties the row to its leader
NO_CAPTION = hashlib.sha256(b"").digest()[:4]
ELIGIBLE, LOCATED = 1, 2
SPREADS = {word: 4 << place for place, word in enumerate(sorted(reasons.BINDING))}
SPREAD_MASK = sum(SPREADS.values())
LEADS = 128

MEMBER = np.dtype(
    [
        ("cluster", "<i8"),
        ("row", "<i8"),
        ("uid", "V16"),
        ("order", "V16"),
        ("consent", "u1"),
        ("bits", "u1"),
        ("link", "u1"),
        ("agreement", "<f4"),
    ]
)
OUTCOME = np.dtype([("row", "<i8"), ("name", "V16"), ("of", "V16"), ("bits", "u1"), ("link", "u1"), ("agreement", "<f4")])

DUPLICATE, SPREAD_SHIFT, COPY_RESERVED = 1, 2, 2
COPY_OF_RESERVED = "a copy in its cluster carries a reservation"


def members(verdicts: Verdicts, clusters: np.ndarray, found: Clusters, first: int) -> np.ndarray:
    """Records of the rows of a shard that lie in a cluster.

    Args:
      verdicts: the shard so far.
      clusters: int64[n], dense row number of the cluster's leader, -1 for a row alone.
      found: what match found about the shard: which edges to the leader hold, and how well they agree.
      first: dense row number of the shard's first row.

    Returns:
      MEMBER records, by row.
    """
    rows = np.flatnonzero(clusters != ALONE)
    out = np.zeros(len(rows), MEMBER)
    if not len(rows):
        return out
    base = verdicts.annotations
    out["cluster"], out["row"] = clusters[rows], rows + first
    out["link"], out["agreement"] = found.link[rows], found.agreement[rows]
    out["uid"] = uid_records(base, rows)
    out["order"] = np.ascontiguousarray(_order(base, rows)).view("V16").ravel()
    out["consent"] = verdicts.consent[rows]
    bits = np.where(verdicts.rejected, 0, ELIGIBLE) | np.where(verdicts.located, LOCATED, 0)
    for word, mask in verdicts.spreading.items():
        bits |= np.where(mask, SPREADS[word], 0)
    out["bits"] = bits[rows]
    return out


def resolve(records: np.ndarray) -> np.ndarray:
    """What follows for every member of whole clusters.

    A content-scoped reservation of any member covers all. Of what is left eligible the best stays: by consent, content order (pixels,
    caption, uid), then row; every other member is its duplicate. Where nobody is eligible nobody is a duplicate.

    Args:
      records: MEMBER records of whole clusters, in any order.

    Returns:
      OUTCOME records: `name` the smallest uid of the cluster, `of` the uid of who stays (zero where nobody does), bits DUPLICATE,
      COPY_RESERVED and spread reasons, `link` the edges by which the row is a duplicate, `agreement` how well it agrees with its leader;
      both are those of who stays where the row itself is the leader.
    """
    uid, order = records["uid"].view("S16"), records["order"].view("S16")
    group, starts, at = _groups(records["cluster"])
    spread = np.bitwise_or.reduceat(records["bits"][group] & SPREAD_MASK, starts)[at] if len(records) else np.empty(0, np.uint8)
    spread_of = np.empty(len(records), np.uint8)
    spread_of[group] = spread
    eligible = (records["bits"] & ELIGIBLE > 0) & (spread_of == 0)
    ranked = np.lexsort((records["row"], uid, order, records["consent"], ~eligible, records["cluster"]))
    out = np.zeros(len(records), OUTCOME)
    out["row"] = records["row"][ranked]
    best = ranked[starts][at]
    stays = eligible[best]
    duplicate = stays & (ranked != best)
    out["name"] = _least(records["uid"], records["cluster"], starts, at)
    out["of"] = np.where(duplicate, records["uid"][best].view("S16"), np.zeros(1, "S16")).view("V16")
    located = records["bits"][ranked] & LOCATED > 0
    any_located = np.maximum.reduceat(located, starts)[at] if len(records) else located
    out["bits"] = np.where(duplicate, DUPLICATE, 0) | np.where(any_located & ~located, COPY_RESERVED, 0) | spread_of[ranked]
    leads = (records["cluster"] == records["row"])[ranked]
    for name in ("link", "agreement"):
        out[name] = np.where(leads, records[name][best], records[name][ranked])
    return out


def cap(records: np.ndarray, most: int | None) -> np.ndarray:
    """What follows for every member of whole caption clusters when at most `most` rows of one are kept.

    Args:
      records: MEMBER records; ELIGIBLE are the rows kept so far.
      most: rows kept of a cluster; None keeps all.

    Returns:
      OUTCOME records; DUPLICATE marks rows beyond the first `most` in the order of `resolve`.
    """
    uid, order = records["uid"].view("S16"), records["order"].view("S16")
    _, starts, at = _groups(records["cluster"])
    eligible = records["bits"] & ELIGIBLE > 0
    ranked = np.lexsort((records["row"], uid, order, records["consent"], ~eligible, records["cluster"]))
    out = np.zeros(len(records), OUTCOME)
    out["row"] = records["row"][ranked]
    out["name"] = _least(records["uid"], records["cluster"], starts, at)
    if most is not None:
        place = np.arange(len(records)) - starts[at]
        beyond = eligible[ranked] & (place >= most)
        out["bits"] = np.where(beyond, DUPLICATE, 0)
        out["of"] = np.where(beyond, records["uid"][ranked[starts][at]].view("S16"), np.zeros(1, "S16")).view("V16")
    return out


@dataclasses.dataclass(frozen=True)
class Resolved:
    """What clusters say about the rows of one shard.

    Attributes:
      cluster: hex of the smallest uid of each row's cluster, None for a row alone.
      duplicate_of: hex uid of the row that stays in its place, None elsewhere.
    """

    cluster: list[str | None]
    duplicate_of: list[str | None]


def apply_images(verdicts: Verdicts, outcomes: Sequence[bytes], first: int) -> Resolved:
    """Image (or policy) clusters' outcomes for one shard; the findings are added to `verdicts` too."""
    found = _outcomes(outcomes)
    rows = found["row"] - first
    bits, link = found["bits"], found["link"]
    findings = []
    for word, bit in SPREADS.items():
        mask = bits & bit > 0
        already = np.zeros(len(verdicts), bool)
        for finding in verdicts.findings:
            if finding.kind == "reason" and finding.word == word:
                already[finding.rows] = True
        mask &= ~already[rows]
        if mask.any():
            findings.append(Finding("reason", word, rows[mask], details=COPY_OF_RESERVED))
    by_picture = link & PICTURE_LINK > 0
    for word, least, chosen in (
        (reasons.DUPLICATE_IMAGE, PICTURES_AGREE, by_picture),
        (reasons.DUPLICATE_CAPTION, round(CAPTIONS_AGREE / PERMUTATIONS, 4), ~by_picture),
    ):
        mask = (bits & DUPLICATE > 0) & chosen
        if mask.any():
            findings.append(Finding("reason", word, rows[mask], np.round(found["agreement"][mask].astype(np.float64), 4), least))
    copies = bits & COPY_RESERVED > 0
    if copies.any():
        findings.append(Finding("flag", reasons.RESERVED_COPY_EXISTS, rows[copies]))
    unreadable = verdicts.unreadable
    findings = [
        narrowed(finding, ~unreadable[finding.rows]) if finding.word not in reasons.BINDING and unreadable[finding.rows].any() else finding
        for finding in findings
    ]
    verdicts.findings += findings
    reserved = np.zeros(len(verdicts), bool)
    reserved[rows[bits & SPREADS[reasons.OPT_OUT] > 0]] = True
    verdicts.consent[reserved] = reasons.CONSENT.index(reasons.RESERVED)
    readable = ~unreadable[rows]
    duplicate_of = _named(len(verdicts), rows[readable], found["of"][readable])
    return Resolved(_named(len(verdicts), rows, found["name"]), duplicate_of)


def apply_captions(verdicts: Verdicts, outcomes: Sequence[bytes], first: int) -> Resolved:
    """Caption clusters' outcomes for one shard; the findings are added to `verdicts` too."""
    found = _outcomes(outcomes)
    rows = found["row"] - first
    beyond = found["bits"] & DUPLICATE > 0
    if beyond.any():
        verdicts.findings.append(Finding("reason", reasons.DUPLICATE_CAPTION, rows[beyond], details="beyond max_per_caption"))
    return Resolved(_named(len(verdicts), rows, found["name"]), _named(len(verdicts), rows, found["of"]))


def by_shard(outcomes: np.ndarray, starts: np.ndarray) -> Iterator[tuple[int, bytes]]:
    """Outcomes as packed records per shard number; `starts` is the dense number of each shard's first row, ascending."""
    ordered = outcomes[np.argsort(outcomes["row"], kind="stable")]
    shard = np.searchsorted(starts, ordered["row"], side="right") - 1
    for number in np.unique(shard).tolist():
        yield number, ordered[shard == number].tobytes()


def _order(annotations: pa.RecordBatch, rows: np.ndarray) -> np.ndarray:
    """Content order of some rows, as their signatures have it: uint8[n, 16]."""
    chosen = annotations.select(["width", "height", "caption_length", "caption_id"]).take(rows)
    width, height = (chosen.column(name).fill_null(0).to_numpy().astype(np.int64) for name in ("width", "height"))
    lengths = np.minimum(chosen.column("caption_length").to_numpy().astype(np.int64), MOST_CHARACTERS)
    digests = b"".join(NO_CAPTION if found is None else found[:4] for found in chosen.column("caption_id").to_pylist())
    return order_of(width * height, lengths, digests, uid_records(annotations, rows).tobytes())


def uid_records(annotations: pa.RecordBatch, rows: np.ndarray) -> np.ndarray:
    """Raw uids of some rows of an annotation batch, V16."""
    texts = annotations.column("uid").take(rows).to_pylist()
    return np.frombuffer(bytes.fromhex("".join(texts)), "V16")


def _outcomes(packed: Sequence[bytes]) -> np.ndarray:
    found = np.frombuffer(b"".join(packed), OUTCOME)
    return found[np.argsort(found["row"], kind="stable")]


def _groups(cluster: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order by cluster, where each cluster starts in it, and for every place the number of its cluster."""
    order = np.argsort(cluster, kind="stable")
    ordered = cluster[order]
    head = np.ones(len(ordered), bool)
    head[1:] = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(head), np.cumsum(head) - 1


def _least(uids: np.ndarray, cluster: np.ndarray, starts: np.ndarray, at: np.ndarray) -> np.ndarray:
    order = np.lexsort((uids.view("S16"), cluster))
    return uids[order[starts]][at] if len(uids) else uids


def _named(n: int, rows: np.ndarray, uids: np.ndarray) -> list[str | None]:
    names: list[str | None] = [None] * n
    nobody = bytes(16)
    for row, uid in zip(rows.tolist(), uids.tolist(), strict=True):
        if uid != nobody:
            names[row] = uid.hex()
    return names
