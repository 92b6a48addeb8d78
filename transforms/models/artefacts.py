"""A model file as the manifest names it: where it lies, and its SHA-256, held against the one that is expected."""

import hashlib
import pathlib

from schemas.errors import MissingError
from transforms.filters.base import Artefact


def artefact(name: str, path: str, sha256: str | None, cure: str) -> Artefact:
    """A model file that is there and is the one it should be.

    Args:
      name: what people call it, e.g. "toxicity: shipped".
      path: the file.
      sha256: leading hex digits that its digest must have; None where nobody says.
      cure: what to do about it, a sentence for the error.

    Raises:
      MissingError: it is not there, or is another file.
    """
    try:
        with pathlib.Path(path).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingError(f"{name}: {path} cannot be read ({error.strerror}). {cure}") from error
    if not found.startswith(sha256 or ""):
        raise MissingError(f"{name}: {path} has SHA-256 {found}, not {sha256}. {cure}")
    return Artefact(name, path, found)
