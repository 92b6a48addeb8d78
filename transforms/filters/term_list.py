"""Lists of words and phrases in captions: what filters with the options `words`, `by_language` and `allow` for them share."""

import functools
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from transforms.filters import by_language
from transforms.filters.base import Batch
from transforms.text.terms import HITS, check_phrases, find_terms, terms_of


def check(allow: Sequence[str], languages: Iterable[str]) -> None:
    """Makes sure that exceptions can be found and that captions can be told to be in each language.

    Raises:
      ValueError: names the phrase or the language.
    """
    check_phrases(allow)
    for language in languages:
        by_language.check_language(language)


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
