"""The perceptual hashes by which later runs can tell copies of a row whose signatures are emptied."""

from collections.abc import Sequence

import numpy as np

from schemas.signatures import PHASHES
from transforms.match.columns import open_columns

_KEPT = [PHASHES.index(name) for name in ("plain", "plain_mirrored")]


def phashes_of(path: str, rows: Sequence[int]) -> list[list[int]]:
    """Of each row the hash of its picture as it is and in the mirror; none where they say nothing.

    Args:
      path: the signature file.
      rows: their numbers in it.

    Raises:
      InputError: it was written by another version.
    """
    columns = open_columns(path, ["has_hashes", "picture_hashes"])
    words = np.ascontiguousarray(columns["picture_hashes"][list(rows)]).view("<u8")[:, _KEPT].tolist()
    return [found if known else [] for found, known in zip(words, columns["has_hashes"][list(rows)].tolist(), strict=True)]
