"""One stretch of a picture file that holds side data."""

import dataclasses
from typing import Literal

Kind = Literal[
    "exif", "exif_more", "xmp", "xmp_extension", "photoshop", "iim", "raw_profile", "text", "jfif", "thumbnail", "second_picture",
    "second_picture_index", "content_credentials", "trailer", "unparsable",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Side data between two offsets of a file; what lies between parts is the picture and stays as it is.

    Attributes:
      kind: what it holds. `exif_more` continues the EXIF before it; `second_picture_index` is of no use once that picture is gone.
      start: offset of the first byte, frame of the container included.
      end: offset after the last byte.
      payload: what is inside the frame: a TIFF structure, an XMP packet, a text.
      name: keyword of a text, or what tells an extended packet from another.
      inside: coded pixels go on behind it without a mark of their own; something must stay there, for decoders end a scan at any segment.
    """

    kind: Kind
    start: int
    end: int
    payload: bytes
    name: str = ""
    inside: bool = False
