"""Scores that follow from an embedding: zero-shot heads by prompts, others by weights (aesthetic, NSFW, watermark)."""

import functools
import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from schemas.annotations import EMBEDDINGS
from schemas.errors import JobError
from schemas.job import Names, Phase, Section, key
from schemas.reasons import BY_HEAD
from transforms.filters import by_language
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding, first_beyond
from transforms.filters.by_language import ByLanguage
from transforms.filters.embeddings import Embeddings
from transforms.models.artefacts import artefact, package_version
from transforms.models.clip import DIGEST
from transforms.models.embedding_head import CURE, Between, load_head
from transforms.models.session import runs_on
from transforms.storage import located
from transforms.vectors import unpack


class Head(Section):
    """One score: the probability of prompts against others, or what layers or a graph make of the embedding."""

    name: str = key(Phase.ANNOTATE, "what the score is called", pattern="^[a-z][a-z0-9_]*$")
    of: Literal["image", "text"] = key(Phase.ANNOTATE, "whose embedding is looked at", "image")
    prompts: Names = key(Phase.ANNOTATE, "zero-shot: texts that the score is the probability of", ())
    against: Names = key(Phase.ANNOTATE, "zero-shot: texts that they are held against", ())
    logit_scale: float = key(Phase.ANNOTATE, "zero-shot: what cosines are multiplied by before the softmax; CLIP's is 100", 100.0, gt=0)
    weights: str | None = key(
        Phase.ANNOTATE,
        "trained: a .npy with one number per number of the embedding, a .safetensors, or an .onnx that takes float32 [n, width]", None,
    )  # fmt: skip
    sha256: str | None = key(Phase.ANNOTATE, "trained: digest of that file", None, pattern=DIGEST)
    tensor: str = key(Phase.ANNOTATE, "trained: name of the weights in a .safetensors file with one layer", "weight")
    layers: Names = key(Phase.ANNOTATE, "trained: names of several layers in it, first to last: [layers.0, layers.2]", ())
    between: Between = key(Phase.ANNOTATE, "trained: what each layer but the last goes through", "none")
    bias: float = key(Phase.ANNOTATE, "trained: added, beside the bias that the file has itself", 0.0, allow_inf_nan=False)
    activation: Literal["none", "sigmoid"] = key(Phase.ANNOTATE, "trained: what makes a score of the sum", "none")
    min: float | None = key(Phase.JUDGE, "score below which a row is rejected", None, allow_inf_nan=False)
    max: float | None = key(Phase.JUDGE, "score above which a row is rejected", None, allow_inf_nan=False)
    by_language: ByLanguage = key(Phase.JUDGE, "bounds of rows whose caption is in one language: {de: {min: 0.2}}; und: undetermined", {})
    reason: Literal["column_rule", "nsfw", "violence", "watermark", "synthetic", "image_quality", "misinformation"] = key(
        Phase.JUDGE, "the word that a rejected row carries", "column_rule"
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.weights is None) == (not self.prompts):
            raise ValueError(f"the head {self.name} needs prompts (and against), or weights, and not both")
        if self.prompts and not self.against:
            raise ValueError(f"the head {self.name}: prompts are held against others; name them in `against`")
        if (self.weights is None) != (self.sha256 is None):
            raise ValueError(f"the head {self.name}: weights need their sha256, and prompts have none")
        if self.weights is not None and not self.weights.endswith((".npy", ".safetensors", ".onnx")):
            raise ValueError(
                f"the head {self.name}: {self.weights} is no .npy, .safetensors or .onnx file; weights of torch (.pth, .pt, .ckpt) are "
                "pickles, which run code when they are read: save them once with safetensors.torch.save_file"
            )
        if self.layers and not (self.weights or "").endswith(".safetensors"):
            raise ValueError(f"the head {self.name}: layers are looked for in a .safetensors file")
        by_language.check(self, self.by_language, ("min", "max"))
        return self


