"""The job file as a model: every key, its type, its default, what it means, and the phase that reads it.

A phase depends on the values of its own keys and of the phases before it, and on nothing else of the job: `keys_of` is what the
freshness of a phase's files is computed from.
"""

import difflib
import enum
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.fields import FieldInfo

from schemas.questions import IDS


class Phase(enum.StrEnum):
    """Who reads a key. `RUN` keys steer a run (workers, gates) and decide no byte of any file."""

    RUN = "run"
    ANNOTATE = "annotate"
    MATCH = "match"
    JUDGE = "judge"
    EMIT = "emit"
    DOCUMENT = "document"


def key(phase: Phase, doc: str, default: Any = ..., **rules: Any) -> Any:
    """A key of the job file: the phase that reads it, one line on what it does, its default and its bounds."""
    return Field(default, description=doc, json_schema_extra={"phase": phase.value}, **rules)


def section(doc: str, factory: Any) -> Any:
    """A key that holds further keys."""
    return Field(default_factory=factory, description=doc)


class Section(BaseModel):
    """Part of a job: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


Names = Annotated[tuple[str, ...], Field(strict=False)]
one_or_more = BeforeValidator(lambda given: (given,) if isinstance(given, str | dict) else given)
Files = Annotated[Names, one_or_more]  # one path, or a list of them


class Decode(Section):
    """Budget of one picture, checked before any pixel is decoded."""

    max_pixels: int = key(Phase.ANNOTATE, "pixels a picture may have; more is unreadable", 100_000_000, gt=0)
    max_bytes: int = key(Phase.ANNOTATE, "bytes a picture may have; more is unreadable", 52_428_800, gt=0)


class Source(Section):
    """Where rows come from."""

    name: str = key(Phase.ANNOTATE, "name of the source, a column of the ledger", "main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    format: Literal["webdataset", "parquet", "urls"] = key(Phase.ANNOTATE, "layout of the shards")
    paths: Names = key(Phase.RUN, "globs; relative ones resolve against the job file", min_length=1)
    columns: dict[str, str] = key(Phase.ANNOTATE, "role: column, where the layout's own names are not recognised", {})
    max_unreadable: float = key(Phase.RUN, "share of unreadable rows above which the job stops", 0.05, ge=0, le=1)
    max_unreadable_shards: int = key(Phase.RUN, "shards that may be unreadable as a whole", 0, ge=0)
    embeddings: str | None = key(
        Phase.RUN, "folder with img_emb, text_emb and metadata, as clip-retrieval writes them beside the shards; null: none", None
    )
    protected: bool = key(Phase.JUDGE, "true: its rows are never rejected as duplicates; others are cleaned of them", default=False)
    decode: Decode = section("budget of one picture", Decode)


class Images(Section):
    """How near-equal pictures are looked for."""

    mode: Literal["fast", "exact"] = key(
        Phase.ANNOTATE,
        "fast: decode at reduced scale, 0.4 of 64 bits off on average; exact: fully, hashes are imagehash's",
        "fast",
    )
    # Measured on 30 kinds of web edits of 250 photos and more (.988, .990 and .630, no two photos joined), and on the keys of match.
    reach: Literal["views", "plain"] = key(
        Phase.ANNOTATE,
        "views: also cropped, turned, with bars, finds 99 % of usual web edits; plain: trimmed, mirrored, finds 63 %, takes an eighth less "
        "time to sign a picture and a fifth of the bytes to match it",
        "views",
    )


class Captions(Section):
    """How near-equal captions are looked for."""

    digits: Literal["ignore", "keep"] = key(
        Phase.ANNOTATE,
        "keep: captions with other numbers (page 1, page 2) are never near; ignore: digits are letters like others",
        "ignore",
    )


class Semantic(Section):
    """Which rows mean the same, by their embeddings: SemDeDup (Abbas et al. 2023, arXiv:2303.09540)."""

    of: Literal["image", "text"] | None = key(Phase.MATCH, "embeddings that are compared, of pictures or of captions; null: none", None)
    eps: float = key(Phase.MATCH, "two rows mean the same where the cosine of their embeddings is above 1 - eps", 0.01, gt=0, lt=1)
    centroids: int | None = key(
        Phase.MATCH, "centroids of k-means; pairs nearest to one are compared; null: by the number of rows", None, ge=1
    )
    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: they are noticed and kept", "reject")
    max_outlier: float | None = key(
        Phase.JUDGE, "1 - mean cosine with the 8 nearest rows, above which a row is flagged; null: none is", None, ge=0, le=2
    )


class Preference(Section):
    """One thing by which the copy that stays is chosen: a source, or a column and its better end."""

    source: str | None = key(Phase.JUDGE, "rows of this source go before all others", None)
    column: str | None = key(
        Phase.JUDGE, "column of the source that holds numbers, dates or true/false; rows without a value come last", None
    )
    order: Literal["high", "low"] | None = key(Phase.JUDGE, "column: whether the high or the low value goes first", None)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.source is None) == (self.column is None):
            raise ValueError("one entry is either {source: NAME} or {column: NAME, order: high | low}")
        if (self.column is None) != (self.order is None):
            raise ValueError("a column needs order: high or low, and a source has none")
        return self


class Benchmark(Section):
    """A set to keep out, given as any of pictures, shards, captions and hashes."""

    name: str = key(Phase.MATCH, "name of the set, as evidence and documents have it", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    images: Files = key(Phase.MATCH, "picture files: globs, or folders with all that lies below them", ())
    shards: Files = key(Phase.MATCH, "shards of pictures and captions: globs", ())
    format: Literal["webdataset", "parquet", "urls"] | None = key(Phase.MATCH, "layout of the shards", None)
    columns: dict[str, str] = key(Phase.MATCH, "shards: role: column, where the layout's own names are not recognised", {})
    captions: Files = key(Phase.MATCH, "files of captions: a line each, or CSV, TSV, JSON or Parquet with `column`", ())
    column: str | Annotated[int, Field(ge=1)] | None = key(
        Phase.MATCH, "captions: column that holds them; a number is its place, from 1, in files without a header", None
    )
    # Of 17,650 web captions 9 are near one of 100,460 captions of Flickr8k and Flickr30k, of which 0.8 % have fewer than 5 words.
    min_words: int | None = key(Phase.MATCH, "captions with fewer words do not count; null: none counts", 5, ge=1)
    hashes: Files = key(Phase.JUDGE, "lists of MD5, SHA-1, SHA-256 or perceptual hashes: md5sum's, bare, CSV or Parquet", ())
    radius: int = key(Phase.JUDGE, "hashes: bits by which a picture may differ from a perceptual hash without a radius", 4, ge=0, le=16)

    @model_validator(mode="after")
    def _says_what_it_is(self) -> Self:
        if not (self.images or self.shards or self.captions or self.hashes):
            raise ValueError("a set needs images, shards, captions or hashes")
        if bool(self.shards) != (self.format is not None):
            raise ValueError("shards need their format (webdataset, parquet or urls), and nothing else has one")
        return self


class EarlierRun(Section):
    """A finished run whose rows count as seen before: its release folder, or that and its work folder."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(_or_text(schema)))

    run: str = key(Phase.RUN, "the release folder", min_length=1)
    work: str | None = key(Phase.RUN, "the work folder; default <run>.work", None)

    @model_validator(mode="before")
    @classmethod
    def _from_folder(cls, given: Any) -> Any:
        return {"run": given} if isinstance(given, str) else given


