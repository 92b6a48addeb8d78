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


@pytest.mark.parametrize("mode", ["fast", "exact"])
def test_a_picture_is_readable_when_all_its_pixels_are_there(tmp_path, mode):
    """D13"""
    j, g, p, w, f = jpeg(300, 240, 1), png(300, 240, 2), jpeg(300, 240, 3, progressive=True), webp(300, 240, 4), gif(300, 240, 5)
    pictures = {
        "end mark gone": j[:-2], "twenty bytes gone": j[:-20], "half": j[: len(j) // 2], "zeros after": j + bytes(1000),
        "IEND gone": g[:-12], "a part of IEND gone": g[:-8], "forty bytes gone": g[:-40], "half progressive": p[: len(p) // 2],
        "half webp": w[: len(w) // 2], "half gif": f[: len(f) // 2],
    }  # fmt: skip
    rows = [sample(n, key=name, jpg=raw) for n, (name, raw) in enumerate(pictures.items())]
    ran = run_samples(tmp_path, rows, {"source": {"max_unreadable": 1.0}, "dedup": {"images": {"mode": mode}}})
    readable = {"end mark gone", "zeros after", "IEND gone", "a part of IEND gone"}
    assert {key for key, row in ran.by_key().items() if row["verdict"] != "unreadable"} == readable
    assert {key for key, row in ran.by_key().items() if "truncated_tail" in row["flags"]} == readable - {"zeros after"}


def deflated_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)), packer.flush()])


def test_a_png_is_not_refused_for_its_colour_profile_or_text(tmp_path):
    """D14"""
    sizes = (zlib.compress(bytes(1_300_000)), deflated_zeros(1 << 30))
    chunks = [chunk(kind, head + packed) for packed in sizes for kind, head in ((b"iCCP", b"a profile\0\0"), (b"zTXt", b"Comment\0\0"))]
    ran = run_samples(tmp_path, [sample(n, jpg=with_chunks(png(seed=n), chunks[n])) for n in range(4)])
    assert [row["verdict"] for row in ran.ledger()] == ["kept"] * 4


@pytest.mark.parametrize("fault", ["a resolution that divides by zero", "a position past the end"])
def test_broken_exif_neither_costs_the_picture_nor_survives(tmp_path, fault):
    """D15"""
    turned = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    broken = struct.pack("<HHII", 0x011A, 10, 1, 38) if "zero" in fault else struct.pack("<HHII", 0x8825, 4, 1, 60_000)
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + turned + broken + bytes(4) + struct.pack("<ii", -1, 0)
    upright = io.BytesIO()
    Image.open(io.BytesIO(jpeg(300, 240, 9))).transpose(Image.Transpose.ROTATE_270).save(upright, "JPEG", quality=95)
    ran = run_samples(tmp_path, [sample(0, jpg=jpeg(300, 240, 9, exif=block)), sample(1, jpg=upright.getvalue(), width=1, caption="one")])
    first, second = ran.annotations()
    assert (first["width"], first["height"]) == (240, 300)
    assert (first["phash"] ^ second["phash"]).bit_count() <= 4
    [published] = ran.data()
    assert ran.ledger()[0]["verdict"] == "kept"
    clean = published["image"]["bytes"]
    assert ImageOps.exif_transpose(Image.open(io.BytesIO(clean))).size == (240, 300)
    assert broken not in clean


def test_the_second_picture_of_an_mpo_takes_its_position_with_it(tmp_path):
    """D16"""
    second = picture(seed=12)
    second.encoderinfo = {"exif": exif()}
    raw = encode(picture(seed=11), "MPO", save_all=True, append_images=[second])
    assert b"0012345" in raw
    ran = run_samples(tmp_path, [sample(0, jpg=raw)])
    [row], [published] = ran.annotations(), ran.data()
    clean = published["image"]["bytes"]
    assert (row["format"], published["image"]["path"][-4:]) == ("jpeg", ".jpg")
    assert np.array_equal(np.array(Image.open(io.BytesIO(clean))), np.array(Image.open(io.BytesIO(raw))))
    assert b"0012345" not in clean
    assert {struct.pack(f"{order}6I", 48, 1, 51, 1, 29, 1) in clean for order in "<>"} == {False}


def test_sixteen_bit_grey_does_not_turn_white(tmp_path):
    """D17"""
    ramp = np.broadcast_to(np.linspace(0, 255, 256).astype(np.uint8), (64, 256))
    grey = [np.ascontiguousarray(array) for array in (ramp, pixels(256, 64, 3)[..., 0])]
    files = [encode(Image.fromarray(array), "PNG") for shallow in grey for array in (shallow.astype(np.uint16) * 257, shallow)]
    ran = run_samples(tmp_path, [sample(n, jpg=file) for n, file in enumerate(files)])
    measured = [(row["phash"], row["low_detail"], row["image_quality"]["deviation"]) for row in ran.annotations()]
    assert measured[0] == measured[1]
    assert measured[2] == measured[3]
    assert measured[0][2] > 50
    assert measured[2][0] is not None


def test_postscript_under_a_pictures_name_is_unreadable(tmp_path):
    """D18, the verdict; that no program starts is tests/laws/test_nothing_is_executed.py"""
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\nshowpage\n"
    ran = run_samples(tmp_path, [sample(0, jpg=program), sample(1)], {"source": {"max_unreadable": 1.0}})
    first, second = ran.ledger()
    assert (first["verdict"], first["reasons"], second["verdict"]) == ("unreadable", ["unreadable"], "kept")
    assert first["evidence"][0]["detail"]
