"""Facts about the rows of a run as a whole: what came in, what went, what stays, and what it looks like."""

from collections.abc import Mapping
from typing import Any

from pipeline.documents.artefacts import hashes_of_sets, of_pairs
from pipeline.documents.earlier import before_appends
from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, share
from pipeline.eval_sets import tallies
from schemas.reasons import KEPT, REJECTED, UNREADABLE, in_order
from schemas.release import OWN, SCHEMA_VERSION
from schemas.versions import versions

SEVERAL = "several reasons"
MAX_PROBLEMS = 30
OWN_MEANINGS = {
    "uid": "first 128 bits, as hex, of SHA-256 over the picture's bytes, the normalised URL and the caption as read",
    "url": "where the picture was found, less credentials",
    "caption": "the text, personal data redacted",
    "image": "the picture: bytes, and a name made of uid and type",
    "width": "pixels, as displayed",
    "height": "pixels, as displayed",
    "sha256": "of the picture's bytes in this row",
    "read_sha256": "of the picture's bytes as read, before metadata was stripped",
    "weight": "sampling weight that balances groups; the mean over all rows is 1",
    "copies": "how often the picture was seen: rows of its cluster that have it, removed ones and this one too, in the shards it came with",
    "copy_hosts": "on how many registrable domains; null where no copy has a URL",
    "creator": "who made the picture, by its metadata, else by a column of the source; names stand here on purpose, to credit them",
    "credit": "how the one who supplied the picture wants to be named",
    "licence": "SPDX identifier of the picture's licence where it is one, else as declared; as metadata or a column say, not verified",
    "licensor": "who gives a licence for the picture: name, address",
    "rights": "copyright and usage notices, and addresses of pages about them",
    "captions": "distinct captions of the picture's copies that pass, personal data redacted, this row's own first; at most 1,000",
    "caption_count": "how many such captions there are, listed or not",
}


def software(evidence: Evidence) -> dict[str, Fact]:
    """What made the release; of a revision what made the first one."""
    found = versions() if evidence.revision is None else {"winnow": "", "code": "", **evidence.revision["versions"]}
    return {
        "winnow": computed(found["winnow"], "version of the installed package"),
        "code": computed(found["code"], "digest of Winnow's sources and of the models and lists beside them"),
        "schema_version": computed(SCHEMA_VERSION, "version of the columns' meaning, in the footer of every data file"),
        "libraries": computed(
            {name: version for name, version in sorted(found.items()) if name not in ("winnow", "code")},
            "versions of the libraries that decide bytes",
        ),
    }


def totals(evidence: Evidence) -> dict[str, Fact]:
    """Rows, bytes and files."""
    verdicts = {line.a: line for line in evidence.counts.lines("verdict")}
    rows = {name: verdicts[name].rows if name in verdicts else 0 for name in (KEPT, REJECTED, UNREADABLE)}
    read = sum(rows.values())
    files = evidence.data_files.values()
    return {
        "read": computed(read, "rows of the ledger: one for every row of the source"),
        "source_rows": computed(evidence.source_rows, "rows of the source, counted by other code than the reader"),
        "kept": computed(rows[KEPT], "rows without any reason against them"),
        "rejected": computed(rows[REJECTED], "readable rows with at least one reason against them"),
        "unreadable": computed(rows[UNREADABLE], "rows whose picture cannot be read, or was recorded as failed"),
        "kept_share": computed(share(rows[KEPT], read), "kept / read"),
        "source_bytes": computed(evidence.source_bytes, "bytes of the source's files as they lie"),
        "picture_bytes": computed(verdicts[KEPT].bytes if rows[KEPT] else 0, "bytes of the kept rows' pictures as read"),
        "files": computed(len(evidence.data_files), "data files, one a shard"),
        "empty_files": computed(sum(not file["rows"] for file in files), "data files of shards that keep nothing"),
        "data_bytes": computed(sum(file["bytes"] for file in files), "bytes of the data files"),
        "unreadable_shards": computed(evidence.unreadable_shards, "shards that could not be read at all"),
    }


