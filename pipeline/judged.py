"""What judge left about a run as a whole: counts, cluster sizes, weights, audit, and the hash of every ledger file."""

import json
from collections import Counter
from typing import Any

from schemas.layout import Layout
from transforms.storage import exists, read_bytes


def read_judged(layout: Layout) -> dict[str, Any] | None:
    """What judge left about the run as a whole, or None where it has not ended well; with what it left about all that was appended."""
    if not exists(layout.judged):
        return None
    found = json.loads(read_bytes(layout.judged))
    for part in found.pop("appended", ()):
        found["ledger"] |= part["ledger"]
        found["reserved_urls"] = part["reserved_urls"]
        for kind, sizes in part["cluster_sizes"].items():
            summed = Counter(found["cluster_sizes"][kind])
            summed.update(sizes)
            found["cluster_sizes"][kind] = {size: number for size, number in summed.items() if number}
    return found
