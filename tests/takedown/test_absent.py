"""The proof scan looks at what is really published, in every way that a list may ask for."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from schemas.job import Decode
from tests.builders import encode, jpeg, picture
from transforms.consent.list_files import Entry
from transforms.consent.lists import lists_of
from transforms.images.pdq import pdq_hash
from transforms.takedown.absent import absent


def entry(kind, value):
    return lists_of([(0, Entry(kind, value, 31 if kind == "pdq" else 4, "taken_down", "", "", "", 1))], ["list"])


@pytest.fixture
def data(tmp_path):
    """Five published rows: creators in the column and in the picture's own metadata."""
    exif = Image.Exif()
    exif[0x013B] = "Jo Example"
    pictures = [jpeg(128, 96, seed=seed) for seed in range(4)] + [encode(picture(128, 96, seed=9), "JPEG", exif=exif)]
    table = {
        "uid": [f"{n:032x}" for n in range(5)], "creator": [None, "Ann Other; Jo  Example", "jo example", "Joan Example", None],
        "image": [{"bytes": raw, "path": "x"} for raw in pictures],
    }  # fmt: skip
    pq.write_table(pa.table(table), tmp_path / "data.parquet")
    return str(tmp_path / "data.parquet")


def test_a_creator_is_found_among_others_and_in_the_pictures_own_metadata(data):
    assert absent(data, entry("creator", "JO EXAMPLE")) == (5, {"creator": 3})
    assert absent(data, entry("creator", "example")) == (5, Counter(creator=0))


def test_a_pdq_hash_is_looked_for_in_the_pictures_themselves(data):
    pytest.importorskip("pdqhash", reason="needs the extra pdq")
    near = pdq_hash(jpeg(128, 96, seed=2, quality=60), Decode())
    assert absent(data, entry("pdq", near.hex())) == (5, {"pdq": 1})
    assert absent(data, entry("pdq", "f0" * 32)) == (5, Counter(pdq=0))
