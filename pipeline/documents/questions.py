"""The 57 questions of a datasheet, answered by the run where it can, and by the job's declared answers."""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.documents.facts import NOT_ANSWERED
from pipeline.documents.revision import sentence
from schemas.job import Datasheet
from schemas.questions import PARTS, QUESTIONS

Record = Mapping[str, Any]


def answers(record: Record, declared: Datasheet) -> list[dict[str, Any]]:
    """One entry per question: the computed sentence, the declared one, and who says what.

    Returns:
      Entries with id, part, question, kind, computed, declared, answered and text; text is what a reader sees.
    """
    known = _known(declared)
    found = []
    for question in QUESTIONS:
        computed = _COMPUTED[question.id](record) if question.id in _COMPUTED else None
        given = known.get(question.id)
        text = " ".join(part for part in (computed, given) if part) or NOT_ANSWERED
        found.append(
            {
                "id": question.id, "part": PARTS[question.part], "question": question.text, "kind": question.kind, "computed": computed,
                "declared": given, "answered": text != NOT_ANSWERED, "text": text,
            }
        )  # fmt: skip
    return found


def answer_to(record: Record, name: str) -> str:
    """What the record answers to the question with this id."""
    return str(next(entry["text"] for entry in record["questions"] if entry["id"] == name))


def unanswered(record: Record) -> list[str]:
    """Ids of the questions that nobody answers."""
    return [entry["id"] for entry in record["questions"] if not entry["answered"]]


def _known(declared: Datasheet) -> dict[str, str]:
    """Declared answers, those that stand under keys of their own among them."""
    own = {
        "motivation.creators": ", ".join(declared.creators), "distribution.licence": declared.licence, "distribution.when": declared.date,
        "maintenance.contact": declared.contact, "distribution.how": declared.url,
    }  # fmt: skip
    given = {name: text for name, text in own.items() if text}
    return given | {name: text.strip() for name, text in declared.answers.items() if text.strip()}


def _of(record: Record, *path: str) -> Any:
    place: Any = record
    for name in path:
        place = place[name]
    return place["value"]


def _n(number: float) -> str:
    return f"{number:,}"


def _percent(number: float | None) -> str:
    return "none" if number is None else f"{number:.1%}"


def _rows_with(record: Record, *words: str) -> int:
    return sum(line["rows"] for line in _of(record, "reasons") if line["reason"] in words)


def _list(words: list[str]) -> str:
    return ", ".join(words) if words else "none"


def _instances(record: Record) -> str:
    languages = _of(record, "languages")
    formats = [line["format"] for line in _of(record, "pictures", "formats")]
    return (
        f"Pairs of a picture and its caption. Picture formats: {_list(formats)}. Languages of captions, most "
        f"frequent first: {_list(languages[:10])}."
    )


def _count(record: Record) -> str:
    return (
        f"{_n(_of(record, 'totals', 'kept'))} pairs in {_n(_of(record, 'totals', 'files'))} data files"
        f" ({_n(_of(record, 'totals', 'data_bytes'))} bytes); rows per file stand in manifest.json."
    )


def _sample(record: Record) -> str:
    return (
        f"A selection: of {_n(_of(record, 'totals', 'read'))} rows read {_n(_of(record, 'totals', 'kept'))} were kept "
        f"({_percent(_of(record, 'totals', 'kept_share'))}). How shares of groups moved stands in the table of groups."
    )


def _content(record: Record) -> str:
    return f"{len(_of(record, 'columns'))} columns: " + _list([line["column"] for line in _of(record, "columns")]) + "."


def _label(_: Record) -> str:
    return (
        "No label but the caption, which comes from the source and was written for other purposes; the weight column is for sampling. "
        "Scores that filters gave are not published; their histograms are in this datasheet."
    )


def _missing(record: Record) -> str:
    absent = [f"{line['column']} ({_n(line['nulls'])})" for line in _of(record, "columns") if line["nulls"]]
    return (
        f"Nulls per column: {_list(absent)}. {_n(_of(record, 'totals', 'unreadable'))} rows of the source could "
        "not be read. Consent is not "
        f"observable for {_percent(_of(record, 'consent', 'not_observable_share'))} of the rows read."
    )


