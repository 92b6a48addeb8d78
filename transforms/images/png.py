"""PNG reduced to what makes its pixels: header, palette, transparency, and exactly as much image data as the picture needs.

Text, colour profiles and other chunks are never looked at, so none of them, however large or broken, can cost the picture or any time.
The image data is inflated once, no further than the picture reaches, and handed on as stored blocks.
"""

import io
import struct
import zlib
from collections.abc import Iterator

from transforms.images.header import PNG_MAGIC, PictureError, png_chunks

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples a pixel: PNG (third edition), table 8
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))  # y, x, step y, step x
_BLOCK = 1 << 16


def image_bytes(width: int, height: int, depth: int, colour: int, interlaced: int) -> int:
    """Length of the image data once inflated: a filter byte and the packed samples of every row of every pass.

    >>> image_bytes(10, 2, 8, 2, 0), image_bytes(10, 2, 1, 0, 0)
    (62, 6)
    """
    bits = depth * _CHANNELS.get(colour, 1)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sides = [(-(-(height - y) // step_y), -(-(width - x) // step_x)) for y, x, step_y, step_x in passes]
    return sum(rows * (1 + (columns * bits + 7) // 8) for rows, columns in sides if rows > 0 and columns > 0)


class BarePng(io.RawIOBase):
    """A file that reads as the same picture with nothing but its pixels, made as it is read: never more than a block in memory.

    Reading raises `PictureError` where the image data ends before the picture does.
    """

    def __init__(self, raw: bytes) -> None:
        width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", raw, 16)
        self._parts = self._pieces(raw, image_bytes(width, height, depth, colour, interlaced))
        self._ready, self._at = b"", 0

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._ready) < size:
            piece = next(self._parts, None)
            if piece is None:
                size = len(self._ready)
            else:
                self._ready += piece
        found, self._ready = self._ready[:size], self._ready[size:]
        self._at += len(found)
        return found

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Does nothing but agree: a decoder asks for the place where it already is."""
        if (offset, whence) != (self._at, io.SEEK_SET):
            raise io.UnsupportedOperation("made as it is read")
        return offset

    def _pieces(self, raw: bytes, wanted: int) -> Iterator[bytes]:
        yield PNG_MAGIC
        data: list[bytes] = []
        for kind, at, length in png_chunks(raw):
            if kind in (b"IHDR", b"PLTE", b"tRNS") and not data:
                yield _chunk(kind, raw[at : at + length])
            elif kind == b"IDAT":
                data.append(raw[at : at + length])
        for block in _stored(_inflated(b"".join(data), wanted), wanted):
            yield _chunk(b"IDAT", block)
        yield _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _inflated(data: bytes, wanted: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    while wanted:
        try:
            block = inflater.decompress(data, min(wanted, _BLOCK - 1))
        except zlib.error as error:
            raise PictureError("damaged png") from error
        if not block:
            raise PictureError("truncated")
        data = inflater.unconsumed_tail
        wanted -= len(block)
        yield block


def _stored(blocks: Iterator[bytes], wanted: int) -> Iterator[bytes]:
    """A zlib stream of stored blocks (RFC 1950, RFC 1951 section 3.2.4)."""
    yield b"\x78\x01"
    check = 1
    for block in blocks:
        wanted -= len(block)
        check = zlib.adler32(block, check)
        yield struct.pack("<BHH", not wanted, len(block), len(block) ^ 0xFFFF) + block
    yield struct.pack(">I", check)
