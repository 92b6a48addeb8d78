"""ONNX graphs as sessions of onnxruntime: each opened once per process, on one thread of the processor or on a GPU."""

import functools
import threading
from typing import Any, Literal

from schemas.errors import MissingError
from transforms.local_copy import kept_copy
from transforms.models.additions import with_additions
from transforms.models.artefacts import artefact

Device = Literal["cpu", "cuda"]
_PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


_OPENING = threading.Lock()


def open_session(path: str, sha256: str, cure: str, device: Device = "cpu") -> Any:
    """The graph of a file, the same `onnxruntime.InferenceSession` every time, for every thread of a process.

    Args:
      path: the file.
      sha256: digest that it must have.
      cure: what to do where it is missing or another one, a sentence for the error.
      device: what computes; with `cuda` what the GPU does not know runs on the processor.

    Raises:
      MissingError: the file, onnxruntime or the device is not there, or the file is no graph.
    """
    with _OPENING:
        return _opened(path, sha256, cure, device)


@functools.lru_cache(maxsize=8)
def _opened(path: str, sha256: str, cure: str, device: Device) -> Any:
    artefact(path, path, sha256, cure)
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingError(f"{path} needs onnxruntime: pip install 'winnow-curation[onnx]'") from error
    if _PROVIDERS[device] not in onnxruntime.get_available_providers():
        raise MissingError(
            f"{path}: device is {device}, and onnxruntime has no {_PROVIDERS[device]}; install onnxruntime-gpu, or set device: cpu"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = [_PROVIDERS[device]] if device == "cpu" else [_PROVIDERS[device], _PROVIDERS["cpu"]]
    local = kept_copy(path)
    with open(local, "rb") as file:
        changed = with_additions(file.read())
    try:
        return onnxruntime.InferenceSession(changed or local, options, providers=providers)
    except Exception as error:  # onnxruntime has an exception of its own for every way in which a file is no model
        raise MissingError(f"{path} is no ONNX model that onnxruntime can read ({type(error).__name__}). {cure}") from error
