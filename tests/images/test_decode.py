import io
import os
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from schemas.job import Decode
from tests.images.drawing import after_ihdr, chunk, encoded, photo, with_app1
from tests.shared_data import shared
from transforms.images.decode import EXTENSIONS, Picture, PictureError, decode_rgb, open_picture, sniff
from transforms.images.phash import hash_pictures

BUDGET = Decode()
MODES = ("fast", "exact")
JPEG = encoded(photo(), "JPEG", quality=90)
PROGRESSIVE = encoded(photo(), "JPEG", quality=90, progressive=True)
PNG = encoded(photo(), "PNG")


def opened(raw: bytes, mode: str = "exact") -> Picture:
    return open_picture(raw, BUDGET, mode)


def outcome(raw: bytes, mode: str) -> str:
    try:
        return " ".join(("readable", *open_picture(raw, BUDGET, mode).flags))
    except PictureError as error:
        return str(error)


def distance(one: Picture, other: Picture) -> int:
    hashes = hash_pictures([one, other]).phash
    return int(np.bitwise_count(hashes[0] ^ hashes[1]))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (JPEG, "readable"),
        (JPEG[:-1], "readable truncated_tail"),
        (JPEG[:-2], "readable truncated_tail"),
        (JPEG[:-2] + bytes(1000), "readable truncated_tail"),
        (JPEG[:-20], "truncated"),
        (JPEG[:-20] + b"\xff\xd9", "truncated"),
        (JPEG[: len(JPEG) // 2], "truncated"),
        (JPEG[:300], "truncated"),
        (JPEG + bytes(1000), "readable"),
        (PROGRESSIVE, "readable"),
        (PROGRESSIVE[:-2], "readable truncated_tail"),
        (PROGRESSIVE[: len(PROGRESSIVE) // 2], "truncated"),
        (PNG, "readable"),
        (PNG[:-12], "readable truncated_tail"),
        (PNG[:-16], "readable truncated_tail"),
        (PNG[:-200], "truncated"),
        (PNG[: len(PNG) // 2], "truncated"),
        (PNG + bytes(1000), "readable"),
    ],
)
def test_readable_is_what_has_all_its_pixels_whatever_its_end(raw, expected, mode):
    """D13"""
    assert outcome(raw, mode) == expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF", "AVIF", "PNG", "JPEG"])
def test_half_a_file_is_truncated_in_every_format(kind, mode):
    """D13"""
    raw = encoded(photo(), kind)
    assert outcome(raw, mode) == "readable"
    assert outcome(raw[: len(raw) // 2], mode) in ("truncated", f"damaged {kind.lower()}")


def test_a_gif_without_its_trailer_is_flagged_and_one_without_its_data_is_not_readable():
    """D13"""
    raw = encoded(photo(), "GIF")
    assert outcome(raw[:-1], "fast") == "readable truncated_tail"
    assert outcome(raw[:-40] + b"\0;", "fast") == "truncated"


@pytest.mark.parametrize("restarts", [1, 7])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_cut_jpeg_with_restart_marks_is_truncated_wherever_it_is_cut(share, restarts):
    """D13"""
    raw = encoded(photo(), "JPEG", restart_marker_blocks=restarts)
    assert outcome(raw, "fast") == "readable"
    assert outcome(raw[: int(share * len(raw))], "fast") == "truncated"
    assert outcome(raw[: raw.rindex(b"\xff\xd3")] + b"\xff\xd9", "fast") == "truncated"


def test_rows_that_a_finished_png_stream_lacks_are_missing_pixels():
    """D13"""
    rows = b"".join(b"\0" + bytes([7]) * 100 for _ in range(99))
    raw = (
        PNG[:8]
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert outcome(raw, "fast") == "truncated"


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(1_300_000))),
        chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(1_300_000))),
        chunk(b"iTXt", b"t\0\1\0\0\0" + zlib.compress(bytes(1_300_000))),
        chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
        b"\0\0\0\4tEXtabcd\0\0\0\0",
    ],
)
def test_a_png_is_not_refused_for_its_colour_profile_or_text(extra):
    """D14"""
    assert np.array_equal(opened(after_ihdr(PNG, extra)).grey, opened(PNG).grey)


def test_a_text_chunk_that_inflates_to_a_gigabyte_stays_cheap():
    """D14"""
    deflate = zlib.compressobj(9)
    bomb = b"".join(deflate.compress(bytes(1 << 24)) for _ in range(64)) + deflate.flush()
    raw = after_ihdr(PNG, chunk(b"zTXt", b"t\0\0" + bomb) + chunk(b"iCCP", b"p\0\0" + bomb))
    assert peak(raw) < 16 << 20


def test_a_jpeg_is_not_refused_for_its_colour_profile():
    """D14"""
    broken = JPEG[:2] + b"\xff\xe2" + struct.pack(">H", 40) + b"ICC_PROFILE\0\x09\x02" + bytes(24) + JPEG[2:]
    assert np.array_equal(opened(broken).grey, opened(JPEG).grey)


@pytest.mark.parametrize("prefix", [b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_broken_exif_does_not_cost_the_picture_and_its_orientation_holds(prefix):
    """D15, A15"""
    entries = (
        struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHII", 0x011A, 10, 1, 38) + struct.pack("<HHII", 0x8825, 4, 1, 1 << 30)
    )
    turned = opened(with_app1(JPEG, prefix + b"II*\0\x08\0\0\0\3\0" + entries + bytes(4) + struct.pack("<ii", -1, 0)))
    assert (turned.width, turned.height) == (240, 300)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(JPEG))).transpose(Image.Transpose.ROTATE_270)
    assert distance(turned, opened(encoded(upright, "PNG"))) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_width_and_height_are_as_displayed(kind, orientation):
    """A15"""
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = encoded(photo(200, 120), kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(raw))).convert("RGB")
    for mode in MODES:
        picture = opened(raw, mode)
        assert (picture.width, picture.height) == upright.size
    assert np.array_equal(np.asarray(decode_rgb(raw, BUDGET, None)), np.asarray(upright))