def _relationships(record: Record) -> str:
    clusters = _n(sum(line["clusters"] for line in _of(record, "duplicates", "image_clusters")))
    return (
        f"The rows read make {clusters} clusters of duplicates. Of those in which a row may stay, one stands for all; the others are "
        f"{_fate(record)}. Which rows share a cluster is recorded in the private ledger; rows of one site share the host of their URL."
    )


def _errors(record: Record) -> str:
    duplicates = [
        f"{line['reason']}: {_n(line['identical'])} identical, {_n(line['near'])} near" for line in _of(record, "duplicates", "rows")
    ]
    return (
        f"Rows that repeat another, {_fate(record)}: {_list(duplicates)}. Captions come from the web and may not describe their "
        "picture. Near-duplicates beyond the "
        f"reach of the comparison ({_of(record, 'duplicates', 'reach')}) may remain; see what this run cannot see."
    )


def _fate(record: Record) -> str:
    """What becomes of a row that another stands for."""
    if _of(record, "duplicates", "action") == "flag":
        return "flagged and not removed for that"
    protected = _of(record, "duplicates", "protected")
    return f"removed, but for those of {_list(protected)}" if protected else "removed"


def _self_contained(record: Record) -> str:
    if any(line["column"] == "image" for line in _of(record, "columns")):
        return "Pictures are in the data files, with their hashes; URLs are for reference and may be dead."
    return "The dataset links to pictures by URL and holds none of them; they may change or vanish, and what is fetched may differ."


def _confidential(record: Record) -> str:
    flags = [
        f"{line['word'].partition(':')[2]} {_n(line['rows'])}" for line in _of(record, "flags") if line["word"].startswith("personal_data:")
    ]
    return f"Personal data by kind, in rows found before redaction or removal: {_list(flags)}. No rule finds names or postal addresses."


def _offensive(record: Record) -> str:
    bounds = [f"{s['score']} up to {s['max']}" for s in _of(record, "scores") if s["max"] is not None]
    return (
        f"It may. Removed: toxicity {_n(_rows_with(record, 'toxicity'))}, nsfw {_n(_rows_with(record, 'nsfw'))} rows. "
        f"What is kept scores {_list(bounds)}. {_of(record, 'image_model')}"
    )


def _subpopulations(record: Record) -> str:
    unknown = [
        f"{line['attribute']} {'at least ' * line['at_least']}{_percent(line['not_known'])}" for line in _of(record, "unknown_shares")
    ]
    return (
        "Gender and age as captions mention them, region by country domain, language by a model; the "
        "distribution before and after is in the "
        f"table of groups. Share without a value: {_list(unknown)}."
    )


def _identifiable(record: Record) -> str:
    stripped = [f"{line['word']} {_n(line['rows'])}" for line in _of(record, "actions")]
    return (
        f"Possibly: names in captions stay, URLs lead to the source. {_of(record, 'faces')} What was taken out of kept rows: "
        f"{_list(stripped)}."
    )


def _sensitive(record: Record) -> str:
    return (
        f"It was not asked what pictures show. Found by rules: {_n(_rows_with(record, 'personal_data'))} rows removed for personal data, "
        f"{_n(_rows_with(record, 'nsfw'))} as nsfw."
    )


def _acquired(record: Record) -> str:
    lines = [f"{s['source']} ({s['format']}, {_n(s['rows'])} rows in {_n(s['shards'])} shards)" for s in _of(record, "sources")]
    return f"Read from existing collections: {_list(lines)}."


def _mechanisms(record: Record) -> str:
    return (
        "Read by Winnow's own readers; the source's rows were counted by other code as well "
        f"({_n(_of(record, 'totals', 'source_rows'))}), and every row has an entry in the ledger."
    )


def _sampling(record: Record) -> str:
    if _of(record, "weights", "output") == "subsample":
        return f"A subsample by a keyed hash of the uid. {_of(record, 'weights', 'told')}"
    return f"No sampling: every row without a reason against it is kept. {_of(record, 'weights', 'told')}"


def _timeframe(_: Record) -> str:
    return "The run does not know when pictures and captions were made or fetched."


def _third_parties(record: Record) -> str:
    return (
        f"From {_n(_of(record, 'domains', 'number'))} registrable domains; the largest are listed in "
        "top_domains.csv. No individual was asked."
    )


