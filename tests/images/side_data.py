"""Small pictures with side data, built in code: what the tests of metadata, scrubbing and consent feed on."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_HEADER = b"http://ns.adobe.com/xmp/extension/\0"
PLUS = 'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"'
DMI = "http://ns.useplus.org/ldf/vocab/DMI-"
PICTURE_NAMES = {1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)}


def photo(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """A picture in which every row and column differs, so that a turn or a lost pixel shows."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x * y) % 256], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(
    gps: bool = True, serial: str | None = "0012345", owner: str | None = None, orientation: int = 6, artist: str | None = None
) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "Pentax"
    if artist:
        block[0x013B] = artist
    inner = block.get_ifd(0x8769)
    if serial:
        inner[0xA431] = serial
    if owner:
        inner[0xA430] = owner
    if gps:
        block.get_ifd(0x8825).update(PICTURE_NAMES)
    return block


def with_thumbnail(block: bytes, thumbnail: bytes) -> bytes:
    """An EXIF block (after its `Exif` header) with a second directory that holds a JPEG thumbnail."""
    order = "<" if block[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", block, 4)[0]
    count = struct.unpack_from(order + "H", block, first)[0]
    link = first + 2 + 12 * count
    at = len(block) + (len(block) & 1)
    data = at + 2 + 2 * 12 + 4
    entries = struct.pack(order + "HHII", 0x0201, 4, 1, data) + struct.pack(order + "HHII", 0x0202, 4, 1, len(thumbnail))
    directory = struct.pack(order + "H", 2) + entries + struct.pack(order + "I", 0) + thumbnail
    return block[:link] + struct.pack(order + "I", at) + block[link + 4 :].ljust(at - link - 4, b"\0") + directory


def display_profile() -> bytes:
    """An ICC profile that is not the default one's bytes."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 5000)).tobytes()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """A JPEG with further segments right after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def packet(inside: str = "", **attributes: str) -> bytes:
    """An XMP packet with one description: attributes like `plus__DataMining`, elements as text."""
    spaces = (
        f'{PLUS} xmlns:tdm="http://www.w3.org/ns/tdmrep/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:exifEX="http://cipa.jp/exif/1.0/" xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"'
    )
    said = " ".join(f'{name.replace("__", ":")}="{value}"' for name, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {said}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with further chunks right after its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def itxt(keyword: bytes, text: bytes, *, packed: bool = False) -> bytes:
    return chunk(b"iTXt", keyword + b"\0" + bytes((packed, 0)) + b"\0\0" + (zlib.compress(text) if packed else text))


def with_riff_chunk(webp: bytes, kind: bytes, data: bytes) -> bytes:
    """A WebP with one more chunk at its end."""
    body = webp[8:] + kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_extension(label: int, head: bytes, blocks: bytes) -> bytes:
    parts = [blocks[at : at + 255] for at in range(0, len(blocks), 255)]
    return bytes((0x21, label)) + head + b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


def pixels(raw: bytes) -> tuple[object, ...]:
    """All that a viewer shows of a file: size, mode, pixels of every frame, profile."""
    with Image.open(io.BytesIO(raw)) as image:
        frames = []
        for number in range(getattr(image, "n_frames", 1) if image.format in ("GIF", "PNG", "WEBP") else 1):
            image.seek(number)
            frames.append(image.convert("RGBA").tobytes())
        return image.size, image.mode, frames, image.info.get("icc_profile")
