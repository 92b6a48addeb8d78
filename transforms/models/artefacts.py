"""A model file as the manifest names it: where it lies, and its SHA-256, held against the one that is expected."""

import hashlib
import importlib.metadata

from schemas.errors import InputError, MissingError
from transforms.filters.base import Artefact
from transforms.local_copy import kept_copy


def artefact(name: str, path: str, sha256: str | None, cure: str, version: str | None = None, runs_on: str | None = None) -> Artefact:
    """A model file that is there and is the one it should be.

    Args:
      name: what people call it, e.g. "toxicity: shipped".
      path: the file.
      sha256: leading hex digits that its digest must have; None where nobody says.
      cure: what to do about it, a sentence for the error.
      version: as its maker or the package that carries it says.
      runs_on: what computes with it.

    Raises:
      MissingError: it is not there, or is another file.
    """
    try:
        with open(kept_copy(path), "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, InputError) as error:
        told = error.strerror if isinstance(error, OSError) else "no such file"
        raise MissingError(f"{name}: {path} cannot be read ({told}). {cure}") from error
    if not found.startswith(sha256 or ""):
        raise MissingError(f"{name}: {path} has SHA-256 {found}, not {sha256}. {cure}")
    return Artefact(name, path, found, version, runs_on)


def package_version(name: str) -> str | None:
    """A package and its version, as `nudenet 3.4.2`; None where it is not installed."""
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return None
