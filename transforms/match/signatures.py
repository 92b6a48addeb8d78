"""What match compares about a row, in fixed width: MinHash of the caption, hashes and thumbnail of the picture, identities, content order.

Captions, by their normal form:

| normal form | kind | compared by |
|---|---|---|
| absent, or without a letter or digit | `CAPTION_NONE` | nothing: it is nobody's duplicate |
| under 3 characters | `CAPTION_EXACT` | equality |
| 3 to 550 characters | `CAPTION_SHORT` | character 3-grams |
| 450 characters or more, in words | `CAPTION_LONG` | word 5-grams; up to 550 characters both |

A long text is in words where white space parts it into words of 20 characters at most on average; one that is not (Chinese, Japanese,
Thai) has too few word 5-grams to be compared by them and stays with character 3-grams at any length.
"""

import threading
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from schemas.signatures import (
    BANDS,
    CAPTION_EXACT,
    CAPTION_LONG,
    CAPTION_NONE,
    CAPTION_SHORT,
    CELLS,
    CHROMA,
    PERMUTATIONS,
    PHASHES,
    SIGNATURE,
    THUMBNAIL_SIDE,
)
from transforms.filters.base import Batch
from transforms.images.phash import Hashes
from transforms.images.views import Views
from transforms.match.detail_column import array_of
from transforms.match.minhash import CHARACTER_SEED, SHINGLE_CHARACTERS, SHINGLE_WORDS, WORD_SEED, MinHasher, band_keys, number_marks
from transforms.match.order import content_order
from transforms.match.texts import ASK, SAYS_NOTHING, Texts

Digits = Literal["ignore", "keep"]
LONG_FROM = 450
SHORT_TO = 550
MOST_CHARACTERS_A_WORD = 20

_own = threading.local()  # a table of 3-grams per thread: an engine may run several in one process


def sign(
    batch: Batch, uids: Sequence[bytes], hashes: Hashes | None, url_ids: Sequence[bytes | None], digits: Digits = "ignore"
) -> pa.RecordBatch:
    """The signatures of a batch, schema `schemas.signatures.SIGNATURE`, without the columns of its pixels where the source has none.

    Args:
      batch: the rows.
      uids: 16 bytes each.
      hashes: of `batch.pictures`; None where the source has no pictures at all.
      url_ids: at least 8 bytes of a hash of the normalised URL where that is the row's identity; counts only where a row has no bytes.
      digits: `dedup.captions.digits`.
    """
    columns = caption_columns(batch.normal_captions, digits)
    pixels = np.array([0 if picture is None else picture.width * picture.height for picture in batch.pictures], np.int64)
    identities = [digest or url for digest, url in zip(batch.sha256, url_ids, strict=True)]
    columns |= {
        "uid": _matrix(np.frombuffer(b"".join(uids), np.uint8), 16),
        "order": _matrix(content_order(pixels, batch.captions, uids), 16),
        "has_picture": pa.array([identity is not None for identity in identities], pa.bool_()),
        "picture_id": pa.array(_ids(identities)),
    }
    if hashes is not None:
        columns |= _picture_columns(batch, hashes)
    schema = pa.schema([field for field in SIGNATURE if field.name in columns])
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _picture_columns(batch: Batch, hashes: Hashes) -> dict[str, pa.Array]:
    """The columns that pixels decide."""
    usable = np.array([picture is not None for picture in batch.pictures], bool) & ~np.asarray(hashes.low_detail, bool)
    details = hashes.details.where(usable)
    return {
        "has_hashes": pa.array(usable),
        "picture_hashes": _matrix(np.where(usable[:, None], hashes.phashes, np.uint64(0)).astype("<u8"), 8 * len(PHASHES)),
        "thumbnail": _matrix(np.where(usable[:, None, None], hashes.thumbnails, np.uint8(0)), THUMBNAIL_SIDE**2),
        "looks": pa.array(np.where(usable, hashes.looks, np.uint16(0))),
        "chroma": _matrix(np.where(usable[:, None, None], hashes.chroma, np.int8(0)), len(CHROMA) * CELLS),
        "detail": array_of(details.held, details.octets),
        **_view_columns(hashes.views, usable),
    }


