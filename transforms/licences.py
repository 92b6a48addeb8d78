"""Names of licences, however they are spelled, as SPDX identifiers, so that rows under one licence are counted together.

Identifiers: SPDX License List 3.27. A Creative Commons licence that stands not on it (a port to a country, a name without a version) gets a
reference of its own, `LicenseRef-CC-BY` or `LicenseRef-CC-BY-2.0-FR`, as SPDX 3.0.1 annex B has it: no version is made up, no port
taken for another text. Creative Commons' names and addresses: creativecommons.org/licenses/list.
"""

import re
from typing import Final

PUBLIC_DOMAIN: Final = "LicenseRef-public-domain"  # said in words, without a mark or dedication
UNSPLASH: Final = "LicenseRef-Unsplash"
PEXELS: Final = "LicenseRef-Pexels"
PIXABAY: Final = "LicenseRef-Pixabay"
GOVERNMENT: Final = "LicenseRef-US-government-work"
NO_KNOWN_RESTRICTIONS: Final = "LicenseRef-no-known-copyright-restrictions"
ZERO: Final = "CC0-1.0"
MARK: Final = "CC-PDM-1.0"
_OLD_DEDICATION: Final = "CC-PDDC"
_MOST_CHARACTERS: Final = 4_000

_TERMS: Final = ("BY", "NC", "ND", "SA")
_SETS: Final = ("BY", "BY-NC", "BY-NC-ND", "BY-NC-SA", "BY-ND", "BY-SA")
_VERSIONS: Final = ("1.0", "2.0", "2.5", "3.0", "4.0")
_UNPORTED: Final = "4.0"  # from this version on there is one text for all countries
_PORTS: Final = (
    "BY-2.5-AU", "BY-3.0-AT", "BY-3.0-AU", "BY-3.0-DE", "BY-3.0-IGO", "BY-3.0-NL", "BY-3.0-US", "BY-NC-3.0-DE", "BY-NC-ND-3.0-DE",
    "BY-NC-ND-3.0-IGO", "BY-NC-SA-2.0-DE", "BY-NC-SA-2.0-FR", "BY-NC-SA-2.0-UK", "BY-NC-SA-3.0-DE", "BY-NC-SA-3.0-IGO", "BY-ND-3.0-DE",
    "BY-SA-2.0-UK", "BY-SA-2.1-JP", "BY-SA-3.0-AT", "BY-SA-3.0-DE", "BY-SA-3.0-IGO", "SA-1.0",
)  # fmt: skip
_LISTED: Final = frozenset(f"CC-{name}" for name in (*(f"{terms}-{version}" for terms in _SETS for version in _VERSIONS), *_PORTS))
_OTHERS: Final = {
    name.casefold(): name
    for name in (
        "0BSD", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-PDDC", "CC-PDM-1.0", "CC0-1.0", "CDLA-Permissive-1.0",
        "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "DL-DE-BY-2.0", "DL-DE-ZERO-2.0", "etalab-2.0", "GFDL-1.1-only", "GFDL-1.1-or-later",
        "GFDL-1.2-only", "GFDL-1.2-or-later", "GFDL-1.3-only", "GFDL-1.3-or-later", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
        "GPL-3.0-or-later", "LAL-1.2", "LAL-1.3", "LGPL-2.1-only", "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "NLOD-1.0", "NLOD-2.0",
        "ODbL-1.0", "ODC-By-1.0", "OFL-1.1", "OGL-Canada-2.0", "OGL-UK-1.0", "OGL-UK-2.0", "OGL-UK-3.0", "PDDL-1.0", "Unlicense", "WTFPL",
    )
}  # fmt: skip

