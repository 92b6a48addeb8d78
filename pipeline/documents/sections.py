"""Cuts the record into the sections of a datasheet: rows, reasons, duplicates, consent, filters. Groups stand in `group_sections`."""

from typing import Any

from pipeline.documents.group_sections import groups_section, weights_section
from pipeline.documents.integrity import integrity_section
from pipeline.documents.meaning_section import meaning_section
from pipeline.documents.revision import REPLACED, WEIGHTS, sentence
from pipeline.documents.view import Section, Table, number, percent, size, table, words

Record = dict[str, Any]


def sections(record: Record) -> list[Section]:
    """All sections but the questions, in reading order."""
    return [
        _overview(record), *_revision(record), _removed(record), integrity_section(record), _duplicates(record), *meaning_section(record),
        _consent(record), groups_section(record), weights_section(record), _filters(record), _scores(record), _data(record),
        _attribution(record), _limits(record), _provenance(record),
    ]  # fmt: skip


def key_figures(record: Record) -> list[tuple[str, str]]:
    """The few numbers that stand on top: (value, what it is)."""
    totals = record["totals"]
    clusters = sum(line["clusters"] for line in record["duplicates"]["image_clusters"]["value"])
    return [
        (number(totals["read"]["value"]), "rows read"),
        (number(totals["kept"]["value"]), "rows kept"),
        (percent(totals["kept_share"]["value"]), "kept of read"),
        (size(totals["data_bytes"]["value"]), "of data"),
        (number(clusters), "clusters of duplicates"),
        (percent(record["consent"]["not_observable_share"]["value"]), "consent not observable"),
    ]


def alarms(record: Record) -> tuple[str, ...]:
    """One sentence per filter that leaves nothing of a group; declared ones are no alarm."""
    return tuple(
        f"{line['reason']} removes every readable row with {line['attribute']} = {line['level']}."
        for line in record["alarms"]["value"]
        if not line["declared"]
    )


def _overview(record: Record) -> Section:
    totals = record["totals"]
    told = (
        f"{number(totals['read']['value'])} rows were read, {number(totals['kept']['value'])} are kept, "
        f"{number(totals['rejected']['value'])} "
        f"were rejected and {number(totals['unreadable']['value'])} could not be read. The source holds "
        f"{number(totals['source_rows']['value'])} rows by another count."
    )
    if not totals["kept"]["value"]:
        told += " No row is kept: the data files hold the columns and no row."
    steps = [(step["step"], number(step["rows"])) for step in record["funnel"]["value"]]
    sources = [
        (line["source"], line["format"], number(line["shards"]), number(line["rows"]), number(line["kept"]))
        for line in record["sources"]["value"]
    ]
    appended = [
        (line["release"], line["onto"], number(len(line["shards"])), number(line["rows"]), number(line["kept"]))
        for line in record["appended"]["value"]
    ]
    return Section(
        "overview", "From source to release", (told,), ("funnel",),
        (
            table("Every row once", ("step", "rows#"), steps, record["funnel"]["how"]),
            table("Appended", ("release", "onto", "shards#", "rows#", "kept#"), appended, record["appended"]["how"]),
            table("Sources", ("source", "format", "shards#", "rows#", "kept#"), sources, record["sources"]["how"]),
        ),
    )  # fmt: skip


def _revision(record: Record) -> list[Section]:
    told = record["revision"]["value"]
    if told is None:
        return []
    rows = [
        (line["version"], line["reason"], line["request"] or "not said", number(line["rows"]), number(line["restored"]))
        for line in told["removed"]
    ]
    heads = ("first version without", "reason", "request", "rows#", "restored since#")
    old = [(line["version"], words(line["reasons"]), line["manifest"][:16]) for line in told["withdrawn"]]
    said = f"{number(told['shards'])} data files were written again; all others are those of version {told['of']}, byte for byte."
    return [
        Section(
            "revision", "Taken down after release", (sentence(told), f"{said} {REPLACED}", WEIGHTS), (),
            (
                table("Rows taken down", heads, rows, record["revision"]["how"]),
                table("Versions that hold such rows and should not be used", ("version", "reasons", "manifest sha256"), old,
                      "versions before the first that goes without them; USABLE_VERSIONS.json says the same"),
            ),
        )
    ]  # fmt: skip