def _consent(record: Record) -> str:
    states = [f"{line['state']} {_percent(line['share'])}" for line in _of(record, "consent", "states")]
    return f"What signals say of the rows read: {_list(states)}. {_n(_rows_with(record, 'opt_out'))} rows were removed for a reservation."


def _revocation(record: Record) -> str:
    return (
        "Opt-outs and takedowns can be applied to the release by URL, hash or uid; "
        f"{_n(_rows_with(record, 'taken_down'))} rows were taken down "
        "in this run."
    )


def _done(record: Record) -> str:
    lines = [f"{line['reason']} {_n(line['rows'])}" for line in _of(record, "reasons")]
    done = [f"{line['word']} {_n(line['rows'])}" for line in _of(record, "actions")]
    return (
        "Decoding, near-duplicate search over pictures and captions, filters, consent, weights: options, models "
        "and thresholds are in the table "
        f"of filters. Rows per reason: {_list(lines)}. Changed in kept rows: {_list(done)}."
    )


def _raw(_: Record) -> str:
    return "The source is not changed by the run; `read_sha256` is the hash of each picture as it was read."


def _software(record: Record) -> str:
    return f"Winnow {_of(record, 'software', 'winnow')} (code {_of(record, 'software', 'code')}), Apache-2.0."


def _impact(record: Record) -> str:
    alarms = [f"{line['reason']} removes all of {line['attribute']}={line['level']}" for line in _of(record, "alarms")]
    return (
        f"Yes: see what this run cannot see. Groups that vanish: {_list(alarms)}. Flagged disparities: "
        f"{_n(_of(record, 'audit', 'flagged'))}."
    )


def _how(_: Record) -> str:
    return "Parquet files with a manifest of their hashes, a dataset card and Croissant metadata."


def _licence(record: Record) -> str:
    return (
        f"No licence is declared for the whole. {_percent(_of(record, 'attribution', 'licence_share'))} of the kept rows name one of their "
        "own in the column `licence`, which was not verified; of all others it is not known."
    )


def _ip(record: Record) -> str:
    reserved = next((line["rows"] for line in _of(record, "consent", "states") if line["state"] == "reserved"), 0)
    credited = _percent(_of(record, "attribution", "creator_share"))
    return (
        f"{_n(reserved)} rows carry a machine-readable reservation. {credited} of the kept rows name a creator, on purpose: for "
        "credit. The columns `creator`, `credit`, `licence`, `licensor` and `rights` hold what pictures and the source say, e-mail "
        "addresses and phone numbers written over, and attribution.parquet counts it. Notices in plain words are published, not "
        "interpreted; pictures may be under copyright."
    )


def _versions(record: Record) -> str:
    told = _of(record, "revision")
    return "The run knows of no other version." if told is None else sentence(told)


_COMPUTED: dict[str, Callable[[Record], str]] = {
    "composition.instances": _instances, "composition.count": _count, "composition.sample": _sample, "composition.content": _content,
    "composition.label": _label, "composition.missing": _missing, "composition.relationships": _relationships,
    "composition.splits": lambda _: "None: all rows are one split, train.",
    "composition.errors": _errors, "composition.self_contained": _self_contained, "composition.confidential": _confidential,
    "composition.offensive": _offensive, "composition.subpopulations": _subpopulations, "composition.identifiable": _identifiable,
    "composition.sensitive": _sensitive, "collection.acquired": _acquired, "collection.mechanisms": _mechanisms,
    "collection.sampling": _sampling, "collection.timeframe": _timeframe, "collection.third_parties": _third_parties,
    "collection.consent": _consent, "collection.revocation": _revocation, "preprocessing.done": _done, "preprocessing.raw": _raw,
    "preprocessing.software": _software, "uses.impact": _impact, "distribution.how": _how,
    "distribution.licence": _licence, "distribution.ip": _ip,
    "maintenance.erratum": lambda _: "Errors found later are corrected by a new version.",
    "maintenance.updates": lambda record: f"This is version {_of(record, 'dataset', 'version')}; removals make a new one.",
    "maintenance.retention": lambda _: "The run knows of no limit.",
    "maintenance.versions": _versions,
}  # fmt: skip
