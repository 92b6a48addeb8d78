"""Which versions of a release may still be used: `USABLE_VERSIONS.json`, published with a release that rows were taken down to make.

Reasons are told and no numbers, so that nobody learns from it what a withdrawn version holds.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.reasons import in_order

PATH = "USABLE_VERSIONS.json"
FORMAT = "winnow usable versions 1"


def write_usable(release: str, revision: Mapping[str, Any]) -> bytes:
    """The file.

    Args:
      release: the version that it is published with.
      revision: its fact of the record (`pipeline.documents.revision`).
    """
    told = {"format": FORMAT, "release": release, "min_usable": revision["min_usable"], "withdrawn": revision["withdrawn"]}
    return json.dumps(told, indent=1, sort_keys=True, allow_nan=False).encode()


def withdrawn(earlier: Iterable[Mapping[str, str]], removed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Earlier versions that hold rows which were taken down since.

    Args:
      earlier: `version` and `manifest`, its hash, of each.
      removed: rows that were taken down of published data: `version`, the first without them, and `reason`.

    >>> withdrawn([{"version": "1.0.0", "manifest": "ab"}], [{"version": "2.0.0", "reason": "opt_out"}])
    [{'version': '1.0.0', 'manifest': 'ab', 'reasons': ['opt_out']}]
    """
    gone = [(major(line["version"]), line["reason"]) for line in removed]
    told = [{**found, "reasons": in_order({reason for at, reason in gone if at > major(found["version"])})} for found in earlier]
    return [line for line in told if line["reasons"]]


def major(version: str) -> int:
    """The number that removals raise.

    >>> major("12.3.0")
    12
    """
    return int(version.partition(".")[0])
