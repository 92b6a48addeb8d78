"""What a row says about people, and where it comes from: gender, age, region, language, each one level of a closed set.

Mentions are counted, never identities; a level that says "not known" is a level like any other and is never filled in:

* `no_person`: the text mentions nobody. `unspecified`: somebody, without the attribute. `mixed`: several levels.
* `unsupported_language`: no word list for the caption's language. Where the language is undetermined a word of the English list still
  counts, but its absence says nothing.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.annotations import GROUPS
from transforms.text.lexicon import AGES, LEXICONS, Says
from transforms.text.regions import UNKNOWN, region_of

UNDETERMINED = "und"
NO_PERSON = "no_person"
UNSPECIFIED = "unspecified"
MIXED = "mixed"
UNSUPPORTED = "unsupported_language"

GENDERS = ("feminine", "masculine", MIXED, UNSPECIFIED, NO_PERSON, UNSUPPORTED)
AGE_LEVELS = ("child", "young", "adult", "older", MIXED, UNSPECIFIED, NO_PERSON, UNSUPPORTED)

# Levels that name no value of their attribute: targets leave their share as it is.
NO_VALUE = frozenset({MIXED, UNSPECIFIED, NO_PERSON, UNSUPPORTED, UNKNOWN, UNDETERMINED})


def groups(normal_captions: Sequence[str | None], languages: Sequence[str | None], hosts: Sequence[str | None]) -> pa.StructArray:
    """Finds the group attributes of rows.

    Args:
      normal_captions: captions in their normal form (`transforms.text.caption.normal_form`); None where there is none.
      languages: labels of the language filter, None or `und` where there is none.
      hosts: hosts of the rows' URLs.

    Returns:
      One struct of `schemas.annotations.GROUPS` per row; no field is null.

    >>> groups(["a young woman and her dog", "ein Mann"], ["en", "de"], ["a.fr", None]).to_pylist()[0]
    {'gender': 'feminine', 'age': 'young', 'region': 'Western Europe', 'language': 'en'}
    """
    labels = [language or UNDETERMINED for language in languages]
    said = np.zeros(len(labels), np.int64)
    supported = np.zeros(len(labels), bool)
    for language in LEXICONS:
        rows = [row for row, label in enumerate(labels) if label in (language, UNDETERMINED)]
        said[rows] |= mentions([normal_captions[row] or "" for row in rows], language)
        supported[[row for row in rows if labels[row] == language]] = True
    for row, caption in enumerate(normal_captions):
        supported[row] |= caption is None or not any(map(str.isalpha, caption))
    gender, age = _levels(said, supported)
    columns = [
        pa.array(GENDERS).take(pa.array(gender)), pa.array(AGE_LEVELS).take(pa.array(age)),
        pa.array([region_of(host) for host in hosts], pa.string()), pa.array(labels, pa.string()),
    ]  # fmt: skip
    return pa.StructArray.from_arrays(columns, fields=list(GROUPS))


def mentions(texts: Sequence[str], language: str) -> np.ndarray:
    """Collects what the mentions of persons in each text say, as bits of `Says`, int64[n].

    The texts are searched in one pass of one expression. An adjective ("young", "old") within two words before a person sets the age
    of adults and of persons without one; children stay children.

    >>> [Says(int(bits)) for bits in mentions(["an old man", "a dog with his ball"], "en")]
    [<Says.PERSON|MASCULINE|OLDER: 69>, <Says.ANIMAL|HIS: 640>]
    """
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
    places, bits = [], []
    pattern, says = _search(language)
    for found in pattern.finditer("\n".join(texts)):
        places.append(found.start())
        bits.append(says[found["age"], found["term"]])
    said = np.zeros(len(texts), np.int64)
    np.bitwise_or.at(said, np.searchsorted(starts, np.array(places, np.int64), side="right") - 1, np.array(bits, np.int64))
    return said


class _Sayings(dict[tuple[str | None, str], int]):
    """(adjective or None, term) -> what they say together, worked out at first sight."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._lexicon = LEXICONS[language]

    def __missing__(self, pair: tuple[str | None, str]) -> int:
        adjective, term = pair
        says = self._lexicon.terms[term]
        if adjective is not None and Says.PERSON in says:
            if adjective in self._lexicon.teen:
                says = says & ~AGES | Says.YOUNG
            elif not says & (Says.CHILD | Says.YOUNG | Says.OLDER):
                says = says & ~AGES | (Says.YOUNG if adjective in self._lexicon.young else Says.OLDER)
        self[pair] = int(says)
        return int(says)


@functools.cache
def _search(language: str) -> tuple[re.Pattern[str], _Sayings]:
    return LEXICONS[language].pattern(), _Sayings(language)


def _levels(said: np.ndarray, supported: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits of each row to positions in GENDERS and AGE_LEVELS."""

    def has(bits: Says) -> np.ndarray:
        return (said & int(bits)) != 0

    belongs = has(Says.PERSON) | ~has(Says.ANIMAL)  # whose a pronoun is: an animal's where no person is named
    feminine = has(Says.FEMININE) | (has(Says.HER) & belongs)
    masculine = has(Says.MASCULINE) | (has(Says.HIS) & belongs)
    nobody = ~(has(Says.PERSON) | feminine | masculine)
    absent = np.where(supported, GENDERS.index(NO_PERSON), GENDERS.index(UNSUPPORTED))
    gender = np.select([nobody, feminine & masculine, feminine, masculine], [absent, 2, 0, 1], GENDERS.index(UNSPECIFIED))
    ages = np.stack([has(bit) for bit in (Says.CHILD, Says.YOUNG, Says.ADULT, Says.OLDER)])
    absent = np.where(supported, AGE_LEVELS.index(NO_PERSON), AGE_LEVELS.index(UNSUPPORTED))
    several = ages.sum(axis=0) > 1
    age = np.select(
        [nobody, several, ages.any(axis=0)], [absent, AGE_LEVELS.index(MIXED), ages.argmax(axis=0)], AGE_LEVELS.index(UNSPECIFIED)
    )
    return gender, age
