"""The columns that match compares: `work/signatures/<shard>.<hash>.arrow`, addressed by row, of fixed width but for the last.

Arrow IPC, uncompressed, one record batch, so that a worker maps the file and touches only the pages of the column and rows it needs.
"""

import pyarrow as pa

PERMUTATIONS = 128
BANDS = 18
BAND_ROWS = 7
THUMBNAIL_SIDE = 48
DETAIL_SIDE = 96
DETAIL = 2 + DETAIL_SIDE**2 * 5 // 8  # octets: the least and the greatest level, then of every pixel four bits, then of every pixel one
CELLS_SIDE = 8
CELLS = CELLS_SIDE**2  # of which the colour is kept
CHROMA = ("cb", "cr")
PHASHES = ("plain", "plain_mirrored", "trimmed", "trimmed_mirrored")

# fmt: off
LOOKED_UP = ("whole", "unbarred", "untrimmed")  # what the views of other pictures are looked up in: in eight orientations, the last in two
PARTS = ("middle", "left", "right", "top", "bottom")  # looked up among equal parts, in two orientations
VIEWS = (
    "whole", "centre95", "centre90", "centre85", "centre80", "no_foot6", "no_foot12", "no_head6", "no_head12",
    "north_west", "north", "north_east", "west", "east", "south_west", "south", "south_east",
    "turned_left2", "turned_right2", "turned_left4", "turned_right4", "square", "unbarred", "untrimmed", *PARTS,
)
# fmt: on
SUBSETS = 2  # of the bits of a view's hash that are keys
DOUBTS = 4  # places of the least certain bits of a subset, kept for each of LOOKED_UP and PARTS
GEOMETRY = 9  # numbers

FAST_SLACK = 2  # bits: a hash of a picture decoded at reduced scale may be off by as many from one of all its pixels
PICTURES_AGREE = 0.70  # least agreement of two pictures that are the same; transforms.images.alignment says how it was chosen
CAPTIONS_AGREE = 90  # of 128 places: least estimate of the Jaccard similarity of two captions that are the same, 0.7

CAPTION_NONE = 0  # no letter and no digit: nobody's duplicate
CAPTION_EXACT = 1  # shorter than a shingle: equal or not at all
CAPTION_SHORT = 2  # character 3-grams
CAPTION_LONG = 4  # word 5-grams; 450 to 550 code points carry both bits

SIGNATURE = pa.schema(
    [
        pa.field("uid", pa.binary(16), nullable=False),
        pa.field("order", pa.binary(16), nullable=False),  # content order: smaller sorts first; see transforms.match.order
        pa.field("caption_kind", pa.uint8(), nullable=False),
        pa.field("caption_id", pa.uint64(), nullable=False),  # of the normal form
        pa.field("caption_bands", pa.binary(8 * BANDS), nullable=False),  # keys of the bands, little-endian uint64
        pa.field("caption_minhash", pa.binary(PERMUTATIONS), nullable=False),  # low 8 bits of each minimum
        pa.field("text_bands", pa.binary(8 * BANDS), nullable=False),  # the same over word 5-grams
        pa.field("text_minhash", pa.binary(PERMUTATIONS), nullable=False),
        pa.field("has_picture", pa.bool_(), nullable=False),
        pa.field("picture_id", pa.uint64(), nullable=False),  # of the bytes, or of the normalised URL where there are none
        pa.field("has_hashes", pa.bool_(), nullable=False),  # false where there are no pixels or the picture is low_detail
        pa.field("picture_hashes", pa.binary(8 * len(PHASHES)), nullable=False),
        # With `dedup.images.reach: views`, else zeros; see transforms.images.views.
        pa.field("views", pa.uint32(), nullable=False),  # bit v: the picture has view v
        pa.field("view_hashes", pa.binary(8 * len(VIEWS)), nullable=False),  # little-endian uint64
        pa.field("view_doubts", pa.binary(len(LOOKED_UP + PARTS) * SUBSETS * DOUBTS), nullable=False),  # least certain first
        pa.field("geometry", pa.binary(4 * GEOMETRY), nullable=False),  # little-endian float32
        pa.field("thumbnail", pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE), nullable=False),  # grey, trimmed
        pa.field("looks", pa.uint16(), nullable=False),  # a bit for each of transforms.images.drawn.Looks, the first lowest
        pa.field("chroma", pa.binary(len(CHROMA) * CELLS), nullable=False),  # signed octets, see transforms.images.chroma
        # Of pictures that are drawn or nearly so, else empty; see transforms.images.details. Eight octets a row where any row has one.
        pa.field("detail", pa.large_binary(), nullable=False),
    ]
)
