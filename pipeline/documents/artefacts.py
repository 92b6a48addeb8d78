"""Which models and lists decided the rows, by name and hash.

Of a release that rows were taken down to make they are those that the documents of the one before it name: since then a list may have
changed, a model may be gone, and neither has decided anything anew.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import portable
from transforms.eval_sets.hash_lists import load_sets
from transforms.filters.base import Artefact

_KINDS = ("models", "lists")
_INFERENCE = "inference"


def stated(manifest: Mapping[str, Any], datasheet: Mapping[str, Any]) -> dict[str, Any]:
    """What the documents of a release state of them, to be kept with a revision of it.

    Args:
      manifest: its manifest.
      datasheet: its record; empty where it is gone, and of another version where another one wrote it.
    """
    filters = datasheet.get("filters", {}).get("value", [])
    pairs = datasheet.get("duplicates", {}).get("not_duplicates", {}).get("value", {})
    sets = datasheet.get("benchmarks", {}).get("value", [])
    return {
        **{kind: manifest.get(kind, {}) for kind in (*_KINDS, _INFERENCE)},
        "filters": {line["filter"]: {kind: line.get(kind, []) for kind in _KINDS} for line in filters},
        "pairs": pairs.get("lists", []),
        "hashes": {line["set"]: line.get("hashes", 0) for line in sets},
    }


def of_filter(evidence: Evidence, name: str) -> dict[str, list[dict[str, str]]]:
    """The models and the lists of a filter, each `name` and `sha256`."""
    if (kept := _kept(evidence)) is not None:
        return dict(kept["filters"].get(name, {kind: [] for kind in _KINDS}))
    rule = next(rule for rule in evidence.run.filters if rule.name == name)
    return {"models": _told(rule.models()), "lists": _told(rule.list_files())}


def of_pairs(evidence: Evidence) -> list[dict[str, str]]:
    """The lists of `dedup.not_duplicates`."""
    kept = _kept(evidence)
    return _told(evidence.run.pair_files) if kept is None else list(kept["pairs"])


def hashes_of_sets(evidence: Evidence) -> dict[str, int]:
    """Benchmark set -> hashes that are listed of it."""
    kept = _kept(evidence)
    if kept is not None:
        return dict(kept["hashes"])
    return {listed.name: listed.size for listed in load_sets(evidence.run.job.dedup.eval_overlap)}


def in_manifest(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """All of them as the manifest has them: `models` and `lists`, name -> hash; of models also the version, and what computed with them."""
    if (kept := _kept(evidence)) is not None:
        return {kind: dict(kept.get(kind, {})) for kind in (*_KINDS, _INFERENCE)}
    run = evidence.run
    lists = (*run.pair_files, *run.hash_files, *(found for rule in run.filters for found in rule.list_files()))
    models = [model for rule in run.filters for model in rule.models()]
    return {
        "models": {portable(found.name): found.sha256 for found in models},
        "lists": {portable(found.name): found.sha256 for found in lists},
        _INFERENCE: {portable(found.name): {"version": found.version, "runs_on": found.runs_on} for found in models},
    }


def _kept(evidence: Evidence) -> dict[str, Any] | None:
    return None if evidence.revision is None else evidence.revision.get("stated")


def _told(artefacts: Iterable[Artefact]) -> list[dict[str, str]]:
    return [{"name": portable(found.name), "sha256": found.sha256} for found in artefacts]
