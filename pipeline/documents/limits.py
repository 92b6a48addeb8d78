"""What a run cannot see, in words: made from what it was told to look for."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, portable
from pipeline.documents.meaning import limits_of_meaning
from transforms.models.toxicity.identity_bias import identity_bias

# tests/benchmarks/patches.py, seed 11: 680 pictures of each size and treatment, at the default settings.
_PATCHES_FOUND = (
    "Of patches put into a corner of 40 photos among 1,000 others (17 kinds: plain colours, checkers, noise, a logo), 98 % of those of 16 "
    "to 48 pixels a side were flagged, 86 % of those of a twentieth of the shorter side, 63 % of those of 3 % of it, and 92 % where the "
    "pictures were scaled down afterwards. Of 1,040 photos without one none was, and 16 of 400 under a bar with a name along a whole side."
)


def limits(evidence: Evidence, record: Mapping[str, Any]) -> Fact:
    """Sentences that hold for this run."""
    rules = {rule.name: rule for rule in evidence.run.filters}
    told = [
        record["image_model"]["value"],
        record["faces"]["value"],
        "Illegal content is found only where a list of hashes or URLs names it.",
        "Consent is known only as far as signals could be seen (see the table of observability).",
        "Silence is no permission, and terms of use in plain words are not read.",
        "Groups are what captions mention and where URLs point: a mention is not an identity.",
        "Word lists exist for some languages and are centred on English; dialects are not told apart.",
        "The precision of the word lists was not measured on this data.",
        "Counts of groups from 1 to 19 are suppressed, and others with them where they could be worked out.",
        _names(getattr(rules.get("presidio"), "entities", ())),
        _violence(getattr(rules.get("violence"), "image_model", None)),
        *_of_origin(rules),
        "Who holds the rights in a picture is not determined.",
    ]
    if "toxicity" in rules and getattr(rules["toxicity"], "model", "") == "shipped":
        told.append(
            "Toxicity: the shipped model knows English and finds profanity, insults and threats, not hate, irony or negation; captions in "
            "other languages have no score."
        )
        told.append(bias_told(float(getattr(rules["toxicity"], "max", 1.0))))
    if not evidence.run.job.dedup.eval_overlap:
        told.append("No benchmark set was compared with: overlap with evaluation data is unknown.")
    by_hash = [found.name for found in evidence.run.job.dedup.eval_overlap if not (found.images or found.shards)]
    if by_hash:
        told.append(
            f"Benchmark sets of which no pictures were given: {', '.join(by_hash)}. Of those an edited picture is found only where a "
            "listed hash, or a copy of it in the input, leads to it."
        )
    if record["duplicates"]["reach"]["value"] == "plain":
        told.append(
            "Near-duplicate pictures are those that look alike as they are, trimmed or mirrored: crops, collages and strong edits of one "
            "photo may remain (of thirty kinds of web edits 63 % are found so, and 99 % with dedup.images.reach: views). Captions are "
            "compared by their characters, not by their meaning."
        )
    else:
        told.append(
            "Near-duplicate pictures are those that verify once aligned: copies cropped below about 78 % of a side, turned by more than "
            "five degrees other than by quarters, covered over half, or put into collages may remain, and so may edited copies of forms, "
            "screenshots, slides, charts and other drawn pictures: another content makes a template another picture, and six in "
            "ten copies are found. One photograph under other words (a meme, a quotation) is one picture: what is written over it is not "
            "read, and one copy stays. Captions are compared by their characters, not by their meaning."
        )
    told.append(
        "Pictures that differ in colour alone are told apart where there is white in both (one product in several colours), but not black "
        "from grey. Pictures that differ in a word of small print, a ticked box or a figure on a screen may count as one, and so may icons "
        "that differ in a badge, or that are mirrored."
    )
    told += limits_of_meaning(evidence, record["embeddings"], record["semantic"])
    dedup = evidence.run.job.dedup
    if dedup.captions.digits == "ignore" and (dedup.policy != "image" or dedup.max_per_caption is not None):
        told.append(
            "Captions that differ in a number alone (page 1, page 2) may count as near (dedup.captions.digits), and those that differ in a "
            "short word as well (a man, a woman): see what this does to groups in the audit."
        )
    if evidence.run.appended:
        told.append(
            "Shards were appended: a row of theirs weighs what its cell weighs in the release before, 1 in a cell it kept nothing of, "
            "so weights no longer meet their targets exactly; what withdraws a copy of an older row there does not withdraw that row; and "
            "copies, copy_hosts and captions of a row tell of the shards that it came with, not of those before or since."
        )
    if unknown := (evidence.revision or {}).get("unknown"):
        told.append(
            f"Keys of the job that the version of Winnow which took rows down does not know: {', '.join(unknown)}. What they meant for "
            "the first release stands in its own documents, and not here."
        )
    off = sorted(name for name, rule in rules.items() if not rule.enabled)
    if off:
        told.append(f"Filters that were off: {', '.join(off)}. What they measured removed nothing.")
    if evidence.not_scored:
        failed = ", ".join(f"{name} ({rows:,})" for name, rows in evidence.not_scored.items())
        told.append(f"Rows on which a filter failed, and which it did not judge by a score: {failed}.")
    return computed(told, "from the job's filters and options")


def _names(entities: Sequence[str]) -> str:
    if not entities:
        return "Names, postal addresses and text inside pictures are not looked for as personal data."
    return (
        f"Presidio looked for {', '.join(entities)} in captions; what share of them it finds was not measured. Postal addresses and text "
        "inside pictures are not looked for as personal data."
    )


def _violence(image_model: str | None) -> str:
    captions = "Violence is looked for in captions by a short list of English phrases"
    if image_model is None:
        return f"{captions}, and never in pictures."
    return f"{captions}, and in pictures by {portable(image_model)}; what share of it either finds was not measured."


def _of_origin(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """What is not known of where pictures come from and what they are there for."""
    patch = getattr(rules.get("poisoning"), "patch_pictures", 0)
    return (
        "Watermarks are not looked for in pixels: scores of the source, hosts, credit lines and captions say that an agency sells them.",
        (
            "Generated pictures are found where they say so (XMP, C2PA, unverified) or where their generator left its settings; most sites "
            "strip both, and how many are missed is not measured."
        ),
        (
            f"Poisoning is looked for by repetition and in files. A patch that is in no corner, without contrast or on fewer than {patch} "
            "pictures, a trigger over many domains or wordings, and pictures altered without a mark are not found."
        ),
        _PATCHES_FOUND,
        "Whether a caption is true is not looked at.",
    )


def bias_told(threshold: float) -> str:
    """What the shipped toxicity model flags of neutral sentences about groups above a threshold, group by group, in one sentence."""
    found = identity_bias(threshold)
    flagged = ", ".join(f"{term} {share:.1%}" for term, share in found.shares.items() if share)
    never = ", ".join(term for term, share in found.shares.items() if not share)
    return (
        f"Toxicity, identity bias: of neutral sentences about {len(found.shares)} groups (Jigsaw's templates) the shipped model scores "
        f"{found.mean:.1%} above {found.threshold:g} on average of the groups; {flagged or 'of no group any'}"
        f"{f'; none of those about {never}' if flagged and never else ''}."
    )
