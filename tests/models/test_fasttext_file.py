"""A fastText file that is cut off, damaged or of another kind is refused before fastText looks at it; the error names the cure."""

import importlib.resources
import struct

import pytest

from schemas.errors import MissingError
from transforms.filters.toxicity import Toxicity
from transforms.models import fasttext_file
from transforms.models.artefacts import artefact
from transforms.models.fasttext_classifier import load

SHIPPED = (importlib.resources.files("transforms.models") / "toxicity" / "model.bin").read_bytes()
ARGUMENTS = (10, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100)  # dim to lrUpdateRate; the eighth: supervised


def dense(arguments=ARGUMENTS, labels=2, columns=1):
    """A classifier without quantisation: one word, labels, and numbers."""
    words = b"word\0" + struct.pack("<qb", 3, 0) + b"".join(b"__label__%d\0" % n + struct.pack("<qb", 1, 1) for n in range(labels))
    matrices = [b"\0" + struct.pack("<qq", rows, columns) + bytes(4 * rows * columns) for rows in (1, labels)]
    head = struct.pack("<2i12id", 793712314, 12, *arguments, 1e-4)
    return head + struct.pack("<3i2q", 1 + labels, 1, labels, 4, -1) + words + b"".join(matrices)


def refusal(tmp_path, raw):
    path = tmp_path / "mine.bin"
    path.write_bytes(raw)
    with pytest.raises(MissingError, match=r"mine\.bin is no fastText classifier .*Name a \.bin or \.ftz file .*fetch it anew") as told:
        load(str(path))
    return str(told.value)


@pytest.mark.parametrize("raw", [SHIPPED, dense()], ids=["quantised", "dense"])
def test_a_whole_file_is_one(tmp_path, raw):
    (tmp_path / "whole.bin").write_bytes(raw)
    fasttext_file.check(str(tmp_path / "whole.bin"), "whole.bin")


@pytest.mark.parametrize("size", [8, 63, 64, 200, 20_000, len(SHIPPED) // 2, len(SHIPPED) - 1])
def test_a_file_that_is_cut_off_is_refused(tmp_path, size):
    """Cut in the middle fastText loads it, and nothing is toxic any more; cut in its head, the process dies."""
    assert "end too early, or are damaged" in refusal(tmp_path, SHIPPED[:size])


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "it is empty"),
        (b"short", "its beginning is another"),
        (b"PK\3\4 an archive", "its beginning is another"),
        (SHIPPED[:4] + struct.pack("<i", 13) + SHIPPED[8:], "it is of version 13, and 11 and 12 are known"),
        (dense(arguments=(*ARGUMENTS[:7], 2, *ARGUMENTS[8:])), "it holds word vectors, no classes"),
        (dense(labels=0), "are damaged"),
        (dense() + b"more", "4 bytes follow its end"),
    ],
    ids=["empty", "short", "archive", "version", "word vectors", "no labels", "longer"],
)
def test_another_file_is_refused_and_the_error_says_what_it_is(tmp_path, raw, told):
    assert told in refusal(tmp_path, raw)


def test_a_size_that_no_file_has_is_refused_before_memory_is_asked_for(tmp_path):
    whole = dense()
    at = whole.index(b"\0" + struct.pack("<qq", 1, 1)) + 1
    refusal(tmp_path, whole[:at] + struct.pack("<qq", 1 << 40, 1 << 20) + whole[at + 16 :])
    refusal(tmp_path, whole[:at] + struct.pack("<qq", -1, 1) + whole[at + 16 :])


def test_a_job_with_a_damaged_model_of_its_own_stops_before_a_row_is_read(tmp_path):
    path = tmp_path / "half.bin"
    path.write_bytes(SHIPPED[: len(SHIPPED) // 2])
    digest = artefact("half", str(path), None, "").sha256
    with pytest.raises(MissingError, match=r"half\.bin is no fastText classifier that can be read"):
        Toxicity(model=str(path), sha256=digest).models()
