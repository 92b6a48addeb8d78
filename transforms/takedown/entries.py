"""What the ledger of removals says of rows that go: by what the same content can be found again, and who asked for it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from schemas.reasons import ILLEGAL, KEPT, OPT_OUT, TAKEN_DOWN
from schemas.removals import REMOVALS, REMOVE
from transforms.consent.list_files import Entry
from transforms.consent.signal import CONTENT, LOCATION
from transforms.takedown.hits import Cause

RADIUS: Final = 2  # bits: a picture that was encoded again without being changed; whoever wants more lists its hash with a radius
_WORST: Final = (ILLEGAL, TAKEN_DOWN, OPT_OUT)


def removal_rows(
    removal_id: str, version: str, row: Mapping[str, Any], causes: Sequence[Cause], asked: Mapping[int, Entry], refs: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The rows of a removal, all columns but `prev_hash`; one for each thing by which its content can be found again.

    Args:
      removal_id: its number.
      version: of the first release without the row.
      row: its facts (`transforms.takedown.found`).
      causes: why it goes.
      asked: number of an entry -> the entry.
      refs: number of an entry -> where it is written down, where that is no list.
    """
    worst = min(causes, key=lambda cause: (_WORST.index(cause.reason), cause.scope != CONTENT))
    scope = CONTENT if any(cause.scope == CONTENT for cause in causes) else LOCATION
    entry = asked[worst.entry]
    common = {
        **dict.fromkeys(REMOVALS.names), "removal_id": removal_id, "effective_version": version, "action": REMOVE, "scope": scope,
        "reason": worst.reason, "request": entry.request or None, "matched_by": worst.kind, "published": row["verdict"] == KEPT,
        "uid": row["uid"],
        "valid_from": entry.valid_from or None, "valid_to": entry.valid_to or None, "requester_ref": entry.source or None,
        "evidence_ref": refs.get(worst.entry, worst.detail),
    }  # fmt: skip
    del common["prev_hash"]
    found: list[tuple[str, str | None, int | None]] = [("uid", row["uid"], None)]
    if scope == LOCATION and row["url"]:  # a uid covers the picture wherever it is: it stands in only where the URL is withheld
        found = [("url", row["url"], None)]
    elif scope == CONTENT:
        found += entries_of_content(row["sha256"], row["phashes"])
    return [{**common, "kind": kind, "value": value, "radius": radius} for kind, value, radius in found if value]


def entries_of_content(sha256: bytes | None, phashes: Iterable[int]) -> list[tuple[str, str, int | None]]:
    """Kind, value and radius of what a picture can be found again by: the same bytes, and the same picture encoded again, mirrored or not.

    Args:
      sha256: of its bytes; None where there are none.
      phashes: of the picture, and of it in the mirror; empty where they say nothing.

    >>> entries_of_content(None, [255])
    [('phash', '00000000000000ff', 2)]
    """
    digests: list[tuple[str, str, int | None]] = [] if sha256 is None else [("sha256", sha256.hex(), None)]
    return digests + [("phash", f"{phash:016x}", RADIUS) for phash in dict.fromkeys(phashes)]
