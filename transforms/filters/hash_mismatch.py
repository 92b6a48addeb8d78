"""Compares recorded hashes of a file with its bytes: was the picture swapped since the list was made, or only written again?

A differing file hash is weak evidence: 5 to 15 % of honest downloads differ (rom1504/img2dataset#258, #198), and downloaders that resize
write every picture again. A perceptual hash that was recorded is strong evidence. What swapping does: Carlini et al., Poisoning web-scale
training datasets is practical, 2023.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.job import Phase, key
from schemas.reasons import HASH_NOT_COMPARABLE
from transforms.filters.base import Batch, Context, Filter, Finding, numbers

MEASURED = pa.struct(
    [
        ("algorithm", pa.string()),  # of the recorded file hash: sha256, sha1 or md5; null where only a perceptual hash is recorded
        ("differs", pa.bool_()),
        ("rewritten", pa.string()),  # size or type: what shows that the picture was written again; null where nothing does
        ("distance", pa.int32()),  # bits between the recorded perceptual hash and the picture's
        ("fast", pa.bool_()),  # the picture's was taken at reduced scale
    ]
)

_ALGORITHMS = {"sha256": 32, "sha1": 20, "md5": 16}  # strongest first; bytes of a digest
_PHASH_BITS = 64
_FAST_BITS = 2
_FEWEST_SEEN = 100
_TYPES = {
    "jpg": "jpeg", "jpeg": "jpeg", "jpe": "jpeg", "jfif": "jpeg", "pjpeg": "jpeg", "png": "png", "webp": "webp", "gif": "gif", "bmp": "bmp",
    "x-ms-bmp": "bmp", "tif": "tiff", "tiff": "tiff", "avif": "avif",
}  # fmt: skip
_SUFFIX = re.compile(r"[^?#]*/[^?#/]*\.([A-Za-z]{3,4})(?:[?#]|$)")


class HashMismatch(Filter):
    """Flags rows whose bytes are not those that were recorded; rejects them where a recorded perceptual hash shows another picture.

    A picture that was plainly written again (other size or type than recorded, other type than its URL's suffix says, same perceptual hash)
    is `hash_not_comparable`. So is every differing row where more than a fifth of all rows with a recorded hash differ: then the crawl was
    written again as a whole.
    """

    name: ClassVar[str] = "hash_mismatch"
    measured: ClassVar[pa.DataType] = MEASURED

    action: Literal["reject", "flag"] = key(
        Phase.JUDGE, "what a differing file hash alone does; another picture by its perceptual hash is rejected all the same", "flag"
    )
    max_differing: float = key(
        Phase.JUDGE, "share of rows with a recorded hash above which differing says nothing: the crawl was written again", 0.2, ge=0, le=1
    )
    radius: int = key(
        Phase.JUDGE, "bits a recorded perceptual hash may differ by; two more where images.mode is fast", 4, ge=0, le=_PHASH_BITS
    )

    def measure(self, batch: Batch) -> pa.StructArray:
        recorded = list(zip(*(batch.role(name) for name in _ALGORITHMS), strict=True))
        digests = list(zip(batch.sha256, batch.sha1, batch.md5, strict=True))
        phashes = zip(map(_phash, batch.role("phash")), batch.phash, strict=True)
        distances = [None if said is None or own is None else (said ^ own).bit_count() for said, own in phashes]
        rows: list[tuple[Any, ...] | None] = []
        for said, found, written, distance in zip(recorded, digests, _rewritten(batch), distances, strict=True):
            algorithm, differs = _compared(said, found)
            comparable = algorithm is not None or distance is not None
            rows.append((algorithm, differs, written, distance, batch.mode == "fast") if comparable else None)
        columns = [pa.array([None if row is None else row[place] for row in rows], field.type) for place, field in enumerate(MEASURED)]
        return pa.StructArray.from_arrays(columns, fields=list(MEASURED), mask=pa.array([row is None for row in rows], pa.bool_()))

    def count(self, measures: pa.StructArray, annotations: pa.RecordBatch) -> dict[str, int]:  # noqa: ARG002 - the measures say it all
        differs, distance = numbers(measures, "differs"), numbers(measures, "distance")
        far = distance > self._reach(measures)
        return {
            "compared": int(np.count_nonzero(~np.isnan(differs))),
            "differ": int(np.count_nonzero(differs == 1)),
            "seen": int(np.count_nonzero(~np.isnan(distance))),
            "far": int(np.count_nonzero(far & (differs != 0))),
        }

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        differs, distance, reach = numbers(measures, "differs"), numbers(measures, "distance"), self._reach(measures)
        rewritten = pc.is_valid(pc.struct_field(measures, "rewritten")).to_numpy(zero_copy_only=False)
        crawl_rewritten = _share(context.counts, "differ", "compared") > self.max_differing
        views_rewritten = (  # cut or framed as a whole, or hashes of another kind: a few rows do not tell that
            context.counts.get("seen", 0) >= _FEWEST_SEEN and _share(context.counts, "far", "seen") > self.max_differing
        )
        far = (distance > reach) & (differs != 0)
        another = far & (not views_rewritten)
        excused = rewritten | crawl_rewritten | (distance <= reach) | far
        incomparable = ~another & (((differs == 1) & excused) | far)
        suspect = (differs == 1) & ~another & ~excused
        algorithms = pc.struct_field(measures, "algorithm")
        return [
            *_finding("reason", self.reason, another, distance, reach.max(initial=self.radius), "phash", proven=True),
            *_finding("reason", self.reason, suspect, None, None, algorithms),
            *_finding("flag", HASH_NOT_COMPARABLE, incomparable, None, None, algorithms),
        ]

    def _reach(self, measures: pa.StructArray) -> np.ndarray:
        """Bits within which two perceptual hashes are one picture's, float64[n]."""
        return self.radius + _FAST_BITS * np.nan_to_num(numbers(measures, "fast"))


def _compared(recorded: tuple[Any, ...], digests: tuple[bytes | None, ...]) -> tuple[str | None, bool | None]:
    """The strongest recorded hash of a file and whether the file's own is another."""
    for (name, length), said, found in zip(_ALGORITHMS.items(), recorded, digests, strict=True):
        digest = _digest(said, length)
        if digest is not None and found is not None:
            return name, digest != found
    return None, None


def _digest(said: Any, length: int) -> bytes | None:
    """A recorded digest, written as bytes or as hex digits; None for what is none.

    >>> _digest("MD5:D41D8CD98F00B204E9800998ECF8427E", 16) == _digest(bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e"), 16)
    True
    >>> _digest("n/a", 16), _digest(None, 16)
    (None, None)
    """
    if isinstance(said, bytes) and len(said) == length:
        return said
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    if not isinstance(text, str):
        return None
    text = text.strip().rpartition(":")[2]
    return bytes.fromhex(text) if re.fullmatch(rf"[0-9A-Fa-f]{{{2 * length}}}", text) else None


def _phash(said: Any) -> int | None:
    """A recorded perceptual hash: sixteen hex digits as `imagehash` writes them, eight bytes, or an integer, signed or not.

    >>> _phash("d879f8f89b1bbf00") == _phash(0xD879F8F89B1BBF00 - 2**64) == _phash(bytes.fromhex("d879f8f89b1bbf00"))
    True
    """
    if isinstance(said, str) and re.fullmatch(r"(?:0x)?[0-9A-Fa-f]{16}", said.strip()):
        return int(said.strip(), 16)
    if isinstance(said, bytes) and len(said) == _PHASH_BITS // 8:
        return int.from_bytes(said, "big")
    if isinstance(said, int) and not isinstance(said, bool) and -(2**63) <= said < 2**64:
        return said % 2**64
    return None


def _rewritten(batch: Batch) -> Iterator[str | None]:
    """What shows that a row's picture was written again since its hash was taken: its size, its type, or nothing."""
    sizes = zip(*(batch.role(name) for name in ("original_width", "original_height", "width", "height")), strict=True)
    for picture, (*original, width, height), mime, url in zip(batch.pictures, sizes, batch.role("mime"), batch.urls, strict=True):
        if picture is None:
            yield None
            continue
        own = sorted((picture.width, picture.height))
        declared = [pair for pair in (original, [width, height]) if all(map(_is_size, pair))]
        types = [kind for kind in (_type_of(mime), _suffix_of(url)) if kind is not None]
        if any(sorted(map(int, pair)) != own for pair in declared):
            yield "size"
        else:
            yield "type" if any(kind != picture.format for kind in types) else None


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 1


def _type_of(mime: Any) -> str | None:
    """The picture format that a media type or a suffix names."""
    return _TYPES.get(mime.partition(";")[0].strip().lower().removeprefix("image/")) if isinstance(mime, str) else None


def _suffix_of(url: str | None) -> str | None:
    found = _SUFFIX.match(url or "")
    return _type_of(found[1]) if found else None


def _share(counts: Any, part: str, whole: str) -> float:
    return counts.get(part, 0) / max(counts.get(whole, 0), 1)


def _finding(
    kind: Literal["reason", "flag"],
    word: str,
    mask: np.ndarray,
    scores: np.ndarray | None,
    threshold: float | None,
    details: pa.Array | str,
    *,
    proven: bool = False,
) -> list[Finding]:
    rows = np.flatnonzero(mask)
    if not len(rows):
        return []
    told = details if isinstance(details, str) else [detail or "phash" for detail in details.take(pa.array(rows)).to_pylist()]
    return [Finding(kind, word, rows, None if scores is None else scores[rows], threshold, told, proven)]
