"""Measures the toxicity model on text it was not trained on: `python -m transforms.models.toxicity.evaluate --data FOLDER`.

Prints the table of MODEL.md: of each set, how many texts there are and what share scores above each threshold. `innocent.txt` holds
captions of our own whose words and names look bad and are not.
"""

import argparse
import collections
import csv
import gzip
import importlib.resources
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow.parquet as pq

from transforms.models.fasttext_classifier import Classifier
from transforms.models.toxicity import sources
from transforms.models.toxicity.sentences import GROUPS, WORDS

THRESHOLDS = (0.5, 0.7, 0.85, 0.9)
PHOTOS = 20_000  # lines of Multi30k; words seen in false alarms among lines 20,001 to 29,000 are in the training lists
TERMS_FROM = 100  # texts of a Jigsaw term


def held_out(data: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
    """Tweets that training never read, by class."""
    with (data / "toxicity/davidson/data/labeled_data.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if sources.first_byte(row["tweet"]) < sources.DAVIDSON_HELD_OUT]
    hate = [row for row in rows if row["class"] == "0"]
    yield "hate, all annotators agreed", [row["tweet"] for row in hate if row["hate_speech"] == row["count"]]
    yield "hate", [row["tweet"] for row in hate]
    yield "offensive", [row["tweet"] for row in rows if row["class"] == "1"]
    yield "neither (false alarms)", [row["tweet"] for row in rows if row["class"] == "2"]


def harmless(data: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
    """Captions and alt-texts: whatever scores high is a false alarm."""
    with gzip.open(data / "captions/multi30k/data/task1/raw/train.en.gz", "rt", encoding="utf-8") as file:
        yield f"Multi30k, first {PHOTOS:,}", file.read().splitlines()[:PHOTOS]
    lines = (data / "captions/flickr8k/Flickr8k.token.txt").read_text(encoding="utf-8").splitlines()
    yield "Flickr8k", [line.partition("\t")[2] for line in lines]
    alt_texts = pq.read_table(data / "captions/laion_style/tests/test_files/test_10000.parquet", columns=["TEXT"])["TEXT"]
    yield "LAION-style alt-texts, all languages", [text for text in alt_texts.to_pylist() if text]
    yield "cc3m, set aside for development", [text for text, _ in sources.read(data)["cc3m"].development]


def innocents() -> Iterator[tuple[str, list[str]]]:
    """Captions made to trip the model, parted by whether a list of harmless words that it was trained on has one of their words."""
    text = (importlib.resources.files(__package__) / "innocent.txt").read_text(encoding="utf-8")
    captions = [line for line in text.splitlines() if not line.startswith("#")]
    listed = [caption for caption in captions if any(f" {word} " in f" {sources.shown(caption)} " for word in WORDS["innocent"])]
    yield "innocent words, listed in training", listed
    yield "innocent words, not listed", sorted(set(captions) - set(listed))


def identities(data: pathlib.Path) -> dict[str, list[str]]:
    """Neutral sentences of Jigsaw's templates by the group that they name."""
    terms = {name for group in GROUPS for name in group[:2]} | {"taoist", "sikh", "spanish", "millenial", "younger", "older"}
    found: dict[str, list[str]] = collections.defaultdict(list)
    path = data / "toxicity/jigsaw_templates/archive/unintended_ml_bias/eval_datasets/bias_madlibs_77k.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["Label"] == "NOT_BAD":
                text = sources.shown(row["Text"])
                for term in terms & {*text.split(), *map(" ".join, zip(text.split(), text.split()[1:], strict=False))}:
                    found[term].append(text)
    return {term: texts for term, texts in sorted(found.items()) if len(texts) >= TERMS_FROM}


def area(toxic: np.ndarray, clean: np.ndarray) -> float:
    """Area under the ROC curve: the share of (toxic, clean) pairs in the right order, ties half."""
    ordered = np.sort(clean)
    below, up_to = np.searchsorted(ordered, toxic, "left"), np.searchsorted(ordered, toxic, "right")
    return float((below + up_to).mean() / 2 / len(clean))


def main() -> None:
    """Scores every set and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with toxicity/ and captions/")
    args = parser.parse_args()
    model = Classifier(str(importlib.resources.files(__package__) / "model.bin"))

    def scores(texts: Sequence[str]) -> np.ndarray:
        return np.array([model.probabilities(text).get("toxic", 0.0) for text in map(sources.shown, texts)])

    def print_row(name: str, found: np.ndarray) -> None:
        print(f"| {name} | {len(found):,} |", " | ".join(f"{100 * (found > threshold).mean():.2f}" for threshold in THRESHOLDS), "|")

    tweets = {name: scores(texts) for name, texts in held_out(args.data)}
    for name, found in tweets.items():
        print_row(name, found)
    bad = np.concatenate([tweets["hate"], tweets["offensive"]])
    print(f"area under the ROC curve, hate and offensive against neither: {area(bad, tweets['neither (false alarms)']):.3f}")
    for name, texts in (*harmless(args.data), *innocents()):
        print_row(name, scores(texts))
    terms = {term: scores(texts) for term, texts in identities(args.data).items()}
    for name, choose in (("mean", np.mean), ("worst", np.max)):
        shares = [choose([(found > threshold).mean() for found in terms.values()]) for threshold in THRESHOLDS]
        print(f"| Jigsaw neutral templates, {name} of {len(terms)} terms | |", " | ".join(f"{100 * share:.2f}" for share in shares), "|")


if __name__ == "__main__":
    main()