def _removed(record: Record) -> Section:
    rows = [(r["reason"], number(r["rows"]), percent(r["share"]), number(r["sole"])) for r in record["reasons"]["value"]]
    return Section(
        "removed", "Why rows were removed", (), ("reasons",),
        (
            table("Reasons", ("reason", "rows#", "of read#", "only reason#"), rows, record["reasons"]["how"]),
            _words(record, "actions", "Changed in kept rows", "action"),
            _words(record, "flags", "Noticed", "flag"),
            table("Unreadable rows", ("problem", "rows#"), [(r["problem"], number(r["rows"])) for r in record["unreadable"]["value"]],
                  record["unreadable"]["how"]),
            table("Notes on shards", ("note", "shards#"), [(r["note"], number(r["shards"])) for r in record["notes"]["value"]],
                  record["notes"]["how"]),
        ),
    )  # fmt: skip


def _words(record: Record, name: str, title: str, head: str) -> Table:
    return table(title, (head, "rows#"), [(r["word"], number(r["rows"])) for r in record[name]["value"]], record[name]["how"])


def _duplicates(record: Record) -> Section:
    found = record["duplicates"]
    told = (
        f"Policy {found['policy']['value']}: which edges join rows into a cluster. Pictures were decoded in mode "
        f"{found['mode']['value']} and "
        f"compared with reach {found['reach']['value']}. Every candidate pair was verified before it counted."
    )
    largest = [max((line["size"] for line in found[f"{kind}_clusters"]["value"]), default=1) for kind in ("image", "caption")]
    size = f"The largest cluster by pictures has {number(largest[0])} rows, the largest by captions {number(largest[1])}."
    chosen = _chosen(found)
    rows = [(r["reason"], number(r["identical"]), number(r["near"])) for r in found["rows"]["value"]]
    sizes = [
        (kind, number(line["size"]), number(line["clusters"]))
        for kind in ("image", "caption")
        for line in found[f"{kind}_clusters"]["value"]
    ]
    earlier = [(line["run"], line["reason"] or "-", number(line["rows"])) for line in record["against"]["value"]]
    return Section(
        "duplicates", "Duplicates", (told, size, chosen), ("clusters",),
        (
            table("Lists of rows that are no duplicates", ("list", "sha256"),
                  [(f["name"], f["sha256"]) for f in found["not_duplicates"]["value"]["lists"]], found["not_duplicates"]["how"]),
            table("Rows that repeat another", ("reason", "identical#", "near#"), rows, found["rows"]["how"]),
            _benchmarks(record),
            table("Rows of earlier runs", ("run", "reason", "rows#"), earlier, record["against"]["how"]),
            table("Cluster sizes", ("clusters of", "rows#", "clusters#"), sizes, found["image_clusters"]["how"], folded=len(sizes) > 12),
        ),
    )  # fmt: skip


def _benchmarks(record: Record) -> Table:
    heads = ("set", "pictures#", "unreadable#", "captions#", "too short#", "hashes#", "rows found#", "by hash#", "by picture#", "near#",
             "by caption#")  # fmt: skip
    rows = [
        (
            line["set"], *(number(line[name]) for name in ("pictures", "unreadable", "captions", "short", "hashes", "found")),
            number(line["hash_exact"] + line["hash_near"]), number(line["picture_exact"] + line["picture_near"]),
            number(line["picture_near"]), number(line["caption_exact"] + line["caption_near"]),
        )
        for line in record["benchmarks"]["value"]
    ]  # fmt: skip
    return table("Benchmark sets kept out", heads, rows, record["benchmarks"]["how"])


