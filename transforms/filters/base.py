"""What a filter is: its options, what it measures, and what it concludes from that.

A filter measures every readable row once, in annotate, and stores what it found, never whether that was too much. What follows from a
measure is decided in judge, from the measures alone, so that a threshold can change without a picture being read again.

The plain filter is a `measure` that returns a score, and a bound:

    class Shouting(Filter):
        name: ClassVar[str] = "shouting"
        max: float = key(Phase.JUDGE, "share of capitals above which a caption is rejected", 0.8)

        def measure(self, batch: Batch) -> pa.StructArray:
            return scores([share_of_capitals(text) for text in batch.captions])
"""

import abc
import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.job import Phase, Section, key
from schemas.samples import Samples
from transforms.images.metadata import Metadata, parts_of, read_metadata
from transforms.images.parts.part import Part
from transforms.text.caption import normal_form

if TYPE_CHECKING:
    from transforms.images.decode import Picture
    from transforms.images.view import View

SCORE = pa.struct([("score", pa.float64())])


@dataclasses.dataclass(frozen=True)
class Artefact:
    """A model or a list that a filter reads, as the manifest names it.

    Attributes:
      name: what people call it, e.g. "toxicity: shipped".
      path: where it lies.
      sha256: hex digest of the file, read when the job is loaded.
      version: as its maker or the package that carries it says; None where nobody does.
      runs_on: the library that computes with it, its version and its device; None for a list, or a file that is only read.
    """

    name: str
    path: str
    sha256: str
    version: str | None = None
    runs_on: str | None = None


@dataclasses.dataclass
class Batch:
    """What a filter may look at: at most 1,000 rows, all of them, readable or not.

    Attributes:
      samples: the rows as read.
      pictures: one per row: a decoded picture, or None where there is none or it cannot be read.
      sha256: digest of each row's bytes, None where there are none. `md5` and `sha1` likewise.
      phash: perceptual hash of each picture as it is, None where there is none or it is low_detail.
      measures: what the filters named in `reads` have measured on these rows.
      mode: how the pictures were decoded; perceptual hashes of `fast` may be two bits further away.
      beside: embeddings that files beside the shard have: `image` and `text`, each vectors (floats, [m, width]) and the rows they are of
        (int64[m], ascending).
      filters: the run's filters by name, for one that asks another's model.
      errors: filter -> class of what it raised on the first row that it failed on.
    """

    samples: Samples
    pictures: "Sequence[Picture | None]"
    sha256: Sequence[bytes | None]
    sha1: Sequence[bytes | None]
    md5: Sequence[bytes | None]
    phash: Sequence[int | None]
    measures: dict[str, pa.StructArray]
    mode: Literal["fast", "exact"] = "fast"
    beside: "Mapping[str, tuple[np.ndarray, np.ndarray]]" = dataclasses.field(default_factory=dict)
    filters: "Mapping[str, Filter]" = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.samples)

    @functools.cached_property
    def captions(self) -> list[str | None]:
        """Raw captions; None where absent."""
        return self.samples.core.column("caption").to_pylist()

    @functools.cached_property
    def normal_captions(self) -> list[str | None]:
        """Captions in the normal form that matching, word lists and models see; None where absent."""
        return [None if text is None else normal_form(text) for text in self.captions]

    @functools.cached_property
    def urls(self) -> list[str | None]:
        """URLs as the source has them."""
        return self.samples.core.column("url").to_pylist()

    @functools.cached_property
    def images(self) -> list[bytes | None]:
        """Picture bytes as read."""
        return self.samples.core.column("image").to_pylist()

    @functools.cached_property
    def parts(self) -> list[list[Part]]:
        """Where each row's picture file, readable or not, holds side data; nothing where there are no bytes."""
        return [parts_of(raw) if raw else [] for raw in self.images]

    @functools.cached_property
    def metadata(self) -> list[Metadata]:
        """What that side data says."""
        return [read_metadata(raw, parts) if raw else Metadata() for raw, parts in zip(self.images, self.parts, strict=True)]

    def role(self, name: str) -> list[Any]:
        """Values of the source column that plays a role; all None where the source has none."""
        column = self.samples.role(name)
        return [None] * len(self) if column is None else column.to_pylist()

    def slice(self, start: int, length: int) -> Self:
        """Consecutive rows as a batch of their own."""
        part = slice(start, start + length)
        return type(self)(
            self.samples.slice(start, length), self.pictures[part], self.sha256[part], self.sha1[part], self.md5[part], self.phash[part],
            {name: measured.slice(start, length) for name, measured in self.measures.items()}, self.mode,
            {name: _between(start, start + length, *found) for name, found in self.beside.items()}, self.filters,
        )  # fmt: skip


