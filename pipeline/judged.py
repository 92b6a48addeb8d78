"""What judge left about a run as a whole: counts, cluster sizes, weights, audit, and the hash of every ledger file."""

from collections import Counter
from typing import Any, Final

from schemas.layout import Layout
from transforms.storage import exists, read_json
from transforms.suspects import ranked

# What the marker of a version that did not count it yet says: that nothing was found.
_UNCOUNTED: Final[dict[str, Any]] = {
    "signals": [],
    "suspects": [],
    "semantic": None,
    "not_duplicates": {"pairs": 0, "uids": 0, "unknown_uids": 0},
}


def read_judged(layout: Layout) -> dict[str, Any] | None:
    """What judge left about the run as a whole, or None where it has not ended well; with what it left about all that was appended."""
    if not exists(layout.judged):
        return None
    found = _UNCOUNTED | read_json(layout.judged)
    found["ledger"] = {shard: {"captions": 0} | told for shard, told in found["ledger"].items()}
    for part in found.pop("appended", ()):
        found["ledger"] |= part["ledger"]
        found["reserved_urls"] = part["reserved_urls"]
        found["suspects"] = ranked([*found["suspects"], *part.get("suspects", ())])
        if found["semantic"] and part.get("semantic"):  # each part was compared in itself
            found["semantic"] = {name: known + part["semantic"][name] for name, known in found["semantic"].items()}
        for kind, sizes in part["cluster_sizes"].items():
            summed = Counter(found["cluster_sizes"].get(kind, {}))
            summed.update(sizes)
            found["cluster_sizes"][kind] = {size: number for size, number in summed.items() if number}
    return found