def _chosen(found: Record) -> str:
    """In words, which copy stayed and what became of the others."""
    order = [*found["prefer"]["value"], "consent", "pixels", "length of the caption"]
    told = [f"Of a cluster that copy stays that is best by: {'; '.join(order)}."]
    if found["protected"]["value"]:
        told.append(f"Rows of these sources stay whatever repeats them: {words(found['protected']['value'])}.")
    if found["action"]["value"] == "flag":
        told.append("Duplicates were flagged and kept; each weighs as any other row, so a picture counts as often as it was seen.")
    listed = found["not_duplicates"]["value"]
    if listed["pairs"]:
        told.append(
            f"{number(listed['pairs'])} pairs of rows were kept apart by lists; {number(listed['unknown_uids'])} of the "
            f"{number(listed['uids'])} rows they name are not in this input."
        )
    if found["keep_captions"]["value"]:
        told.append(f"Kept rows carry {number(found['captions_carried']['value'])} captions of rows that they stand for.")
    return " ".join(told)


def _consent(record: Record) -> Section:
    found = record["consent"]
    told = [
        f"{percent(found['not_observable_share']['value'])} of the rows read: not observable.",
        "Nothing spoke, and not every kind of signal could be seen.",
    ]
    told += [
        f"{line['signal'][0].upper()}{line['signal'][1:]}: {percent(line['not_observable'])} not observable."
        for line in found["observability"]["value"]
    ]
    heads = ("kind of signal", "scope", "observable#", "not observable#")
    states = [(s["state"], number(s["rows"]), percent(s["share"]), number(s["kept"])) for s in found["states"]["value"]]
    seen = [(o["signal"], o["scope"], percent(o["observable"]), percent(o["not_observable"])) for o in found["observability"]["value"]]
    honoured = [(p["protocol"], number(p["observable"]), number(p["reserved"])) for p in found["protocols"]["value"]]
    signals = [(words(s["signal"]), words(s["scope"]), words(s["value"]), number(s["found"])) for s in found["signals"]["value"]]
    return Section(
        "consent", "Consent and reservations", (" ".join(told), f"Reservations were asked about the use: {words(found['use']['value'])}."),
        ("consent", "observable"),
        (
            table("State of every row read", ("state", "rows#", "of read#", "kept#"), states, found["states"]["how"]),
            table("What could have been seen", heads, seen, found["observability"]["how"]),
            _signals(record),
            table("Protocols honoured", ("protocol", "observable at best#", "reserved at least#"), honoured, found["protocols"]["how"]),
            table("Signals found", ("signal", "scope", "value", "found#"), signals, found["signals"]["how"]),
        ),
    )  # fmt: skip


def _signals(record: Record) -> Table:
    states = ("observable", "reserved", "permitted", "silent", "not_observable")
    heads = ("signal", *(f"{words(state)}#" for state in states), *(f"{words(state)}, domains#" for state in states))
    rows = [
        (
            words(line["signal"]), *(f"{number(line[state])} ({percent(line[f'{state}_share'])})" for state in states),
            *(f"{number(line[f'{state}_domains'])} ({percent(line[f'{state}_domain_share'])})" for state in states),
        )
        for line in record["consent"]["by_signal"]["value"]
    ]  # fmt: skip
    return table("What each signal said", heads, rows, record["consent"]["by_signal"]["how"])


def _filters(record: Record) -> Section:
    rows = [
        (
            f["filter"], f["does"], f["action"] if f["judged"] else "off", words(f["options"]), number(f["rejected"]), number(f["flagged"]),
            number(f["not_scored"]),
        )
        for f in record["filters"]["value"]
    ]  # fmt: skip
    files = [
        (f["filter"], kind, found["name"], found["sha256"])
        for f in record["filters"]["value"]
        for kind, key in (("model", "models"), ("list", "lists"))
        for found in f[key]
    ]
    counted = [(name, word, number(rows)) for name, found in record["run_counts"]["value"].items() for word, rows in found.items()]
    heads = ("filter", "what it does by default", "action", "options", "rejected#", "flagged#", "not scored#")
    return Section(
        "filters", "Filters", (record["image_model"]["value"], record["faces"]["value"]), (),
        (
            table("Filters and their options", heads, rows, record["filters"]["how"]),
            table("Models and lists", ("filter", "kind", "name", "sha256"), files),
            table("Counted over the whole run", ("filter", "what", "rows#"), counted, record["run_counts"]["how"], folded=True),
        ),
    )  # fmt: skip


