"""Consent signals as Arrow columns: few different ones, each said of many rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.consent_signals import SIGNAL
from transforms.consent.signal import Signal

_TOLD_APART_BY = ("signal", "value", "scope", "evidence", "observable")


def told_apart(signals: pa.StructArray) -> tuple[np.ndarray, list[Signal]]:
    """Which signals are the same but for when they were observed.

    Args:
      signals: of type `schemas.consent_signals.SIGNAL`.

    Returns:
      For each the number of what it is, int64[n], and that by number, in the order in which they first stand; `observed_at` of the first.

    >>> said = [Signal("rsl", "prohibited", "location", "x", at) for at in ("2025", "2026")]
    >>> numbers, distinct = told_apart(struct_of(said))
    >>> numbers.tolist(), len(distinct)
    ([0, 0], 1)
    """
    codes = np.zeros(len(signals), np.int64)
    for name in _TOLD_APART_BY:
        words = pc.struct_field(signals, name).dictionary_encode("encode")
        codes = codes * (len(words.dictionary) + 1) + words.indices.to_numpy(zero_copy_only=False)
        codes = np.unique(codes, return_inverse=True)[1]
    _, firsts, numbers = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[numbers], [Signal(**fields) for fields in signals.take(pa.array(firsts[order])).to_pylist()]


def struct_of(signals: Sequence[Signal]) -> pa.StructArray:
    """Signals as an array of type `SIGNAL`."""
    return pa.StructArray.from_arrays(
        [pa.array([getattr(signal, field.name) for signal in signals], field.type) for field in SIGNAL], fields=list(SIGNAL)
    )


def lists_of(numbers: Sequence[int | None], said: Sequence[Sequence[Signal]]) -> pa.ListArray:
    """A list of signals for each row, list<SIGNAL>.

    Args:
      numbers: for each row the number of the answer it gets; None: null.
      said: the answers.

    >>> answers = [(), (Signal("rsl", "prohibited", "location", "x"),)]
    >>> [len(signals) for signals in lists_of([1, 0, 1], answers).to_pylist()]
    [1, 0, 1]
    """
    bounds = np.cumsum([0, *map(len, said)])
    distinct = pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), struct_of([signal for answer in said for signal in answer]))
    return distinct.take(pa.array(numbers, pa.int64()))
