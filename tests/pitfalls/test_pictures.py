"""What people ran into with pictures, as small inputs through whole runs."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.builders import encode, gif, jpeg, picture, pixels, png, sample, webp
from tests.images.side_data import chunk, exif, with_chunks
from tests.runs import run_samples

PIXELS_ARE_THERE = {"end mark gone", "zeros after", "IEND gone", "a part of IEND gone"}


def cut() -> dict[str, bytes]:
    """Pictures of which something is missing."""
    j, g, p, w, f = jpeg(300, 240, 1), png(300, 240, 2), jpeg(300, 240, 3, progressive=True), webp(300, 240, 4), gif(300, 240, 5)
    return {
        "end mark gone": j[:-2], "twenty bytes gone": j[:-20], "half": j[: len(j) // 2], "zeros after": j + bytes(1000),
        "IEND gone": g[:-12], "a part of IEND gone": g[:-8], "forty bytes gone": g[:-40], "half progressive": p[: len(p) // 2],
        "half webp": w[: len(w) // 2], "half gif": f[: len(f) // 2],
    }  # fmt: skip


def deflated_zeros(mebibytes: int) -> bytes:
    """A zlib stream of zeros, made as copies of one block so that it takes no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + block * mebibytes + b"\x03\0" + struct.pack(">I", (mebibytes << 20) % 65521 << 16 | 1)


def broken_exif(seed: int, *fault: int) -> bytes:
    """A JPEG that is turned by a quarter, and whose EXIF has an entry that cannot be read."""
    turned, broken = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0), struct.pack("<HHII", *fault)
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + turned + broken + bytes(4) + struct.pack("<ii", -1, 0)
    return jpeg(300, 240, seed, exif=block)


def two_in_one() -> bytes:
    """A JPEG whose second picture knows where it was taken."""
    second = picture(seed=12)
    second.encoderinfo = {"exif": exif()}
    return encode(picture(seed=11), "MPO", save_all=True, append_images=[second])


def upright(raw: bytes) -> bytes:
    """The same picture turned as its EXIF says, without any."""
    return encode(ImageOps.exif_transpose(Image.open(io.BytesIO(raw))), "JPEG", quality=95, exif=b"")


DIVIDED, OUTSIDE = (0x011A, 10, 1, 38), (0x8825, 4, 1, 60_000)


@pytest.fixture(scope="module")
def made():
    small, large = deflated_zeros(2), deflated_zeros(1024)
    ramp = np.broadcast_to(np.linspace(0, 255, 256).astype(np.uint8), (64, 256))
    grey = {"ramp": np.ascontiguousarray(ramp), "waves": np.ascontiguousarray(pixels(256, 64, 3)[..., 0])}
    return cut() | {
        "profile": with_chunks(png(seed=20), chunk(b"iCCP", b"a profile\0\0" + small)),
        "text": with_chunks(png(seed=21), chunk(b"zTXt", b"Comment\0\0" + small)),
        "huge profile": with_chunks(png(seed=22), chunk(b"iCCP", b"a profile\0\0" + large)),
        "huge text": with_chunks(png(seed=23), chunk(b"zTXt", b"Comment\0\0" + large)),
        "divided by zero": broken_exif(82, *DIVIDED), "past the end": broken_exif(53, *OUTSIDE),
        "upright": upright(jpeg(300, 240, 82, exif=exif())),
        "two in one": two_in_one(),
        **{f"{name} 8": encode(Image.fromarray(array), "PNG") for name, array in grey.items()},
        **{f"{name} 16": encode(Image.fromarray(array.astype(np.uint16) * 257), "PNG") for name, array in grey.items()},
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\nshowpage\n",
    }  # fmt: skip


@pytest.fixture(scope="module")
def ran(made, tmp_path_factory):
    rows = [sample(n, key=name, jpg=raw) for n, (name, raw) in enumerate(made.items())]
    return run_samples(tmp_path_factory.mktemp("pictures"), rows, {"source": {"max_unreadable": 1.0}})


@pytest.fixture(scope="module")
def measured(ran):
    return {row["key"]: row for row in ran.annotations()}


def check_cut(rows):
    assert {key for key in cut() if rows[key]["verdict"] != "unreadable"} == PIXELS_ARE_THERE
    assert {key for key in cut() if "truncated_tail" in rows[key]["flags"]} == PIXELS_ARE_THERE - {"zeros after"}


def test_a_picture_is_readable_when_all_its_pixels_are_there(ran):
    """D13"""
    check_cut(ran.by_key())


def test_a_picture_is_readable_in_exact_mode_when_it_is_in_fast(tmp_path):
    """D13"""
    rows = [sample(n, key=name, jpg=raw) for n, (name, raw) in enumerate(cut().items())]
    check_cut(run_samples(tmp_path, rows, {"source": {"max_unreadable": 1.0}, "dedup": {"images": {"mode": "exact"}}}).by_key())


@pytest.mark.parametrize("name", ["profile", "text", "huge profile", "huge text"])
def test_a_png_is_not_refused_for_its_colour_profile_or_text(ran, name):
    """D14"""
    assert ran.by_key()[name]["verdict"] == "kept"


@pytest.mark.parametrize(("name", "entry"), [("divided by zero", DIVIDED), ("past the end", OUTSIDE)])
def test_broken_exif_neither_costs_the_picture_nor_survives(ran, measured, name, entry):
    """D15"""
    assert (measured[name]["width"], measured[name]["height"]) == (240, 300)
    clean = ran.published()[name]["image"]["bytes"]
    assert ImageOps.exif_transpose(Image.open(io.BytesIO(clean))).size == (240, 300)
    assert struct.pack("<HHII", *entry) not in clean


def test_a_turned_picture_with_broken_exif_hashes_like_its_upright_copy(ran, measured):
    """D15"""
    assert (measured["divided by zero"]["phash"] ^ measured["upright"]["phash"]).bit_count() <= 4
    assert {ran.by_key()[name]["cluster"] is None for name in ("divided by zero", "upright")} == {False}


def test_the_second_picture_of_an_mpo_takes_its_position_with_it(ran, measured, made):
    """D16"""
    raw, published = made["two in one"], ran.published()["two in one"]
    clean = published["image"]["bytes"]
    assert (measured["two in one"]["format"], published["image"]["path"][-4:]) == ("jpeg", ".jpg")
    assert np.array_equal(np.array(Image.open(io.BytesIO(clean))), np.array(Image.open(io.BytesIO(raw))))
    assert (b"0012345" in raw, b"0012345" in clean) == (True, False)
    assert {struct.pack(f"{order}6I", 48, 1, 51, 1, 29, 1) in clean for order in "<>"} == {False}


def test_sixteen_bit_grey_does_not_turn_white(measured):
    """D17"""
    for name in ("ramp", "waves"):
        deep, shallow = ([measured[f"{name} {bits}"][column] for column in ("phash", "low_detail", "image_quality")] for bits in (16, 8))
        assert deep[:2] == shallow[:2]
        assert deep[2]["deviation"] == shallow[2]["deviation"] > 40
    assert measured["waves 16"]["phash"] is not None


def test_postscript_under_a_pictures_name_is_unreadable(ran):
    """D18, the verdict; that no program starts is tests/laws/test_nothing_is_executed.py"""
    row = ran.by_key()["postscript"]
    assert (row["verdict"], row["reasons"]) == ("unreadable", ["unreadable"])
    assert row["evidence"][0]["detail"]
