"""Facts about consent: what signals said, and for how many rows they could have said anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, share
from schemas.reasons import CONSENT, KEPT, NOT_OBSERVABLE
from transforms.consent.signal import OF_LISTS, PLACES, PROTOCOLS

BITS = {
    "headers": ("location", "response headers"),
    "lists": ("location", "URL and domain lists"),
    "host_policy": ("location", "policies of hosts (robots.txt and the like)"),
    "page": ("location", "the page around the picture"),
    "embedded": ("content", "metadata embedded in the picture"),
    "hash_lists": ("content", "hash lists"),
}


def by_signal(counted: Sequence[Sequence], read: int) -> list[dict]:
    """A line per signal: what it said, by rows and by registrable domains, and of how many it could not have said anything.

    A domain is reserved, or permitted, where any of its rows is; silent where a row could have been spoken of and none is. A signal that
    no row could have carried has a line that says so; kinds of lists that were not given have none.

    Args:
      counted: signal, meaning, rows, domains, as judge counted them; of a place its name and `could speak`, of a signal also `silent`
        and `spoke`.
      read: rows of the run.
    """
    found = {(said, means): (rows, domains) for said, means, rows, domains in counted}
    every = found.get(("every row", ""), (read, 0))[1]
    lines = []
    for signal, place in PLACES.items():
        silent, (spoke, spoke_domains) = found.get((signal, "silent"), (0, 0))[0], found.get((signal, "spoke"), (0, 0))
        if not silent + spoke and signal.startswith(OF_LISTS):
            continue
        rows = {"observable": silent + spoke, "silent": silent, "not_observable": read - silent - spoke}
        observable = max(found.get((place, "could speak"), (0, 0))[1], spoke_domains)
        domains = {"observable": observable, "silent": observable - spoke_domains, "not_observable": every - observable}
        for word, means in (("reserves", "reserved"), ("permits", "permitted")):
            rows[means], domains[means] = found.get((signal, word), (0, 0))
        line: dict[str, Any] = {"signal": signal, "place": place, **rows}
        line |= {f"{means}_share": share(number, read) for means, number in rows.items()}
        line |= {f"{means}_domains": number for means, number in domains.items()}
        lines.append(line | {f"{means}_domain_share": share(number, every) for means, number in domains.items()})
    return lines


def protocols(lines: Sequence[Mapping[str, Any]]) -> list[dict]:
    """The protocols that are honoured, and of how many rows each could have been seen at best and has reserved at least.

    Args:
      lines: as `by_signal` gives them.
    """
    said = {line["signal"]: line for line in lines}
    return [
        {
            "protocol": protocol, "signals": list(signals),
            "observable": max((said[name]["observable"] for name in signals if name in said), default=0),
            "reserved": max((said[name]["reserved"] for name in signals if name in said), default=0),
        }
        for protocol, signals in PROTOCOLS.items()
    ]  # fmt: skip


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
    signals_said = by_signal(evidence.judged["signals"], read)
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
        "by_signal": computed(
            signals_said,
            "rows of which a signal could have been seen; reserves, or permits, the use; could have been seen and says neither; could not"
            " have been seen / rows read. Domains: registrable domains with such a row (silent, not observable: with no other) / all."
            " Kinds of lists that were not given, or could match no row, are left out",
        ),
        "protocols": computed(
            protocols(signals_said),
            "protocols honoured, with the most rows that one of their signals could have been seen of, and reserves",
        ),
        "reserved_urls": computed(evidence.judged["reserved_urls"], "distinct URLs under a reservation of their location"),
    }