def _or_text(schema: dict[str, Any]) -> dict[str, Any]:
    whole = dict(schema)
    schema.clear()
    return {"anyOf": [{"type": "string"}, whole]}


class Dedup(Section):
    """What counts as a duplicate, which copy stays, and what becomes of the others."""

    policy: Literal["image", "image_and_caption", "image_or_caption"] = key(Phase.MATCH, "which edges join rows into a cluster", "image")
    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: duplicates are noticed and kept", "reject")
    prefer: Annotated[tuple[Preference, ...], Field(strict=False)] = key(
        Phase.JUDGE, "which copy stays, before pixels: a list of {source: NAME} and {column: NAME, order: high | low}", ()
    )
    not_duplicates: Files = key(
        Phase.JUDGE, "files of pairs that are no duplicates: CSV or Parquet with uid and other, or two uids a line", ()
    )
    keep_captions: bool = key(Phase.JUDGE, "true: a kept row carries the distinct captions of its cluster (column captions)", default=False)
    max_per_caption: int | None = key(Phase.JUDGE, "rows kept of a caption cluster; null: all", None, ge=1)
    against: Annotated[tuple[EarlierRun, ...], Field(strict=False), one_or_more] = Field(
        default=(), description="release folders of finished runs: what is in them, or was a copy of it, is a duplicate here"
    )
    eval_overlap: Annotated[tuple[Benchmark, ...], Field(strict=False)] = Field(
        default=(), description="benchmark sets to keep out: a list of {name: NAME, images, shards, captions or hashes: FILES}"
    )
    images: Images = section("near-equal pictures", Images)
    captions: Captions = section("near-equal captions", Captions)
    semantic: Semantic = section("rows that mean the same, by embeddings", Semantic)


