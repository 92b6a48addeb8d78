"""Signatures: every column of every kind of row."""

import hashlib

import numpy as np
import pytest

from schemas.signatures import BANDS, CAPTION_EXACT, CAPTION_LONG, CAPTION_NONE, CAPTION_SHORT, PERMUTATIONS, SIGNATURE
from tests.match.signed_rows import Row, photo, signed
from transforms.match.minhash import MinHasher
from transforms.match.signatures import caption_columns, kind_of
from transforms.match.texts import Texts
from transforms.text.caption import normal_form


def test_every_kind_of_row_has_every_column():
    flat = np.full((200, 200), 9, np.uint8)
    rows = [
        Row("A red kite", photo(1)),
        Row(None, flat),
        Row("x", raw=b"broken", url=b"u" * 16),
        Row("a red kite", url=b"v" * 16),
        Row("—"),
    ]
    batch = signed(rows)
    assert batch.schema == SIGNATURE
    found = batch.to_pydict()
    assert found["caption_kind"] == [CAPTION_SHORT, CAPTION_NONE, CAPTION_EXACT, CAPTION_SHORT, CAPTION_NONE]
    assert found["caption_id"][0] == found["caption_id"][3] != found["caption_id"][2] != 0
    assert found["caption_id"][1] == 0
    assert found["has_picture"] == [True, True, True, True, False]
    assert found["has_hashes"] == [True, False, False, False, False]
    assert found["picture_id"][2] == int.from_bytes(hashlib.sha256(b"broken").digest()[:8], "little"), (
        "bytes are the identity where there are any"
    )
    assert found["picture_id"][3] == int.from_bytes(b"v" * 8, "little")
    assert found["picture_hashes"][1] == bytes(32)
    assert any(found["thumbnail"][0])
    assert not any(found["thumbnail"][1])
    assert min(range(5), key=found["order"].__getitem__) == 1, "the flat picture has the most pixels"


def test_captions_keep_the_low_bits_of_their_minima():
    texts = ["a red kite over the sea", None, "ab", "word " * 120 + "end"]
    columns = caption_columns(texts)
    short, long = MinHasher().characters(Texts.of(texts[:1]))[0], MinHasher().words(texts[3:])[0]
    assert columns["caption_minhash"][0].as_py() == short.astype(np.uint8).tobytes()
    assert columns["text_minhash"][3].as_py() == long.astype(np.uint8).tobytes()
    assert columns["text_minhash"][0].as_py() == columns["caption_minhash"][3].as_py() == bytes(PERMUTATIONS)
    assert columns["caption_bands"][1].as_py() == columns["caption_bands"][2].as_py() == bytes(8 * BANDS)


def test_captions_with_other_numbers_share_nothing_where_digits_are_kept():
    """A20: nearly equal captions that mean something else."""
    texts = [f"page {n} of 12 - vintage map of paris 1878" for n in (1, 2)] + ["page 1 of 12 : a vintage map of paris 1878", "a red kite"]
    texts += [" ".join(f"{a}{b} so" for a in "abcdefghijkl" for b in "mnopqrstuvwx") + f" {n}" for n in (1, 2)]
    ignored, kept = (
        {
            name: np.array([np.frombuffer(value, np.uint8) for value in column.to_pylist()])
            for name, column in caption_columns(texts, digits).items()
            if name.endswith("_minhash")
        }
        for digits in ("ignore", "keep")
    )

    def shared(columns, name, i, j):
        return (columns[name][i] == columns[name][j]).mean()

    assert shared(ignored, "caption_minhash", 0, 1) > 0.7 < shared(ignored, "text_minhash", 4, 5)
    assert shared(kept, "caption_minhash", 0, 1) < 0.05 > shared(kept, "text_minhash", 4, 5)
    assert shared(kept, "caption_minhash", 0, 2) > 0.7
    np.testing.assert_array_equal(kept["caption_minhash"][3], ignored["caption_minhash"][3])


@pytest.mark.parametrize("reach", ["plain", "views"])
def test_a_batch_is_signed_as_its_rows_are_one_by_one_with_a_picture_or_without(reach):
    rows = [Row("a red kite", photo(1)), Row("words " * 100, photo(2)), Row(None), Row("猫が窓辺で寝ている", raw=b"z")]
    whole = signed(rows, reach)
    for i, row in enumerate(rows):
        assert signed([row], reach).to_pydict() == whole.slice(i, 1).to_pydict()
    assert signed([], reach).num_rows == 0


def test_long_texts_without_spaces_are_compared_by_characters():
    text = normal_form("天空下的红色风筝" * 100)
    assert kind_of(text) == CAPTION_SHORT
    assert kind_of("a red kite in the sky " * 25) == CAPTION_SHORT | CAPTION_LONG
    assert kind_of("a red kite in the sky " * 50) == CAPTION_LONG
    assert kind_of("x" * 449) == CAPTION_SHORT


def test_the_kind_of_every_caption_is_that_of_one_looked_at_alone():
    texts = [
        None, "", "!?", "ab", "a", "猫", "猫が", "猫が窓", "…—", "…—…", "고양이가 자고 있다", "🙂", "🙂🙂🙂", "e\u0301", "قطة",
        "a" * 449, "a b " * 120,
        "a kite " * 90, "空" * 700, "… " * 300, "- " * 300, "x" * 2_000,
    ]  # fmt: skip
    assert caption_columns(texts)["caption_kind"].to_pylist() == [kind_of(text) for text in texts]
