"""A picture is turned as Pillow turns it, whatever its EXIF is, and as it was once it is scrubbed."""

import random
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.images.side_data import exif, photo, saved, segment, with_riff_chunk, with_segments
from tests.images.test_lossless import BUILT, shown
from transforms.images.header import read_header, sniff, stated_orientation
from transforms.images.scrub import personal_fields, scrub

ORIENTATION = 0x0112
JPEG = saved(photo(), "JPEG")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of broken EXIF


def as_pillow_states(block):
    found = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found.load(block)
        except (SyntaxError, struct.error):  # no TIFF structure
            return None
        value = found.get(ORIENTATION)
    return None if value is None else next((number for number in range(1, 9) if number == value), 1)


def field(draw, order):
    tag = draw.choice((ORIENTATION, ORIENTATION, ORIENTATION, 0x010F, 0x8825))
    kind, count = draw.choice((3, 3, 3, *range(18))), draw.choice((1, 1, 1, 0, 2, 3, 1000))
    value = draw.choice((6, 8, 1, 9, 0, 26, 40, 1 << 20, (1 << 32) - 1))
    head = struct.pack(order + "HHI", tag, kind, count)
    return head + (struct.pack(order + "HH", value & 0xFFFF, 0) if draw.random() < 0.6 else struct.pack(order + "I", value))


def test_what_stands_in_exif_is_read_as_pillow_reads_it():
    draw, told = random.Random(3), set()
    for _ in range(4000):
        magic = draw.choice((b"II*\0", b"MM\0*", b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+", b"IX*\0"))
        order, number = "<" if magic[:1] == b"I" else ">", draw.randrange(1, 5)
        fields = b"".join(field(draw, order) for _ in range(number))
        tail = draw.choice((bytes(4), b"", struct.pack(order + "6I", 6, 1, 6, 1, 0, 0), struct.pack(order + "2d", 6, 8)))
        start = struct.pack(order + "IH", draw.choice((8, 8, 8, 8, 0, 200)), draw.choice((number, number, number, number + 1, 500)))
        block = b"Exif\0\0" * draw.randrange(3) + magic + start + fields + tail
        block = block[: draw.randrange(len(block) + 1)] if draw.random() < 0.1 else block
        assert stated_orientation(block) == as_pillow_states(block), block
        told.add(stated_orientation(block))
    assert told >= {None, 1, 6, 8}


def block(*entries):
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(struct.pack("<HHIHH", *entry) for entry in entries) + bytes(4)


TURNED, OUTSIDE, SERIAL = (ORIENTATION, 3, 1, 6, 0), (0x010F, 2, 9, 0, 99), (0xA431, 2, 4, 0x3332, 0x34)
WEBP = saved(photo(), "WEBP", exif=exif(), lossless=True)
FLAGS = WEBP.index(b"VP8X") + 8


def jpeg_of(*blocks):
    return with_segments(JPEG, *(segment(0xE1, b"Exif\0\0" + one) for one in blocks))


def inside_the_scan(*parts):
    at = JPEG.index(b"\xff\xda") + 300
    return JPEG[:at] + b"".join(parts) + JPEG[at:]


CASES = {
    "orientation behind a value that lies outside": (jpeg_of(block(OUTSIDE, TURNED, SERIAL)), False),
    "orientation before a value that lies outside": (jpeg_of(block(TURNED, OUTSIDE, SERIAL)), True),
    "two orientations": (jpeg_of(block((ORIENTATION, 3, 1, 1, 0), TURNED, SERIAL)), True),
    "a first block without one": (jpeg_of(block(OUTSIDE), block(TURNED, SERIAL)), False),
    "a block in two segments": (jpeg_of(block(TURNED, SERIAL)[:30], block(TURNED, SERIAL)[30:]), True),
    "a webp whose head tells of no exif": (WEBP[:FLAGS] + bytes((WEBP[FLAGS] & ~8,)) + WEBP[FLAGS + 1 :], False),
    "a webp with two blocks": (with_riff_chunk(WEBP, b"EXIF", block((ORIENTATION, 3, 1, 8, 0))), True),
    "a segment inside the scan": (inside_the_scan(segment(0xE1, b"Exif\0\0" + block(SERIAL))), False),
    "two segments inside the scan": (inside_the_scan(*[segment(0xE1, b"Exif\0\0" + block(SERIAL))] * 2), False),
    "zeros behind the first segment": (JPEG[:2] + segment(0xE0, b"who knows") + bytes(3) + JPEG[2:], False),
}


@pytest.mark.parametrize(("raw", "turned"), CASES.values(), ids=CASES)
def test_a_broken_file_is_shown_as_before(raw, turned):
    done = scrub(raw)
    assert done.removed
    assert np.array_equal(shown(done.image), shown(raw))
    assert (shown(raw).shape[:2] == (60, 40)) == turned
    for file in (raw, done.image):
        assert (read_header(file, sniff(file)).orientation == 6) == turned
    assert scrub(done.image).image is done.image


def test_a_png_that_readers_stop_reading_is_cut_there():
    animated = saved(photo(), "PNG", save_all=True, append_images=[photo().rotate(180), photo().rotate(90)])
    at = animated.index(b"fcTL", animated.index(b"IDAT"))
    raw = animated[:at] + b"fcT\0" + animated[at + 4 :]
    done = scrub(raw)
    assert done.removed == ("unparsable",)
    assert np.array_equal(shown(done.image), shown(raw))
    assert done.image.endswith(b"IEND\xaeB`\x82")
    assert scrub(done.image).image is done.image


def mutated(raw, draw):
    out = bytearray(raw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        at, how = draw.randrange(min(len(out), 4000)), draw.randrange(4)
        if how == 0:
            out[at] = draw.randrange(256)
        elif how == 1:
            del out[at : at + draw.randrange(1, 9)]
        elif how == 2:
            out[at:at] = draw.randbytes(draw.randrange(1, 9))
        else:
            out[at:at] = out[draw.randrange(len(out)) :][: draw.randrange(300)]
    return bytes(out)


def test_damaged_files_are_shown_as_before_and_scrubbing_twice_is_scrubbing_once():
    draw, seen = random.Random(5), 0
    originals = [raw for raw, _, _ in BUILT.values()]
    for number in range(400):
        raw = mutated(originals[number % len(originals)], draw)
        done = scrub(raw)
        assert scrub(done.image).image == done.image
        assert personal_fields(done.image) == ()
        try:
            before = shown(raw)
        except Exception:  # there is nothing that could be shown
            continue
        seen += 1
        assert np.array_equal(shown(done.image), before)
    assert seen > 100
