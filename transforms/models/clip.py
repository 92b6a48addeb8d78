"""Pairs of encoders like CLIP's in ONNX files: one graph for pictures, one for texts, whose embeddings can be compared.

A graph always sees a batch of the same shape, the rest filled with zeros, and every text at the same length, so that an embedding does
not depend on what shares a batch with it: how onnxruntime multiplies matrices depends on their shapes.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from schemas.errors import JobError, MissingError
from schemas.job import Phase, Section, key
from transforms.filters.base import Artefact
from transforms.local_copy import kept_copy
from transforms.models.artefacts import artefact, package_version
from transforms.models.once import loaded_once
from transforms.models.preparation import Preparation, prepare
from transforms.models.session import Device, check_device, open_session, runs_on
from transforms.vectors import unit

DIGEST = "^[0-9a-f]{64}$"
BATCH_BYTES = 12 << 20  # of prepared pictures: what a graph makes of them on its way takes tens of times as much
BATCH_TOKENS = 2_048
MOST_IN_BATCH = 64
_CHARACTERS_OF_TOKEN = 64  # so many times the tokens that a graph sees are read of a text, however long it is


class PictureEncoder(Preparation):
    """The half of a pair that sees pictures."""

    path: str = key(Phase.ANNOTATE, "the .onnx file", min_length=1)
    sha256: str = key(Phase.ANNOTATE, "digest of the file", pattern=DIGEST)
    input: str | None = key(Phase.ANNOTATE, "name of the graph's input; null: its first", None)
    output: str | None = key(Phase.ANNOTATE, "name of the graph's output; null: its first with two axes", None)
    batch: int | None = key(Phase.ANNOTATE, "pictures in a batch; null: as many as 12 MiB hold, at most 64", None, ge=1, le=4096)


class TextEncoder(Section):
    """The half of a pair that reads texts."""

    path: str = key(Phase.ANNOTATE, "the .onnx file", min_length=1)
    sha256: str = key(Phase.ANNOTATE, "digest of the file", pattern=DIGEST)
    tokenizer: str = key(Phase.ANNOTATE, "the tokenizer.json", min_length=1)
    tokenizer_sha256: str = key(Phase.ANNOTATE, "digest of that", pattern=DIGEST)
    context_length: int = key(Phase.ANNOTATE, "tokens that the graph sees: texts are cut or filled up to them", 77, ge=1, le=8192)
    padding: int = key(Phase.ANNOTATE, "the token that fills up", 0, ge=0)
    output: str | None = key(Phase.ANNOTATE, "name of the graph's output; null: its first with two axes", None)
    batch: int | None = key(Phase.ANNOTATE, "texts in a batch; null: as many as have 2,048 tokens, at most 64", None, ge=1, le=4096)


Encoder = PictureEncoder | TextEncoder


def artefacts(encoder: Encoder, name: str, version: str | None, device: Device) -> list[Artefact]:
    """The files of an encoder, held against their digests.

    Args:
      encoder: which.
      name: what people call it.
      version: as its maker says it.
      device: what computes.

    Raises:
      MissingError: one is not there, or is another file.
    """
    check_device(encoder.path, device, "filters.embeddings.device")
    found = [artefact(name, encoder.path, encoder.sha256, _CURE, version, runs_on(device))]
    if isinstance(encoder, TextEncoder):
        told = version, package_version("tokenizers")
        found.append(artefact(f"{name}, tokenizer", encoder.tokenizer, encoder.tokenizer_sha256, _CURE, *told))
    return found


_CURE = "Mend the paths and digests in filters.embeddings"


def encode_pictures(encoder: PictureEncoder, images: Iterable[Image.Image], device: Device = "cpu") -> np.ndarray:
    """Embeddings of pictures (mode RGB), of unit length, float16 [n, width]. Of the pictures only one is held at a time.

    Raises:
      MissingError: the model, onnxruntime or the device is not there.
      JobError: the batch does not fit the memory.
      ArithmeticError: the model gives a picture no direction.
    """
    session = open_session(encoder.path, encoder.sha256, _CURE, device, "filters.embeddings.device")
    name = encoder.input or session.get_inputs()[0].name
    size = _batch_size(session, encoder.batch, BATCH_BYTES // (12 * encoder.size**2))
    prepared = (prepare(image, encoder) for image in images)
    batches = iter(lambda: list(itertools.islice(prepared, size)), [])
    return _encoded(encoder, session, ({name: np.stack(batch)} for batch in batches), size)


def encode_texts(encoder: TextEncoder, texts: Sequence[str], device: Device = "cpu") -> np.ndarray:
    """Embeddings of texts, of unit length, float16 [n, width]; raises as `encode_pictures` does."""
    session = open_session(encoder.path, encoder.sha256, _CURE, device, "filters.embeddings.device")
    tokenizer = _tokenizer(encoder.tokenizer, encoder.tokenizer_sha256, encoder.context_length, encoder.padding)
    wanted = {found.name: np.int32 if found.type == "tensor(int32)" else np.int64 for found in session.get_inputs()}
    size = _batch_size(session, encoder.batch, BATCH_TOKENS // encoder.context_length)

    def tokens(batch: Sequence[str]) -> dict[str, np.ndarray]:
        encoded = tokenizer.encode_batch([text[: encoder.context_length * _CHARACTERS_OF_TOKEN] for text in batch])
        columns = {"mask": [text.attention_mask for text in encoded], "ids": [text.ids for text in encoded]}
        return {name: np.array(columns["mask" if "mask" in name else "ids"], kind) for name, kind in wanted.items()}

    return _encoded(encoder, session, (tokens(texts[at : at + size]) for at in range(0, len(texts), size)), size)


def try_out(encoder: Encoder, where: str, device: Device = "cpu") -> int:
    """The width of an encoder's embeddings, from one example, so that a spec that does not fit its graph is found before a run.

    Args:
      encoder: which.
      where: the key of the job that holds it.
      device: what computes.

    Raises:
      JobError: the graph has no such input or output, or wants another shape; names the key.
      MissingError: the model, onnxruntime, tokenizers or the device is not there.
    """
    try:
        if isinstance(encoder, TextEncoder):
            found = encode_texts(encoder, ["a photo of a dog"], device)
        else:
            ramp = np.arange(encoder.size**2 * 3, dtype=np.uint8).reshape(encoder.size, encoder.size, 3)
            found = encode_pictures(encoder, [Image.fromarray(ramp)], device)
    except (MissingError, JobError):
        raise
    except Exception as error:  # onnxruntime's own exceptions, and numpy's about an output of another shape
        raise JobError(f"{where}: the spec does not fit the graph of {encoder.path}: {str(error).splitlines()[0]}") from error
    return found.shape[1]


def _encoded(encoder: Encoder, session: Any, batches: Iterator[dict[str, np.ndarray]], size: int) -> np.ndarray:
    """What the graph makes of batches of its inputs, each of at most `size` rows and then filled up to as many."""
    outputs = [encoder.output or _vector_output(session)]
    parts = [_run(encoder, session, outputs, shown, size) for shown in batches]
    found, usable = unit(np.concatenate(parts)) if parts else (np.empty((0, 0), "<f2"), np.empty(0, bool))
    if not usable.all():
        raise ArithmeticError(f"{encoder.path} gives {np.count_nonzero(~usable)} of {len(usable)} rows no direction")
    return found


def _run(encoder: Encoder, session: Any, outputs: list[str], shown: dict[str, np.ndarray], size: int) -> np.ndarray:
    rows = len(next(iter(shown.values())))
    try:
        found = np.asarray(session.run(outputs, {name: _filled(values, size) for name, values in shown.items()})[0])
    except Exception as error:  # onnxruntime says only in words that memory is short
        if "allocate" in str(error).lower() or "out of memory" in str(error).lower():
            raise JobError(f"{encoder.path}: a batch of {size} does not fit the memory; set `batch` in its spec lower") from error
        raise
    if found.ndim != 2:
        raise ValueError(f"the output {outputs[0]} has {found.ndim} axes, and one vector a row has two; name another with `output`")
    return found[:rows]


def _filled(values: np.ndarray, size: int) -> np.ndarray:
    """Zeros behind the values, up to a whole batch."""
    return np.concatenate([values, np.zeros((size - len(values), *values.shape[1:]), values.dtype)])


def _batch_size(session: Any, asked: int | None, fits: int) -> int:
    """Rows of a batch: as the graph fixes them, else as the job says, else a power of two that fits."""
    fixed = session.get_inputs()[0].shape[0]
    if isinstance(fixed, int):
        return fixed
    return asked or 1 << (min(max(fits, 1), MOST_IN_BATCH).bit_length() - 1)


def _vector_output(session: Any) -> str:
    there = session.get_outputs()
    return next((found.name for found in there if len(found.shape) == 2), there[0].name)


@loaded_once(4)
def _tokenizer(path: str, sha256: str, length: int, padding: int) -> Any:
    artefact(path, path, sha256, _CURE)
    try:
        import tokenizers
    except ImportError as error:
        raise MissingError(f"{path} needs the package tokenizers: pip install 'winnow-curation[onnx]'") from error
    try:
        found = tokenizers.Tokenizer.from_file(kept_copy(path))
    except Exception as error:  # tokenizers raises a plain Exception for every way in which a file is none
        raise MissingError(f"{path} is no tokenizer.json that tokenizers can read. {_CURE}") from error
    found.enable_truncation(length)
    found.enable_padding(length=length, pad_id=padding)
    return found