def _view_columns(views: Views | None, usable: np.ndarray) -> dict[str, pa.Array]:
    """Zeros where pictures are compared as they are only, and where nothing is known of a picture."""
    columns: dict[str, pa.Array] = {}
    for name in ("views", "view_hashes", "view_doubts", "geometry"):
        kind = SIGNATURE.field(name).type
        width = kind.bit_width // 8
        octets = np.zeros((len(usable), width), np.uint8)
        if views is not None:
            values = {"views": views.have, "view_hashes": views.hashes, "view_doubts": views.doubts, "geometry": views.geometry}[name]
            shape = int(usable.sum()), width // values.itemsize
            octets[usable] = values[usable].astype(values.dtype.newbyteorder("<")).reshape(shape).view(np.uint8)
        columns[name] = pa.Array.from_buffers(kind, len(usable), [None, pa.py_buffer(octets)])
    return columns


def caption_columns(texts: Sequence[str | None], digits: Digits = "ignore") -> dict[str, pa.Array]:
    """The columns of `SIGNATURE` that captions decide, from their normal forms.

    With `digits: keep` the numbers of a text go into each of its shingles, so that texts with other numbers share none. Texts without a
    digit are signed as ever.
    """
    if not hasattr(_own, "hasher"):
        _own.hasher = MinHasher()
    words = [text or "" for text in texts]
    joined = Texts.of(words)
    ids, says = joined.look()
    kinds = np.where(says == SAYS_NOTHING, CAPTION_NONE, np.where(joined.lengths < SHINGLE_CHARACTERS, CAPTION_EXACT, CAPTION_SHORT))
    for row in np.flatnonzero((says == ASK) | (joined.lengths >= LONG_FROM)).tolist():
        kinds[row] = kind_of(words[row])
    short, long = np.flatnonzero(kinds & CAPTION_SHORT), np.flatnonzero(kinds & CAPTION_LONG)
    marks = number_marks(words) if digits == "keep" else np.zeros(len(words), np.uint32)
    hasher: MinHasher = _own.hasher
    return {
        "caption_kind": pa.array(kinds.astype(np.uint8)),
        "caption_id": pa.array(ids),
        **_minhash_columns("caption", len(texts), short, hasher.characters(joined.take(short), marks[short]), CHARACTER_SEED),
        **_minhash_columns("text", len(texts), long, hasher.words([words[row] for row in long.tolist()], marks[long]), WORD_SEED),
    }


def _minhash_columns(prefix: str, n: int, rows: np.ndarray, minima: np.ndarray, seed: int) -> dict[str, pa.Array]:
    """Keys of bands and low bits of the minima of some rows of n, zeros for the others."""
    keys, low = np.zeros((n, BANDS), "<u8"), np.zeros((n, PERMUTATIONS), np.uint8)
    keys[rows], low[rows] = band_keys(minima, np.uint64(seed)), minima
    return {f"{prefix}_bands": _matrix(keys, 8 * BANDS), f"{prefix}_minhash": _matrix(low, PERMUTATIONS)}


def kind_of(text: str | None) -> int:
    """How a caption in normal form is compared: the constants of `schemas.signatures`.

    >>> [kind_of(text) for text in (None, "!!!", "ab", "a red kite", "word " * 100 + "end", "word " * 200 + "end")]
    [0, 0, 1, 2, 6, 4]
    """
    if not text or not any(map(str.isalnum, text)):
        return CAPTION_NONE
    if len(text) < SHINGLE_CHARACTERS:
        return CAPTION_EXACT
    if len(text) < LONG_FROM or text.count(" ") + 1 < max(SHINGLE_WORDS, len(text) / MOST_CHARACTERS_A_WORD):
        return CAPTION_SHORT
    return CAPTION_SHORT | CAPTION_LONG if len(text) <= SHORT_TO else CAPTION_LONG


def _ids(digests: Sequence[bytes | None]) -> np.ndarray:
    return np.frombuffer(b"".join([bytes(8) if digest is None else digest[:8] for digest in digests]), "<u8").astype(np.uint64)


def _matrix(values: np.ndarray, width: int) -> pa.Array:
    values = np.ascontiguousarray(values)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), values.nbytes // width, [None, pa.py_buffer(values)])
