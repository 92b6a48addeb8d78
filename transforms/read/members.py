"""What the name of a tar's member says: which sample it belongs to, and what it is.

The rule, for reader and counter alike: the longest tail of the name made of known types, upper or lower case, is the type; all before is
the key, folders included, case kept. A member with an unknown type belongs to the sample whose key stands before one of its dots, and
else is a sample of its own: nothing in a tar vanishes.
"""

import re
from collections.abc import Container
from typing import Final, Literal

PICTURES: Final = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "ppm", "pgm", "pbm"}
)
TEXTS: Final = frozenset({"txt", "text", "caption"})
FIELDS: Final = frozenset({"json"})
# Types of webdataset's decoders that no key is likely to end in. Others, `.id` or `.meta`, are found by `owner`.
OTHERS: Final = frozenset(
    {
        "cls", "cls2", "inx", "cbor", "mp", "msg", "msgpack", "ten", "tb", "npy", "npz", "pt", "pth", "pyd", "pkl", "pickle", "jsonl",
        "csv", "tsv", "vtt", "srt", "transcript", "mp4", "avi", "mov", "mkv", "webm", "flac", "mp3", "wav", "m4a", "ogg", "svg", "gz",
        "bz2", "xz", "zst", "seg",
    }
)  # fmt: skip
KNOWN: Final = PICTURES | TEXTS | FIELDS | OTHERS

Kind = Literal["picture", "text", "fields", "other"]

_SYSTEM_FOLDERS = frozenset({b"__macosx", b".spotlight-v100", b".trashes", b".fseventsd", b".appledouble", b"@eadir", b"lost+found",
                             b"$recycle.bin", b"system volume information", b"@paxheader", b"paxheader", b"paxheaders"})  # fmt: skip
_SYSTEM_FILES = frozenset({b".ds_store", b"thumbs.db", b"ehthumbs.db", b"desktop.ini", b".directory", b".apdisk", b".localized", b"icon\r"})
_PAX_FOLDER = re.compile(rb"paxheaders?\.\d+")


def split_name(name: bytes) -> tuple[bytes, str]:
    """Key and type (lower case; "" where no tail is known) of a member's name.

    >>> split_name(b"dir.v1/22.05.JPG"), split_name(b"0/a.seg.png"), split_name(b"Track 2.0 (clean)"), split_name(b"txt.jpg")
    ((b'dir.v1/22.05', 'jpg'), (b'0/a', 'seg.png'), (b'Track 2.0 (clean)', ''), (b'txt', 'jpg'))
    """
    while name.startswith(b"./"):
        name = name[2:].lstrip(b"/")
    folder, slash, base = name.rpartition(b"/")
    parts = base.split(b".")
    first = len(parts)
    while first > 1 and parts[first - 1].decode("latin-1").lower() in KNOWN:
        first -= 1
    kind = b".".join(parts[first:]).decode("latin-1").lower()
    return folder + slash + b".".join(parts[:first]), kind


def kind_of(type_name: str) -> Kind:
    """What a type is: by its last part, so that `seg.png` is a picture too.

    >>> kind_of("seg.png"), kind_of("txt"), kind_of("txt.gz"), kind_of("")
    ('picture', 'text', 'other', 'other')
    """
    last = type_name.rpartition(".")[2]
    return "picture" if last in PICTURES else "text" if last in TEXTS else "fields" if last in FIELDS else "other"


def owner(name: bytes, keys: Container[bytes]) -> bytes:
    """The key of a member that is neither picture, text nor JSON: a sample whose key ends at one of its dots, else its own.

    >>> owner(b"0.clip.npy", {b"0"}), owner(b"9.clip.npy", {b"0"}), owner(b"5.xyz", set())
    (b'0', b'9.clip', b'5.xyz')
    """
    key, _ = split_name(name)
    folder, slash, base = key.rpartition(b"/")
    parts = base.split(b".")
    for length in range(len(parts), 0, -1):
        candidate = folder + slash + b".".join(parts[:length])
        if candidate in keys:
            return candidate
    return key


def is_system_file(name: bytes) -> bool:
    """Whether an operating system left a member behind: `__MACOSX/`, `._x`, `.DS_Store`, `Thumbs.db`, PaxHeader folders, ...

    >>> is_system_file(b"a/._1.jpg"), is_system_file(b"__MACOSX/1.jpg"), is_system_file(b"a/1.jpg")
    (True, True, False)
    """
    *folders, base = name.lower().split(b"/")
    if base.startswith(b"._") or base in _SYSTEM_FILES:
        return True
    return any(folder in _SYSTEM_FOLDERS or _PAX_FOLDER.fullmatch(folder) for folder in folders)
