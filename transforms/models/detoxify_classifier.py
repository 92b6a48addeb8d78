"""Detoxify models (Hanu and Unitary 2020): where their weights lie, loaded once per process, asked in batches of like length."""

import functools
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import JobError, MissingError
from transforms.storage import kept_copy

if TYPE_CHECKING:
    from detoxify import Detoxify

NAMES = ("original", "original-small", "unbiased", "unbiased-small", "multilingual")
ENGLISH = NAMES[:4]
CLASS = "toxicity"
_BATCH = 32  # from 32 on a processor gains nothing, and padding costs
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


@functools.lru_cache(maxsize=2)
def load(path: str) -> "Detoxify":
    """The model in a checkpoint. It is a pickle, which runs what it likes: only for a file whose SHA-256 the caller has compared.

    Raises:
      MissingError: the package, the tokenizer or the configuration that the checkpoint names is not there.
      JobError: the model has no class `toxicity`.
    """
    try:
        import torch
        import transformers
        from detoxify import Detoxify
    except ImportError as error:
        raise MissingError(f"toxicity: {path} needs the package detoxify: {_INSTALL}") from error
    torch.set_num_threads(1)  # one worker per core
    transformers.utils.logging.disable_progress_bar()
    try:
        model = Detoxify(checkpoint=kept_copy(path))
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


def toxicity(model: "Detoxify", texts: Sequence[str]) -> list[float]:
    """Probability of `toxicity` of each text, none of them empty; equal texts are asked once."""
    found: dict[str, float] = {}
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    for start in range(0, len(ordered), _BATCH):
        batch = ordered[start : start + _BATCH]
        # a list of one text comes back as a number, not a list of one
        found.update(zip(batch, np.atleast_1d(model.predict(batch)[CLASS]).tolist(), strict=True))
    return [found[text] for text in texts]