class EmbeddingHeads(Filter):
    """Rejects rows by scores that follow from their embeddings, where the job names heads and bounds; every score is recorded.

    A zero-shot score is the softmax over the scaled cosines with all prompts (Radford et al. 2021, section 3.1.2), added up over those
    that are asked for. How well a head does is its maker's to say: none ships with us, and none was measured.
    """

    name: ClassVar[str] = "embedding_heads"
    reads: ClassVar[tuple[str, ...]] = (EMBEDDINGS, "language")
    measured: ClassVar[pa.DataType] = pa.struct([("values", pa.list_(pa.float64()))])  # one per head, in the job's order

    heads: Annotated[tuple[Head, ...], Field(strict=False)] = key(
        Phase.ANNOTATE, "a list of {name, prompts, against} or {name, weights, sha256}, each with min, max and reason", ()
    )

    @property
    def reason(self) -> str:
        return "column_rule"

    @model_validator(mode="after")
    def _have_names_of_their_own(self) -> Self:
        names = [head.name for head in self.heads]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two heads are called {twice}")
        return self

    def located(self, folder: str) -> Self:
        moved = [
            head if head.weights is None else head.model_copy(update={"weights": located(head.weights, folder)}) for head in self.heads
        ]
        return self.model_copy(update={"heads": tuple(moved)})

    def models(self) -> Sequence[Artefact]:
        found = []
        for head in self.heads:
            if head.weights is not None and head.sha256 is not None:
                load_head(head.weights, head.sha256, head.tensor, head.layers, head.between)
                run = runs_on("cpu") if head.weights.endswith(".onnx") else package_version("numpy")
                found.append(artefact(f"embedding_heads: {head.name}", head.weights, head.sha256, CURE, None, run))
        return found

    def measure(self, batch: Batch) -> pa.StructArray:
        values = np.full((len(batch), len(self.heads)), np.nan)
        for place, head in enumerate(self.heads):
            vectors, rows = unpack(batch.measures[EMBEDDINGS].field(head.of))
            if len(rows):
                values[rows, place] = _scores(head, vectors.astype(np.float64), batch)
        listed = [[None if math.isnan(value) else value for value in row] for row in values.tolist()]
        return pa.StructArray.from_arrays([pa.array(listed, pa.list_(pa.float64()))], fields=list(self.measured))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        rows = np.flatnonzero(measures.is_valid().to_numpy(zero_copy_only=False))
        values = np.full((len(measures), len(self.heads)), np.nan)
        flat = pc.list_flatten(pc.struct_field(measures, "values")).to_numpy(zero_copy_only=False)
        values[rows] = flat.reshape(len(rows), len(self.heads))
        checks: dict[str, list[tuple[str | None, np.ndarray, np.ndarray, np.ndarray]]] = {}
        for head, column in zip(self.heads, values.T, strict=True):
            least, most = (np.round(by_language.bounds(head, name, head.by_language, context), 4) for name in ("min", "max"))
            told = f"{BY_HEAD}{head.name}"
            checks.setdefault(head.reason, []).extend([(told, column, column < least, least), (told, column, column > most, most)])
        return [found for reason, bounds in checks.items() for found in first_beyond(reason, bounds) if len(found.rows)]


def _scores(head: Head, vectors: np.ndarray, batch: Batch) -> np.ndarray:
    """The score of each vector, float64[n], rounded to 1e-4 (half to even)."""
    if head.weights is not None and head.sha256 is not None:
        model = load_head(head.weights, head.sha256, head.tensor, head.layers, head.between)
        _fits(head, vectors, model.width or vectors.shape[1])
        sums = model.sums(vectors) + head.bias
        return np.round(1 / (1 + np.exp(-sums)) if head.activation == "sigmoid" else sums, 4)
    prompts = _encoded(batch.filters[EMBEDDINGS], (*head.prompts, *head.against))
    _fits(head, vectors, prompts.shape[1])
    logits = head.logit_scale * np.einsum("ij,kj->ik", vectors, prompts)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.round(exponents[:, : len(head.prompts)].sum(axis=1) / exponents.sum(axis=1), 4)


def _fits(head: Head, vectors: np.ndarray, width: int) -> None:
    if vectors.shape[1] != width:
        raise JobError(
            f"filters.embedding_heads: the head {head.name} is for embeddings of {width} numbers, and those of {head.of} have "
            f"{vectors.shape[1]}; name the head of this model"
        )


@functools.lru_cache(maxsize=32)
def _encoded(encoder: Filter, prompts: tuple[str, ...]) -> np.ndarray:
    """The embeddings of prompts, float64 [prompts, width]."""
    assert isinstance(encoder, Embeddings)
    return encoder.encode(prompts).astype(np.float64)
