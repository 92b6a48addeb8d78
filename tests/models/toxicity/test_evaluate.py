import importlib.resources

import numpy as np
import pytest

from tests.shared_data import shared
from transforms.models.fasttext_classifier import load
from transforms.models.toxicity.evaluate import area, harmless, held_out, identities, innocents
from transforms.models.toxicity.sources import shown


def share_above(texts, threshold):
    model = load(str(importlib.resources.files("transforms.models.toxicity") / "model.bin"))
    return np.mean([model.probabilities(shown(text)).get("toxic", 0.0) > threshold for text in texts])


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    toxic, clean = np.array([0.9, 0.5, 0.2]), np.array([0.5, 0.1])
    assert area(toxic, clean) == pytest.approx((1 + 1 + 0.5 + 1 + 0 + 1) / 6)


def test_innocent_words_are_seldom_flagged():
    assert all(share_above(captions, 0.9) < 0.1 for _, captions in innocents())


@pytest.mark.shared
def test_abuse_that_training_never_read_is_found():
    tweets = dict(held_out(shared("data", "toxicity", "davidson").parents[1]))
    assert {name: len(texts) for name, texts in tweets.items()} == {
        "hate, all annotators agreed": 45,
        "hate": 254,
        "offensive": 3_851,
        "neither (false alarms)": 781,
    }
    assert share_above(tweets["hate, all annotators agreed"], 0.7) > 0.8
    assert share_above(tweets["hate"] + tweets["offensive"], 0.9) > 0.8
    assert share_above(tweets["neither (false alarms)"], 0.9) < 0.04


@pytest.mark.shared
def test_captions_and_neutral_sentences_about_groups_are_seldom_flagged():
    data = shared("data", "captions", "multi30k").parents[1]
    name, captions = next(harmless(data))
    assert name == "Multi30k, first 20,000"
    assert share_above(captions, 0.7) < 0.003
    assert share_above(captions, 0.9) < 0.001
    shares = [share_above(texts, 0.9) for texts in identities(data).values()]
    assert np.mean(shares) < 0.01
    assert max(shares) < 0.1
