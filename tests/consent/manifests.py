"""C2PA manifest stores, built in code: what the tests of content credentials read."""

import struct

from tests.images.side_data import photo, saved, segment, with_segments


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 8) + kind + payload


def superbox(label: str, *inside: bytes) -> bytes:
    return box(b"jumb", box(b"jumd", bytes(16) + b"\3" + label.encode() + b"\0") + b"".join(inside))


def cbor_text(text: str) -> bytes:
    return bytes((0x78, len(text))) + text.encode()


def cbor_map(**items: bytes) -> bytes:
    return bytes((0xA0 + len(items),)) + b"".join(cbor_text(name.replace("__", ".")) + value for name, value in items.items())


def store(*labelled: tuple[str, bytes], kind: bytes = b"cbor") -> bytes:
    """A manifest store with assertions."""
    inside = [superbox(label, box(kind, payload)) for label, payload in labelled]
    return superbox("c2pa", superbox("urn:uuid:1", superbox("c2pa.assertions", *inside)))


def use(word: str, key: str = "cawg.ai_generative_training") -> bytes:
    return cbor_map(**{key: cbor_map(use=cbor_text(word))})


CAWG = store(("cawg.training-mining", cbor_map(entries=use("notAllowed"))))


def in_jpeg(manifests: bytes, size: int = 60) -> bytes:
    """A JPEG that holds a manifest store cut over segments."""
    head, body = manifests[:8], manifests[8:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    segments = [segment(0xEB, b"JP\0\1" + struct.pack(">I", number) + head + piece) for number, piece in enumerate(pieces, 1)]
    return with_segments(saved(photo(), "JPEG"), *segments)