def sources(evidence: Evidence) -> Fact:
    """One line per source."""
    rows: dict[str, dict[str, int]] = {}
    for line in evidence.counts.lines("source"):
        rows.setdefault(line.a or "-", {})[line.b or "-"] = line.rows
    shards = [shard.source for shard in evidence.run.shards]
    table = [
        {
            "source": source.name, "format": source.format, "shards": shards.count(source.name),
            "rows": sum(rows.get(source.name, {}).values()), "kept": rows.get(source.name, {}).get(KEPT, 0),
        }
        for source in evidence.run.job.source
    ]  # fmt: skip
    return computed(table, "sources of the job; rows by the ledger")


def funnel(evidence: Evidence, counts: Mapping[str, Fact]) -> Fact:
    """Every row once: unreadable, removed for one reason alone, for several, or kept."""
    sole = {name: rows for name, rows in evidence.counts.rows("sole_reason").items() if name != UNREADABLE}
    steps = [{"step": "read", "rows": counts["read"]["value"]}, {"step": UNREADABLE, "rows": -counts["unreadable"]["value"]}]
    steps += [{"step": name, "rows": -sole[name]} for name in in_order(set(sole))]
    steps += [{"step": SEVERAL, "rows": sum(sole.values()) - counts["rejected"]["value"]}, {"step": KEPT, "rows": counts["kept"]["value"]}]
    how = "read, less unreadable rows, less rejected rows by their only reason, less those with several, is kept"
    return computed([step for step in steps if step["rows"] or step["step"] in ("read", KEPT)], how)


def reasons(evidence: Evidence, read: int) -> Fact:
    """How many rows carry each reason, and how many carry it alone."""
    rows, sole = evidence.counts.rows("reason"), evidence.counts.rows("sole_reason")
    table = [{"reason": n, "rows": rows[n], "sole": sole.get(n, 0), "share": share(rows[n], read)} for n in in_order(set(rows))]
    return computed(table, "ledger rows that carry the reason (a row may carry several); sole: no other reason; share: of all rows read")


def words(evidence: Evidence, metric: str, how: str) -> Fact:
    """Rows per action, or per flag."""
    return computed([{"word": name, "rows": rows} for name, rows in evidence.counts.rows(metric).items()], how)


def duplicates(evidence: Evidence) -> dict[str, Fact]:
    """Rows that repeat others, and how large clusters are."""
    kinds: dict[str, dict[str, int]] = {}
    for line in evidence.counts.lines("duplicate"):
        kinds.setdefault(line.a or "-", {})[line.b or "-"] = line.rows
    table = [{"reason": n, "identical": kinds[n].get("identical", 0), "near": kinds[n].get("near", 0)} for n in in_order(set(kinds))]
    sizes = {
        kind: [{"size": int(size), "clusters": number} for size, number in sorted(found.items(), key=lambda pair: int(pair[0]))]
        for kind, found in evidence.judged["cluster_sizes"].items()
    }
    how = "clusters of at least two rows, by number of rows; a row whose picture cannot be read counts where its caption joins it"
    return {
        "policy": computed(evidence.run.job.dedup.policy, "dedup.policy of the job"),
        "mode": computed(evidence.run.job.dedup.images.mode, "dedup.images.mode: how pictures were decoded for hashing"),
        "reach": computed(evidence.run.job.dedup.images.reach, "dedup.images.reach: which views of a picture were compared"),
        "digits": computed(
            evidence.run.job.dedup.captions.digits, "dedup.captions.digits: whether captions with other numbers may be near (ignore) or not"
        ),
        "max_per_caption": computed(evidence.run.job.dedup.max_per_caption, "dedup.max_per_caption; null: no bound"),
        **_choice(evidence),
        "rows": computed(
            table, "rows that repeat a representative, removed or flagged: identical (same bytes; of captions, same normal form) or near"
        ),
        "image_clusters": computed(sizes["image"], how),
        "caption_clusters": computed(sizes["caption"], how),
    }


