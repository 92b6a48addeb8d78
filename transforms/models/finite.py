"""Holds what a model answers against being numbers at all: a comparison with NaN is false, so that it would pass for harmless."""

import numpy as np


def finite(answers: np.ndarray, model: str) -> np.ndarray:
    """The answers, if all of them are finite numbers.

    Args:
      answers: floats of any shape.
      model: what to call the model.

    Raises:
      ArithmeticError: one is NaN or infinite; the row it is about counts as not scored.

    >>> finite(np.array([0.5, np.nan]), "tiny")
    Traceback (most recent call last):
    ...
    ArithmeticError: tiny answers with 1 of 2 values that are no number
    """
    wrong = np.count_nonzero(~np.isfinite(answers))
    if wrong:
        raise ArithmeticError(f"{model} answers with {wrong} of {answers.size} values that are no number")
    return answers
