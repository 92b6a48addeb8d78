"""Finds listed words and phrases in captions, with what stands around them, so that exceptions can be decided later without the caption."""

import functools
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.text.caption import UNSPACED, normal_form

# A find: the term, and a digest of every phrase of at most LONGEST words of the caption that it is part of.
HITS = pa.list_(pa.struct([("term", pa.string()), ("phrases", pa.list_(pa.binary(8)))]))
LONGEST = 5  # words of an exception
_UNSPACED = "".join(f"{chr(first)}-{chr(last)}" for _, first, last in UNSPACED)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")  # in scripts written without spaces every character


def find_terms(normal: str, terms: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every listed term in a caption in normal form, as HITS has it; between word boundaries (`between_words`), plurals in -s too.

    >>> [hit["term"] for hit in find_terms("food porn and dildos", ("porn", "dildo"))]
    ['porn', 'dildo']
    """
    found = list(_pattern(terms, is_ascii=normal.isascii()).finditer(normal))
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


def check_terms(option: str, terms: Sequence[str]) -> None:
    """Makes sure that terms are words or phrases: one without a letter or digit would be found in every caption, or in none.

    Raises:
      ValueError: names the option.
    """
    for term in terms:
        if not _WORD.search(normal_form(term)):
            raise ValueError(f"{option}: {term!r} is no word or phrase")


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


def between_words(pattern: str) -> str:
    """A pattern that is found between words only; scripts written without spaces show no end of a word, so that it is found anywhere there.

    >>> found = re.compile(between_words("tit|色情"))
    >>> [found.search(text) is not None for text in ("great tit", "title", "一张色情图片", "一张tit图片")]
    [True, False, True, True]
    """
    letter = rf"[^\W{_UNSPACED}]"
    return rf"(?:(?<!{letter})|(?=[{_UNSPACED}]))(?:{pattern})(?:(?!{letter})|(?<=[{_UNSPACED}]))"


@functools.lru_cache(maxsize=64)
def _pattern(terms: tuple[str, ...], *, is_ascii: bool) -> re.Pattern[str]:
    longest_first = sorted({normal_form(term) for term in terms}, key=lambda term: (-len(term), term))
    listed = rf"({'|'.join(map(re.escape, longest_first))})s?"
    return re.compile(rf"(?<!\w){listed}(?!\w)" if is_ascii else between_words(listed))
