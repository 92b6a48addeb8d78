"""Whether a file is a whole fastText classifier. Of one that is cut off fastText makes a model that knows nothing, or it dies.

Format as `FastText::loadModel` of fastText 0.9.2 reads it, version 12 and 11: magic number, arguments, dictionary, then the matrix of words
and that of labels, each dense or quantised (Joulin et al. 2016, FastText.zip).
"""

import mmap
import struct
from typing import Final

from schemas.errors import MissingError

_MAGIC: Final = 793_712_314
_VERSIONS: Final = (11, 12)
_SUPERVISED: Final = 3
_CENTROIDS: Final = 256


def check(path: str, name: str) -> None:
    """Makes sure that a file is a whole fastText classifier.

    Args:
      path: the file.
      name: how the job names it, for errors.

    Raises:
      MissingError: it is none, or a part of one; says what is wrong and what to do.
    """
    with open(path, "rb") as file:
        file.seek(0, 2)
        if file.tell() < 8:
            raise _refused(name, "it is empty" if not file.tell() else "its beginning is another")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            problem = _problem(data)
    if problem is not None:
        raise _refused(name, problem)


def _refused(name: str, problem: str) -> MissingError:
    return MissingError(
        f"{name} is no fastText classifier that can be read: {problem}. Name a .bin or .ftz file that `fasttext supervised` or "
        "`fasttext quantize` has written, or fetch it anew where it is damaged"
    )


class _Cursor:
    """Reads on from where it stands; an `IndexError` where the bytes end."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def numbers(self, form: str) -> tuple[int, ...]:
        layout = struct.Struct("<" + form)
        self.skip(layout.size)
        return layout.unpack_from(self.data, self.at - layout.size)

    def skip(self, size: int) -> None:
        if size < 0 or self.at + size > len(self.data):
            raise IndexError
        self.at += size

    def word(self) -> None:
        end = self.data.find(b"\0", self.at)
        self.skip(len(self.data) if end < 0 else end + 1 - self.at)


def _problem(data: mmap.mmap) -> str | None:
    cursor = _Cursor(data)
    magic, version = cursor.numbers("ii")
    if magic != _MAGIC:
        return "its beginning is another"
    if version not in _VERSIONS:
        return f"it is of version {version}, and {' and '.join(map(str, _VERSIONS))} are known"
    try:
        *_, kind, _, _, _, _ = cursor.numbers("12i")
        cursor.numbers("d")
        if kind != _SUPERVISED:
            return "it holds word vectors, no classes"
        _dictionary(cursor)
        for _ in range(2):
            _matrix(cursor)
    except IndexError:
        return f"its {len(data):,} bytes end too early, or are damaged"
    return None if cursor.at == len(data) else f"{len(data) - cursor.at:,} bytes follow its end"


def _dictionary(cursor: _Cursor) -> None:
    size, words, labels, _, pruned = cursor.numbers("3i2q")
    if size != words + labels or min(words, labels) < 0 or not labels or pruned < -1:
        raise IndexError
    for _ in range(size):
        cursor.word()
        cursor.numbers("qb")
    cursor.skip(8 * max(pruned, 0))


def _matrix(cursor: _Cursor) -> None:
    [quantised] = cursor.numbers("b")
    if not quantised:
        rows, columns = cursor.numbers("qq")
        cursor.skip(4 * rows * columns)
        return
    normed, rows, _, codes = cursor.numbers("bqqi")
    cursor.skip(codes)
    _centroids(cursor)
    if normed:
        cursor.skip(rows)
        _centroids(cursor)


def _centroids(cursor: _Cursor) -> None:
    dimensions, _, _, _ = cursor.numbers("4i")
    cursor.skip(4 * dimensions * _CENTROIDS)
