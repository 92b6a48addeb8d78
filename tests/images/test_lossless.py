"""Stripping changes no pixel, orientation or profile: of every real picture that decodes, and of one file for each place data can hide."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.images.side_data import (
    EXTENSION_HEADER,
    XMP_HEADER,
    chunk,
    display_profile,
    exif,
    itxt,
    packet,
    photo,
    pixels,
    saved,
    segment,
    with_chunks,
    with_riff_chunk,
    with_segments,
    with_thumbnail,
)
from tests.shared_data import shared
from transforms.images.scrub import personal_fields, scrub

SERIAL, OWNER, PLACE = b"0012345", b"Jo Example", b"48,51.48N"
THUMBNAIL = saved(photo(16, 16), "JPEG")
PROFILE = display_profile()
GPS_PACKET = packet(exif__GPSLatitude=PLACE.decode())


def jpeg(block=None, **options):
    return saved(photo(200, 120), "JPEG", icc_profile=PROFILE, **({"exif": block} if block is not None else {}), **options)


def png(block=None):
    return saved(photo(200, 120), "PNG", icc_profile=PROFILE, **({"exif": block} if block is not None else {}))


def webp(block=None, **options):
    return saved(photo(200, 120), "WEBP", icc_profile=PROFILE, **({"exif": block} if block is not None else {}), **options)


def extended(packet_bytes):
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    told = packet(xmpNote__HasExtendedXMP=guid.decode()).replace(
        b"xmlns:aux", b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmlns:aux', 1
    )
    more = EXTENSION_HEADER + guid + len(packet_bytes).to_bytes(4, "big") + bytes(4) + packet_bytes
    return segment(0xE1, XMP_HEADER + told) + segment(0xE1, more)


BUILT = {
    "jpeg, gps": (jpeg(exif(serial=None)), [], "gps"),
    "jpeg, serial": (jpeg(exif(gps=False)), [SERIAL], "serial_number"),
    "jpeg, owner": (jpeg(exif(gps=False, serial=None, owner=OWNER.decode())), [OWNER], "owner"),
    "jpeg, thumbnail": (
        jpeg(b"Exif\0\0" + with_thumbnail(exif(gps=False, serial=None).tobytes().removeprefix(b"Exif\0\0"), THUMBNAIL)),
        [THUMBNAIL],
        "thumbnail",
    ),
    "jpeg, gps in xmp": (jpeg(xmp=GPS_PACKET), [PLACE], "gps"),
    "jpeg, gps in extended xmp": (with_segments(jpeg(), extended(GPS_PACKET)), [PLACE], "gps"),
    "jpeg, progressive": (jpeg(exif(), progressive=True), [SERIAL], "gps"),
    "jpeg, serial in a comment": (jpeg(comment=b"serial number 0012345"), [SERIAL], "serial_number"),
    "png, eXIf": (png(exif(owner=OWNER.decode())), [SERIAL, OWNER], "gps"),
    "png, iTXt": (with_chunks(png(), itxt(b"XML:com.adobe.xmp", GPS_PACKET)), [PLACE], "gps"),
    "png, packed iTXt": (with_chunks(png(), itxt(b"XML:com.adobe.xmp", GPS_PACKET, packed=True)), [PLACE], "gps"),
    "png, tEXt": (with_chunks(png(), chunk(b"tEXt", b"exif:GPSLatitude\0" + PLACE)), [PLACE], "gps"),
    "webp, exif": (webp(exif(owner=OWNER.decode()), quality=60), [SERIAL, OWNER], "gps"),
    "webp, lossless, xmp": (webp(xmp=GPS_PACKET, lossless=True), [PLACE], "gps"),
    "webp, unknown chunk": (with_riff_chunk(webp(exif()), b"JUNK", OWNER), [SERIAL, OWNER], "gps"),
    "mpo": (saved(photo(), "MPO", exif=exif(), save_all=True, append_images=[photo(30, 30)]), [SERIAL], "gps"),
}  # fmt: skip


def shown(raw):
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize(("raw", "gone", "word"), BUILT.values(), ids=BUILT)
def test_what_is_personal_leaves_every_place_and_nothing_that_is_shown_changes(raw, gone, word):
    done = scrub(raw)
    assert word in done.removed
    assert personal_fields(done.image) == ()
    assert scrub(done.image).removed == ()
    for hidden in gone:
        assert hidden not in done.image
    assert np.array_equal(shown(done.image), shown(raw))
    assert pixels(done.image)[2] == pixels(raw)[2][: len(pixels(done.image)[2])]
    with Image.open(io.BytesIO(raw)) as before, Image.open(io.BytesIO(done.image)) as after:
        assert after.info.get("icc_profile") == before.info.get("icc_profile")
        assert after.getexif().get(0x0112) == before.getexif().get(0x0112)
        assert not after.getexif().get_ifd(0x8825)


@pytest.mark.shared
def test_every_real_and_hostile_picture_that_decodes_keeps_its_pixels_and_profile():
    stripped = decoded = 0
    for folder in (shared("data", "hostile_images"), shared("data", "opt_out", "c2pa_public")):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            raw = path.read_bytes()
            if not raw.startswith((b"\xff\xd8\xff", b"\x89PNG", b"RIFF")):
                continue
            done = scrub(raw)
            if done.image is raw:
                continue
            try:
                before = pixels(raw)
                upright = shown(raw)
            except Exception:  # hostile: there are no pixels, or none that Pillow dares to turn
                continue
            decoded += 1
            stripped += bool(personal_fields(raw))
            after = pixels(done.image)
            assert (after[0], after[2], after[3]) == (before[0], before[2], before[3]), path.name
            assert np.array_equal(shown(done.image), upright), path.name
            assert personal_fields(done.image) == (), path.name
    assert decoded >= 10
    assert stripped >= 1
