"""Rejects captions that say nothing about a picture: too short, a file name, far too long."""

import re
from typing import ClassVar, Self

import pyarrow as pa
from pydantic import model_validator

from schemas.job import Phase, key
from transforms.filters import by_language
from transforms.filters.base import Batch, Context, Filter, Finding, first_beyond, numbers
from transforms.filters.by_language import ByLanguage
from transforms.text.caption import count_words

_SUFFIXES = "jpe?g|jpe|jfif|png|gif|webp|bmp|tiff?|svg|avif|hei[cf]|ico|psd|raw|cr2|nef|dng"
_CAMERAS = "img|image|dsc[fn]?|dscim|dcim|pict?|photo|pxl|mvi|gopr|dji|screenshot|screen shot|whatsapp image"
# "img_0042.jpg", "my holiday (1).png"; or nothing but what cameras call their pictures, and numbers: "dsc_5678 0001".
_FILE_NAME = re.compile(rf".*[^\s.]\.(?:{_SUFFIXES})|(?=.*[a-z])(?:(?:(?:{_CAMERAS})[-_ ]?)?\d[\w-]*(?: |$))+")

BOUNDS = ("min_words", "min_characters", "max_characters")


class CaptionQuality(Filter):
    """Rejects captions of fewer than three words or six characters, file names, and texts of more than 1,000 characters.

    Words and characters are those of the normal form; in scripts written without spaces two characters are a word. An absent caption has
    none of either. The lower bounds are DataComp's basic filter (Gadre et al. 2023, appendix I: more than two words and five
    characters), the upper one is COYO-700M's.
    """

    name: ClassVar[str] = "caption_quality"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = pa.struct([("words", pa.int32()), ("characters", pa.int32()), ("is_file_name", pa.bool_())])

    min_words: int = key(Phase.JUDGE, "words below which a caption is rejected", 3, ge=0)
    min_characters: int = key(Phase.JUDGE, "characters below which a caption is rejected", 6, ge=0)
    max_characters: int = key(Phase.JUDGE, "characters above which a caption is rejected", 1_000, ge=1)
    by_language: ByLanguage = key(
        Phase.JUDGE, "bounds of captions in one language: {de: {min_words: 2, max_characters: 2000}}; und: undetermined", {}
    )
    file_names: bool = key(Phase.JUDGE, "true: a caption that is a file name is kept", default=False)

    @model_validator(mode="after")
    def _knows_the_languages(self) -> Self:
        by_language.check(self, self.by_language, BOUNDS)
        return self

    def measure(self, batch: Batch) -> pa.StructArray:
        captions = [caption or "" for caption in batch.normal_captions]
        return pa.StructArray.from_arrays(
            [
                pa.array([count_words(caption) for caption in captions], pa.int32()),
                pa.array([len(caption) for caption in captions], pa.int32()),
                pa.array([is_file_name(caption) for caption in captions], pa.bool_()),
            ],
            fields=list(self.measured),
        )

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        words = numbers(measures, "words")
        characters = numbers(measures, "characters")
        named = numbers(measures, "is_file_name")
        min_words, min_characters, max_characters = (by_language.bounds(self, name, self.by_language, context) for name in BOUNDS)
        bounds = (
            ("is_file_name", named, (named == 1) & (not self.file_names), None),
            ("words", words, words < min_words, min_words),
            ("characters", characters, characters < min_characters, min_characters),
            ("characters", characters, characters > max_characters, max_characters),
        )
        return first_beyond(self.reason, bounds)


def is_file_name(normal: str) -> bool:
    """Whether a caption in normal form is a file name, or several.

    >>> is_file_name("img_0042.jpg"), is_file_name("dsc_5678 dsc_5679"), is_file_name("a png of a red kite"), is_file_name("1984")
    (True, True, False, False)
    """
    return _FILE_NAME.fullmatch(normal) is not None