_CC_URL: Final = re.compile(
    r"creativecommons\.org/(?:licen[cs]es/(?P<terms>(?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*)(?![\w+-])(?:/(?P<version>\d\.\d))?(?:/(?P<port>igo|scotland|[a-z]{2})\b)?"
    r"|publicdomain/(?P<public>zero|mark)\b|licen[cs]es/(?P<old>publicdomain)\b)",
    re.IGNORECASE,
)
_EXPRESSION: Final = re.compile(r"\s(?:OR|AND|WITH)\s")  # of several licences, SPDX 3.0.1 annex B
_SPDX_URL: Final = re.compile(r"^(?:https?://)?(?:www\.)?spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.(?:html|json|txt))?/?$", re.IGNORECASE)
_OGL_URL: Final = re.compile(r"nationalarchives\.gov\.uk/doc/open-government-licen[cs]e/version/([123])\b", re.IGNORECASE)
_WORD: Final = r"(?:attribution|non-?\s?commercial|no-?\s?deriv(?:ative)?s?(?:\s?works?)?|share-?\s?alike|by|nc|nd|sa)"
_GAP: Final = r"(?:[\s,/+&()–—-]|and\s)*"
_RUN: Final = rf"(?P<terms>{_WORD}(?:{_GAP}{_WORD}\b)*)"
_TAIL: Final = (
    r"(?:[\s,-]*(?:generic|licen[cs]e[ds]?))?(?:[\s,()-]*(?:v(?:ersion)?\.?\s?)?(?P<version>[1-4]\.\d)\b)?"
    r"(?:[\s-]+(?P<port>igo|scotland|[a-z]{2})\b(?=\W*$))?"
)
_NAMED: Final = re.compile(rf"\b(?:creative[\s-]*commons|cc)[\s:,(–—-]*{_RUN}{_TAIL}", re.IGNORECASE)
_ALONE: Final = re.compile(
    rf"^\W*{_RUN}(?:[\s-]+(?:v\.?\s?)?(?P<version>[1-4]\.\d))?(?:[\s-]+(?:generic|international|unported))?(?P<said>[\s-]+licen[cs]e)?\W*$",
    re.IGNORECASE,
)
_ZERO: Final = re.compile(r"\bcc[\s-]*(?:0|zero)\b|\bcreative[\s-]*commons[\s-]*(?:0|zero)\b", re.IGNORECASE)
_MARK: Final = re.compile(r"\bpublic[\s-]*domain[\s-]*mark\b|^\W*(?:cc[\s-]*)?pdm(?:[\s-]*1\.0)?\W*$", re.IGNORECASE)
_PUBLIC: Final = re.compile(r"^\W*(?:in\s+the\s+|cc[\s-]*)?public[\s-]*domain\W*$|^\W*pd(?:-[a-z][a-z0-9-]*)?\W*$", re.IGNORECASE)
_ADDRESSES: Final = tuple(
    (re.compile(rf"\b{address}", re.IGNORECASE), name)
    for address, name in (
        (r"unsplash\.com/licen[cs]e\b", UNSPLASH), (r"pexels\.com/(?:[a-z-]+/)?(?:photo-)?licen[cs]e\b", PEXELS),
        (r"pixabay\.com/(?:[a-z-]+/)*licen[cs]e\b", PIXABAY), (r"flickr\.com/commons/usage\b", NO_KNOWN_RESTRICTIONS),
        (r"usa\.gov/(?:copyright|government-works|government-copyright)\b", GOVERNMENT), (r"artlibre\.org/licence/lal\b", "LAL-1.3"),
        (r"opendatacommons\.org/licenses/odbl\b", "ODbL-1.0"), (r"opendatacommons\.org/licenses/by\b", "ODC-By-1.0"),
        (r"opendatacommons\.org/licenses/pddl\b", "PDDL-1.0"), (r"apache\.org/licenses/LICENSE-2\.0\b", "Apache-2.0"),
        (r"opensource\.org/licen[cs]es?/mit\b", "MIT"), (r"creativecommons\.org/(?:[a-z-]+/)*public-domain/cc0\b", ZERO),
    )
)  # fmt: skip
_RIGHTS_STATEMENT: Final = re.compile(r"\brightsstatements\.org/(?:vocab|page|data)/([A-Za-z]+(?:-[A-Za-z]+)*)/1\.0\b", re.IGNORECASE)
_STATEMENTS: Final = {
    name.casefold(): f"LicenseRef-RightsStatements-{name}"
    for name in (
        "InC", "InC-OW-EU", "InC-EDU", "InC-NC", "InC-RUU", "NoC-CR", "NoC-NC", "NoC-OKLR", "NoC-US", "CNE", "UND", "NKC",
    )
}  # fmt: skip
_SENTENCES: Final = tuple(
    (re.compile(rf"^\W*(?:the\s+)?{words}\W*$", re.IGNORECASE), name)
    for words, name in (
        (r"unsplash\s+licen[cs]e", UNSPLASH), (r"pexels\s+licen[cs]e", PEXELS),
        (r"pixabay(?:\s+content)?\s+licen[cs]e", PIXABAY), (r"no\s+known\s+copyright(?:\s+restrictions)?", NO_KNOWN_RESTRICTIONS),
        (r"(?:united\s+states|u\.?s\.?)\s+government\s+works?", GOVERNMENT),
        (r"apache(?:\s+licen[cs]e)?,?(?:\s+v(?:ersion)?)?\s*2\.0", "Apache-2.0"), (r"ogl[\s-]+v?([123])(?:\.0)?", r"OGL-UK-\1.0"),
        (r"(?:uk\s+)?open\s+government\s+licen[cs]e\s+(?:v(?:ersion\s+)?)?([123])(?:\.0)?", r"OGL-UK-\1.0"),
        (r"free\s+art\s+licen[cs]e\s+(1\.[23])", r"LAL-\1"), (r"(?:etalab\s+)?licence\s+ouverte\s+(?:v(?:ersion\s+)?)?2\.0", "etalab-2.0"),
        (r"odbl|(?:open\s+data\s+commons\s+)?open\s+database\s+licen[cs]e(?:\s*\(odbl\))?(?:\s+v?1\.0)?", "ODbL-1.0"),
    )
)  # fmt: skip
_FLICKR: Final = (
    None, "CC-BY-NC-SA-2.0", "CC-BY-NC-2.0", "CC-BY-NC-ND-2.0", "CC-BY-2.0", "CC-BY-SA-2.0", "CC-BY-ND-2.0",
    NO_KNOWN_RESTRICTIONS, GOVERNMENT, ZERO, MARK,
    "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0",
)  # fmt: skip
_NEGATED: Final = re.compile(r"\b(?:not|no\s+longer|except|unless|other\s+than)\b", re.IGNORECASE)


