"""What follows the end of a picture: what its own side data announces is legitimate, all else is told by name."""

import io
import zipfile

import pytest
from PIL import Image

from tests.builders import encode, gif, jpeg, picture, png, webp
from transforms.images.after_end import CAMERA, PICTURES, UNANNOUNCED, UNKNOWN, VIDEO, Tail
from transforms.images.metadata import read_metadata
from transforms.images.scrub import scrub

MP4 = b"\0\0\0\x18ftypmp42" + bytes(range(1, 200))
GAIN_MAP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'
MOTION = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"/>'


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as found:
        found.writestr("run.py", "print('hello')")
    return buffer.getvalue()


def xmp(packet):
    return jpeg(xmp=packet)


def mpo():
    return encode(picture(), "MPO", save_all=True, append_images=[picture(seed=1), picture(seed=2)])


@pytest.mark.parametrize("make", [jpeg, png, gif, webp])
def test_an_archive_behind_a_picture_is_told_and_goes_from_what_is_published(make):
    """A polyglot: a picture to a decoder, an archive to an unpacker, which reads from the end."""
    bare, hidden = make(), archive()
    for between in (b"", b"\0" * 5000, b"some words "):
        raw = bare + between + hidden
        tail = read_metadata(raw).tail
        assert tail is not None
        assert (tail.holds, tail.size) == ("zip", len(between.lstrip(b"\0")) + len(hidden))
        assert scrub(raw).image == bare
        assert scrub(raw).removed == ("trailer",)
    assert read_metadata(bare).tail is None


@pytest.mark.parametrize("padding", [b"", b"\0" * 100_000, b"\r\n", b"\xff\xff", b" \n\t"])
def test_padding_is_nothing(padding):
    for make in (jpeg, png, gif, webp):
        assert read_metadata(make() + padding).tail is None


@pytest.mark.parametrize(
    ("raw", "tail"),
    [
        (jpeg() + b"%PDF-1.7 ...", Tail(12, "pdf")),
        (jpeg() + b"<?php system($_GET[0]); ?>", Tail(26, "script")),
        (png() + b"<SCRIPT>alert(1)</script>", Tail(25, "script")),
        (jpeg() + b"some text that a server added", Tail(29, UNKNOWN)),
        (jpeg() + jpeg(seed=1), Tail(len(jpeg(seed=1)), UNANNOUNCED)),
        (jpeg() + MP4, Tail(len(MP4) - 3, "video")),
    ],
)
def test_what_nothing_announces_is_told_by_its_first_bytes(raw, tail):
    assert read_metadata(raw).tail == tail


@pytest.mark.parametrize(
    ("raw", "holds"),
    [
        (mpo(), PICTURES),
        (mpo() + bytes(64), PICTURES),
        (xmp(GAIN_MAP) + jpeg(seed=1), PICTURES),
        (xmp(MOTION) + MP4, VIDEO),
        (jpeg() + bytes(10) + b"MotionPhoto_Data" + MP4 + b"SEFH\1\2SEFT", CAMERA),
        (jpeg() + b"CANON OPTIONAL DATA\0\1\2 recipe CANON OPTIONAL DATA\0", CAMERA),
    ],
)
def test_pictures_in_several_parts_and_what_cameras_leave_are_legitimate(raw, holds):
    """D16: JPEGs that are two JPEGs; Ultra HDR; motion photos."""
    tail = read_metadata(raw).tail
    assert tail is not None
    assert tail.holds == holds


def test_an_archive_behind_announced_pictures_is_no_camera_block():
    for raw in (mpo() + archive(), xmp(GAIN_MAP) + jpeg(seed=1) + archive() + b"SEFT"):
        tail = read_metadata(raw).tail
        assert tail is not None
        assert tail.holds == "zip"


def test_whatever_is_published_opens_and_ends_with_the_picture():
    raw = mpo() + archive()
    published = scrub(raw).image
    assert read_metadata(published).tail is None
    with Image.open(io.BytesIO(published)) as found:
        assert found.size == picture().size