def _scores(record: Record) -> Section:
    rows = [
        (s["score"], words(s["min"]), words(s["max"]), number(sum(s["kept"])), number(sum(s["removed"]))) for s in record["scores"]["value"]
    ]
    charts = tuple(f"score-{place}" for place in range(len(record["scores"]["value"])))
    return Section(
        "scores", "Scores", (), charts,
        (table("Scored rows", ("score", "least#", "greatest#", "kept#", "removed#"), rows, record["scores"]["how"]),),
    )  # fmt: skip


def _data(record: Record) -> Section:
    rows = [
        (c["column"], c["type"], number(c["nulls"]), percent(c["share"]), c["meaning"], words(c["joined_from"]))
        for c in record["columns"]["value"]
    ]
    pictures, domains = record["pictures"], record["domains"]
    formats = [(f["format"], number(f["rows"]), size(f["bytes"])) for f in pictures["formats"]["value"]]
    sides = [(f"{s['from']} to {s['to']} px", number(s["rows"])) for s in pictures["sides"]["value"]]
    told = (
        f"Kept rows come from {number(domains['number']['value'])} registrable domains; the "
        f"{number(domains['listed']['value'])} largest, with "
        f"{percent(domains['listed_share']['value'])} of all "
        f"{words(domains['measure']['value']).replace('_', ' ')}, stand in top_domains.csv. "
        f"Source columns that are not published: {words(record['dropped_columns']['value'])}."
    )
    return Section(
        "data", "What the data holds", (told,), (),
        (
            table("Columns", ("column", "type", "nulls#", "of kept#", "meaning", "joined from"), rows, record["columns"]["how"]),
            table("Picture formats", ("format", "rows#", "bytes#"), formats, pictures["formats"]["how"]),
            table("Picture sizes", ("shorter side", "rows#"), sides, pictures["sides"]["how"]),
        ),
    )  # fmt: skip


def _attribution(record: Record) -> Section:
    found = {name: fact["value"] for name, fact in record["attribution"].items()}
    told = (
        f"{percent(found['creator_share'])} of the kept rows name a creator, {percent(found['licence_share'])} a licence: "
        f"{number(found['creators'])} creators, {number(found['licence_names'])} licences. Non-commercial use only: "
        f"{number(found['non_commercial'])} rows; no derivatives: {number(found['no_derivatives'])}. What pictures and columns say was not "
        "verified, and a row without a licence is not free. Names are published on purpose, to credit them: rows, pixels and bytes per "
        "creator, licence and registrable domain stand in attribution.parquet."
    )
    rows = [(line["licence"], number(line["rows"]), percent(line["share"]), words(line["asks"])) for line in found["licences"]]
    heads = ("licence", "rows#", "of kept#", "asks")
    return Section("attribution", "Attribution", (told,), (), (table("Licences", heads, rows, record["attribution"]["licences"]["how"]),))


def _limits(record: Record) -> Section:
    return Section("limits", "What this run cannot see", tuple(record["limits"]["value"]))


def _provenance(record: Record) -> Section:
    made = record["software"]
    rows = [("Winnow", made["winnow"]["value"]), ("code", made["code"]["value"]), ("schema", made["schema_version"]["value"]),
            ("job", record["job"]["value"])]  # fmt: skip
    rows += list(made["libraries"]["value"].items())
    told = (
        "Hashes of every file, and of the ledger, stand in manifest.json. The ledger itself, which says what "
        "became of each row, is private."
    )
    return Section("provenance", "How it was made", (told,), (), (table("Versions", ("what", "version or digest"), rows, folded=True),))
