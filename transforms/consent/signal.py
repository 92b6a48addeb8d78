"""A consent signal as found, and what it means: found once, in annotate; what it means depends on the use, and is asked in judge."""

import dataclasses
import enum
from typing import Final, Literal

Use = Literal["generative", "discriminative", "any"]
Scope = Literal["content", "location"]
CONTENT: Final = "content"
LOCATION: Final = "location"

X_ROBOTS_TAG: Final = "x_robots_tag"
TDM_RESERVATION: Final = "tdm_reservation"
CONTENT_USAGE: Final = "content_usage"
CONTENT_SIGNAL: Final = "content_signal"
PAGE_META_ROBOTS: Final = "page_meta_robots"
PAGE_NOAI: Final = "page_noai"
DISALLOWED: Final = "download_disallowed"
PLUS_DATA_MINING: Final = "plus_data_mining"
TDM_XMP: Final = "tdm_reservation_xmp"
ROBOTS_TXT: Final = "robots_txt"
ROBOTS_SIGNAL: Final = "robots_content_signal"
ROBOTS_USAGE: Final = "robots_content_usage"
TDM_PAGE: Final = "tdm_reservation_page"
TDM_FILE: Final = "tdm_reservation_file"
AI_TXT: Final = "ai_txt"
RSL: Final = "rsl"
RSL_LINK: Final = "rsl_link"  # a header names a licence document
ROBOTS_LICENCE: Final = "robots_license"  # robots.txt does, and it was not fetched
UNDECODABLE: Final = "policy_undecodable"  # a policy file that is text in no encoding
C2PA: Final = "c2pa_manifest"  # there is one
TRAINING_MINING: Final = "training_mining"  # what its assertions say

OF_LISTS: Final = "list_"  # what entries of lists begin with
XMP: Final = "xmp_unreadable"  # there is XMP, and it does not parse

PLACES: Final = {  # where each would stand, as far as it can be told apart whether that could be seen
    X_ROBOTS_TAG: "headers", TDM_RESERVATION: "headers", CONTENT_USAGE: "headers", CONTENT_SIGNAL: "headers", DISALLOWED: "headers",
    RSL_LINK: "headers", PAGE_META_ROBOTS: "page_meta_robots", PAGE_NOAI: "page_noai", TDM_PAGE: "page_tdm_reservation",
    ROBOTS_TXT: "robots.txt", ROBOTS_SIGNAL: "robots.txt", ROBOTS_USAGE: "robots.txt", ROBOTS_LICENCE: "robots.txt",
    TDM_FILE: "tdmrep.json", AI_TXT: "ai.txt", RSL: "rsl", UNDECODABLE: "host_policy",
    PLUS_DATA_MINING: "xmp", TDM_XMP: "xmp", C2PA: "embedded", TRAINING_MINING: "manifest", XMP: "embedded",
    # Entries of lists, by kind.
    "list_url": "list_url", "list_url_prefix": "list_url_prefix", "list_domain": "list_domain", "list_uid": "list_uid",
    "list_creator": "list_creator", "list_sha256": "list_sha256", "list_sha1": "list_sha1", "list_md5": "list_md5",
    "list_phash": "list_phash", "list_pdq": "list_pdq",
}  # fmt: skip

PROTOCOLS: Final = {  # by what publishers and creators reserve, and the signals it is read as
    "Robots Exclusion Protocol (RFC 9309), for the configured training agents": (ROBOTS_TXT, UNDECODABLE),
    "X-Robots-Tag and robots meta (noai, noimageai, noml; noindex of the file)": (X_ROBOTS_TAG, PAGE_META_ROBOTS, PAGE_NOAI, DISALLOWED),
    "TDM Reservation Protocol (W3C Community Group, 2024): file, header, page, XMP": (TDM_FILE, TDM_RESERVATION, TDM_PAGE, TDM_XMP),
    "content signals (Cloudflare, 2025): robots.txt, header": (ROBOTS_SIGNAL, CONTENT_SIGNAL),
    "AI preferences (IETF aipref drafts), Content-Usage: robots.txt, header": (ROBOTS_USAGE, CONTENT_USAGE),
    "Really Simple Licensing 1.0: document, header, robots.txt": (RSL, RSL_LINK, ROBOTS_LICENCE),
    "ai.txt (Spawning)": (AI_TXT,),
    "IPTC Photo Metadata 2023.1 and PLUS, Data Mining, in XMP": (PLUS_DATA_MINING, XMP),
    "C2PA and CAWG 1.1, training and data mining assertions": (TRAINING_MINING, C2PA),
    "lists of opt-outs, takedowns and known illegal pictures": tuple(signal for signal in PLACES if signal.startswith(OF_LISTS)),
}

