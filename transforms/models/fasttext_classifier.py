"""fastText classifiers: loaded once per process, asked one line at a time."""

import math
from collections.abc import Mapping, Sequence

import fasttext
import numpy as np

from schemas.errors import MissingError
from transforms.local_copy import kept_copy
from transforms.models import fasttext_file
from transforms.models.artefacts import artefact
from transforms.models.finite import finite
from transforms.models.once import loaded_once

CURE = "Name the path of a fastText model, and its own sha256"
_PREFIX = "__label__"


class Classifier:
    """A supervised fastText model.

    `multilinePredict` of fasttext-predict 0.9.2.4 gives labels without probabilities, so a batch is a loop.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._predict = fasttext.load_model(path).f.predict
        except (ValueError, RuntimeError, MemoryError) as error:  # what the binding raises for numbers that do not fit each other
            raise MissingError(f"{path} is no fastText model ({error}). Name a .bin or .ftz file written by fastText") from error

    def likeliest(self, text: str, count: int) -> list[tuple[str, float]]:
        """The likeliest labels and their probabilities, in falling order; fewer, or none, where the model finds nothing to go by.

        Args:
          text: one line, without line breaks.
          count: how many at most.

        Raises:
          ArithmeticError: a probability is no number.
        """
        found = self._predict(text + "\n", count, 0.0, "strict")
        if not all(math.isfinite(probability) for probability, _ in found):
            raise ArithmeticError(f"{self._path} answers with what is no number")
        return [(label.removeprefix(_PREFIX), min(probability, 1.0)) for probability, label in found]  # fastText adds 1e-5 to each

    def probabilities(self, text: str) -> Mapping[str, float]:
        """Every label with its probability; nothing where the model finds nothing to go by."""
        found = self._predict(text + "\n", -1, -1.0, "strict")
        return {label.removeprefix(_PREFIX): min(probability, 1.0) for probability, label in found}

    def probabilities_of(self, label: str, texts: Sequence[str]) -> np.ndarray:
        """The probability of one label in each text, float64 [n]; 0 where the model finds nothing to go by.

        Args:
          label: a label that the model has.
          texts: lines, without line breaks.

        Raises:
          ArithmeticError: a probability is no number.
        """
        predict, wanted = self._predict, _PREFIX + label
        found = np.zeros(len(texts))
        for place, text in enumerate(texts):
            for probability, told in predict(text + "\n", -1, -1.0, "strict"):
                if told == wanted:
                    found[place] = probability
        return np.minimum(finite(found, self._path), 1.0)


@loaded_once(8)
def load(path: str, sha256: str | None = None) -> Classifier:
    """The model in a file, the same object every time.

    Args:
      path: the file.
      sha256: digest that it must have; None where it is ours.

    Raises:
      MissingError: it is another file, or there is no fastText classifier in it.
    """
    if sha256 is not None:
        artefact(path, path, sha256, CURE)
    local = kept_copy(path)
    fasttext_file.check(local, path)
    return Classifier(local)
