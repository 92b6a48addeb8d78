"""A model file as the manifest names it: where it lies, and its SHA-256, held against the one that is expected."""

import hashlib
import importlib.metadata

from schemas.errors import InputError, JobError, MissingError
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


def pinned(name: str, path: str, sha256: str | None, cure: str, key: str) -> Artefact:
    """Likewise, of a file that somebody names by its path: then its digest must be named too, or whatever comes to lie there is loaded.

    Args:
      name: what people call it.
      path: the file.
      sha256: its digest; None where none is named.
      cure: what to do where it is not there, or another one.
      key: where the digest is named, for the error, which tells it.

    Raises:
      MissingError: it is not there, or is another file.
      JobError: no digest is named.
    """
    found = artefact(name, path, sha256, cure)
    if sha256 is None:
        raise JobError(f"{key} is missing: {path} has SHA-256 {found.sha256}. If you trust this file, add `sha256: {found.sha256}`")
    return found


def package_version(name: str) -> str | None:
    """A package and its version, as `nudenet 3.4.2`; None where it is not installed."""
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return None
