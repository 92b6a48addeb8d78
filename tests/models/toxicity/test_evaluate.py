import csv
import importlib.resources

import numpy as np
import pytest

from tests.shared_data import shared
from transforms.filters.toxicity import Toxicity
from transforms.models.evaluation import area, false_alarms_by_term
from transforms.models.fasttext_classifier import load
from transforms.models.toxicity import evaluate
from transforms.models.toxicity.evaluate import (
    HELD_OUT,
    TERMS_FROM,
    THRESHOLDS,
    group_terms,
    harmless,
    held_out,
    innocents,
    judged_by,
    labelled,
    neutral,
)  # fmt: skip
from transforms.models.toxicity.sources import shown

FOLDER = importlib.resources.files("transforms.models.toxicity")
THRESHOLD = Toxicity().max  # the one at which everything is promised


def scored(texts):
    model = load(str(FOLDER / "model.bin"))
    return np.array([model.probabilities(shown(text)).get("toxic", 0.0) for text in texts])


def share_above(texts, threshold):
    return np.mean(scored(texts) > threshold)


def test_captions_made_to_trip_the_model_are_seldom_flagged():
    found = {name: (len(captions), share_above(captions, THRESHOLD)) for name, captions in innocents()}
    assert found["innocent captions, final"][0] == 332
    assert max(share for name, (_, share) in found.items() if name.endswith(("known", "development", "final"))) <= 0.03


@pytest.mark.shared
def test_abuse_that_training_never_read_is_found():
    data = shared("data", "toxicity", "davidson").parents[1]
    tweets = dict(held_out(data))
    assert {name: len(texts) for name, texts in tweets.items()} == {
        "hate, all annotators agreed": 45,
        "hate": 254,
        "offensive": 3_851,
        "neither (false alarms)": 781,
    }
    assert share_above(tweets["hate, all annotators agreed"], 0.7) > 0.8
    assert share_above(tweets["hate"] + tweets["offensive"], THRESHOLD) >= 0.8
    assert share_above(tweets["neither (false alarms)"], THRESHOLD) < 0.04
    areas = {name: area(scored(toxic), scored(clean)) for name, toxic, clean in labelled(data)}
    assert areas["ETHOS"] > 0.7
    assert areas[HELD_OUT] > 0.96


@pytest.mark.shared
def test_the_default_is_the_greatest_threshold_that_finds_enough_of_the_held_out_abuse():
    tweets = dict(held_out(shared("data", "toxicity", "davidson").parents[1]))
    assert judged_by(scored(tweets["hate"] + tweets["offensive"])) == Toxicity().max


def test_a_promise_that_is_not_kept_is_told():
    pairs = {name: (np.array([0.95, 0.95]), np.array([0.1])) for name in (HELD_OUT, "ETHOS")}
    clean = {"Flickr8k": np.array([0.1, 0.2, 0.95]), "cc3m": np.array([0.95])}
    found = list(evaluate.promises(0.9, pairs, clean, [0.0, 0.3]))
    assert [name for name, *rest in found if not evaluate.is_kept(*rest)] == [
        "flagged, Flickr8k", "flagged, neutral sentences, mean of the groups", "flagged, neutral sentences, worst group",
    ]  # fmt: skip


@pytest.mark.shared
def test_captions_are_seldom_flagged():
    sets = harmless(shared("data", "captions", "multi30k").parents[1])
    for (name, captions), most in zip(sets, (0.001, 0.001, 0.005, 0.002), strict=True):
        assert share_above(captions[:10_000], THRESHOLD) <= most, name


@pytest.mark.shared
def test_neutral_sentences_about_groups_are_flagged_as_often_as_documents_say():
    texts = neutral(shared("data", "toxicity", "jigsaw_templates").parents[1])
    found = false_alarms_by_term(texts, scored(texts), group_terms(), THRESHOLDS, TERMS_FROM)
    with (FOLDER / "identities.csv").open(encoding="utf-8") as file:
        told = {row["term"]: [float(row[str(threshold)]) for threshold in THRESHOLDS] for row in csv.DictReader(file)}
    assert {term: [round(share, 4) for share in shares] for term, (_, shares) in found.items()} == told
    at = [shares[THRESHOLDS.index(THRESHOLD)] for shares in told.values()]
    assert np.mean(at) <= 0.05
    assert max(at) <= 0.25
