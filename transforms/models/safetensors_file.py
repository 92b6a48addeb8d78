"""The tensors of a `.safetensors` file, or the matrix of a `.npy`: numbers and nothing else, never a pickle."""

import io
import json

import numpy as np

from schemas.errors import JobError
from transforms.local_copy import kept_copy
from transforms.models.artefacts import artefact

MOST_HEADER_BYTES = 1 << 20
_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # of safetensors; bfloat16 is the upper half of a float32


def read_tensors(path: str, sha256: str, cure: str) -> dict[str, np.ndarray]:
    """The float tensors of a file by name; of a `.npy` the one matrix, whose name is empty.

    Args:
      path: the file.
      sha256: digest that it must have.
      cure: what to do where it is missing, another one or none, a sentence for the error.

    Raises:
      MissingError: the file is not there, or is another one.
      JobError: it holds no numbers.
    """
    artefact(path, path, sha256, cure)
    with open(kept_copy(path), "rb") as file:
        raw = file.read()
    try:
        return {"": np.load(io.BytesIO(raw), allow_pickle=False)} if path.endswith(".npy") else read_safetensors(raw)
    except (ValueError, KeyError, TypeError) as error:
        raise JobError(f"{path}: neither a .npy nor a .safetensors file of numbers ({error}). {cure}") from error


def read_safetensors(raw: bytes) -> dict[str, np.ndarray]:
    """The float tensors of a file in the format of safetensors (github.com/huggingface/safetensors, README): a JSON header, then numbers.

    Raises:
      ValueError: the bytes are none. KeyError, TypeError: likewise, of a header that says other things.

    >>> header = b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'
    >>> read_safetensors(len(header).to_bytes(8, "little") + header + np.array([1, 2], "<f4").tobytes())
    {'w': array([1., 2.], dtype=float32)}
    """
    length = int.from_bytes(raw[:8], "little")
    if not 0 < length <= min(len(raw) - 8, MOST_HEADER_BYTES):
        raise ValueError("no header")
    header = json.loads(raw[8 : 8 + length])
    found = {}
    for name, told in header.items():
        if name == "__metadata__" or told["dtype"] not in _KINDS:
            continue
        start, stop = told["data_offsets"]
        numbers = np.frombuffer(raw[8 + length + start : 8 + length + stop], _KINDS[told["dtype"]])
        if told["dtype"] == "BF16":
            numbers = (numbers.astype("<u4") << 16).view("<f4")
        found[name] = numbers.reshape(told["shape"])
    return found
