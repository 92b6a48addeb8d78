"""Side data is found in every container, in every form it comes in, and nothing that is broken or large gets in the way."""

import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.images.side_data import (
    EXTENSION_HEADER,
    XMP_HEADER,
    chunk,
    exif,
    gif_extension,
    itxt,
    packet,
    photo,
    saved,
    segment,
    with_chunks,
    with_riff_chunk,
    with_segments,
)
from tests.shared_data import shared
from transforms.images.metadata import read_metadata

MARKED = packet(plus__DataMining="DMI-PROHIBITED")
JPEG = saved(photo(), "JPEG")
PNG = saved(photo(), "PNG")
WEBP = saved(photo(), "WEBP", lossless=True, exif=exif())
GIF = saved(photo(mode="P"), "GIF")


def extension(guid: bytes, whole: bytes, start: int, end: int) -> bytes:
    return segment(0xE1, EXTENSION_HEADER + guid + struct.pack(">II", len(whole), start) + whole[start:end])


@pytest.mark.parametrize(
    "raw",
    [
        with_segments(JPEG, segment(0xE1, XMP_HEADER + MARKED)),
        saved(photo(), "JPEG", xmp=MARKED),
        with_chunks(PNG, itxt(b"XML:com.adobe.xmp", MARKED)),
        with_chunks(PNG, itxt(b"XML:com.adobe.xmp", MARKED, packed=True)),
        with_chunks(PNG, chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(MARKED))),
        with_chunks(PNG, chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n%8d\n" % len(MARKED) + MARKED.hex().encode() + b"\n")),
        saved(photo(), "WEBP", lossless=True, xmp=MARKED),
        with_riff_chunk(WEBP, b"XMP ", MARKED),
        saved(photo(), "TIFF", tiffinfo={700: MARKED}),
        GIF[:-1] + b"\x21\xff\x0bXMP DataXMP" + MARKED + b"\x01" + bytes(range(255, -1, -1)) + b"\0\x3b",
        GIF[:-1] + gif_extension(0xFF, b"\x0bXMP DataXMP", MARKED) + b"\x3b",
        saved(photo(64, 64), "AVIF", xmp=MARKED),
    ],
    ids=[
        "jpeg",
        "jpeg by Pillow",
        "iTXt",
        "packed iTXt",
        "zTXt",
        "raw profile",
        "webp",
        "webp, added",
        "tiff",
        "gif",
        "gif in blocks",
        "avif",
    ],
)
def test_a_packet_is_found_in_every_container(raw: bytes) -> None:
    assert [found.strip() for found in read_metadata(raw).xmp] == [MARKED]


def test_extended_xmp_is_put_together_in_the_order_of_its_offsets() -> None:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    cut = len(MARKED) // 2
    raw = with_segments(JPEG, extension(guid, MARKED, cut, len(MARKED)), extension(guid, MARKED, 0, cut))
    assert read_metadata(raw).xmp == (MARKED,)


def test_a_packet_between_two_scans_is_found() -> None:
    progressive = saved(photo(), "JPEG", progressive=True)
    second = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    second = progressive.rindex(b"\xff\xc4", 0, second)  # the tables of the second scan
    raw = progressive[:second] + segment(0xE1, XMP_HEADER + MARKED) + progressive[second:]
    assert read_metadata(raw).xmp == (MARKED,)


def test_the_second_picture_of_an_mpo_is_read() -> None:
    """D16."""
    raw = saved(photo(), "MPO", save_all=True, append_images=[photo(30, 30)], exif=exif(gps=False, serial=None))
    marked = raw + with_segments(JPEG, segment(0xE1, XMP_HEADER + MARKED))
    found = read_metadata(marked)
    assert found.second_picture
    assert found.xmp == (MARKED,)


def test_exif_tells_orientation_owner_position_and_who_made_the_picture() -> None:
    [found] = read_metadata(saved(photo(), "JPEG", exif=exif(owner="Jo Example", artist="Ann Author"))).exif
    assert (found.orientation, found.artist, found.owner) == (6, "Ann Author", "Jo Example")
    assert found.personal == {"gps", "serial_number", "owner"}
    assert not found.broken


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (with_segments(JPEG, segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x30jumb")), True),
        (with_chunks(PNG, chunk(b"caBX", b"\0\0\0\x30jumb")), True),
        (with_riff_chunk(WEBP, b"C2PA", b"\0\0\0\x30jumb"), True),
        (JPEG, False),
        (PNG, False),
    ],
)
def test_content_credentials_are_noticed(raw: bytes, found: bool) -> None:
    assert bool(read_metadata(raw).credentials) is found


@pytest.mark.shared
def test_content_credentials_of_real_files_are_noticed() -> None:
    files = [path for path in shared("data", "opt_out").rglob("*") if path.suffix in (".jpg", ".jpeg", ".png", ".webp")]
    assert any(read_metadata(path.read_bytes()).credentials for path in files)


def test_what_cannot_be_read_is_named_and_costs_nothing_else() -> None:
    broken = with_chunks(PNG, chunk(b"zTXt", b"Comment\0\0not zlib"), itxt(b"XML:com.adobe.xmp", MARKED))
    found = read_metadata(broken)
    assert found.unparsable == ("unparsable",)
    assert found.xmp == (MARKED,)


def test_a_text_that_inflates_to_a_gigabyte_stays_cheap() -> None:
    """D14."""
    squeezer = zlib.compressobj(9)
    bomb = b"".join([squeezer.compress(bytes(1 << 20)) for _ in range(1024)]) + squeezer.flush()
    raw = with_chunks(PNG, chunk(b"zTXt", b"Comment\0\0" + bomb), itxt(b"XML:com.adobe.xmp", MARKED))
    started = time.process_time()
    found = read_metadata(raw)
    assert time.process_time() - started < 2
    assert found.unparsable == ("unparsable",)
    assert found.xmp == (MARKED,)


def test_directories_that_point_at_each_other_end() -> None:
    loop = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)
    [found] = read_metadata(with_segments(JPEG, segment(0xE1, b"Exif\0\0" + loop))).exif
    assert found.broken


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"GIF89a", b"II*\0", b"\0\0\0\x0cftypavif", b"BM", b"%!PS-Adobe-3.0"],
)
def test_next_to_nothing_is_read_as_nothing(raw: bytes) -> None:
    """D18: no format outside the closed list is looked into."""
    assert read_metadata(raw).xmp == ()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    raw = bytearray(
        data.draw(
            st.sampled_from(
                [
                    with_segments(JPEG, segment(0xE1, XMP_HEADER + MARKED)),
                    with_chunks(PNG, itxt(b"XML:com.adobe.xmp", MARKED)),
                    WEBP,
                    GIF,
                    TIFF,
                    AVIF,
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    assert read_metadata(bytes(raw)).container in (None, "jpeg", "png", "webp", "gif", "tiff", "heif")
    assert read_metadata(bytes(raw[:cut])) is not None


TIFF = saved(photo(), "TIFF", exif=exif())
AVIF = saved(Image.new("RGB", (32, 32), "navy"), "AVIF", xmp=MARKED, exif=exif())