TRAINING_DIRECTIVES: Final = ("noai", "noimageai", "noml")
NOINDEX_DIRECTIVES: Final = ("noindex", "noimageindex", "none")
# Labels of the aipref drafts -00 to -07: old files stay where they are. Those in the second line speak of generative models alone.
USAGE_LABELS: Final = ("train-ai", "ai", "tdm", "all", "bots")
GENERATIVE_LABELS: Final = ("train-genai", "genai")

_MAX_EVIDENCE: Final = 200


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Signal:
    """One thing that was said.

    Attributes:
      signal: by which means, one of the names above.
      value: the word itself, e.g. `noai`, `1`, `train-ai=n`, `DMI-PROHIBITED`.
      scope: `content`: it belongs to the picture, wherever it is; `location`: to the URL.
      evidence: where it stood, up to 200 characters. Never text about a person.
      observed_at: when that was seen, as the source tells it; None where it does not.
      observable: whether what was said could be read. Not where only its being there is known: a manifest whose assertions nobody has
        read, the address of a licence that nobody has fetched.
    """

    signal: str
    value: str
    scope: Scope
    evidence: str
    observed_at: str | None = None
    observable: bool = True


class Meaning(enum.IntEnum):
    """What a signal means for a use."""

    SILENT = 0
    PERMITS = 1
    RESERVES = 2


def evidence(text: str) -> str:
    r"""Text fit to stand in a ledger: one line, printable, bounded.

    >>> evidence("X-Robots-Tag:\r\n noai")
    'X-Robots-Tag: noai'
    """
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:_MAX_EVIDENCE]


def meaning(signal: str, value: str, use: Use, *, respect_noindex: bool) -> Meaning:
    """What a signal means.

    Sources: img2dataset and DeviantArt's `noai`, `noimageai`; TDMRep (W3C CG final report, 2024), section 5; aipref vocabulary drafts;
    Cloudflare content signals; IPTC Photo Metadata 2023.1 and PLUS `DataMining`. An unknown word that begins with DMI-PROHIBITED reserves.

    >>> meaning("plus_data_mining", "DMI-PROHIBITED-GENAIMLTRAINING", "discriminative", respect_noindex=True).name
    'SILENT'
    >>> meaning("tdm_reservation", "0", "any", respect_noindex=True).name
    'PERMITS'
    """
    if signal in (X_ROBOTS_TAG, PAGE_META_ROBOTS):
        reserves = value in TRAINING_DIRECTIVES or (value in NOINDEX_DIRECTIVES and respect_noindex)
        return Meaning.RESERVES if reserves else Meaning.SILENT
    if signal in (PAGE_NOAI, DISALLOWED, ROBOTS_TXT, AI_TXT, UNDECODABLE):
        return Meaning.RESERVES
    if signal == TRAINING_MINING:
        return _training_mining(value, use)
    if signal == RSL:
        return {"permitted": Meaning.PERMITS, "silent": Meaning.SILENT}.get(value, Meaning.RESERVES)
    if signal in (TDM_RESERVATION, TDM_FILE, TDM_PAGE, TDM_XMP):
        return {"1": Meaning.RESERVES, "0": Meaning.PERMITS}.get(value, Meaning.SILENT)
    if signal in (CONTENT_USAGE, CONTENT_SIGNAL, ROBOTS_USAGE, ROBOTS_SIGNAL):
        label, _, answer = value.partition("=")
        if label in GENERATIVE_LABELS and use == "discriminative":
            return Meaning.SILENT
        return {"n": Meaning.RESERVES, "no": Meaning.RESERVES, "y": Meaning.PERMITS, "yes": Meaning.PERMITS}.get(answer, Meaning.SILENT)
    if signal == PLUS_DATA_MINING:
        return _plus(value, use)
    return Meaning.SILENT


def _training_mining(value: str, use: Use) -> Meaning:
    """Data mining bears on every use; training of one kind on that kind, and both where the use is not known."""
    key, _, answer = value.partition("=")
    others = {"generative": "ai_training", "discriminative": "ai_generative_training"}
    if key == others.get(use):
        return Meaning.SILENT
    return {"notAllowed": Meaning.RESERVES, "constrained": Meaning.RESERVES, "allowed": Meaning.PERMITS}.get(answer, Meaning.SILENT)


def _plus(value: str, use: Use) -> Meaning:
    if value == "DMI-ALLOWED":
        return Meaning.PERMITS
    if value == "DMI-PROHIBITED-GENAIMLTRAINING":
        return Meaning.SILENT if use == "discriminative" else Meaning.RESERVES
    return Meaning.RESERVES if value.startswith("DMI-PROHIBITED") else Meaning.SILENT
