"""Lists of words and phrases in captions: what filters with the options `words`, `words_by_language` and `allow` for them share."""

import functools
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from transforms.filters import by_language
from transforms.filters.base import Batch
from transforms.text.terms import HITS, check_phrases, check_terms, find_terms, terms_of


def check(words: Sequence[str], own: Mapping[str, Sequence[str]], allow: Sequence[str]) -> None:
    """Makes sure that terms and exceptions can be found, and that captions can be told to be in each language.

    Args:
      words: terms that are looked for in all captions.
      own: language -> terms that are looked for in its captions only.
      allow: phrases in which no term counts.

    Raises:
      ValueError: names the option and the term, phrase or language.
    """
    check_terms("words", words)
    check_phrases(allow)
    for language, terms in own.items():
        by_language.check_language(language, "words_by_language")
        check_terms(f"words_by_language.{language}", terms)


def find(batch: Batch, usual: tuple[str, ...], own: Mapping[str, Sequence[str]]) -> pa.Array:
    """Every listed term in each caption of a batch, `transforms.text.terms.HITS`; null where there is no caption.

    Args:
      batch: the rows, with the measures of the filter `language`.
      usual: terms that are looked for in all captions.
      own: language -> terms that are looked for in its captions only.
    """
    labels = pc.struct_field(batch.measures["language"], "label").to_pylist()
    terms = functools.cache(functools.partial(terms_of, usual, own))
    found = [
        None if caption is None else find_terms(caption, terms(label)) for caption, label in zip(batch.normal_captions, labels, strict=True)
    ]
    return pa.array(found, HITS)
