"""Notices pictures that show faces, by boxes that the source gives or a detector finds; blurs the faces or rejects the rows where asked."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.errors import JobError
from schemas.job import Phase, key
from schemas.reasons import BLURRED_FACES
from transforms.filters import image_model
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.models.image_spec import spec_of
from transforms.models.session import Device

if TYPE_CHECKING:
    from transforms.images.decode import Picture
    from transforms.images.view import View

COLUMN: Final = "column"
ROLE: Final = "face_boxes"
MEASURED = pa.struct([("boxes", image_model.FACES)])
_MOST_SHARE: Final = 2.0  # detectors' boxes stick out of pictures by some of their side; no face is two pixels wide


class Faces(Filter):
    """Flags pictures with faces; with `do: blur` publishes them with the faces blurred, with `do: reject` not at all.

    Boxes come from the column `face_bboxes` as img2dataset and DataComp have it (left, top, right, bottom, as shares of the sides, or in
    pixels where a number is above 2; what sticks out of the picture is cut), or from a detector: NudeNet's face classes, or a detector of
    one's own by a spec. Where neither is named, faces that the filter `nsfw` saw are counted all the same. What share of faces a detector
    finds was not measured; in CommonPool the one in use missed an estimated 102 million. Nobody is recognised.
    """

    name: ClassVar[str] = "faces"
    reads: ClassVar[tuple[str, ...]] = ("nsfw",)
    measured: ClassVar[pa.DataType] = MEASURED
    of_picture: ClassVar[bool] = True

    find: str | None = key(
        Phase.ANNOTATE,
        "column (face_bboxes), nudenet (extra nudenet, AGPL), or the path of a detector's spec; null: a column or what nsfw saw, if any",
        None,
    )
    do: Literal["report", "blur", "reject"] = key(Phase.JUDGE, "report: flag and keep; blur: keep with faces blurred; reject", "report")
    min_score: float = key(Phase.JUDGE, "score of a detected box from which it is a face; boxes of a column all are", 0.5, ge=0, le=1)
    min_share: float = key(Phase.JUDGE, "share of the picture's area from which a face counts", 0.0, ge=0, le=1)

    device: Device = key(Phase.ANNOTATE, "what computes the detector: cpu, or cuda (onnxruntime-gpu)", "cpu")

    @model_validator(mode="before")
    @classmethod
    def _fails_closed_where_faces_must_not_be_seen(cls, given: Any) -> Any:
        # Law: a picture that nobody looked at is not published as one without faces.
        if isinstance(given, dict) and given.get("do", "report") != "report":
            return {"on_missing": "reject", **given}
        return given

    @model_validator(mode="after")
    def _knows_where_faces_are(self) -> Self:
        if self.do != "report" and self.find is None:
            raise ValueError(f"do: {self.do} needs find: column, nudenet or the path of a detector's spec")
        return self

    @property
    def detector(self) -> str | None:
        """The model that looks for faces; None where boxes are only taken over."""
        return None if self.find == COLUMN else self.find

    def located(self, folder: str) -> Self:
        return self if self.find == COLUMN else self.model_copy(update={"find": image_model.located(self.find, folder)})

    def models(self) -> Sequence[Artefact]:
        found = image_model.models(self.detector, self.device, f"filters.{self.name}.device")
        if self.detector is not None and not spec_of(self.detector).faces:
            raise JobError(f"filters.faces.find: {self.detector} names no classes of faces; set `head: detections` and `faces` in it")
        return found

    def views(self) -> "Sequence[View]":
        return image_model.views(self.detector)

    def measure(self, batch: Batch) -> pa.StructArray:
        if self.detector is not None:
            boxes = self._detected(batch, self.detector)
        elif self.find == COLUMN or batch.samples.role(ROLE) is not None:
            rows = zip(batch.pictures, batch.role(ROLE), strict=True)
            boxes = [None if picture is None else given_boxes(value, picture, needed=self.find == COLUMN) for picture, value in rows]
            if self.find is None:
                boxes = [seen if given is None else given for given, seen in zip(boxes, self._seen_by_nsfw(batch), strict=True)]
        else:
            boxes = self._seen_by_nsfw(batch)
        missing = pa.array([found is None for found in boxes], pa.bool_())
        return pa.StructArray.from_arrays([pa.array(boxes, image_model.FACES)], fields=list(MEASURED), mask=missing)

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        area = np.multiply(
            *(pc.cast(context.annotations.column(side), pa.float64()).to_numpy(zero_copy_only=False) for side in ("width", "height"))
        )
        counts = np.zeros(len(measures))
        lists = pc.struct_field(measures, "boxes")
        if len(boxes := pc.list_flatten(lists)):
            rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
            width, height, score = (boxes.field(name).to_numpy(zero_copy_only=False) for name in ("width", "height", "score"))
            counts += np.bincount(
                rows[(score >= self.min_score) & (width * height.astype(np.float64) >= self.min_share * area[rows])], minlength=len(counts)
            )
        rows = np.flatnonzero(counts)
        if not len(rows):
            return []
        told = Finding("reason" if self.do == "reject" else "flag", self.reason, rows, counts[rows])
        return [told, Finding("action", BLURRED_FACES, rows, counts[rows])] if self.do == "blur" else [told]

    def _seen_by_nsfw(self, batch: Batch) -> list[Any]:
        """Faces that the model of the filter `nsfw` saw; None where it saw no picture or looks for none."""
        return list(pc.struct_field(batch.measures["nsfw"], "faces").to_pylist())

    def _detected(self, batch: Batch, model: str) -> list[Any]:
        """Faces that the model sees; those that `nsfw` has seen with the same model are taken over."""
        known: list[Any] = [None] * len(batch)
        if getattr(batch.filters.get("nsfw"), "image_model", None) == model:
            known = self._seen_by_nsfw(batch)
        unknown = [found is None for found in known]
        found = image_model.faces(model, image_model.seen(batch, model, self.device, unknown)).to_pylist()
        return [one if other is None else other for one, other in zip(found, known, strict=True)]


def given_boxes(value: Any, picture: "Picture", *, needed: bool) -> list[dict[str, Any]] | None:
    """The boxes in a column's value, in pixels of the picture as displayed, cut to it; None where the value is absent.

    Args:
      value: lists of left, top, right and bottom, or the same as JSON text.
      picture: the row's picture.
      needed: whether an absent value is a failure.

    Raises:
      ValueError: it is absent where it is needed, or is no list of boxes that lie in the picture.
    """
    if isinstance(value, str):
        value = json.loads(value)
    if value is None:
        if needed:
            raise ValueError("no boxes")
        return None
    boxes = [[float(number) for number in box] for box in value]
    if any(len(box) != 4 or not all(map(math.isfinite, box)) or box[0] > box[2] or box[1] > box[3] for box in boxes):
        raise ValueError("a box is four numbers: left, top, right, bottom")
    shares = all(number <= _MOST_SHARE for box in boxes for number in box)
    across, down = (picture.width, picture.height) if shares else (1, 1)
    found = []
    for left, top, right, bottom in boxes:
        start, above = max(math.floor(left * across), 0), max(math.floor(top * down), 0)
        end, below = min(math.ceil(right * across), picture.width), min(math.ceil(bottom * down), picture.height)
        if start > picture.width or above > picture.height or end < 0 or below < 0:
            raise ValueError("a box lies outside the picture: are they boxes of a picture of another size?")
        if end > start and below > above:
            found.append({"left": start, "top": above, "width": end - start, "height": below - above, "score": 1.0})
    return found
