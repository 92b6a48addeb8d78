"""Digests that tell whether a file is still what its inputs would give."""

import hashlib
import json
from typing import Any


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of a value's canonical JSON.

    >>> digest({"b": 1, "a": (0.5, None)}) == digest({"a": [0.5, None], "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
