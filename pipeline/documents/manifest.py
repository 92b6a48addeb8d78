"""The manifest: every file of a release with its rows, bytes and hash, and what decided them. It is written last."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pipeline.documents import artefacts
from pipeline.documents.earlier import in_manifest
from pipeline.documents.evidence import Evidence
from pipeline.documents.record import job_digest
from schemas.reasons import VERDICTS
from schemas.release import SCHEMA_VERSION
from schemas.versions import signature_versions, versions
from transforms.ledger import ledger_digest

FORMAT = "winnow manifest 1"
_RENDERERS = ("duckdb", "jinja2", "matplotlib")  # decide bytes of documents, and of nothing else


def render_manifest(evidence: Evidence, documents: Mapping[str, bytes], rows: Mapping[str, int]) -> bytes:
    """The file `manifest.json`. Nothing in it depends on the clock, on folders or on workers.

    Args:
      evidence: the run.
      documents: path below the release -> content, of all that was written beside the data.
      rows: path -> rows, of documents that are tables.
    """
    files = {f"data/{name}.parquet": dict(found) for name, found in evidence.data_files.items()}
    for path, content in documents.items():
        described: dict[str, Any] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        files[path] = {"rows": rows[path], **described} if path in rows else described
    run = evidence.run
    ledger = evidence.judged["ledger"]
    manifest = {
        "format": FORMAT,
        "release": run.job.datasheet.version,
        "schema_version": SCHEMA_VERSION,
        "job": job_digest(run),
        "versions": {**_made_by(evidence), **{name: version(name) for name in _RENDERERS}},
        **artefacts.in_manifest(evidence),
        **in_manifest(run),
        "ledger": {
            "sha256": ledger_digest(ledger),
            "rows": sum(found["rows"] for found in ledger.values()),
            **{verdict: sum(found["verdicts"].get(verdict, 0) for found in ledger.values()) for verdict in VERDICTS},
        },
        "files": files,
    }
    if evidence.revision is not None:
        manifest["revision"] = {"of": evidence.revision["of"], "manifest": evidence.revision["manifest"]}
    return json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def _made_by(evidence: Evidence) -> dict[str, str]:
    """What decided the rows and their signatures: of a revision the versions that made the first release."""
    return {**versions(), **signature_versions()} if evidence.revision is None else dict(evidence.revision["versions"])
