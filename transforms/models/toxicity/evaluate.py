"""Measures the toxicity model on text it was not trained on.

    python -m transforms.models.toxicity.evaluate --data FOLDER --identities CSV

Prints the tables of MODEL.md: of each set, how many texts there are and what share scores above each threshold; of sets with toxic and
other texts the area under the ROC curve; and writes the false alarms of every group that neutral sentences name to `identities.csv`, which
documents are made from. `innocent.txt` holds captions of our own whose words and names look bad and are not. Last it prints the threshold
that the model is judged by, the greatest at which it finds enough of the held-out abuse, and what is promised there; ends with 1 where a
promise is not kept.
"""

import argparse
import collections
import csv
import gzip
import importlib.resources
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow.parquet as pq

from transforms.models.evaluation import area, false_alarms_by_term
from transforms.models.fasttext_classifier import Classifier
from transforms.models.toxicity import sources
from transforms.models.toxicity.sentences import GROUPS, WORDS

THRESHOLDS = (0.5, 0.7, 0.85, 0.9)
PHOTOS = 20_000  # lines of Multi30k; words seen in false alarms among lines 20,001 to 29,000 are in the training lists
TERMS_FROM = 100  # texts of a Jigsaw term
HELD_OUT = "Davidson et al., held-out fifth"
LEAST_RECALL = 0.80  # of the held-out fifth, at the threshold that the model is judged by
MOST_FLAGGED = {"Multi30k": 0.001, "Flickr8k": 0.001, "LAION": 0.005, "innocent captions": 0.03}  # of sets that begin like this
MOST_MEGABYTES = 2.0
# Terms of Jigsaw's templates that `words/identities.txt` does not have.
OTHER_TERMS = ("taoist", "sikh", "spanish", "millenial", "younger", "older")

Labelled = tuple[str, list[str], list[str]]  # name of a set, its toxic texts, the others
Promise = tuple[str, float, str, float]  # what, measured, "at least" or "at most", the bound


