"""Trains a tiny BERT and stores it as Detoxify stores its models: for tests, and, on real texts, for measurements.

    python -m tests.benchmarks.tiny_detoxify --data FOLDER --out FOLDER

takes under ten CPU minutes with the extra `detoxify`. What it writes knows profanity as well as the tweets it saw; nobody should use it.
"""

import argparse
import csv
import hashlib
import json
import pathlib
import time

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from transforms.models.toxicity import sources
from transforms.models.toxicity.sentences import about_groups, fill

CLASSES = ("toxic", "identity_hate", "threat")
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
THREATS = ("i will", "i'm going to", "i want to", "somebody", "kill yourself", "go kill yourself")
TOKENS = 48  # of a text in training


def train(texts, labels, folder, *, vocabulary=8_000, hidden=128, epochs=2, batch=64, rate=5e-4, positions=128):
    """Trains on texts with labels (rows of 0 and 1, one per class of CLASSES); returns the path of the checkpoint."""
    tokenizer = _tokenizer(texts, vocabulary, positions)
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": hidden, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 4 * hidden}
    config = transformers.BertConfig(vocab_size=len(tokenizer), num_labels=len(CLASSES), max_position_embeddings=positions, **sizes)
    config.save_pretrained(folder)
    torch.set_num_threads(1)  # a model this small only waits for the others
    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(config)
    _fit(model, tokenizer, texts, torch.tensor(labels, dtype=torch.float32), epochs, batch, rate)
    arch = {"model_type": str(folder), "model_name": "BertForSequenceClassification", "tokenizer_name": "PreTrainedTokenizerFast"}
    config = {"arch": {"args": {**arch, "num_classes": len(CLASSES)}}, "dataset": {"args": {"classes": list(CLASSES)}}}
    torch.save({"config": config, "state_dict": model.state_dict()}, folder / "tiny.ckpt")
    return folder / "tiny.ckpt"


def _tokenizer(texts, vocabulary, positions):
    plain = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    plain.normalizer = normalizers.BertNormalizer()
    plain.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = list(SPECIAL.values())
    plain.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=vocabulary, min_frequency=2, special_tokens=special, show_progress=False)
    )
    plain.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=plain, model_max_length=positions, **SPECIAL)


def _fit(model, tokenizer, texts, labels, epochs, batch, rate):
    encoded = tokenizer(texts, truncation=True, max_length=TOKENS)["input_ids"]
    by_length = sorted(range(len(texts)), key=lambda place: len(encoded[place]))
    batches = [by_length[start : start + batch] for start in range(0, len(texts), batch)]
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / 200))
    model.train()
    for epoch in range(epochs):
        for n in sorted(range(len(batches)), key=lambda n: hashlib.blake2b(f"{epoch} {n}".encode()).digest()):
            given = tokenizer.pad({"input_ids": [encoded[place] for place in batches[n]]}, return_tensors="pt")
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**given).logits, labels[batches[n]])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            warm_up.step()
    model.eval()


def lines(data):
    """Texts and labels: tweets that are not held out, web captions, and sentences of our own about groups and persons."""
    found = []
    with (data / "toxicity/davidson/data/labeled_data.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if sources.first_byte(row["tweet"]) >= sources.DAVIDSON_HELD_OUT:
                found.append((sources.shown(row["tweet"]), (row["class"] != "2", row["class"] == "0", False)))
    found += [(text, (False, False, False)) for text, _ in sources.read(data)["cc3m"].training]
    found += [(text, (True, True, False)) for text in about_groups(hostile=True, rounds=30)]
    found += [(text, (False, False, False)) for text in about_groups(hostile=False, rounds=60)]
    found += [(text, (True, False, text.startswith(THREATS))) for text in (fill("abuse", "tiny", n) for n in range(3_000))]
    return [text for text, _ in found], [[float(value) for value in label] for _, label in found]


def main():
    """Trains on real texts and says what it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with toxicity/ and captions/")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for tiny.ckpt, its configuration and its tokenizer")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    texts, labels = lines(args.data)
    path = train(texts, labels, args.out)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(json.dumps({"lines": len(texts), "cpu_seconds": round(time.process_time()), "bytes": path.stat().st_size, "sha256": digest}))


if __name__ == "__main__":
    main()
