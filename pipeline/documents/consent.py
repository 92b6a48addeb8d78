"""Facts about consent: what signals said, and for how many rows they could have said anything."""

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, share
from schemas.reasons import CONSENT, KEPT, NOT_OBSERVABLE

BITS = {
    "headers": ("location", "response headers"),
    "lists": ("location", "URL and domain lists"),
    "host_policy": ("location", "policies of hosts (robots.txt and the like)"),
    "page": ("location", "the page around the picture"),
    "embedded": ("content", "metadata embedded in the picture"),
    "hash_lists": ("content", "hash lists"),
}


def consent(evidence: Evidence, read: int) -> dict[str, Fact]:
    """States by verdict, observability by kind of signal, signals found."""
    states = {state: {"rows": 0, "kept": 0} for state in CONSENT}
    for line in evidence.counts.lines("consent"):
        states[line.a or NOT_OBSERVABLE]["rows"] += line.rows
        states[line.a or NOT_OBSERVABLE]["kept"] += line.rows if line.b == KEPT else 0
    seen = evidence.counts.rows("observable")
    observability = [
        {
            "signal": told, "scope": scope, "rows": seen.get(name, 0),
            "observable": share(seen.get(name, 0), read), "not_observable": share(read - seen.get(name, 0), read),
        }
        for name, (scope, told) in BITS.items()
    ]  # fmt: skip
    signals = [{"signal": n.a, "scope": n.b, "value": n.c, "found": n.rows} for n in evidence.counts.lines("signal")]
    rule = evidence.run.job.filters.opt_out if hasattr(evidence.run.job.filters, "opt_out") else None
    return {
        "use": computed(rule.use if rule else None, "filters.opt_out.use: the use that reservations were asked about"),
        "states": computed(
            [{"state": s, **n, "share": share(n["rows"], read)} for s, n in states.items()],
            "reserved if any signal reserves; else permitted if any permits; else silent if a content and a location signal could be seen;"
            " else not observable",
        ),
        "not_observable_share": computed(
            share(states[NOT_OBSERVABLE]["rows"], read), "rows of which no signal speaks and not both kinds could be seen / rows read"
        ),
        "observability": computed(observability, "rows for which a signal of this kind could have been seen / rows read"),
        "signals": computed(signals, "signals found, as said; a row may carry several"),
        "reserved_urls": computed(evidence.judged["reserved_urls"], "distinct URLs under a reservation of their location"),
    }
