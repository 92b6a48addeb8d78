"""Notices pictures that say of themselves, or whose files show, that a program made them up."""

import difflib
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Names, Phase, key
from transforms.filters.base import Batch, Context, Filter, Finding
from transforms.images.generators import generator_of
from transforms.images.metadata import Metadata
from transforms.images.source_type import VOCABULARY, source_types

DECLARED = pa.list_(pa.struct([("term", pa.string()), ("where", pa.string())]))
_GENERATED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic")


class Synthetic(Filter):
    """Flags pictures that are declared to be generated, or whose files hold what only generators write.

    Declared is the IPTC digital source type, in XMP or in the actions of a C2PA manifest, unverified (`transforms.images.source_type`);
    traces are text chunks and EXIF fields of generators (`transforms.images.generators`). Pixels are not looked at: a generated picture
    that was saved again by a site that strips metadata, as most do, is not found, and how many are missed is not measured.
    """

    name: ClassVar[str] = "synthetic"
    of_picture: ClassVar[bool] = True
    measured: ClassVar[pa.DataType] = pa.struct([("declared", DECLARED), ("generator", pa.string()), ("trace", pa.string())])

    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: notice and keep", "flag")
    types: Names = key(Phase.JUDGE, "terms of IPTC's digital source type that count as generated", _GENERATED)
    traces: bool = key(Phase.JUDGE, "false: what generators left in text chunks and EXIF does not count", default=True)

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        for term in self.types:
            if term not in VOCABULARY:
                near = difflib.get_close_matches(term, VOCABULARY, 1) or VOCABULARY
                raise ValueError(f"types: IPTC's vocabulary has no {term!r}; there is {', '.join(near)}")
        if self.enabled and not self.types and not self.traces:
            raise ValueError("with no types and no traces nothing is found: set enabled to false instead")
        return self

    def measure(self, batch: Batch) -> pa.StructArray:
        declared = [[{"term": term, "where": where} for term, where in source_types(found)] for found in batch.metadata]
        traces = [_trace(found) for found in batch.metadata]
        return pa.StructArray.from_arrays(
            [
                pa.array(declared, DECLARED),
                pa.array([None if trace is None else trace[0] for trace in traces], pa.string()),
                pa.array([None if trace is None else trace[1] for trace in traces], pa.string()),
            ],
            fields=list(self.measured),
        )

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - the measures say it all
        told: dict[int, str] = {}
        declared = pc.struct_field(measures, "declared")
        for row, said in zip(pc.list_parent_indices(declared).to_pylist(), pc.list_flatten(declared).to_pylist(), strict=True):
            if said["term"] in self.types:
                told.setdefault(row, f"{said['where']}: {said['term']}")
        if self.traces:
            names, fields = (pc.struct_field(measures, name) for name in ("generator", "trace"))
            for row in np.flatnonzero(names.is_valid().to_numpy(zero_copy_only=False)).tolist():
                told.setdefault(row, f"{fields[row].as_py()}: {names[row].as_py()}")
        rows = sorted(told)
        return [Finding("reason", self.reason, np.array(rows, np.int64), details=[told[row] for row in rows])] if rows else []


def _trace(metadata: Metadata) -> tuple[str, str] | None:
    return generator_of(metadata.texts) if metadata.texts else None
