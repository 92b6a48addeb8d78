"""What the demo's ledger must say, row by row. Written by `python -m tests.golden.write` after a change that is meant to change it."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

PATH = pathlib.Path(__file__).with_name("demo_ledger.json")


def told(ledger: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Key -> verdict, reasons, actions, flags, consent, and the keys of the row's cluster; what hangs on a library's bytes is left out."""
    clusters: dict[str, list[str]] = {}
    for key, row in ledger.items():
        if row["cluster"]:
            clusters.setdefault(row["cluster"], []).append(key)
    return {
        key: [
            row["verdict"],
            *(" ".join(row[name]) for name in ("reasons", "actions", "flags")),
            row["consent"],
            " ".join(sorted(clusters.get(row["cluster"], ()))),
        ]
        for key, row in sorted(ledger.items())
    }


def expected() -> dict[str, Any]:
    """The golden ledger."""
    return json.loads(PATH.read_text(encoding="utf-8"))
