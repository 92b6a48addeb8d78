"""What travels of a row to the place where its cluster meets: one packed record, made from its annotation and what was found about it.

Rows are numbered densely over all shards, in shard order.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas import reasons
from schemas.release import MOST_CHARACTERS as MOST_CARRIED
from transforms.choice import Choice, as_records
from transforms.filters.base import Filter
from transforms.match.clusters import Clusters
from transforms.match.order import MOST_CHARACTERS, order_of
from transforms.verdicts import Verdicts

Policy = Literal["image", "image_and_caption", "image_or_caption"]
ALONE = -1
NO_CAPTION = hashlib.sha256(b"").digest()[:4]
ELIGIBLE, LOCATED, GIVES = 1, 2, 32  # may stay; reserved as to its place; its caption may be published in another row
OVERLAPS = 64  # its picture is one of a benchmark
SPREADS = {word: 4 << place for place, word in enumerate(sorted(reasons.BINDING))} | {reasons.EVAL_OVERLAP: OVERLAPS}
SPREAD_MASK = sum(SPREADS.values())


def member_type(width: int) -> np.dtype:
    """The record of a row in a cluster, with a rank of so many bytes (transforms.choice)."""
    return np.dtype(
        [
            ("cluster", "<i8"),  # dense row of the leader
            ("row", "<i8"),
            ("uid", "V16"),
            ("rank", f"V{width}"),  # who stays: by rank, consent, order, uid, row
            ("consent", "u1"),
            ("order", "V16"),
            ("bits", "u1"),
            ("link", "u1"),  # with the leader; likewise `agreement`
            ("agreement", "<f4"),
            ("host", "<u8"),  # of the URL's registrable domain; 0 where there is none
            ("caption", "<u8"),  # of the normal form; 0 where there is none
            ("picture", "<u8"),  # of the bytes, or of the normalised URL where there are none; 0 where there is neither
            ("words", "<u8"),  # what its caption speaks of (transforms.text.content_words); 0 where that is not known
            ("across", "<u8"),  # among pictures, of its caption, near ones the same; among captions, of its picture; 0 where there is none
        ]
    )


def members(
    verdicts: Verdicts, found: Clusters, first: int, choice: Choice, filters: Sequence[Filter], policy: Policy, *, by_caption: bool
) -> np.ndarray:
    """Records of the rows of a shard that lie in a cluster.

    Args:
      verdicts: the shard so far.
      found: what match found about the shard: clusters, which edges to the leader hold, and how well they agree.
      first: dense row number of the shard's first row.
      choice: which copy stays.
      filters: those of the run.
      policy: which edges join rows into a cluster.
      by_caption: whether clusters of captions are meant.

    Returns:
      Records of `member_type(choice.width)`, by row.
    """
    clusters = found.caption_cluster if by_caption else found.cluster
    rows = np.flatnonzero(clusters != ALONE)
    out = np.zeros(len(rows), member_type(choice.width))
    if not len(rows):
        return out
    base = verdicts.annotations
    ranked = base.select(["source", "numbers"] if choice.columns else ["source"]).take(rows)
    out["cluster"], out["row"] = clusters[rows], rows + first
    out["link"], out["agreement"] = found.link[rows], found.agreement[rows]
    out["uid"] = uid_records(base, rows)
    out["rank"] = as_records(choice.ranks(ranked))
    out["order"] = np.ascontiguousarray(_order(base, rows)).view("V16").ravel()
    out["consent"] = verdicts.consent[rows]
    out["host"] = host_ids(base.column("domain").take(rows))
    out["caption"] = halves(base.column("normal_caption_id").take(rows))
    out["picture"] = _identities(base.select(["sha256", "url_id"]).take(rows))
    out["words"] = sketches(base)[rows]
    out["across"] = picture_ids(base, found, first, policy)[rows] if by_caption else _texts(found, rows, out["caption"])
    bits = np.where(verdicts.rejected, 0, ELIGIBLE) | np.where(verdicts.located, LOCATED, 0)
    bits |= np.where(gives_caption(verdicts, filters), GIVES, 0)
    for word, mask in verdicts.spreading.items():
        bits |= np.where(mask, SPREADS[word], 0)
    out["bits"] = bits[rows]
    return out


def _texts(found: Clusters, rows: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """What tells the captions of some rows apart: their cluster, or they themselves where they are alone."""
    return np.where(found.caption_cluster[rows] == ALONE, captions, found.caption_cluster[rows].astype(np.uint64) + np.uint64(1))


def sketches(annotations: pa.RecordBatch) -> np.ndarray:
    """What the captions of rows speak of, as `poisoning` measured it, uint64[n]; 0 where it did not, as in an earlier version."""
    at = annotations.schema.get_field_index(reasons.POISONING)
    measures = None if at < 0 else annotations.column(at)
    if measures is None or measures.type.get_field_index("words") < 0:
        return np.zeros(annotations.num_rows, np.uint64)
    return np.asarray(pc.struct_field(measures, "words").fill_null(0).to_numpy(zero_copy_only=False))


def picture_ids(annotations: pa.RecordBatch, found: Clusters, first: int, policy: Policy) -> np.ndarray:
    """What tells the pictures of a shard's rows apart, uint64[n]: their cluster, or that they are alone; 0 where none can be read.

    Where equal captions join rows too, a cluster holds many pictures; perceptual hashes tell them apart, bytes where there is none.
    """
    if policy == "image_or_caption":
        known = annotations.column("phash")
        hashes = known.fill_null(0).to_numpy(zero_copy_only=False) | np.uint64(1)
        told = np.where(known.is_valid().to_numpy(zero_copy_only=False), hashes, halves(annotations.column("sha256")))
    else:
        alone = np.arange(first, first + annotations.num_rows)
        told = np.where(found.cluster == ALONE, alone, found.cluster).astype(np.uint64) + np.uint64(1)
    return np.where(annotations.column("problem").is_valid().to_numpy(zero_copy_only=False), np.uint64(0), told)


def gives_caption(verdicts: Verdicts, filters: Sequence[Filter]) -> np.ndarray:
    """Rows whose caption may be published in the row that stands for them, bool[n].

    Nothing must speak against the row but filters that look at the picture alone (`Filter.of_picture`), no reservation may lie on it,
    personal data must have been looked for in it, and it must have a caption of at most `MOST_CARRIED` characters.
    """
    base = verdicts.annotations
    lengths = base.column("caption_length").to_numpy()
    gives = base.column("has_caption").to_numpy(zero_copy_only=False) & (lengths <= MOST_CARRIED)
    gives &= base.column("personal_data").is_valid().to_numpy(zero_copy_only=False) & ~verdicts.unreadable & ~verdicts.located
    for mask in verdicts.spreading.values():
        gives &= ~mask
    silent = {rule.reason for rule in filters if rule.of_picture}
    for finding in verdicts.findings:
        if finding.kind == "reason" and finding.word not in silent:
            gives[finding.rows] = False
    return gives


def uid_records(annotations: pa.RecordBatch, rows: np.ndarray) -> np.ndarray:
    """Raw uids of some rows of an annotation batch, V16."""
    texts = annotations.column("uid").take(rows).to_pylist()
    return np.frombuffer(bytes.fromhex("".join(texts)), "V16")


def host_of(domain: str | None) -> int:
    """The `host` of a record: the first 64 bits, little-endian, of the SHA-256 of a registrable domain."""
    return 0 if domain is None else int.from_bytes(hashlib.sha256(domain.encode("utf-8", "surrogatepass")).digest()[:8], "little")


def host_ids(domains: pa.Array) -> np.ndarray:
    """`host_of` for each registrable domain, uint64[n]."""
    known = domains.dictionary_encode()
    hashes = np.array([*(host_of(domain) for domain in known.dictionary.to_pylist()), 0], np.uint64)
    return hashes[known.indices.fill_null(len(hashes) - 1).to_numpy(zero_copy_only=False)]


def _identities(annotations: pa.RecordBatch) -> np.ndarray:
    """What tells whether pictures are the same, as their signatures have it, uint64[n]."""
    digests = annotations.column("sha256")
    known = digests.is_valid().to_numpy(zero_copy_only=False)
    return np.where(known, halves(digests), halves(annotations.column("url_id")))


def halves(digests: pa.Array) -> np.ndarray:
    """The first 64 bits, little-endian, of digests; 0 for null."""
    return np.frombuffer(b"".join(bytes(8) if found is None else found[:8] for found in digests.to_pylist()), "<u8")


def _order(annotations: pa.RecordBatch, rows: np.ndarray) -> np.ndarray:
    """Content order of some rows, as their signatures have it: uint8[n, 16]."""
    chosen = annotations.select(["width", "height", "caption_length", "caption_id"]).take(rows)
    width, height = (chosen.column(name).fill_null(0).to_numpy().astype(np.int64) for name in ("width", "height"))
    lengths = np.minimum(chosen.column("caption_length").to_numpy().astype(np.int64), MOST_CHARACTERS)
    digests = b"".join(NO_CAPTION if found is None else found[:4] for found in chosen.column("caption_id").to_pylist())
    return order_of(width * height, lengths, digests, uid_records(annotations, rows).tobytes())
