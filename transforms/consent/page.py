"""Consent on the page that shows the picture, as far as columns tell: `page_noai`, `page_meta_robots` and `page_tdm_reservation`."""

from transforms.consent.headers import robots_words
from transforms.consent.signal import LOCATION, PAGE_META_ROBOTS, PAGE_NOAI, TDM_PAGE, TRAINING_DIRECTIVES, Signal, evidence

_TRUE = frozenset({"true", "1", "1.0", "yes", "y", "t", "noai"})


def page_signals(noai: object, meta_robots: object = None, tdm_reservation: object = None, observed_at: str | None = None) -> list[Signal]:
    """What the columns say. That a page is not to be indexed says nothing of its pictures, and does not count.

    >>> [signal.value for signal in page_signals(True, "NoIndex, NoImageAI")]
    ['true', 'noimageai']
    """
    found = []
    if noai is not None and str(noai).strip().casefold() in _TRUE:
        found.append(Signal(PAGE_NOAI, "true", LOCATION, "column page_noai", observed_at))
    if isinstance(meta_robots, bytes):
        meta_robots = meta_robots.decode("utf-8", "replace")
    if isinstance(meta_robots, str):
        words = [word for word in robots_words(meta_robots) if word in TRAINING_DIRECTIVES]
        found += [Signal(PAGE_META_ROBOTS, word, LOCATION, evidence(f"robots meta: {meta_robots}"), observed_at) for word in words]
    tdm = "" if tdm_reservation is None else str(tdm_reservation).strip().removesuffix(".0")
    if tdm in ("0", "1"):
        found.append(Signal(TDM_PAGE, tdm, LOCATION, "column page_tdm_reservation", observed_at))
    return found
