"""Phase 5, what did we do? The counts of all shards become one record, and the record every document.

    work/emitted/, judge's marker ─► one record ─► datasheet (.json .md .html), README.md, croissant.json, eu_training_summary.json,
                                                   top_domains.csv, attribution.parquet, after a takedown
                                                   USABLE_VERSIONS.json ─► manifest.json, last
    ledger, source ─► work/review/review.html, private

What shards counted is added up in Beam; the driver reads at most 64 files, and of the rows only a handful, for pictures.
"""

import json

from pipeline.documents.attribution import PATH, credited, write_attribution
from pipeline.documents.card import render_card
from pipeline.documents.croissant import render_croissant
from pipeline.documents.domains import top_domains, write_csv
from pipeline.documents.eu_summary import render_eu_summary
from pipeline.documents.evidence import Evidence, gather
from pipeline.documents.html import render_html
from pipeline.documents.manifest import render_manifest
from pipeline.documents.markdown import render_markdown
from pipeline.documents.questions import unanswered
from pipeline.documents.record import build_record
from pipeline.documents.review import write_review
from pipeline.documents.thumbnails import thumbnails
from pipeline.documents.usable import PATH as USABLE
from pipeline.documents.usable import write_usable
from pipeline.run import Run
from schemas.errors import GateError
from schemas.layout import join
from transforms.storage import remove, sweep, write_bytes


def document(run: Run) -> None:
    """Writes all documents of a finished run, and the manifest where no gate stands against it.

    Raises:
      JobError: the phases before have not ended.
      GateError: a gate that the job sets does not hold. The documents are there and say so; the manifest is not.
    """
    with gather(run) as evidence:
        remove(run.layout.manifest)
        sweep(run.layout.out)
        domains, credit = top_domains(evidence.counts), credited(evidence.counts)
        record = build_record(evidence, domains)
        documents = {
            "datasheet.json": json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False).encode(),
            "datasheet.md": render_markdown(record),
            "datasheet.html": render_html(record, thumbnails(evidence)),
            "README.md": render_card(record, evidence),
            "croissant.json": render_croissant(record, evidence),
            "eu_training_summary.json": render_eu_summary(record),
            "top_domains.csv": write_csv(domains),
            PATH: write_attribution(credit),
        }
        if record["revision"]["value"] is not None:
            documents[USABLE] = write_usable(record["dataset"]["version"]["value"], record["revision"]["value"])
        for path, content in documents.items():
            write_bytes(join(run.layout.out, path), content)
        write_review(evidence)
        check_gates(evidence, record)
        rows = {"top_domains.csv": len(domains.lines), PATH: credit.num_rows}
        write_bytes(run.layout.manifest, render_manifest(evidence, documents, rows))


def check_gates(evidence: Evidence, record: dict) -> None:
    """Ends the run where a gate of the job does not hold.

    Raises:
      GateError: names every such gate, what was found, and what to do.
    """
    job, failed = evidence.run.job, []
    open_questions = unanswered(record)
    if job.datasheet.strict and open_questions:
        failed.append(
            f"datasheet.strict: {len(open_questions)} questions have no answer ({', '.join(open_questions[:5])}"
            f"{', ...' if len(open_questions) > 5 else ''}); answer them under datasheet.answers"
        )
    least, share = job.rebalance.min_effective_share, record["weights"]["effective_share"]["value"]
    if least is not None and (share or 0) < least:
        failed.append(
            f"rebalance.min_effective_share: the effective sample size is {share or 0:.1%} of the kept rows, less than {least:.1%}; choose "
            "narrower bounds or another target"
        )
    flagged = [f"{cost['reason']} on {cost['attribute']}={cost['level']}" for cost in evidence.judged["weights"]["flagged"]]
    if job.audit.fail_on_flags and flagged:
        failed.append(
            f"audit.fail_on_flags: {len(flagged)} flagged "
            f"({', '.join(flagged[:5])}{', ...' if len(flagged) > 5 else ''}); see the groups in "
            "the datasheet"
        )
    if failed:
        where = join(evidence.run.layout.out, "datasheet.html")
        raise GateError("\n".join(failed) + f"\nThe documents are written ({where}); manifest.json is not, so this is no finished release.")
