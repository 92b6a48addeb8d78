"""Finds listed words and phrases in captions, with what stands around them, so that exceptions can be decided later without the caption."""

import functools
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.text.caption import normal_form

# A find: the term, and a digest of every phrase of at most LONGEST words of the caption that it is part of.
HITS = pa.list_(pa.struct([("term", pa.string()), ("phrases", pa.list_(pa.binary(8)))]))
LONGEST = 5  # words of an exception
_WORD = re.compile(r"\w+")


def find_terms(normal: str, terms: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every listed term in a caption in normal form, as HITS has it; between word boundaries, plurals in -s too.

    >>> [hit["term"] for hit in find_terms("food porn and dildos", ("porn", "dildo"))]
    ['porn', 'dildo']
    """
    found = list(_pattern(terms).finditer(normal))
    if not found:
        return []
    words = list(_WORD.finditer(normal))
    hits = []
    for hit in found:
        inside = [place for place, word in enumerate(words) if word.end() > hit.start() and word.start() < hit.end()]
        hits.append({"term": hit[1], "phrases": sorted(_phrases([word.group() for word in words], inside[0], inside[-1]))})
    return hits


def first_terms(hits: pa.ListArray, allowed: Collection[str]) -> list[str | None]:
    """The first term of each row that is part of no allowed phrase; None where there is none.

    >>> rows = pa.array([find_terms("best food porn", ("porn",)), find_terms("food porn, porn", ("porn",))], HITS)
    >>> first_terms(rows, ["Food  Porn"])
    [None, 'porn']
    """
    digests = {digest(phrase) for phrase in allowed}
    found: list[str | None] = [None] * len(hits)
    rows = pc.list_parent_indices(hits).to_pylist()
    for row, hit in zip(rows, pc.list_flatten(hits).to_pylist(), strict=True):
        if found[row] is None and digests.isdisjoint(hit["phrases"]):
            found[row] = hit["term"]
    return found


def digest(phrase: str) -> bytes:
    """What an exception is compared by: 8 bytes of its words, whatever stands between them."""
    return hashlib.blake2b(" ".join(_WORD.findall(normal_form(phrase))).encode(), digest_size=8).digest()


def check_phrases(phrases: Sequence[str]) -> None:
    """Makes sure that exceptions can be found.

    Raises:
      ValueError: one has no word, or more than LONGEST.
    """
    for phrase in phrases:
        if not 1 <= (words := len(_WORD.findall(normal_form(phrase)))) <= LONGEST:
            raise ValueError(f"allow: {phrase!r} has {words} words; name one to {LONGEST}")


def terms_of(usual: tuple[str, ...], by_language: Mapping[str, Sequence[str]], label: str | None) -> tuple[str, ...]:
    """The terms to look for in a caption of a language: what is looked for in all, and what only there."""
    return (*usual, *by_language.get(label or "", ()))


def _phrases(words: Sequence[str], first: int, last: int) -> set[bytes]:
    """Digests of the phrases that the words from `first` to `last` are part of."""
    return {
        hashlib.blake2b(" ".join(words[start:stop]).encode(), digest_size=8).digest()
        for start in range(max(0, last + 1 - LONGEST), first + 1)
        for stop in range(last + 1, min(len(words), start + LONGEST) + 1)
    }


@functools.lru_cache(maxsize=64)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted({normal_form(term) for term in terms}, key=lambda term: (-len(term), term))
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})s?(?!\w)")
