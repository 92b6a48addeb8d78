"""Text classifiers in ONNX files that carry their tokenizer: what `transforms.models.export_detoxify` makes, read without torch or pickle.

The graph takes a tokenizer's `input_ids`, `attention_mask` and, where it has them, `token_type_ids`, int64 [n, tokens], and gives logits,
float32 [n, classes], of which the sigmoid is a probability. The file's metadata say the rest, under the names in `METADATA`.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import JobError, MissingError
from transforms.models.detoxify_classifier import BATCH, CLASS, MOST_CHARACTERS, by_our_names, in_batches
from transforms.models.finite import finite
from transforms.models.once import loaded_once
from transforms.models.session import Device, open_session

if TYPE_CHECKING:
    from tokenizers import Encoding

TOKENIZER = "winnow.tokenizer"  # tokenizer.json, as the package tokenizers reads it; it pads and truncates
CLASS_NAMES = "winnow.classes"  # JSON list, in the order of the logits
INT8 = "winnow.int8"  # 1: weights and activations in 8 bits
METADATA = (TOKENIZER, CLASS_NAMES, INT8)
CURE = "Name the path of a Detoxify model as .onnx, and its own sha256"


class TextClassifier:
    """A classifier and its tokenizer, on one thread of the processor or on a GPU."""

    def __init__(self, path: str, sha256: str | None, device: Device) -> None:
        self._path = path
        self._session = open_session(path, sha256, CURE, device, "filters.toxicity.device")
        import tokenizers

        told = self._session.get_modelmeta().custom_metadata_map
        if missing := [name for name in METADATA if name not in told]:
            raise JobError(
                f"filters.toxicity.model: {path} does not say {', '.join(missing)} in its metadata; "
                "make it with python -m transforms.models.export_detoxify"
            )
        self._tokenizer = tokenizers.Tokenizer.from_str(told[TOKENIZER])
        token = next((token for token in ("[PAD]", "<pad>") if self._tokenizer.token_to_id(token) is not None), "[PAD]")
        self._padding = self._tokenizer.token_to_id(token) or 0
        self._tokenizer.no_padding()  # set once, and never again: threads share it
        self._inputs = [given.name for given in self._session.get_inputs()]
        self.class_names: list[str] = json.loads(told[CLASS_NAMES])
        # Activations are scaled by the greatest of a batch: alone, a text has the same score whatever else there is.
        self._batch = 1 if told[INT8] == "1" else BATCH[device]
        if CLASS not in self.class_names:
            raise JobError(f"filters.toxicity.model: {path} has the classes {', '.join(self.class_names)}, and none is {CLASS}")

    def scores(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Probability of each of our classes that the model has, float64 [n], for texts none of which is empty.

        Raises:
          ArithmeticError: the model answers with what is no number.
        """
        distinct = list(dict.fromkeys(texts))
        encoded = dict(zip(distinct, self._tokenizer.encode_batch([text[:MOST_CHARACTERS] for text in distinct]), strict=True))
        lengths = [len(encoded[text].ids) for text in distinct]

        def asked(chosen: Sequence[str]) -> np.ndarray:
            return self._asked([encoded[text] for text in chosen])

        found = in_batches(texts, lengths, asked, self._batch, len(self.class_names))
        return by_our_names(finite(found, self._path), self.class_names)

    def _asked(self, encoded: Sequence["Encoding"]) -> np.ndarray:
        columns = {"input_ids": ("ids", self._padding), "attention_mask": ("attention_mask", 0), "token_type_ids": ("type_ids", 0)}
        given = {}
        for name in self._inputs:
            column, filling = columns[name]
            given[name] = np.full((len(encoded), max(len(text.ids) for text in encoded)), filling, np.int64)
            for row, text in enumerate(encoded):
                given[name][row, : len(text.ids)] = getattr(text, column)
        logits = self._session.run(None, given)[0].astype(np.float64)
        return 1 / (1 + np.exp(-logits))


@loaded_once(2)
def load(path: str, sha256: str | None = None, device: Device = "cpu") -> TextClassifier:
    """The model in a file, the same object every time.

    Raises:
      MissingError: onnxruntime, tokenizers, the file or the device is not there.
      JobError: it is no such model.
    """
    try:
        return TextClassifier(path, sha256, device)
    except ImportError as error:
        raise MissingError(f'toxicity: {path} needs onnxruntime and tokenizers: pip install "winnow-curation[onnx]"') from error
    except (MissingError, JobError):
        raise
    except Exception as error:  # onnxruntime's own exceptions about a file that is no graph
        raise JobError(f"filters.toxicity.model: {path} cannot be loaded ({str(error).splitlines()[0]}); is it an ONNX file?") from error
