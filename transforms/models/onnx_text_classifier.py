"""Text classifiers in ONNX files that carry their tokenizer: what `transforms.models.export_detoxify` makes, read without torch or pickle.

The graph takes a tokenizer's `input_ids`, `attention_mask` and, where it has them, `token_type_ids`, int64 [n, tokens], and gives logits,
float32 [n, classes], of which the sigmoid is a probability. The file's metadata say the rest, under the names in `METADATA`.
"""

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.errors import JobError, MissingError
from transforms.local_copy import kept_copy
from transforms.models.detoxify_classifier import CLASS, by_our_names, in_batches

TOKENIZER = "winnow.tokenizer"  # tokenizer.json, as the package tokenizers reads it; it pads and truncates
CLASS_NAMES = "winnow.classes"  # JSON list, in the order of the logits
INT8 = "winnow.int8"  # 1: weights and activations in 8 bits
METADATA = (TOKENIZER, CLASS_NAMES, INT8)
_BATCH = 32


class TextClassifier:
    """A classifier and its tokenizer, on one thread of the processor or on a GPU."""

    def __init__(self, path: str, device: str) -> None:
        import onnxruntime
        import tokenizers

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        provider = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
        if provider not in onnxruntime.get_available_providers():
            raise MissingError(
                f"toxicity: device is {device}, and onnxruntime has no {provider}; install onnxruntime-gpu, or set device: cpu"
            )
        self._session = onnxruntime.InferenceSession(kept_copy(path), options, providers=[provider])
        told = self._session.get_modelmeta().custom_metadata_map
        if missing := [name for name in METADATA if name not in told]:
            raise JobError(
                f"filters.toxicity.model: {path} does not say {', '.join(missing)} in its metadata; "
                "make it with python -m transforms.models.export_detoxify"
            )
        self._tokenizer = tokenizers.Tokenizer.from_str(told[TOKENIZER])
        self._inputs = [given.name for given in self._session.get_inputs()]
        self.class_names: list[str] = json.loads(told[CLASS_NAMES])
        # Activations are scaled by the greatest of a batch: alone, a text has the same score whatever else there is.
        self._batch = 1 if told[INT8] == "1" else _BATCH
        if CLASS not in self.class_names:
            raise JobError(f"filters.toxicity.model: {path} has the classes {', '.join(self.class_names)}, and none is {CLASS}")

    def scores(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Probability of each of our classes that the model has, float64 [n], for texts none of which is empty."""
        distinct = list(dict.fromkeys(texts))
        self._tokenizer.no_padding()
        lengths = [len(encoded.ids) for encoded in self._tokenizer.encode_batch(distinct)]
        self._tokenizer.enable_padding(**self._padding)
        found = in_batches(texts, lengths, self._asked, self._batch, len(self.class_names))
        return by_our_names(found, self.class_names)

    @functools.cached_property
    def _padding(self) -> dict[str, Any]:
        token = next((token for token in ("[PAD]", "<pad>") if self._tokenizer.token_to_id(token) is not None), "[PAD]")
        return {"pad_token": token, "pad_id": self._tokenizer.token_to_id(token) or 0}

    def _asked(self, texts: Sequence[str]) -> np.ndarray:
        encoded = self._tokenizer.encode_batch(list(texts))
        columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        given = {name: np.array([getattr(text, columns[name]) for text in encoded], np.int64) for name in self._inputs}
        logits = self._session.run(None, given)[0].astype(np.float64)
        return 1 / (1 + np.exp(-logits))


@functools.lru_cache(maxsize=2)
def load(path: str, device: str = "cpu") -> TextClassifier:
    """The model in a file, the same object every time.

    Raises:
      MissingError: onnxruntime, tokenizers, the file or the device is not there.
      JobError: it is no such model.
    """
    try:
        return TextClassifier(path, device)
    except ImportError as error:
        raise MissingError(f'toxicity: {path} needs onnxruntime and tokenizers: pip install "winnow-curation[onnx]"') from error
    except (MissingError, JobError):
        raise
    except Exception as error:  # onnxruntime's own exceptions about a file that is no graph
        raise JobError(f"filters.toxicity.model: {path} cannot be loaded ({str(error).splitlines()[0]}); is it an ONNX file?") from error
