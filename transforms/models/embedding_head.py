"""Heads over embeddings: one linear layer, several with an activation between them, or an ONNX graph; from files that hold numbers alone.

Vectors are shown in blocks of one size, the last filled with zeros, since how matrices are multiplied depends on their shapes: so a score
does not depend on what shares a batch with it.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from schemas.errors import JobError
from transforms.models.finite import finite
from transforms.models.once import loaded_once
from transforms.models.safetensors_file import read_tensors
from transforms.models.session import open_session

CURE = "Mend `weights` and `sha256` of the head"
Between = Literal["none", "relu", "gelu", "tanh"]
_BLOCK = 64
_erf = np.vectorize(math.erf, otypes=[np.float64])
_BETWEEN: dict[Between, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "gelu": lambda values: values * (1 + _erf(values / math.sqrt(2))) / 2,  # torch.nn.GELU()
    "tanh": np.tanh,
}


@dataclasses.dataclass(frozen=True)
class Layers:
    """Linear layers, first to last.

    Attributes:
      path: the file they are from.
      layers: of each the weights, float64 [out, in], and the bias, float64 [out].
      between: what each but the last goes through.
    """

    path: str
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    between: Between

    @property
    def width(self) -> int:
        """Numbers of an embedding."""
        return self.layers[0][0].shape[1]

    def sums(self, vectors: np.ndarray) -> np.ndarray:
        """One number for each vector, float64 [n]; vectors are float64 [n, width].

        Raises:
          ArithmeticError: one is no number.
        """
        return finite(_in_blocks(vectors, self._forward), self.path)

    def _forward(self, block: np.ndarray) -> np.ndarray:
        for place, (weights, bias) in enumerate(self.layers):
            block = block @ weights.T + bias
            if place < len(self.layers) - 1:
                block = _BETWEEN[self.between](block)
        return block[:, 0]


@dataclasses.dataclass(frozen=True)
class Graph:
    """An ONNX graph that takes float32 [n, width] and gives one number for each row.

    Attributes:
      path: its file, and `sha256`, the digest of that.
    """

    path: str
    sha256: str

    @property
    def width(self) -> int | None:
        """Numbers of an embedding; None where the graph takes any."""
        shape = self._session.get_inputs()[0].shape
        return shape[-1] if isinstance(shape[-1], int) else None

    @property
    def _session(self) -> Any:
        return open_session(self.path, self.sha256, CURE)

    def sums(self, vectors: np.ndarray) -> np.ndarray:
        """One number for each vector, float64 [n]; vectors are float64 [n, width].

        Raises:
          ArithmeticError: one is no number.
          JobError: the graph takes or gives something else.
        """
        return finite(_in_blocks(vectors, self._forward), self.path)

    def _forward(self, block: np.ndarray) -> np.ndarray:
        session = self._session
        try:
            [found] = session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: block.astype(np.float32)})
        except Exception as error:  # onnxruntime has an exception of its own for everything that does not fit
            raise JobError(f"{self.path}: the graph takes no vectors of {block.shape[1]} numbers: {str(error).splitlines()[0]}") from error
        if found.size != len(block):
            raise JobError(f"{self.path}: a head gives one number a row; of {len(block)} rows this graph makes {list(found.shape)}")
        return np.asarray(found, np.float64).reshape(-1)


@loaded_once(32)
def load_head(path: str, sha256: str, tensor: str, layers: tuple[str, ...] = (), between: Between = "none") -> Layers | Graph:
    """A head from its file.

    Args:
      path: a `.npy` with the weights of one linear layer, a `.safetensors`, or an `.onnx`.
      sha256: digest that it must have.
      tensor: name of the weights in a `.safetensors` file, as `weight` or `mlp.weight`; their bias has the same name with `bias` in it.
      layers: instead of it the names of several layers, first to last, as `layers.0`, which have a `weight` and may have a `bias` each.
      between: what each layer but the last goes through.

    Raises:
      MissingError: the file is not there, or is another one.
      JobError: it holds no such weights.
    """
    if path.endswith(".onnx"):
        graph = Graph(path, sha256)
        if graph.width is not None:  # what does not fit is found before a run
            graph.sums(np.zeros((1, graph.width)))
        return graph
    found = read_tensors(path, sha256, CURE)
    names = [f"{layer}.weight" for layer in layers] or ["" if path.endswith(".npy") else tensor]
    return Layers(path, tuple(_chained(path, [_layer(path, found, name) for name in names])), between)


def _layer(path: str, found: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights of a name, float64 [out, in], and their bias, float64 [out]; zeros where there is none."""
    if name not in found:
        raise JobError(f"{path}: there is no tensor {name!r}; there are {', '.join(sorted(found))}. Name one with `tensor` or `layers`")
    weights = np.atleast_2d(found[name].astype(np.float64))
    other = name.replace("weight", "bias")
    bias = found[other].astype(np.float64).reshape(-1) if other != name and other in found else np.zeros(len(weights))
    if weights.ndim != 2 or bias.shape != weights.shape[:1] or not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise JobError(f"{path}: {name} is {found[name].shape}, its bias {bias.shape}: no linear layer of finite numbers. {CURE}")
    return weights, bias


def _chained(path: str, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> Sequence[tuple[np.ndarray, np.ndarray]]:
    """The layers, if each takes what the one before gives, and the last gives one number."""
    for (before, _), (after, _) in itertools.pairwise(layers):
        if after.shape[1] != len(before):
            raise JobError(f"{path}: a layer takes {after.shape[1]} numbers, and the one before gives {len(before)}. {CURE}")
    if len(layers[-1][0]) != 1:
        raise JobError(f"{path}: a head gives one number, and the last layer gives {len(layers[-1][0])}. {CURE}")
    return layers


def _in_blocks(vectors: np.ndarray, forward: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        block = np.zeros((_BLOCK, vectors.shape[1]))
        part = vectors[start : start + _BLOCK]
        block[: len(part)] = part
        found[start : start + _BLOCK] = forward(block)[: len(part)]
    return found