def test_of_two_jpegs_in_one_file_the_first_is_the_picture():
    """D16"""
    raw = encoded(photo(), "MPO", save_all=True, append_images=[photo(seed=8)])
    picture = opened(raw)
    assert picture.format == "jpeg"
    assert distance(picture, opened(encoded(photo(), "JPEG"))) == 0


def test_16_bit_grey_does_not_turn_white():
    """D17"""
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (64, 1))
    deep, plain = opened(encoded(Image.fromarray(ramp), "PNG")), opened(encoded(Image.fromarray((ramp // 257).astype(np.uint8)), "PNG"))
    assert np.array_equal(deep.grey, plain.grey)
    assert deep.deviation > 70
    assert distance(deep, plain) == 0


def test_16_bits_a_channel_are_scaled_like_16_bit_grey():
    """D17"""
    eight = np.asarray(photo(64, 40))
    rows = b"".join(b"\0" + (row.astype(np.uint16) * 257).astype(">u2").tobytes() for row in eight)
    raw = (
        PNG[:8]
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 40, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert np.array_equal(np.asarray(decode_rgb(raw, BUDGET, None)), eight)


def test_a_picture_that_would_run_a_program_is_no_picture(tmp_path, monkeypatch):
    """D18"""
    ran = tmp_path / "ran"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    raw = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\nshowpage\n"
    assert outcome(raw, "exact") == "not a picture format we open"
    assert not ran.exists()


def logo(hidden: tuple[int, int, int], mode: str = "RGBA") -> Image.Image:
    image = Image.new("RGBA", (300, 300), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 10, 290, 290), fill=(*hidden, 0))
    draw.ellipse((80, 60, 200, 240), fill=(200, 20, 20, 255))
    draw.rectangle((150, 150, 260, 200), fill=(20, 20, 200, 255))
    return image.convert(mode)


@pytest.mark.parametrize("mode", MODES)
def test_colours_nobody_sees_decide_nothing(mode):
    """A4, input 1"""
    one, other = (opened(encoded(logo(hidden), "PNG"), mode) for hidden in ((255, 255, 255), (0, 0, 0)))
    assert np.array_equal(one.grey, other.grey)
    assert distance(one, other) == 0


def test_a_black_icon_on_transparent_black_is_neither_flat_nor_like_another():
    """A4, input 2"""
    icons = []
    for draw_shape in ("ellipse", "regular"):
        image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
        draw = ImageDraw.Draw(image)
        if draw_shape == "ellipse":
            draw.ellipse((60, 60, 240, 240), fill=(0, 0, 0, 255))
        else:
            draw.polygon(((150, 40), (40, 250), (260, 250)), fill=(0, 0, 0, 255))
        icons.append(opened(encoded(image, "PNG")))
    assert min(icon.deviation for icon in icons) > 30
    assert distance(*icons) > 8


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stored", ["RGBA", "LA", "PA", "P"])
def test_a_transparent_logo_and_its_jpeg_on_white_hash_alike(stored, mode):
    """A4, input 3"""
    image = logo((0, 0, 0))
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    flat = white.convert("RGB")
    if stored == "P":
        raw = encoded(image.quantize(16), "PNG")
    elif stored == "PA":
        raw = encoded(image, "WEBP", lossless=True)
    else:
        raw = encoded(image.convert(stored), "PNG")
    jpeg = encoded(flat.convert("L").convert("RGB") if stored == "LA" else flat, "JPEG", quality=90)
    assert distance(opened(raw, mode), opened(jpeg, mode)) <= 2


def test_opaque_rgba_is_rgb():
    """A4"""
    assert np.array_equal(opened(encoded(photo().convert("RGBA"), "PNG")).grey, opened(PNG).grey)


def test_cmyk_is_converted_as_pillow_does():
    raw = encoded(photo().convert("CMYK"), "JPEG", quality=95)
    assert np.array_equal(np.asarray(decode_rgb(raw, BUDGET, None)), np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")))


@pytest.mark.parametrize("raw", [JPEG, PROGRESSIVE, PNG, encoded(photo().convert("L"), "JPEG")])
def test_exact_grey_is_that_of_pillow(raw):
    small = Image.open(io.BytesIO(raw)).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(opened(raw).small[0], np.asarray(small))


def test_only_the_first_frame_is_the_picture_and_more_are_a_flag():
    frames = [photo(64, 48), photo(64, 48, seed=8)]
    for kind in ("GIF", "PNG", "WEBP", "AVIF"):
        raw = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert outcome(raw, "exact") == "readable animated"
        assert distance(opened(raw), opened(encoded(frames[0], kind))) <= 2


def test_the_same_border_is_found_in_both_modes():
    framed = ImageOps.expand(photo(900, 700), border=90, fill="white")
    for kind in ("JPEG", "PNG"):
        raw = encoded(framed, kind)
        assert np.array_equal(opened(raw, "fast").thumbnail, opened(raw, "exact").thumbnail)


def peak(raw: bytes) -> int:
    """Python's own peak memory over opening these bytes, whatever comes of it."""
    tracemalloc.start()
    try:
        outcome(raw, "exact")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_picture_beyond_its_budget_costs_nothing():
    rows = zlib.compress(bytes(1 << 20))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0))
    bomb = PNG[:8] + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert outcome(bomb, "fast") == "too many pixels: 30000 x 30000"
    assert peak(bomb) < 1 << 20


def test_image_data_beyond_the_picture_is_not_inflated():
    deflate = zlib.compressobj(9)
    bomb = b"".join(deflate.compress(bytes(1 << 24)) for _ in range(32)) + deflate.flush()
    raw = PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0)) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")
    assert outcome(raw, "fast") == "readable"
    assert peak(raw) < 8 << 20


def test_a_progressive_jpeg_with_a_thousand_empty_scans_is_refused():
    start = PROGRESSIVE.rindex(b"\xff\xda")
    raw = PROGRESSIVE[:-2] + PROGRESSIVE[start : start + 12] * 1000 + b"\xff\xd9"
    assert outcome(raw, "fast") == "too many scans"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"<html>404</html>", "not a picture format we open"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture format we open"),
        (b"\xff\xd8\xff", "truncated"),
        (PNG[:20], "truncated"),
        (b"GIF89a", "truncated"),
        (b"BM" + bytes(60), "damaged bmp"),
        (b"II*\0" + bytes(60), "damaged tiff"),
    ],
)
def test_what_is_no_picture_is_a_reason(raw, reason):
    assert outcome(raw, "fast") == reason
    with pytest.raises(PictureError):
        decode_rgb(raw, BUDGET, None)