def benchmarks(evidence: Evidence) -> Fact:
    """What each benchmark set that is kept out holds, and how many rows were found in it."""
    found: dict[str, dict[str, int]] = {}
    for line in evidence.counts.lines("overlap"):
        found.setdefault(line.a or "-", {})[line.b or "-"] = line.rows
    hashes = hashes_of_sets(evidence)
    table = []
    for name, held in tallies(evidence.run).items():
        rows = found.get(name, {})
        by = {f"{what}_{how}": rows.get(f"{how} {what}", 0) for what in ("hash", "picture", "caption") for how in ("exact", "near")}
        table.append({"set": name, "hashes": hashes.get(name, 0), **vars(held), "found": rows.get("rows", 0), **by})
    return computed(
        table,
        "dedup.eval_overlap: pictures, captions and hashes of each set, captions too short to count, rows of the input that were "
        "found in it, and by what (a row may be found by several); they are removed, and copies of their pictures with them",
    )


def _choice(evidence: Evidence) -> dict[str, Fact]:
    """How the copy that stays was chosen, and what became of the others."""
    job, listed = evidence.run.job, evidence.judged["not_duplicates"]
    prefer = [f"source {w.source}" if w.column is None else f"column {w.column}, {w.order} first" for w in job.dedup.prefer]
    return {
        "action": computed(job.dedup.action, "dedup.action: what becomes of a row that somebody stands for"),
        "prefer": computed(prefer, "dedup.prefer: what decides which copy stays, before consent and pixels"),
        "protected": computed([s.name for s in job.source if s.protected], "sources whose rows are never rejected as duplicates"),
        "not_duplicates": computed({**listed, "lists": of_pairs(evidence)}, "dedup.not_duplicates: pairs that people call no duplicates"),
        "keep_captions": computed(job.dedup.keep_captions, "dedup.keep_captions: whether kept rows carry the captions of their cluster"),
        "captions_carried": computed(
            sum(found["captions"] for found in evidence.judged["ledger"].values()),
            "captions in kept rows that are other rows' own; those of one row that became one text by redaction are listed once",
        ),
    }


def pictures(evidence: Evidence) -> dict[str, Fact]:
    """Formats and sizes of the kept pictures."""
    formats = [line for line in evidence.counts.lines("format") if line.b == KEPT]
    sizes = sorted((int(line.a), line.rows) for line in evidence.counts.lines("size") if line.b == KEPT and line.a is not None)
    return {
        "formats": computed(
            [{"format": n.a or "no picture", "rows": n.rows, "bytes": n.bytes} for n in formats], "kept rows, type by content"
        ),
        "sides": computed([{"from": side, "to": 2 * side - 1, "rows": rows} for side, rows in sizes], "kept rows by shorter side in px"),
    }


def unreadable(evidence: Evidence) -> Fact:
    """Why rows could not be read, the most frequent first."""
    found: dict[str, int] = {}
    for told, rows in evidence.counts.rows("problem").items():
        name = told if told.lower().startswith("failed") else told.partition(":")[0]
        found[name] = found.get(name, 0) + rows
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    table = [{"problem": name, "rows": rows} for name, rows in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        table.append({"problem": f"{len(ordered) - MAX_PROBLEMS} others", "rows": sum(rows for _, rows in ordered[MAX_PROBLEMS:])})
    return computed(table, "what the reader, the decoder or the downloader says of unreadable rows")


def columns(evidence: Evidence, kept: int) -> Fact:
    """Every published column, its type and its nulls."""
    nulls = evidence.counts.rows("null")
    table: list[dict[str, Any]] = []
    for field in evidence.schema.schema:
        own = field.name in OWN.names
        conflict = evidence.schema.conflicts.get(field.name)
        absent = nulls.get(field.name, 0)
        table.append(
            {
                "column": field.name, "type": str(field.type), "nulls": absent, "share": share(absent, kept),
                "meaning": _meaning(evidence, field.name) if own else "the source's own column",
                "joined_from": list(conflict) if conflict else None,
            }
        )  # fmt: skip
    return computed(table, "schema of the release; nulls among kept rows; joined_from: types that only text could hold together")


def _meaning(evidence: Evidence, name: str) -> str:
    told, first = OWN_MEANINGS[name], evidence.revision["first"] if evidence.revision else before_appends(evidence.run)
    return told.replace("over all rows", f"over the rows of version {first}") if first and name == "weight" else told
