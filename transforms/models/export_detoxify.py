"""Writes a Detoxify model as an ONNX file with its tokenizer, in 32 or 8 bits, and prints how its scores differ and how fast each is.

    python -m transforms.models.export_detoxify --model original --out toxic.onnx --int8 --texts captions.txt

Needs the extra `detoxify`, onnx and onnxscript; what it writes needs only onnxruntime and tokenizers (`model: toxic.onnx`).
"""

import argparse
import json
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from transforms.models import detoxify_classifier, onnx_text_classifier
from transforms.models.artefacts import artefact
from transforms.text.caption import for_toxicity, normal_form

if TYPE_CHECKING:
    from detoxify import Detoxify

PLAIN_LOOP = 200  # texts that the plain loop over `Detoxify.predict` is timed on


def export(model: "Detoxify", out: str, *, int8: bool) -> None:
    """Writes a model.

    Args:
      model: as `detoxify_classifier.load` gives it, on the processor.
      out: the .onnx to write.
      int8: whether weights, and activations while it runs, have 8 bits (dynamic quantisation).
    """
    import onnx
    import torch

    model.model.set_attn_implementation("eager")
    example = dict(model.tokenizer(["a red kite", "a kite"], return_tensors="pt", padding=True))
    free = {name: {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC} for name in example}
    with tempfile.TemporaryDirectory() as folder:
        plain, small = f"{folder}/plain.onnx", f"{folder}/small.onnx"
        torch.onnx.export(
            model.model, (), plain, kwargs=example, input_names=list(example), output_names=["logits"], dynamic_shapes=free, dynamo=True,
            external_data=False, verbose=False,
        )  # fmt: skip
        if int8:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(plain, small, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
        graph = onnx.load(small if int8 else plain)
    tokenizer = model.tokenizer.backend_tokenizer
    tokenizer.enable_truncation(model.tokenizer.model_max_length)
    told = {
        onnx_text_classifier.TOKENIZER: tokenizer.to_str(),
        onnx_text_classifier.CLASS_NAMES: json.dumps(list(model.class_names)),
        onnx_text_classifier.INT8: str(int(int8)),
    }
    onnx.helper.set_model_props(graph, told)
    onnx.save(graph, out)


def compare(model: "Detoxify", out: str, texts: Sequence[str]) -> None:
    """Prints the greatest and the mean difference of every score, and captions per CPU second of every way to ask."""
    torch_scores = detoxify_classifier.scores(model, texts)
    onnx_model = onnx_text_classifier.load(out)
    onnx_scores = onnx_model.scores(texts)
    for name, values in torch_scores.items():
        apart = np.abs(values - onnx_scores[name])
        told = f"mean difference {apart.mean():.6f}, 99 % below {np.quantile(apart, 0.99):.6f}, most {apart.max():.6f}"
        print(f"{name}: {len(apart):,} texts, {told}")
    loop = texts[:PLAIN_LOOP]
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "Detoxify.predict, one by one": (len(loop), lambda: [model.predict(text) for text in loop]),
        "torch, distinct, sorted by length": (len(texts), lambda: detoxify_classifier.scores(model, texts)),
        pathlib.Path(out).name: (len(texts), lambda: onnx_model.scores(texts)),
    }
    for name, (count, ask) in ways.items():
        start = time.process_time()
        ask()
        print(f"{name}: {count / (time.process_time() - start):,.0f} captions per CPU second")


def main() -> None:
    """Reads the arguments, writes the file, compares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help=f"{', '.join(detoxify_classifier.NAMES)}, or the path of a checkpoint")
    parser.add_argument("--sha256", help="digest that a checkpoint named by path must have: it is a pickle")
    parser.add_argument("--out", required=True, help="the .onnx to write")
    parser.add_argument("--int8", action="store_true", help="8 bits: a quarter of the size, faster, other scores")
    parser.add_argument("--texts", type=pathlib.Path, help="lines to compare scores on")
    args = parser.parse_args()
    path, leading = detoxify_classifier.checkpoint_of(args.model)
    if args.model not in detoxify_classifier.NAMES and not args.sha256:
        parser.error("--sha256 is missing: a checkpoint is a pickle, which runs code when it is read; name the digest of the one you trust")
    found = artefact(args.model, path, args.sha256 or leading, detoxify_classifier.cure_of(args.model))
    model = detoxify_classifier.load(found.path)
    export(model, args.out, int8=args.int8)
    written = artefact(args.out, args.out, None, "")
    print(f"{args.out}: {pathlib.Path(args.out).stat().st_size:,} bytes, SHA-256 {written.sha256}")
    if args.texts:
        lines = [for_toxicity(normal_form(line)) for line in args.texts.read_text(encoding="utf-8").splitlines()]
        compare(model, args.out, [line for line in lines if line])


if __name__ == "__main__":
    main()
