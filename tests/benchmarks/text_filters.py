"""What the filters that read text find, miss and cost, on real texts.

    python -m tests.benchmarks.text_filters DATA

Prints: captions per CPU second of the toxicity filter's scoring, normal form included, beside a bare loop of fastText's `f.predict` over
the same lines; the share of captions whose language is told right, whole and cut to their first words, in any case, and how often words
of other languages are called English; precision and recall of every kind of personal data, and its false alarms among captions; and what
the lists of sexual and of violent phrases find.
"""

import argparse
import collections
import gzip
import importlib.resources
import json
import pathlib
import random
import time

import fasttext
import pyarrow as pa
import pyarrow.parquet as pq

from tests.lookalikes import lookalikes
from transforms.filters import nsfw, violence
from transforms.filters.language import UNDETERMINED, Language, determined
from transforms.filters.toxicity import Toxicity
from transforms.models.fasttext_classifier import load
from transforms.text.caption import normal_form
from transforms.text.personal_data import KINDS, find
from transforms.text.terms import HITS, find_terms, first_terms

LANGUAGES = ("en", "de", "fr", "cs")
DRAWINGS, DRAWN = 5, 2_000  # captions of each language
TIMES = 5
LOOKALIKES = 2_000  # of each family
TYPES = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "ssn", "IP_ADDRESS": "ip",
}  # fmt: skip


