"""The one record of a run that every document is rendered from: each number once, and how it was computed."""

from typing import Any

from pipeline.documents import attribution, consent, earlier, meaning, people, rules, totals
from pipeline.documents.domains import Domains
from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import computed, declared, portable
from pipeline.documents.integrity import integrity
from pipeline.documents.limits import limits
from pipeline.documents.questions import answers
from pipeline.documents.revision import revision
from pipeline.run import Run
from schemas.job import Phase, keys_of
from schemas.versions import digest

FORMAT = "winnow datasheet 1"
UNTITLED = "Untitled image-text dataset"
_OF_A_RELEASE = (Phase.ANNOTATE, Phase.MATCH, Phase.JUDGE, Phase.EMIT, Phase.DOCUMENT)


def job_digest(run: Run) -> str:
    """Digest of every key of the job that decides a byte, without folders, workers and gates."""
    return digest(portable(keys_of(run.job, *_OF_A_RELEASE)))


def build_record(evidence: Evidence, domains: Domains) -> dict[str, Any]:
    """Everything the documents say, as plain data without NaN."""
    run = evidence.run
    counts = totals.totals(evidence)
    read, kept = counts["read"]["value"], counts["kept"]["value"]
    groups = people.groups(evidence)
    record: dict[str, Any] = {
        "format": FORMAT,
        "dataset": {
            **{name: declared(getattr(run.job.datasheet, name), f"datasheet.{name}") for name in
               ("title", "description", "licence", "url", "version", "date", "creators", "contact")},
        },
        "revision": revision(evidence),
        "software": totals.software(evidence),
        "job": computed(job_digest(run), "digest of every key of the job that decides a byte; no folders, workers or gates"),
        "totals": counts,
        "sources": totals.sources(evidence),
        "funnel": totals.funnel(evidence, counts),
        "reasons": totals.reasons(evidence, read),
        "actions": totals.words(evidence, "action", "kept rows in which something was taken out or written over"),
        "flags": totals.words(evidence, "flag", "rows in which something was noticed, removed ones among them"),
        "integrity": integrity(evidence),
        "duplicates": totals.duplicates(evidence),
        "embeddings": meaning.embeddings(evidence),
        "semantic": meaning.semantic(evidence),
        "against": earlier.against(evidence),
        "appended": earlier.appended(evidence),
        "benchmarks": totals.benchmarks(evidence),
        "consent": consent.consent(evidence, read),
        "groups": groups,
        "languages": people.languages(evidence),
        "unknown_shares": people.unknown_shares(groups["value"]),
        "weights": people.weights(evidence),
        "audit": people.audit(evidence),
        "alarms": people.alarms(evidence),
        "filters": rules.filters(evidence),
        "scores": rules.scores(evidence),
        "image_model": rules.image_model(evidence),
        "faces": rules.faces(evidence),
        "run_counts": computed(
            evidence.judged["counts"], earlier.of_first_run(evidence, "what filters counted over the whole run before judging a row")
        ),
        "pictures": totals.pictures(evidence),
        "unreadable": totals.unreadable(evidence),
        "notes": computed([{"note": n, "shards": k} for n, k in evidence.notes.items()], "noticed about shards as a whole"),
        "columns": totals.columns(evidence, kept),
        "dropped_columns": computed(list(run.job.publish.drop), "publish.drop: source columns that are not published"),
        "attribution": attribution.attribution(evidence, kept),
        "domains": {
            "number": computed(domains.number, "registrable domains of kept rows"),
            "items": computed(domains.items, "kept rows with a domain"),
            "listed": computed(len(domains.lines), f"lines of top_domains.csv: the top tenth by {domains.measure}"),
            "listed_share": computed(domains.lines[-1][5] if domains.lines else None, f"share of all {domains.measure} in those lines"),
            "listed_for_sme": computed(domains.for_sme, "lines of the shorter list: 5 % or 1,000, whichever is lower"),
            "measure": computed(domains.measure, "what domains are ranked by"),
        },
    }  # fmt: skip
    record["limits"] = limits(evidence, record)
    record["questions"] = answers(record, run.job.datasheet)
    return record


def title_of(record: dict[str, Any]) -> str:
    """The declared title, or that there is none."""
    return str(record["dataset"]["title"]["value"] or UNTITLED)
