"""PDQ hashes of pictures: 256 bits that lists of known-illegal pictures are exchanged by (Meta, ThreatExchange, 2019)."""

from typing import Any, Final

import numpy as np

from schemas.errors import MissingError
from schemas.job import Decode

LEAST_QUALITY: Final = 49  # below, a hash says nothing (ThreatExchange, PDQ reference, "quality metric")
_SIDE: Final = 512  # what the reference draws a picture down to before it hashes


def load_pdq() -> Any:
    """The library.

    Raises:
      MissingError: it is not installed.
    """
    try:
        import pdqhash
    except ImportError as error:
        raise MissingError(
            "PDQ hashes need the extra pdq: pip install 'winnow-curation[pdq]'; or leave them out of the list, and opt_out.pdq false"
        ) from error
    return pdqhash


def pdq_hash(raw: bytes, budget: Decode) -> bytes | None:
    """The hash of a picture file, 32 bytes, most significant bit first; None where it cannot be decoded or says too little.

    Raises:
      MissingError: the extra `pdq` is not installed.
    """
    from transforms.images.decode import PictureError, decode_rgb  # loads compiled loops, which whoever only looks at the job does not need

    pdqhash = load_pdq()
    try:
        image = decode_rgb(raw, budget, _SIDE)
    except PictureError:
        return None
    bits, quality = pdqhash.compute(np.ascontiguousarray(image))
    return None if quality < LEAST_QUALITY else np.packbits(bits.astype(np.uint8)).tobytes()
