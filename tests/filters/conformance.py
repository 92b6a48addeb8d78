"""What every filter must do, as one call: `check_filter(filter, keeps=[...], rejects=[...])`. Rows are plain dicts.

Keys of a row: `caption`, `url`, `image` (bytes), `problem`, `phash`, `measures` ({filter name: struct as a dict}); any other key is a
column of the source, under the role of that name.
"""

import hashlib
import importlib
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.annotations import BASE
from schemas.job import Decode
from schemas.samples import SAMPLE, Samples
from transforms.filters.base import Batch, Context, Filter, Finding
from transforms.images.decode import Picture, PictureError, open_picture

CORE = {"caption", "url", "image", "problem"}
BESIDE = {"phash", "measures"}


def check_filter(
    subject: Filter,
    keeps: Sequence[Mapping[str, Any]] = (),
    rejects: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Asserts that a filter keeps and rejects these rows, and that it obeys what the pipeline relies on."""
    rows = [*keeps, *rejects]
    found = judged(subject, rows)
    for row, words in zip(keeps, found[: len(keeps)], strict=True):
        assert subject.reason not in words, f"{subject.name} rejects {shown(row)}"
    for row, words in zip(rejects, found[len(keeps) :], strict=True):
        assert subject.reason in words, f"{subject.name} keeps {shown(row)}: {words}"
    check_measures(subject, rows)
    check_options(subject)
    check_findings(subject, batch_of(rows, subject))


def check_measures(subject: Filter, rows: Sequence[Mapping[str, Any]]) -> None:
    """Type and length of the measures; the same whatever shares a batch with a row, and every time; nothing written into the batch."""
    batch = batch_of(rows, subject)
    before = pickle.dumps((batch.samples.core.to_pydict(), batch.samples.source.to_pydict(), batch.urls, batch.captions))
    measured = subject.measure(batch)
    assert measured.type == subject.measured
    assert pa.types.is_struct(measured.type)
    assert len(measured) == len(rows)
    measured.validate(full=True)
    assert pickle.dumps((batch.samples.core.to_pydict(), batch.samples.source.to_pydict(), batch.urls, batch.captions)) == before
    assert subject.measure(batch_of(rows, subject)).to_pylist() == measured.to_pylist(), "a second call measures something else"
    singly = [subject.measure(batch.slice(row, 1)).to_pylist()[0] for row in range(len(rows))]
    assert singly == measured.to_pylist(), "measures depend on what else is in the batch"
    backwards = subject.measure(batch_of(rows[::-1], subject)).to_pylist()
    assert backwards[::-1] == measured.to_pylist(), "measures depend on the order in the batch"
    for few in ([], [{}], [{}] * 3):
        batch = batch_of(few, subject)
        measured = subject.measure(batch)
        assert (measured.type, len(measured)) == (subject.measured, len(few))
        check_findings(subject, batch)


def check_options(subject: Filter) -> None:
    """Options survive the way through YAML and through pickle, and every one says what it does."""
    plain = subject.model_dump(mode="json")
    assert type(subject).model_validate(plain) == subject
    assert pickle.loads(pickle.dumps(subject)) == subject
    for name, field in type(subject).model_fields.items():
        assert field.description, f"{subject.name}.{name} does not say what it does"
        assert "phase" in (field.json_schema_extra or {}), f"{subject.name}.{name} does not say which phase reads it"
    assert type(subject).__doc__, f"{type(subject).__name__} has no docstring"
    assert type(subject).__doc__ != Filter.__doc__, f"{type(subject).__name__} has no docstring of its own"


def check_findings(subject: Filter, batch: Batch) -> None:
    """Rows ascending, each once, in range; scores and details one per row; judged twice the same, and from a slice the same."""
    measured = subject.measure(batch)
    found = findings(subject, batch, measured)
    for finding in found:
        assert finding.rows.dtype == np.int64
        assert np.all(np.diff(finding.rows) > 0)
        assert not len(finding.rows) or 0 <= finding.rows[0] <= finding.rows[-1] < len(batch)
        assert finding.scores is None or len(finding.scores) == len(finding.rows)
        assert finding.details is None or isinstance(finding.details, str) or len(finding.details) == len(finding.rows)
    again = findings(subject, batch, measured)
    assert [words(part) for part in again] == [words(part) for part in found]
    if len(batch):
        sliced = pa.concat_arrays([measured.slice(0, 1), measured]).slice(1)
        later = [words(part) for part in findings(subject, batch, sliced)]
        assert later == [words(part) for part in found], "judge forgets a slice's offset"


def judged(subject: Filter, rows: Sequence[Mapping[str, Any]]) -> list[set[str]]:
    """The reasons, flags and actions that a filter finds for each row, measured and judged as the pipeline does."""
    batch = batch_of(rows, subject)
    found: list[set[str]] = [set() for _ in rows]
    for finding in findings(subject, batch, subject.measure(batch)):
        for row in finding.rows:
            found[row].add(finding.word)
    return found


def findings(subject: Filter, batch: Batch, measured: pa.StructArray) -> list[Finding]:
    """What a filter concludes from its measures, in the context that the batch gives."""
    annotations = annotations_of(batch)
    context = Context(annotations, {**batch.measures, subject.name: measured}, subject.count(measured, annotations))
    return subject.judge(measured, context)


def batch_of(rows: Sequence[Mapping[str, Any]], subject: Filter | None = None) -> Batch:
    """A batch of these rows, its pictures decoded; with what the filters that the subject reads have measured on them."""
    core = {
        "row": range(len(rows)),
        "key": [f"{row:09d}" for row in range(len(rows))],
        "disallowed": [False] * len(rows),
        "extra": [[] for _ in rows],
        "flags": [[] for _ in rows],
        **{name: [row.get(name) for row in rows] for name in CORE},
    }
    roles = sorted({name for row in rows for name in row} - CORE - BESIDE)
    source = pa.RecordBatch.from_pydict({name: column_of([row.get(name) for row in rows]) for name in roles})
    if not roles:
        source = pa.RecordBatch.from_struct_array(pa.array([{}] * len(rows), pa.struct([])))
    samples = Samples(pa.RecordBatch.from_pydict(core, schema=SAMPLE), source, {name: name for name in roles})
    images = [row.get("image") for row in rows]
    batch = Batch(
        samples,
        [picture_of(raw) for raw in images],
        [hashlib.sha256(raw).digest() if raw else None for raw in images],
        [hashlib.sha1(raw).digest() if raw else None for raw in images],
        [hashlib.md5(raw).digest() if raw else None for raw in images],
        [row.get("phash") for row in rows],
        {},
    )
    for name in subject.reads if subject else ():
        batch.measures[name] = measures_of(name, rows, batch)
    return batch


def measures_of(name: str, rows: Sequence[Mapping[str, Any]], batch: Batch) -> pa.StructArray:
    """What another filter measures with its default options, save where a row says it."""
    module = importlib.import_module(f"transforms.filters.{name}")  # no other: one that cannot be imported fails its own tests only
    [kind] = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__dict__.get("name") == name]
    other = kind()
    for further in other.reads:
        if further not in batch.measures:
            batch.measures[further] = measures_of(further, rows, batch)
    measured = other.measure(batch).to_pylist()
    given = [row.get("measures", {}).get(name, found) for row, found in zip(rows, measured, strict=True)]
    return pa.array(given, other.measured)


def annotations_of(batch: Batch) -> pa.RecordBatch:
    """The base columns that annotate would write for a batch, as far as a filter can ask for them."""
    rows = len(batch)
    sizes = [(picture.width, picture.height) if picture else (None, None) for picture in batch.pictures]
    columns = {
        "uid": [f"{row:032x}" for row in range(rows)],
        "source": ["main"] * rows,
        "shard": ["00000"] * rows,
        "row": range(rows),
        "key": batch.samples.core.column("key"),
        "url": batch.urls,
        "problem": batch.samples.core.column("problem"),
        "flags": batch.samples.core.column("flags"),
        "not_scored": [[] for _ in range(rows)],
        "bytes": [None if raw is None else len(raw) for raw in batch.images],
        "format": [picture.format if picture else None for picture in batch.pictures],
        "width": [width for width, _ in sizes],
        "height": [height for _, height in sizes],
        "sha256": batch.sha256,
        "sha1": batch.sha1,
        "md5": batch.md5,
        "phash": batch.phash,
        "low_detail": [phash is None for phash in batch.phash],
        "has_caption": [caption is not None for caption in batch.captions],
        "caption_length": [len(caption or "") for caption in batch.captions],
        "words": [len((caption or "").split()) for caption in batch.captions],
        "groups": [{}] * rows,
    }
    return pa.RecordBatch.from_pydict({field.name: columns.get(field.name, [None] * rows) for field in BASE}, schema=BASE)


def picture_of(raw: bytes | None) -> Picture | None:
    """A picture at the default budget, or None."""
    try:
        return open_picture(raw, Decode(), "fast") if raw is not None else None
    except PictureError:
        return None


def column_of(values: list[Any]) -> pa.Array:
    """Values as a column of the source; all null is text, as a reader would have it."""
    column = pa.array(values)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def words(finding: Finding) -> tuple[Any, ...]:
    """A finding as something that can be compared."""
    scores = None if finding.scores is None else np.asarray(finding.scores).tolist()
    details = finding.details if finding.details is None or isinstance(finding.details, str) else list(finding.details)
    return finding.kind, finding.word, finding.rows.tolist(), scores, finding.threshold, details


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a failure message: bytes as their number."""
    return {name: f"{len(value)} bytes" if isinstance(value, bytes) else value for name, value in row.items()}