def multi30k(data: pathlib.Path, language: str) -> list[str]:
    """29,000 captions."""
    with gzip.open(data / f"captions/multi30k/data/task1/raw/train.{language}.gz", "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def caption_sets(data: pathlib.Path) -> dict[str, list[str]]:
    """English captions of photos and of the web."""
    laion = pq.read_table(data / "captions/laion_style/tests/test_files/test_10000.parquet", columns=["TEXT"])["TEXT"]
    flickr = (data / "captions/flickr8k/Flickr8k.token.txt").read_text(encoding="utf-8").splitlines()
    cc3m = (data / "captions/cc3m/validation_first_half.tsv").read_text(encoding="utf-8").splitlines()
    return {
        "Multi30k": multi30k(data, "en"),
        "Flickr8k": [line.partition("\t")[2] for line in flickr],
        "cc3m": [line.split("\t")[0] for line in cc3m],
        "laion_style": [text for text in laion.to_pylist() if text],
    }


def speed(captions: list[str]) -> None:
    """Scoring beside a bare loop, the best of a few rounds of each, in turn."""
    subject = Toxicity()
    predict = fasttext.load_model(str(importlib.resources.files("transforms.models.toxicity") / "model.bin")).f.predict
    lines = [subject.shown(normal_form(caption)) + "\n" for caption in captions]
    ways = {
        "bare loop of f.predict": lambda: [predict(line, 1, 0.0, "strict") for line in lines],
        "normal form and score": lambda: subject.score_texts([subject.shown(normal_form(caption)) for caption in captions]),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(TIMES):
        for name, way in ways.items():
            start = time.process_time()
            way()
            best[name] = max(best[name], len(captions) / (time.process_time() - start))
    bare, ours = best.values()
    print(f"toxicity, {len(captions):,} captions: bare loop {bare:,.0f} a CPU second, normal form and score {ours:,.0f}: {ours / bare:.2f}")


def languages(data: pathlib.Path) -> None:
    """Share of captions told right, whole and cut to their first words; und counts as wrong. Captions of fewer words are left out."""
    model = load(Language.path())
    cases = (str, str.lower, str.upper, str.title)
    print(f"language, share told right{'all':>24}{f'as drawn {DRAWINGS} times, in any case':>44}")
    for language in LANGUAGES:
        captions = multi30k(data, language)
        for words in (None, 6, 5, 4, 3):
            texts = [" ".join(caption.split()[:words]) for caption in captions if len(caption.split()) >= (words or 1)]
            right = [determined(model, normal_form(text))[0] == language for text in texts]
            shares = []
            for seed in range(DRAWINGS):
                draw = random.Random(f"{language} {words} {seed}")
                drawn = [draw.choice(cases)(text) for text in draw.sample(texts, DRAWN)]
                shares.append(sum(determined(model, normal_form(text))[0] == language for text in drawn) / DRAWN)
            cut = "whole" if words is None else f"first {words} words"
            print(f"{language}, {cut:<16}{len(texts):>9,}{sum(right) / len(texts):>17.4f}", *(f"{share:12.4f}" for share in sorted(shares)))


def english_by_mistake(data: pathlib.Path) -> None:
    """Share of words and pairs of words in other languages that are called English."""
    model = load(Language.path())
    for folder in sorted((data / "language/lingua/language-testdata").iterdir()):
        texts = [
            line
            for file in sorted(folder.glob("*.txt"))
            if file.stem != "en"
            for line in file.read_text(encoding="utf-8").splitlines()
            if line
        ]
        found = [determined(model, normal_form(text)) for text in texts]
        called = [score for label, score in found if label == "en"]
        kept = sum(label == UNDETERMINED for label, _ in found) / len(found)
        print(f"{folder.name} in other languages, {len(texts):,}: called English {len(called) / len(texts):.4f}, undetermined {kept:.4f}")


def personal_data(data: pathlib.Path, captions: dict[str, list[str]]) -> None:
    """Precision and recall by kind; a find counts that covers a marked span of its kind."""
    for file in ("data/synth_dataset_v2.json", "tests/data/generated_small.json"):
        marked, hit, told, right = (collections.Counter() for _ in range(4))
        for row in json.loads((data / "pii/presidio" / file).read_text(encoding="utf-8")):
            spans = find(row["full_text"])
            true = [(TYPES[e["entity_type"]], e["start_position"], e["end_position"]) for e in row["spans"] if e["entity_type"] in TYPES]
            marked.update(kind for kind, _, _ in true)
            hit.update(kind for kind, start, end in true if any(s.kind == kind and s.start <= start and s.end >= end for s in spans))
            told.update(span.kind for span in spans)
            right.update(s.kind for s in spans if any(k == s.kind and start < s.end and s.start < end for k, start, end in true))
        for kind in KINDS:
            recall = f"{hit[kind] / marked[kind]:.3f}" if marked[kind] else "-"
            precision = f"{right[kind] / told[kind]:.3f}" if told[kind] else "-"
            print(f"{file}: {kind:6} marked {marked[kind]:4}, recall {recall}, found {told[kind]:4}, precision {precision}")
    for name, texts in captions.items():
        found = [(span.kind, text[span.start : span.end]) for text in texts for span in find(text)]
        print(
            f"personal data in {len(texts):,} captions of {name}: {len(found)} {sorted(collections.Counter(k for k, _ in found).items())}"
        )


def things() -> None:
    """Alarms among numbers of things that look like people's, by the family that raises most."""
    alarms = {name: [span.kind for text in texts for span in find(text)] for name, texts in lookalikes(LOOKALIKES)}
    count = LOOKALIKES * len(alarms)
    kinds = collections.Counter(kind for found in alarms.values() for kind in found)
    worst = sorted(((name, len(found) / LOOKALIKES) for name, found in alarms.items() if found), key=lambda pair: -pair[1])
    told = f"{count:,} numbers of things, {len(alarms)} families"
    print(f"personal data in {told}: {sum(kinds.values())} {sorted(kinds.items())}; worst {worst[:4]}")


def phrases(captions: dict[str, list[str]]) -> None:
    """What the lists find: each line to be read by somebody."""
    for name, kind in (("sexual", nsfw), ("violent", violence)):
        for source, texts in captions.items():
            hits = pa.array([find_terms(normal_form(text), kind.TERMS) for text in texts], HITS)
            found = [text for text, term in zip(texts, first_terms(hits, kind.EXCEPTIONS), strict=True) if term]
            print(f"{name} phrases in {len(texts):,} captions of {source}: {len(found)}", *(f"\n    {text[:110]}" for text in found))


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=pathlib.Path, help="folder with captions/ and pii/")
    args = parser.parse_args()
    captions = caption_sets(args.data)
    speed(captions["Multi30k"][:20_000] + captions["laion_style"])
    languages(args.data)
    english_by_mistake(args.data)
    personal_data(args.data, captions)
    things()
    phrases(captions)


if __name__ == "__main__":
    main()