def _between(start: int, stop: int, vectors: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of vectors those of the rows from `start` to `stop`, and these rows counted from `start`."""
    low, high = np.searchsorted(rows, [start, stop])
    return vectors[low:high], rows[low:high] - start


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that a filter concludes about some rows: a reason to reject, a flag, or an action on what is published.

    Attributes:
      kind: where the word goes.
      word: the reason, flag (`personal_data:email`) or action (`redacted:email`) itself.
      rows: row numbers in the measures, int64, ascending, each once.
      scores: float64, one per row in `rows`; None where there is no number.
      threshold: the bound the score is beyond; None where there is none.
      details: one text per row in `rows`, or one for all, or None. Never matched personal text.
      proven: a reason that stays one where the filter's action is `flag`, because it does not rest on what that action is for.
    """

    kind: Literal["reason", "flag", "action"]
    word: str
    rows: np.ndarray
    scores: np.ndarray | None = None
    threshold: float | None = None
    details: Sequence[str | None] | str | None = None
    proven: bool = False


@dataclasses.dataclass(frozen=True)
class Context:
    """What judge knows beside a filter's own measures.

    Attributes:
      annotations: the base columns of the same rows (schemas.annotations.BASE), in batches of one shard.
      measures: the measures of every filter, by name.
      counts: what `Filter.count` of this filter found, summed over the whole run.
      mode: how the pictures were decoded for their perceptual hashes (`dedup.images.mode`).
    """

    annotations: pa.RecordBatch
    measures: Mapping[str, pa.StructArray]
    counts: Mapping[str, int]
    mode: Literal["fast", "exact"] = "fast"


class Filter(Section, abc.ABC):
    """Base of every filter: a frozen model whose fields are the filter's options in the job file.

    Attributes:
      name: the YAML key, the column of its measures, and the reason.
      reads: names of filters whose measures this one needs; they run first.
      measured: Arrow type of what `measure` returns; always a struct. A float64 field is a score from 0 to 1, of which the datasheet
        shows the distribution; other numbers are integers or float32.
      of_picture: whether its reason speaks of the picture alone, so that the row's caption may still be published with another copy of
        it (`dedup.keep_captions`).
      judged: false where its measures serve other filters and match alone: judge neither reads them nor asks it.
      needs: what makes the filter not applicable to a row where it is absent: its measure is null there and never counted as a failure.
    """

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()
    measured: ClassVar[pa.DataType] = SCORE
    of_picture: ClassVar[bool] = False
    judged: ClassVar[bool] = True

    enabled: bool = key(Phase.JUDGE, "false: measured, never judged", True)
    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: notice and keep", "reject")
    on_missing: Literal["reject", "keep"] = key(Phase.JUDGE, "rows on which the filter itself failed", "keep")
    max_not_scored: float | None = key(Phase.RUN, "share of rows it may fail on; null: the job's", None, ge=0, le=1)

    @property
    def reason(self) -> str:
        """The word a rejected row carries."""
        return self.name

    @abc.abstractmethod
    def measure(self, batch: Batch) -> pa.StructArray:
        """What is there, one struct per row, of type `measured`. Null where the filter does not apply."""

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002
        """What follows. By default: a score above `max`, or below `min`, is a reason."""
        score = measures.field("score").to_numpy(zero_copy_only=False)
        findings = []
        for bound, beyond in (("max", np.greater), ("min", np.less)):
            threshold = self.bound(bound)
            if threshold is not None:
                with np.errstate(invalid="ignore"):
                    rows = np.flatnonzero(beyond(score, threshold))
                findings.append(Finding("reason", self.reason, rows, score[rows], threshold))
        return findings

    def count(self, measures: pa.StructArray, annotations: pa.RecordBatch) -> dict[str, int]:  # noqa: ARG002
        """Integers that `judge` needs over the whole run; they are summed over all rows and come back as `context.counts`."""
        return {}

    def located(self, folder: str) -> Self:  # noqa: ARG002
        """The same filter with relative paths in its options resolved against the job file's folder; who has such options overrides it."""
        return self

    def views(self) -> "Sequence[View]":
        """How its models see pictures: annotate makes these where it decodes colours anyway (`Picture.seen`)."""
        return ()

    def bound(self, name: str) -> float | None:
        """A bound by the name of its option, as it is in force; None where there is none."""
        return getattr(self, name, None)

    def models(self) -> Sequence[Artefact]:
        """Model files that decide what is measured.

        Raises:
          MissingError: one is not there; the message names the cure.
        """
        return ()

    def list_files(self) -> Sequence[Artefact]:
        """List files that are joined in judge.

        Raises:
          MissingError: one is not there.
        """
        return ()


def numbers(measures: pa.StructArray, field: str) -> np.ndarray:
    """A field of measures, float64 [n]: booleans as 0 and 1, NaN (beyond no bound) where there is no measure."""
    column = pc.struct_field(measures, field)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def first_beyond(reason: str, bounds: Sequence[tuple[str | None, np.ndarray, np.ndarray, float | np.ndarray | None]]) -> list[Finding]:
    """One reason from several bounds: a row has it once, for the first bound that it is beyond.

    Args:
      reason: the word.
      bounds: in order: what is measured, its values (float64 [n]), whether each row is beyond (bool [n]), and the bound: one for all
        rows, or one for each (float64 [n]).
    """
    told = np.zeros(len(bounds[0][2]), dtype=bool)
    findings = []
    for detail, values, beyond, threshold in bounds:
        chosen = beyond & ~told
        told |= beyond
        if not isinstance(threshold, np.ndarray):
            rows = np.flatnonzero(chosen)
            findings.append(Finding("reason", reason, rows, values[rows], threshold, detail))
            continue
        for bound in np.unique(threshold[chosen]).tolist():
            rows = np.flatnonzero(chosen & (threshold == bound))
            findings.append(Finding("reason", reason, rows, values[rows], bound, detail))
    return findings


def score_of(value: Any) -> float | None:
    """A value of a score column, rounded to 1e-4 (half to even); None for what is absent, NaN or no number.

    Columns hold scores as text and as decimals, too: what says a number is one.

    >>> import decimal
    >>> score_of("0.97"), score_of(decimal.Decimal("0.25")), score_of("n/a"), score_of("nan"), score_of(None)
    (0.97, 0.25, None, None, None)
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # absent, a list, text that is no number, an integer beyond all floats
        return None
    return round(number, 4) if math.isfinite(number) else None


def scores(values: Sequence[float | None]) -> pa.StructArray:
    """Scores as a struct array, rounded to 1e-4 (half to even), so that every machine stores and compares the same number.

    >>> scores([0.123449, None]).to_pylist()
    [{'score': 0.1234}, None]
    """
    rounded = [None if value is None else round(float(value), 4) for value in values]
    missing = pa.array([value is None for value in rounded], pa.bool_())
    return pa.StructArray.from_arrays([pa.array(rounded, pa.float64())], fields=list(SCORE), mask=missing)
