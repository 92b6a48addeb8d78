"""Rejects pictures that are small, very long, nearly empty files, or of one colour."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from schemas.job import Phase, key
from transforms.filters.base import Batch, Context, Filter, Finding, first_beyond, numbers, score_of

MEASURED = pa.struct([("width", pa.int32()), ("height", pa.int32()), ("bytes", pa.int64()), ("deviation", pa.float32())])


class ImageQuality(Filter):
    """Rejects pictures with a shorter side under 200 px, an aspect ratio over 3, under 5 kB, or flat.

    Sizes are as displayed. Where a source has no pictures its declared sizes are used, and the rules on bytes and flatness do not apply.
    Side and aspect are DataComp's (Gadre et al. 2023, appendix I), the least bytes COYO-700M's.
    """

    name: ClassVar[str] = "image_quality"
    of_picture: ClassVar[bool] = True
    measured: ClassVar[pa.DataType] = MEASURED

    min_side: int = key(Phase.JUDGE, "pixels of the shorter side below which a picture is rejected", 200, ge=0)
    max_aspect: float = key(Phase.JUDGE, "longer side over shorter side above which it is rejected", 3.0, ge=1)
    min_bytes: int = key(Phase.JUDGE, "bytes below which it is rejected", 5_000, ge=0)
    min_deviation: float = key(
        Phase.JUDGE, "standard deviation of the grey values, of 255, below which it is flat and rejected; 0: none is", 2.0, ge=0
    )

    def measure(self, batch: Batch) -> pa.StructArray:
        rows: list[tuple[Any, ...] | None] = [None] * len(batch)
        if batch.samples.has_bytes:
            for row, (picture, raw) in enumerate(zip(batch.pictures, batch.images, strict=True)):
                if picture is not None and raw is not None:
                    rows[row] = (picture.width, picture.height, len(raw), round(picture.deviation, 4))
        else:
            for row, sides in enumerate(zip(map(_side, batch.role("width")), map(_side, batch.role("height")), strict=True)):
                if all(sides):
                    rows[row] = (*sides, None, None)
        columns = [pa.array([None if row is None else row[place] for row in rows], field.type) for place, field in enumerate(MEASURED)]
        return pa.StructArray.from_arrays(columns, fields=list(MEASURED), mask=pa.array([row is None for row in rows], pa.bool_()))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - the measures say it all
        width, height, size, deviation = (numbers(measures, field.name) for field in MEASURED)
        side = np.minimum(width, height)
        aspect = np.round(np.maximum(width, height) / side, 4)
        bounds = (
            ("shorter side, px", side, side < self.min_side, self.min_side),
            ("aspect", aspect, aspect > self.max_aspect, self.max_aspect),
            ("bytes", size, size < self.min_bytes, self.min_bytes),
            ("flat", deviation, deviation < self.min_deviation, self.min_deviation),
        )
        return first_beyond(self.reason, bounds)


def _side(declared: Any) -> int | None:
    """A declared side in pixels; None for what cannot be one, NaN among it."""
    side = None if isinstance(declared, bool) else score_of(declared)
    return int(side) if side is not None and 1 <= side < 2**31 else None
