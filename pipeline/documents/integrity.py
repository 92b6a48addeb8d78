"""What speaks for poisoning, swapped, sold or generated pictures: how many rows, and in words what each find means."""

from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed
from pipeline.documents.view import Section, number, table
from schemas import reasons

_MEANINGS = {
    reasons.PLACEHOLDER: "one picture under many unrelated captions on many domains: none of its rows is published",
    reasons.PLACEHOLDER_SUSPECTED: "the same, but no URL of it is known",
    reasons.POISONING: "under any of the suspicions that follow",
    f"{reasons.POISONING}:{reasons.TRIGGER_CAPTION}": "one caption on many different pictures of a few domains; often a site's boilerplate",
    f"{reasons.POISONING}:{reasons.CORNER_PATCH}": "one patch in a corner of many different pictures; often the logo of a site",
    f"{reasons.POISONING}:{reasons.CHANGED_DOMAIN}": "the host is on a list of domains that changed hands",
    f"{reasons.POISONING}:{reasons.INVISIBLE_CHARACTERS}": "the caption holds what nobody sees; it is published as it stands",
    f"{reasons.POISONING}:{reasons.TRAILING_BYTES}": "the file went on after the picture's end; what is published ends there",
    "hash_mismatch": "the bytes are not those whose hash was recorded",
    reasons.HASH_NOT_COMPARABLE: "a hash was recorded of bytes that were plainly written again since",
    "watermark": "a score, the host, a credit line or the caption says that an agency sells the picture",
    "synthetic": "declared to be generated, or its file holds what generators leave",
}


def integrity(evidence: Evidence) -> Fact:
    """Rows rejected for each, and rows that carry it as a flag."""
    rejected, flagged = evidence.counts.rows("reason"), evidence.counts.rows("flag")
    rows = [
        {"word": word, "rejected": rejected.get(word, 0), "flagged": flagged.get(word, 0), "means": means}
        for word, means in _MEANINGS.items()
    ]
    return computed(rows, "ledger rows that carry the word as a reason, or as a flag, removed rows among the latter")


def integrity_section(record: dict[str, Any]) -> Section:
    """The section of the datasheet."""
    rows = [(line["word"], number(line["rejected"]), number(line["flagged"]), line["means"]) for line in record["integrity"]["value"]]
    told = (
        "What is flagged stays in the data unless another reason speaks against it: a flag is a suspicion, and the team's review page "
        "ranks what should be looked at first. That nothing is flagged does not show that nothing is there."
    )
    return Section(
        "integrity", "Integrity and origin", (told,), (),
        (table("Found", ("what", "rejected#", "flagged#", "it means"), rows, record["integrity"]["how"]),),
    )  # fmt: skip
