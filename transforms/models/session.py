"""ONNX graphs as sessions of onnxruntime: each opened once per process, on one thread of the processor or on a GPU, never on another."""

from typing import Any, Literal

from schemas.errors import MissingError
from transforms.local_copy import kept_copy
from transforms.models.additions import with_additions
from transforms.models.artefacts import artefact
from transforms.models.once import loaded_once

Device = Literal["cpu", "cuda"]
PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_OPTIONS: dict[Device, dict[str, str]] = {
    "cpu": {},
    # As given, products are in TF32, ten bits of a number's 23: on an H100 a ViT-B/32 was off by 1.5e-3 of 3.3, by as much again in batches
    # of another size, and by 2e-6 without. The convolution is else chosen by how long each took when tried.
    "cuda": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
}
_INSTALL = "pip install 'winnow-curation[onnx]'"


def open_session(path: str, sha256: str | None, cure: str, device: Device = "cpu", key: str = "device") -> Any:
    """The graph of a file, the same `onnxruntime.InferenceSession` every time, for every thread of a process.

    Args:
      path: the file.
      sha256: digest that it must have; None: any.
      cure: what to do where it is missing or another one, a sentence for the error.
      device: what computes; with `cuda` single operations that the GPU does not know run on the processor.
      key: the key of the job that says so, for errors.

    Raises:
      MissingError: the file, onnxruntime or the device is not there, or the file is no graph.
    """
    check_device(path, device, key)
    try:
        return _opened(path, sha256, cure, device)
    except _NotStartedError as error:
        raise MissingError(f"{path}: {key} is {device}, and {PROVIDERS[device]} does not start here{error}. {_cure_of(key)}") from error


def check_device(path: str, device: Device, key: str) -> None:
    """Makes sure that the installed onnxruntime knows a device.

    Args:
      path: the model, for the error.
      device: which.
      key: the key of the job that asks for it.

    Raises:
      MissingError: onnxruntime is not installed, or without it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingError(f"{path} needs onnxruntime: {_INSTALL}") from error
    there = onnxruntime.get_available_providers()
    if PROVIDERS[device] not in there:
        told = f"{key} is {device}, and onnxruntime {onnxruntime.__version__} has no {PROVIDERS[device]} (it has {', '.join(there)})"
        raise MissingError(f"{path}: {told}. {_cure_of(key)}")


def runs_on(device: Device) -> str:
    """What computes the scores of a graph, as the manifest names it; `open_session` lets nothing else do it."""
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}, {PROVIDERS[device]}"


def _cure_of(key: str) -> str:
    return (
        "Install onnxruntime-gpu in place of onnxruntime, with the CUDA and cuDNN that it is built for, on machines with an NVIDIA GPU, or "
        f"set {key}: cpu"
    )


class _NotStartedError(Exception):
    """The device is not there, or not what it needs; says what onnxruntime says of it, if it says anything."""


@loaded_once(8)
def _opened(path: str, sha256: str | None, cure: str, device: Device) -> Any:
    artefact(path, path, sha256, cure)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    providers = [(PROVIDERS[known], _OPTIONS[known]) for known in dict.fromkeys((device, "cpu"))]
    local = kept_copy(path)
    with open(local, "rb") as file:
        changed = with_additions(file.read())
    try:
        session = onnxruntime.InferenceSession(changed or local, options, providers=providers)
    except Exception as error:  # onnxruntime has an exception of its own for every way in which a file is no model, or a device not there
        if device != "cpu" and "CUDA" in str(error):
            raise _NotStartedError(f" ({str(error).splitlines()[0]})") from error
        raise MissingError(f"{path} is no ONNX model that onnxruntime can read ({type(error).__name__}). {cure}") from error
    if session.get_providers()[0] != PROVIDERS[device]:  # onnxruntime goes on without a provider that does not start, and only logs it
        raise _NotStartedError
    return session
