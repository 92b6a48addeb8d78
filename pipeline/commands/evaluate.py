"""`winnow evaluate`: how good a toxicity model is on labelled texts, and whom it wrongs."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from pipeline.commands.labelled import Labelled
from transforms.filters.language import UNDETERMINED, Language, determined
from transforms.filters.toxicity import Toxicity
from transforms.models.evaluation import TERMS_FROM, area, at_thresholds, false_alarms_by_term
from transforms.models.fasttext_classifier import load
from transforms.models.toxicity.evaluate import group_terms
from transforms.text.caption import normal_form

THRESHOLDS = (0.5, 0.7, 0.9)


def evaluate(rule: Toxicity, data: Labelled, terms: Sequence[str] = (), *, as_in_a_run: bool = False) -> "Report":
    """Scores texts and counts.

    Args:
      rule: names the model.
      data: the texts.
      terms: words and phrases that false alarms are counted for; none: names of groups.
      as_in_a_run: whether texts that the language filter takes for a language that the model does not know have no score.
    """
    shown = [rule.shown(normal_form(text)) for text in data.texts]
    scored = np.array([bool(text) for text in shown])
    if as_in_a_run and (known := rule.known_languages) is not None:
        model = load(Language.path())
        scored &= [(determined(model, normal_form(text))[0] or UNDETERMINED) in known for text in data.texts]
    scores = np.full(len(shown), np.nan)
    asked = [text for text, has in zip(shown, scored, strict=True) if has]
    scores[scored] = rule.score_texts(asked)["score"] if asked else []
    harmless = np.flatnonzero(scored & ~data.toxic)
    by_term = false_alarms_by_term(
        [shown[place] for place in harmless], scores[harmless], [normal_form(term) for term in terms] or group_terms(), THRESHOLDS
    )
    return Report(scores, data.toxic, dict(by_term))


@dataclasses.dataclass(frozen=True)
class Report:
    """What was counted.

    Attributes:
      scores: float64 [n]; NaN where a text has none.
      toxic: bool [n].
      by_term: term -> harmless texts that name it, and the share of them above each of THRESHOLDS.
    """

    scores: np.ndarray
    toxic: np.ndarray
    by_term: dict[str, tuple[int, list[float]]]

    @property
    def area(self) -> float | None:
        """Area under the ROC curve over the texts with a score; None where all of them are of one kind."""
        scored = ~np.isnan(self.scores)
        toxic, clean = self.scores[scored & self.toxic], self.scores[scored & ~self.toxic]
        return area(toxic, clean) if len(toxic) and len(clean) else None

    def print(self, console: Console) -> None:
        """Prints the tables."""
        without = int(np.isnan(self.scores).sum())
        console.print(f"{len(self.scores):,} texts, {int(self.toxic.sum()):,} of them toxic; without a score: {without:,}")
        console.print(f"area under the ROC curve: {_number(self.area)}")
        table = Table("score above", "precision", "recall", "false alarms")
        for found in at_thresholds(self.scores, self.toxic, THRESHOLDS):
            table.add_row(f"{found.threshold:g}", *map(_number, (found.precision, found.recall, found.false_alarms)))
        console.print(table)
        if not self.by_term:
            console.print(f"false alarms per term: no term stands in {TERMS_FROM} texts that are not toxic")
            return
        table = Table("false alarms where a text names", "texts", *(f"above {threshold:g}" for threshold in THRESHOLDS))
        for term, (texts, shares) in sorted(self.by_term.items(), key=lambda item: (-item[1][1][0], item[0])):
            table.add_row(plain(term), f"{texts:,}", *map(_number, shares))
        console.print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
