"""The weights of a linear head over embeddings, from a `.npy` or a `.safetensors` file: numbers and nothing else, never a pickle."""

import functools
import io
import json

import numpy as np

from schemas.errors import JobError
from transforms.local_copy import kept_copy
from transforms.models.artefacts import artefact

CURE = "Mend `weights` and `sha256` of the head"
MOST_HEADER_BYTES = 1 << 20
_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # of safetensors; bfloat16 is the upper half of a float32


@functools.lru_cache(maxsize=32)
def load_head(path: str, sha256: str, tensor: str) -> tuple[np.ndarray, float]:
    """Weights, float64 [width], and the bias that a `.safetensors` file has beside them, 0 where it has none.

    Args:
      path: the file.
      sha256: digest that it must have.
      tensor: name of the weights in a `.safetensors` file, as `weight` or `mlp.weight`; their bias has the same name with `bias` in it.

    Raises:
      MissingError: the file is not there, or is another one.
      JobError: it holds no such weights.
    """
    artefact(path, path, sha256, CURE)
    with open(kept_copy(path), "rb") as file:
        raw = file.read()
    try:
        found = {tensor: np.load(io.BytesIO(raw), allow_pickle=False)} if path.endswith(".npy") else read_safetensors(raw)
    except (ValueError, KeyError, TypeError) as error:
        raise JobError(f"{path}: neither a .npy nor a .safetensors file of numbers ({error}). {CURE}") from error
    if tensor not in found:
        raise JobError(f"{path}: there is no tensor {tensor!r}; there are {', '.join(sorted(found))}. Name one with `tensor`")
    weights = found[tensor].astype(np.float64).reshape(-1)
    bias = found.get(tensor.replace("weight", "bias"), np.zeros(1)) if tensor.replace("weight", "bias") != tensor else np.zeros(1)
    if max(found[tensor].shape, default=0) != len(weights) or bias.size != 1 or not np.isfinite(weights).all():
        raise JobError(f"{path}: a linear head has one finite weight per number and one bias; {tensor} is {found[tensor].shape}. {CURE}")
    return weights, float(bias.reshape(-1)[0])


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
