"""The closed vocabulary of verdicts, reasons, flags and consent states. Ledger rows hold these words and no others."""

from typing import Final

KEPT: Final = "kept"
REJECTED: Final = "rejected"
UNREADABLE: Final = "unreadable"
VERDICTS: Final = (KEPT, REJECTED, UNREADABLE)

OPT_OUT: Final = "opt_out"
TAKEN_DOWN: Final = "taken_down"
ILLEGAL: Final = "illegal"
DUPLICATE_IMAGE: Final = "duplicate_image"
DUPLICATE_CAPTION: Final = "duplicate_caption"
DUPLICATE_SEMANTIC: Final = "duplicate_semantic"
PLACEHOLDER: Final = "placeholder"
POISONING: Final = "poisoning"
EVAL_OVERLAP: Final = "eval_overlap"
NOT_SCORED: Final = "not_scored"
REBALANCED: Final = "rebalanced"

# Declared order: `reasons` of a ledger row are listed in it. Reasons of filters from other packages follow, by name.
REASONS: Final = (
    UNREADABLE, OPT_OUT, TAKEN_DOWN, ILLEGAL, DUPLICATE_IMAGE, DUPLICATE_CAPTION, DUPLICATE_SEMANTIC, "caption_quality", "image_quality",
    "clip_score", "language", "toxicity", "nsfw", "violence", "personal_data", "faces", "hash_mismatch", PLACEHOLDER, POISONING,
    "watermark", "synthetic", "misinformation", "column_rule", EVAL_OVERLAP, NOT_SCORED, REBALANCED,
)  # fmt: skip

# Listed beside `unreadable` all the same: they bind whoever gets the picture elsewhere.
BINDING: Final = frozenset({OPT_OUT, TAKEN_DOWN, ILLEGAL})

ANIMATED: Final = "animated"
TRUNCATED_TAIL: Final = "truncated_tail"
CUT_SUSPECTED: Final = "cut_suspected"  # the lower part is the even grey of missing data
EXTRA_MEMBER: Final = "extra_member"
HEADERS_UNREADABLE: Final = "headers_unreadable"
HASH_NOT_COMPARABLE: Final = "hash_not_comparable"
RESERVED_COPY_EXISTS: Final = "reserved_copy_exists"
NOT_DUPLICATE: Final = "not_duplicate"  # `dedup.not_duplicates` keeps it apart from a row of its cluster
SEMANTIC_OUTLIER: Final = "semantic_outlier"  # its embedding lies far from those of all other rows
PLACEHOLDER_SUSPECTED: Final = "placeholder_suspected"  # one picture under many unrelated captions, and of none is it known from where
REMOVED_LATER: Final = "removed_later"  # taken down after a release; nothing that identifies the row is kept in this folder
URL_WITHHELD: Final = "url_withheld"
KEY_WITHHELD: Final = "key_withheld"
BLURRED_FACES: Final = "blurred:faces"  # an action: in the published picture

# What may be an attempt to teach a model something else: flags `poisoning:<name>`.
TRIGGER_CAPTION: Final = "trigger_caption"
CORNER_PATCH: Final = "corner_patch"
CHANGED_DOMAIN: Final = "changed_domain"
INVISIBLE_CHARACTERS: Final = "invisible_characters"
TRAILING_BYTES: Final = "trailing_bytes"
SUSPICIONS: Final = (TRIGGER_CAPTION, CORNER_PATCH, CHANGED_DOMAIN, INVISIBLE_CHARACTERS, TRAILING_BYTES)

# Filters by the words that they give beside their own name and what begins with it and a colon.
OF_FILTER: Final = {
    TAKEN_DOWN: OPT_OUT, ILLEGAL: OPT_OUT, PLACEHOLDER: POISONING, PLACEHOLDER_SUSPECTED: POISONING, URL_WITHHELD: "personal_data",
    KEY_WITHHELD: "personal_data", HASH_NOT_COMPARABLE: "hash_mismatch", "column_rule": "columns",
}  # fmt: skip
BY_HEAD: Final = "embedding_heads: "  # in a detail of evidence, before the name of the head that gave the word

PERMITTED: Final = "permitted"
SILENT: Final = "silent"
NOT_OBSERVABLE: Final = "not_observable"
RESERVED: Final = "reserved"
CONSENT: Final = (PERMITTED, SILENT, NOT_OBSERVABLE, RESERVED)  # best first: the order in which a representative is chosen


def in_order(reasons: set[str]) -> list[str]:
    """Reasons in the declared order, unknown ones after, by name.

    >>> in_order({"toxicity", "opt_out", "my_filter"})
    ['opt_out', 'toxicity', 'my_filter']
    """
    known = [reason for reason in REASONS if reason in reasons]
    return known + sorted(reasons.difference(known))