class Rebalance(Section):
    """Weights that undo, or set, the shares of groups among the kept rows."""

    target: Literal["preserve", "uniform_known", "explicit", "decorrelate", "none"] = key(
        Phase.JUDGE, "preserve: the shares before our own filters", "preserve"
    )
    margins: Names = key(Phase.JUDGE, "attributes whose shares are held", ("gender", "age", "region", "language"))
    explicit: dict[str, dict[str, float]] = key(Phase.JUDGE, "target explicit: attribute: {level: share}; levels not named keep theirs", {})
    citation: str | None = key(Phase.JUDGE, "target explicit: where the shares come from", None)
    decorrelate: Names = key(Phase.JUDGE, "target decorrelate: two attributes made independent", ())
    bounds: Annotated[tuple[float, float], Field(strict=False)] = key(Phase.JUDGE, "least and greatest weight", (1 / 3, 3.0))
    min_cell: int = key(Phase.JUDGE, "rows below which a level is merged into 'other'", 200, ge=1)
    on_infeasible: Literal["report", "fail"] = key(Phase.JUDGE, "weights 1 and said so, or exit 6", "report")
    output: Literal["weight", "subsample"] = key(Phase.JUDGE, "a weight column, or a hash-chosen subsample", "weight")
    min_effective_share: float | None = key(Phase.RUN, "gate: effective sample size as a share of the kept rows", None, gt=0, le=1)


class Audit(Section):
    """The removal rate of every filter in every group."""

    fail_on_flags: bool = key(Phase.RUN, "gate: a flagged filter x group ends the run with exit 6", False)


class Publish(Section):
    """What goes into data/."""

    drop: Names = key(Phase.EMIT, "source columns that are not published", ("exif", "http_headers"))


class Datasheet(Section):
    """Answers that only people can give; everything else in the documents is computed."""

    title: str | None = key(Phase.DOCUMENT, "name of the dataset", None)
    description: str | None = key(Phase.DOCUMENT, "one paragraph", None)
    licence: str | None = key(Phase.DOCUMENT, "SPDX identifier or URL of the terms", None)
    url: str | None = key(Phase.DOCUMENT, "home page", None)
    version: str = key(Phase.DOCUMENT, "semantic version of the release", "1.0.0", pattern=r"^\d+\.\d+\.\d+$")
    date: str | None = key(Phase.DOCUMENT, "date of publication, YYYY-MM-DD; never the clock's", None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    creators: Names = key(Phase.DOCUMENT, "who made it", ())
    contact: str | None = key(Phase.DOCUMENT, "where to ask for removal", None)
    answers: dict[str, str] = key(Phase.DOCUMENT, "question id: answer, for the questions of the datasheet", {})
    strict: bool = key(Phase.RUN, "gate: an unanswered question ends the run with exit 6", False)

    @field_validator("answers")
    @classmethod
    def _answers_known_questions(cls, answers: dict[str, str]) -> dict[str, str]:
        for name in answers:
            if name not in IDS:
                near = difflib.get_close_matches(name, sorted(IDS), 1, 0.4)
                raise ValueError(
                    f"there is no question {name!r}" + (f"; did you mean {near[0]!r}?" if near else "; see schemas/questions.py")
                )
        return answers


class Job(Section):
    """One job. `filters` is filled in by `pipeline.jobfile`, which knows the filters that are installed."""

    version: Literal[1] = key(Phase.RUN, "version of the job file's own format")
    source: Annotated[tuple[Source, ...], Field(strict=False, min_length=1)] = Field(description="one source or a list of them")
    output: str = key(Phase.RUN, "the release folder: only what may be published", min_length=1)
    work: str | None = key(Phase.RUN, "the private folder; default <output>.work", None)
    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = key(Phase.RUN, "processes; 1 is this one; auto chooses by size", "auto")
    max_not_scored: float = key(Phase.RUN, "share of rows a filter may fail on; a filter's own key goes before it", 0.001, ge=0, le=1)
    dedup: Dedup = section("duplicates", Dedup)
    filters: Section = section("filters by name", Section)
    rebalance: Rebalance = section("weights", Rebalance)
    audit: Audit = section("cost of every filter to every group", Audit)
    publish: Publish = section("what goes into data/", Publish)
    datasheet: Datasheet = section("declared answers", Datasheet)


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of a model that holds a value, with its dotted path."""
    for name, field in model.model_fields.items():
        inner = _section_of(field)
        if inner is None:
            yield prefix + name, field
        else:
            yield from leaves(inner, f"{prefix}{name}.")


def keys_of(part: BaseModel, *phases: Phase) -> dict[str, Any]:
    """The values that these phases read, as nested plain data in the order of the model.

    >>> keys_of(Images(), Phase.ANNOTATE)
    {'mode': 'fast', 'reach': 'views'}
    >>> keys_of(Semantic(), Phase.JUDGE)
    {'action': 'reject', 'max_outlier': None}
    """
    values: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            inner: Any = keys_of(value, *phases)
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            inner = [found for item in value if (found := keys_of(item, *phases))]
        else:
            extra = field.json_schema_extra
            wanted = isinstance(extra, dict) and extra.get("phase") in phases
            if wanted:
                values[name] = value
            continue
        if inner:
            values[name] = inner
    return values


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