def spdx(text: str) -> str | None:
    """The licence that a text names, an SPDX identifier or reference; None where it names none that is known, or several.

    Args:
      text: an address, a name, an identifier, or a sentence that holds one. Its first 4,000 characters count.

    >>> spdx("http://creativecommons.org/licenses/by-nc-sa/2.0/"), spdx("Creative Commons Attribution-ShareAlike 4.0 International")
    ('CC-BY-NC-SA-2.0', 'CC-BY-SA-4.0')
    >>> spdx("cc by"), spdx("CC BY 2.0 FR"), spdx("CC0"), spdx("All rights reserved")
    ('LicenseRef-CC-BY', 'LicenseRef-CC-BY-2.0-FR', 'CC0-1.0', None)
    """
    text = " ".join(text[:_MOST_CHARACTERS].split())
    identifier = found.group(1) if (found := _SPDX_URL.match(text)) else text
    if known := _OTHERS.get(identifier.casefold()):
        return known
    linked = {_of_url(found) for found in _CC_URL.finditer(text)}
    linked |= {f"OGL-UK-{found.group(1)}.0" for found in _OGL_URL.finditer(text)}
    linked |= {name for address, name in _ADDRESSES if address.search(text)}
    linked |= {name for found in _RIGHTS_STATEMENT.finditer(text) if (name := _STATEMENTS.get(found.group(1).casefold()))}
    if linked:
        return linked.pop() if len(linked) == 1 else None
    if _EXPRESSION.search(text):
        return None
    for sentence, name in _SENTENCES:
        if found := sentence.match(text):
            return found.expand(name)
    return _named(identifier.replace("_", " "))


def of_flickr(number: int) -> str | None:
    """The licence behind a number of Flickr's (api.flickr.com, flickr.photos.licenses.getInfo); None for all rights reserved and others.

    >>> of_flickr(4), of_flickr(0), of_flickr(99)
    ('CC-BY-2.0', None, None)
    """
    return _FLICKR[number] if 0 <= number < len(_FLICKR) else None


def terms(licence: str) -> tuple[str, ...]:
    """What a Creative Commons licence asks, by its identifier: of `BY`, `NC`, `ND`, `SA`; nothing of any other.

    >>> terms("CC-BY-NC-SA-3.0-DE"), terms("LicenseRef-CC-BY-ND"), terms("CC0-1.0")
    (('BY', 'NC', 'SA'), ('BY', 'ND'), ())
    """
    words = licence.removeprefix("LicenseRef-").split("-")
    return tuple(word for word in _TERMS if word in words) if words[0] == "CC" else ()


def _of_url(found: re.Match[str]) -> str:
    if found["public"]:
        return ZERO if found["public"].casefold() == "zero" else MARK
    if found["old"]:
        return _OLD_DEDICATION
    return _identifier(found["terms"].upper().split("-"), found["version"], found["port"])


def _named(text: str) -> str | None:
    if _NEGATED.search(text):
        return None
    found = {_identifier(_words(match["terms"]), match["version"], match["port"]) for match in _NAMED.finditer(text)}
    if alone := None if found else _ALONE.match(text):
        words = _words(alone["terms"])
        if alone["version"] or alone["said"] or len(words) > 1:
            found.add(_identifier(words, alone["version"], None))
    found |= {ZERO} if _ZERO.search(text) else set()
    found |= {MARK} if _MARK.search(text) else set()
    if not found and _PUBLIC.match(text):
        return PUBLIC_DOMAIN
    return found.pop() if len(found) == 1 else None


def _words(run: str) -> list[str]:
    """The terms in a run of words, each by its two letters."""
    plain = re.sub(r"[^a-z]+", " ", run.casefold())
    for pattern, word in ((r"\bnon ?commercial", "nc"), (r"\bno ?deriv\w*", "nd"), (r"\bshare ?alike", "sa"), (r"\battribution", "by")):
        plain = re.sub(pattern, word, plain)
    return [word for word in plain.upper().split() if word in _TERMS]


def _identifier(words: list[str], version: str | None, port: str | None) -> str:
    """The name of a licence by its terms, in whatever order they were."""
    order = [word for word in _TERMS if word in words]
    name = "-".join(["CC", *order, *([version] if version else []), *([port.upper()] if port and version and version < _UNPORTED else [])])
    return name if name in _LISTED else f"LicenseRef-{name}"
