import csv
import re

import pytest

from tests.shared_data import shared
from transforms.models.toxicity.sources import DAVIDSON_HELD_OUT, first_byte, read, shown


def as_read(tweet):
    return shown(re.sub(r"\bRT\b", " ", tweet))


@pytest.mark.shared
def test_the_fifth_that_tests_are_made_of_is_never_read():
    data = shared("data", "toxicity", "davidson").parents[1]
    found = read(data)
    with (data / "toxicity/davidson/data/labeled_data.csv").open(encoding="utf-8", newline="") as file:
        tweets = [row["tweet"] for row in csv.DictReader(file)]
    held_out, others = ({as_read(tweet) for tweet in tweets if (first_byte(tweet) < DAVIDSON_HELD_OUT) is part} for part in (True, False))
    lines = {text for source in found.values() for text, _ in (*source.training, *source.development)}
    assert len(held_out) > 4_800
    assert not (held_out - others) & lines  # others: retweets stand on both sides
    assert {name: len(source.training) for name, source in found.items()} == {
        "davidson": 25_344,
        "edos": 18_000,
        "hatemoji": 4_728,
        "cc3m": 14_198,
    }


def test_a_text_is_shown_in_training_as_it_is_in_a_run():
    assert shown("RT @some_one &amp;amp; YOU https://a.example") == "rt & you"
