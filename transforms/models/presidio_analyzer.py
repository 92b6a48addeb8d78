"""Presidio's analyser (Microsoft, MIT) with a spaCy pipeline that is on this machine, loaded once per process; it fetches nothing.

Presidio would download a pipeline that is missing, and the public suffix list for e-mail addresses and URLs; here a pipeline must be there,
and those two kinds are left to our own rules.
"""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any, Final

from schemas.errors import JobError, MissingError
from transforms.filters.base import Artefact
from transforms.models.artefacts import package_version
from transforms.models.once import loaded_once

ASKS_THE_NETWORK: Final = ("EMAIL_ADDRESS", "URL")
FROM_PIPELINE: Final = ("PERSON", "LOCATION", "ORGANIZATION", "NRP", "AGE", "ID")  # what only a spaCy pipeline finds
_INSTALL: Final = "pip install 'winnow-curation[presidio]'"


def artefact_of(pipeline: str) -> Artefact:
    """A spaCy pipeline as the manifest names it: its SHA-256 is that of its files' names and contents.

    Args:
      pipeline: an installed package, or a folder.

    Raises:
      MissingError: spaCy or the pipeline is not there.
    """
    loaded = _pipeline(pipeline, "en")
    folder = pathlib.Path(loaded.path)
    name = f"{loaded.meta['lang']}_{loaded.meta['name']} {loaded.meta['version']}"
    return Artefact(f"presidio: spaCy {name}", str(folder), _digest_of(folder), loaded.meta["version"], package_version("spacy"))


def recognisers() -> Artefact:
    """Presidio's own recognisers, which are the files of its package, as the manifest names them.

    Raises:
      MissingError: Presidio is not there.
    """
    try:
        import presidio_analyzer
    except ImportError as error:
        raise MissingError(f"the package presidio-analyzer is not installed: {_INSTALL}") from error
    folder, version = pathlib.Path(presidio_analyzer.__file__).parent, package_version("presidio-analyzer")
    return Artefact("presidio: recognisers", str(folder), _digest_of(folder), version, version)


def _digest_of(folder: pathlib.Path) -> str:
    """SHA-256 of the names and the contents of a folder's files."""
    whole = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        whole.update(file.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def check_entities(entities: Sequence[str], pipeline: str | None, language: str) -> None:
    """Makes sure that every entity can be found.

    Raises:
      MissingError: Presidio, spaCy or the pipeline is not there.
      JobError: names the entity that cannot be found, and those that can.
    """
    known = analyser(pipeline, language).get_supported_entities(language)
    for entity in entities:
        if entity not in known or (pipeline is None and entity in FROM_PIPELINE):
            there = ", ".join(sorted(name for name in known if name not in ASKS_THE_NETWORK and (pipeline or name not in FROM_PIPELINE)))
            cure = "" if pipeline or entity not in FROM_PIPELINE else f"; {entity} needs a spaCy pipeline: set filters.presidio.pipeline"
            raise JobError(f"filters.presidio.entities: Presidio finds no {entity} in {language}{cure}; it finds {there}")


@loaded_once(4)
def analyser(pipeline: str | None, language: str) -> Any:
    """Presidio's AnalyzerEngine with all its own recognisers for a language, the same object for every thread of a process.

    Args:
      pipeline: a spaCy pipeline for the entities that need one, an installed package or a folder; None: recognisers of patterns alone.
      language: two letters.

    Raises:
      MissingError: Presidio, spaCy or the pipeline is not there.
    """
    try:
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError as error:
        raise MissingError(f"Presidio is not installed: {_INSTALL}") from error
    engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": pipeline or "blank"}])
    engine.nlp = {language: _pipeline(pipeline, language)}  # loaded here, since `load` would download what is missing
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
    for name in ("EmailRecognizer", "UrlRecognizer"):
        registry.remove_recognizer(name)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])


def _pipeline(pipeline: str | None, language: str) -> Any:
    try:
        import spacy
    except ImportError as error:
        raise MissingError(f"spaCy is not installed: {_INSTALL}") from error
    if pipeline is None:
        return spacy.blank(language)
    try:
        return spacy.load(pipeline)
    except (OSError, ValueError) as error:
        told = "there is no such spaCy pipeline, or it is none that this version of spaCy reads"
        raise MissingError(f"{pipeline}: {told}; install its package on every machine, or name its folder") from error
