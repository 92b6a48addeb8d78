"""`winnow evaluate`: how good a toxicity model is on labelled texts, and whom it wrongs."""

import csv
import dataclasses
import io
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from schemas.errors import InputError, JobError
from transforms import storage
from transforms.filters.language import UNDETERMINED, Language, determined
from transforms.filters.toxicity import Toxicity
from transforms.models.evaluation import TERMS_FROM, area, at_thresholds, false_alarms_by_term
from transforms.models.fasttext_classifier import load
from transforms.models.toxicity.evaluate import group_terms
from transforms.text.caption import normal_form

THRESHOLDS = (0.5, 0.7, 0.9)
_TEXTS = ("text", "comment", "comment_text", "tweet", "caption", "test_case", "sentence", "content")
_LABELS = ("label", "toxic", "is_toxic", "toxicity", "label_gold", "ishate", "hate", "hateful", "offensive", "label_sexist", "class")
_TOXIC = frozenset({"1", "true", "yes", "y", "toxic", "hateful", "hate", "offensive", "abusive", "bad", "sexist"})
_CLEAN = frozenset({"0", "false", "no", "n", "", "clean", "nontoxic", "non-toxic", "not toxic", "non-hateful", "not sexist", "neither"})


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Texts with labels, less those without text.

    Attributes:
      texts: as the file has them.
      toxic: bool [n].
      columns: names of the two columns that were read.
    """

    texts: list[str]
    toxic: np.ndarray
    columns: tuple[str, str]


def read_labelled(path: str, text: str | None = None, label: str | None = None, toxic: Sequence[str] = ()) -> Labelled:
    """A CSV with a header, parted by commas, semicolons or tabs.

    Args:
      path: the file.
      text: name of the column of texts; None: the first of the names that are usual.
      label: the same of labels: words, or numbers of which 0.5 and more is toxic.
      toxic: values of the label that are toxic; none: those that are usual.

    Raises:
      InputError: the file cannot be read, or a label is neither toxic nor clean; names the line.
      JobError: there is no such column; names those that there are.
    """
    try:
        content = storage.read_bytes(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the labelled texts cannot be read ({error}); give a CSV in UTF-8") from error
    header = content.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(content), delimiter=max(",;\t", key=header.count))
    names = tuple(rows.fieldnames or ())
    columns = (_column(path, names, text, _TEXTS, "--text"), _column(path, names, label, _LABELS, "--label"))
    texts, labels = [], []
    for row in rows:
        if given := (row[columns[0]] or "").strip():
            texts.append(given)
            labels.append(_is_toxic(row[columns[1]] or "", toxic, f"{path}, line {rows.line_num}, column {columns[1]}"))
    if not texts:
        raise InputError(f"{path}: no row has a text in column {columns[0]}; name another with --text")
    return Labelled(texts, np.array(labels, bool), columns)


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


def read_terms(path: str) -> list[str]:
    """Words and phrases, one a line; `#` begins a remark.

    Raises:
      InputError: the file cannot be read.
    """
    try:
        lines = storage.read_bytes(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the terms cannot be read ({error}); give a text file in UTF-8, a term a line") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _column(path: str, names: Sequence[str], asked: str | None, usual: Sequence[str], option: str) -> str:
    if asked is not None and asked in names:
        return asked
    known = {name.strip().lower(): name for name in names}
    found = next((known[name] for name in usual if name in known), None) if asked is None else None
    if found is None:
        raise JobError(f"{path}: no column {asked or 'of a usual name'} for {option}; there are: {', '.join(names)}")
    return found


def _is_toxic(label: str, toxic: Sequence[str], where: str) -> bool:
    told = label.strip().lower()
    if toxic:
        return told in {value.strip().lower() for value in toxic}
    if told in _TOXIC or told in _CLEAN:
        return told in _TOXIC
    try:
        return float(told) >= 0.5
    except ValueError:
        raise InputError(f"{where}: the label is neither toxic nor clean for sure; name those that are toxic with --toxic") from None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