def test_bytes_beyond_the_budget_are_not_looked_at():
    with pytest.raises(PictureError, match="larger than max_bytes"):
        open_picture(JPEG, Decode(max_bytes=100), "fast")


def test_a_budget_above_pillows_own_limit_neither_warns_nor_changes_it():
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, 40_000
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
                assert outcome(encoded(photo(), kind), "exact") == "readable"
        assert Image.MAX_IMAGE_PIXELS == 40_000
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def test_the_grey_of_a_large_picture_is_small():
    for raw in (encoded(photo(1500, 700), "JPEG"), encoded(photo(1500, 700), "PNG"), encoded(photo(3000, 20), "PNG")):
        for mode in MODES:
            picture = opened(raw, mode)
            assert max(picture.grey.shape) < 576
            assert (picture.small.shape, picture.thumbnail.shape) == ((2, 32, 32), (48, 48))


def test_a_model_may_ask_for_a_reduced_jpeg():
    raw = encoded(photo(1600, 1200), "JPEG")
    assert decode_rgb(raw, BUDGET, 256).size == (400, 300)
    assert decode_rgb(raw, BUDGET, None).size == (1600, 1200)


def test_every_format_is_told_by_content():
    for kind, extension in EXTENSIONS.items():
        raw = encoded(photo(40, 30), kind.upper())
        assert sniff(raw) == kind
        assert opened(raw).format == kind
        assert extension.isalpha()


@pytest.mark.shared
def test_every_hostile_file_opens_or_gives_its_reason():
    opened_files = 0
    for path in sorted(shared("data", "hostile_images").rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            fast, exact = (outcome(raw, mode) for mode in MODES)
            assert fast == exact, path.name
            opened_files += fast.startswith("readable")
    assert opened_files > 900


@pytest.mark.shared
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_a_hostile_file_cut_anywhere_opens_or_gives_its_reason(cut):
    for path in sorted(shared("data", "hostile_images", "pillow").rglob("*"))[::7]:
        if path.is_file():
            raw = path.read_bytes()
            raw = raw[: int(cut * len(raw))]
            assert outcome(raw, "fast") == outcome(raw, "exact"), path.name
