"""Detoxify models (Hanu and Unitary 2020): where their weights lie, loaded once per process, asked in batches of like length."""

import pathlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import JobError, MissingError
from transforms.local_copy import kept_copy
from transforms.models.finite import finite
from transforms.models.once import loaded_once
from transforms.models.session import Device

if TYPE_CHECKING:
    from detoxify import Detoxify

NAMES = ("original", "original-small", "unbiased", "unbiased-small", "multilingual")
ENGLISH = NAMES[:4]
CLASS = "toxicity"
# What is recorded of a model's classes, by our names; `original` knows nothing of sexual content.
CLASSES = {"score": CLASS, "identity_attack": "identity_attack", "sexual": "sexual_explicit", "threat": "threat"}
WITHOUT_SEXUAL = NAMES[:2]
BATCH: dict[Device, int] = {"cpu": 32, "cuda": 256}  # texts; from 32 on a processor gains nothing, and padding costs
_TOKENS_EACH = 128  # a batch has no more tokens than that many texts of so many: attention takes memory by the square of a text's length
MOST_CHARACTERS = 1 << 15  # that are read of a text: 512 tokens of 64
_ASKING = threading.Lock()  # tokenizers of transformers change their own settings in each call
_INSTALL = 'pip install "winnow-curation[detoxify]"'


def checkpoint_of(model: str) -> tuple[str, str | None]:
    """The file with the weights, and the leading digits of its SHA-256 that its own name gives.

    Args:
      model: a name in `NAMES`, for weights that the package has downloaded; else the path of a checkpoint.

    Raises:
      MissingError: the package is not installed.
    """
    if model not in NAMES:
        return model, None
    try:
        import torch
        from detoxify.detoxify import MODEL_URLS
    except ImportError as error:
        raise MissingError(f"toxicity: detoxify:{model} needs the package detoxify: {_INSTALL}") from error
    file = pathlib.PurePosixPath(MODEL_URLS[model]).name
    # toxic_original-c1212f89.ckpt: torch.hub names what it downloads after the first eight digits
    return str(pathlib.Path(torch.hub.get_dir()) / "checkpoints" / file), pathlib.PurePosixPath(file).stem.rpartition("-")[2]


def cure_of(model: str) -> str:
    """What to do when the weights are not there, or are others."""
    if model not in NAMES:
        return "Name the path of a Detoxify checkpoint, and the sha256 of that file"
    download = f"python -c \"import detoxify; detoxify.Detoxify('{model}')\""
    return f"Fetch it on every machine with {download}, or name a checkpoint by path; if you trust this file, name its sha256"


@loaded_once(2)
def load(path: str, device: Device = "cpu") -> "Detoxify":
    """The model in a checkpoint. It is a pickle, which runs what it likes: only for a file whose SHA-256 the caller has compared.

    Raises:
      MissingError: the package, the tokenizer or the configuration that the checkpoint names, or the device, is not there.
      JobError: the model has no class `toxicity`.
    """
    try:
        import torch
        import transformers
        from detoxify import Detoxify
    except ImportError as error:
        raise MissingError(f"toxicity: {path} needs the package detoxify: {_INSTALL}") from error
    if device == "cuda" and not torch.cuda.is_available():
        raise MissingError(
            f"toxicity: {path}: filters.toxicity.device is cuda, and torch {torch.__version__} finds no such device here. Run on "
            "machines with an NVIDIA GPU and a torch that is built for it, or set filters.toxicity.device: cpu"
        )
    torch.set_num_threads(1)  # one worker per core
    transformers.utils.logging.disable_progress_bar()
    try:
        model = Detoxify(checkpoint=kept_copy(path), device=device)
    except OSError as error:  # what transformers raises where neither a folder nor its cache has a model's files
        raise MissingError(
            f"toxicity: {path} names a tokenizer and a configuration that are not on this machine ({str(error).splitlines()[0]}). Load it "
            "once with network to fill the cache of transformers, or set config.arch.args.model_type in it to a local folder that has them"
        ) from error
    if CLASS not in model.class_names:
        raise JobError(f"filters.toxicity.model: {path} has the classes {', '.join(model.class_names)}, and none is {CLASS}")
    most = model.model.config.max_position_embeddings
    if model.tokenizer.model_max_length > most:  # unset: longer texts would end beyond the last position
        model.tokenizer.model_max_length = most - 2
    return model


def scores(model: "Detoxify", texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Probability of each of our classes that the model has, float64 [n], for texts none of which is empty.

    Raises:
      ArithmeticError: the model answers with what is no number.
    """
    import torch

    def asked(chosen: Sequence[str]) -> np.ndarray:
        given = model.tokenizer(list(chosen), return_tensors="pt", truncation=True, padding=True).to(model.device)
        with torch.inference_mode():
            return torch.sigmoid(model.model(**given)[0]).cpu().numpy()

    shown = [text[:MOST_CHARACTERS] for text in texts]
    with _ASKING:
        lengths = [len(ids) for ids in model.tokenizer(list(dict.fromkeys(shown)), truncation=True)["input_ids"]] if shown else []
        found = in_batches(shown, lengths, asked, BATCH["cuda" if "cuda" in str(model.device) else "cpu"], len(model.class_names))
    return by_our_names(finite(found, "the Detoxify model"), model.class_names)


def in_batches(
    texts: Sequence[str], lengths: Sequence[int], asked: Callable[[Sequence[str]], np.ndarray], size: int, classes: int
) -> np.ndarray:
    """Asks about distinct texts in batches of like length: so many texts, or fewer long ones.

    Args:
      texts: n texts.
      lengths: tokens of each distinct text, in order of first appearance.
      asked: texts -> float [batch, classes].
      size: texts of a batch at most.
      classes: numbers of an answer.

    Returns:
      float64 [n, classes].

    >>> in_batches(["ab", "c", "ab"], [2, 1], lambda some: np.array([[len(text)] for text in some]), 1, 1).tolist()
    [[2.0], [1.0], [2.0]]
    """
    by_length = sorted(zip(lengths, dict.fromkeys(texts), strict=True))
    ordered = [text for _, text in by_length]
    place = {text: n for n, text in enumerate(ordered)}
    found = np.empty((len(ordered), classes))
    start = 0
    while start < len(ordered):
        stop = start + 1
        while stop < min(start + size, len(ordered)) and (stop + 1 - start) * by_length[stop][0] <= size * _TOKENS_EACH:
            stop += 1
        found[start:stop] = asked(ordered[start:stop])
        start = stop
    return found[[place[text] for text in texts]]


def by_our_names(found: np.ndarray, class_names: Sequence[str]) -> dict[str, np.ndarray]:
    """The columns of float [n, classes] that we record.

    >>> by_our_names(np.array([[0.9, 0.1, 0.2]]), ["toxicity", "insult", "sexual_explicit"])
    {'score': array([0.9]), 'sexual': array([0.2])}
    """
    return {ours: found[:, class_names.index(theirs)] for ours, theirs in CLASSES.items() if theirs in class_names}