def held_out(data: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
    """Tweets that training never read, by class."""
    rows = [row for row in _table(data / "toxicity/davidson/data/labeled_data.csv") if _is_held_out(row)]
    hate = [row for row in rows if row["class"] == "0"]
    yield "hate, all annotators agreed", [row["tweet"] for row in hate if row["hate_speech"] == row["count"]]
    yield "hate", [row["tweet"] for row in hate]
    yield "offensive", [row["tweet"] for row in rows if row["class"] == "1"]
    yield "neither (false alarms)", [row["tweet"] for row in rows if row["class"] == "2"]


def labelled(data: pathlib.Path) -> Iterator[Labelled]:
    """Sets with toxic and other texts, never trained on."""
    tweets = dict(held_out(data))
    yield HELD_OUT, tweets["hate"] + tweets["offensive"], tweets["neither (false alarms)"]
    ethos = list(_table(data / "toxicity/ethos/ethos/ethos_data/Ethos_Dataset_Binary.csv", ";"))
    hate = [float(row["isHate"]) >= 0.5 for row in ethos]
    yield "ETHOS", *_parted([row["comment"] for row in ethos], hate)
    validation = list(_table(data / "toxicity/hatemoji/hatemoji_validation.csv"))
    yield "HatemojiBuild, validation file", *_parted([row["text"] for row in validation], [row["label_gold"] == "1" for row in validation])
    posts = sources.read(data)["edos"].development
    yield "EDOS, development split (other abuse is labelled clean)", *_parted(*map(list, zip(*posts, strict=True)))


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
    """Captions made to trip the model, by how far they were known; the final ones also by whether a training list has a word of theirs."""
    text = (importlib.resources.files(__package__) / "innocent.txt").read_text(encoding="utf-8")
    found: dict[str, list[str]] = collections.defaultdict(list)
    for line in text.splitlines():
        if line.startswith("["):
            header = line.strip("[]")
        elif line and not line.startswith("#"):
            found[header].append(line)
    listed = {entry for name in ("innocent", "dictionary", "homonym") for entry in WORDS[name]}
    for header, captions in found.items():
        yield f"innocent captions, {header}", captions
    final = {caption: any(f" {entry} " in f" {sources.shown(caption)} " for entry in listed) for caption in found["final"]}
    for name, wanted in (("an entry of a training list in it", True), ("none", False)):
        yield f"innocent captions, final, {name}", [caption for caption, has in final.items() if has is wanted]


def neutral(data: pathlib.Path) -> list[str]:
    """Jigsaw's neutral sentences about groups, as the model sees them."""
    path = data / "toxicity/jigsaw_templates/archive/unintended_ml_bias/eval_datasets/bias_madlibs_77k.csv"
    return [sources.shown(row["Text"]) for row in _table(path) if row["Label"] == "NOT_BAD"]


def group_terms() -> list[str]:
    """Words and phrases that name groups."""
    return sorted({name for group in GROUPS for name in group[:2]}.union(OTHER_TERMS))


def main() -> None:
    """Scores every set, prints the tables and the promises, and writes the shares of the groups."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with toxicity/ and captions/")
    parser.add_argument("--model", default=str(importlib.resources.files(__package__) / "model.bin"), help="the .bin; default: what ships")
    parser.add_argument("--identities", type=pathlib.Path, required=True, help="CSV to write: false alarms by group")
    args = parser.parse_args()
    model = Classifier(args.model)

    def scores(texts: Sequence[str]) -> np.ndarray:
        return np.array([model.probabilities(text).get("toxic", 0.0) for text in map(sources.shown, texts)])

    pairs = {name: (scores(toxic), scores(clean)) for name, toxic, clean in labelled(args.data)}
    clean = {name: scores(texts) for name, texts in (*harmless(args.data), *innocents())}
    _print_sets(pairs, {**{name: scores(texts) for name, texts in held_out(args.data)}, **clean})
    texts = neutral(args.data)
    terms = false_alarms_by_term(texts, scores(texts), group_terms(), THRESHOLDS, TERMS_FROM)
    for name, choose in (("mean", np.mean), ("worst", np.max)):
        shares = choose([shares for _, shares in terms.values()], axis=0)
        print(f"| Jigsaw neutral templates, {name} of {len(terms)} terms | {len(texts):,} |", _cells(shares), "|")
    header = ",".join(["term", "texts", *map(str, THRESHOLDS)])
    lines = [",".join([term, str(count), *(f"{share:.4f}" for share in shares)]) for term, (count, shares) in terms.items()]
    args.identities.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    threshold = judged_by(pairs[HELD_OUT][0])
    print(
        f"\nthreshold {threshold}: the greatest of {', '.join(map(str, THRESHOLDS))} with a recall of {LEAST_RECALL} on the held-out fifth"
    )
    of_groups = [shares[THRESHOLDS.index(threshold)] for _, shares in terms.values()]
    size = ("megabytes of the model", pathlib.Path(args.model).stat().st_size / 1e6, "at most", MOST_MEGABYTES)
    promised = [*promises(threshold, pairs, clean, of_groups), size]
    for name, found, way, bound in promised:
        print(f"{'kept' if is_kept(found, way, bound) else 'NOT KEPT'}: {name} {found:.4f}, {way} {bound}")
    sys.exit(0 if all(is_kept(*promise[1:]) for promise in promised) else 1)


def _print_sets(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], others: Mapping[str, np.ndarray]) -> None:
    for name, (bad, good) in pairs.items():
        shares = " | ".join(f"{(bad > t).mean():.3f} / {(good > t).mean():.3f}" for t in THRESHOLDS)
        print(f"| {name} | {len(bad):,} + {len(good):,} | {area(bad, good):.3f} | {shares} |")
    for name, found in others.items():
        print(f"| {name} | {len(found):,} |", " | ".join(f"{100 * (found > threshold).mean():.2f}" for threshold in THRESHOLDS), "|")


def judged_by(held_out_abuse: np.ndarray) -> float:
    """The greatest threshold above which enough of the held-out abuse scores; the least where none is low enough.

    >>> judged_by(np.array([0.95, 0.95, 0.95, 0.95, 0.6])), judged_by(np.array([0.95, 0.8, 0.8, 0.8, 0.6]))
    (0.9, 0.7)
    """
    return max([threshold for threshold in THRESHOLDS if (held_out_abuse > threshold).mean() >= LEAST_RECALL], default=THRESHOLDS[0])


def promises(
    threshold: float, pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], clean: Mapping[str, np.ndarray], of_groups: Sequence[float]
) -> Iterator[Promise]:
    """What is promised of the scores, all at one threshold.

    Args:
      threshold: scores above it count.
      pairs: name of a set -> scores of its toxic texts, and of the others.
      clean: name of a set -> scores of texts that are not toxic.
      of_groups: share of neutral sentences above the threshold, by the group that they name.
    """
    yield f"recall, {HELD_OUT}", float((pairs[HELD_OUT][0] > threshold).mean()), "at least", LEAST_RECALL
    yield "area, ETHOS", area(*pairs["ETHOS"]), "at least", 0.70
    for name, scores in clean.items():
        for start, most in MOST_FLAGGED.items():
            if name.startswith(start):
                yield f"flagged, {name}", float((scores > threshold).mean()), "at most", most
    yield "flagged, neutral sentences, mean of the groups", float(np.mean(of_groups)), "at most", 0.05
    yield "flagged, neutral sentences, worst group", float(np.max(of_groups)), "at most", 0.25


def is_kept(found: float, way: str, bound: float) -> bool:
    """Whether a promise is kept."""
    return found >= bound if way == "at least" else found <= bound


def _cells(shares: Sequence[float]) -> str:
    return " | ".join(f"{share:.3f}" for share in shares)


def _is_held_out(row: dict[str, str]) -> bool:
    return sources.first_byte(row["tweet"]) < sources.DAVIDSON_HELD_OUT


def _parted(texts: Sequence[str], toxic: Sequence[bool]) -> tuple[list[str], list[str]]:
    pairs = list(zip(texts, toxic, strict=True))
    return [text for text, is_toxic in pairs if is_toxic], [text for text, is_toxic in pairs if not is_toxic]


def _table(path: pathlib.Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


if __name__ == "__main__":
    main()
