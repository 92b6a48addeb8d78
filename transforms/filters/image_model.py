"""What filters with the option `image_model` share: the model's files, how it sees pictures, and what it sees in those of a batch."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
from pydantic import model_validator

from schemas.job import Decode
from transforms.filters import by_language
from transforms.filters.base import Artefact, Batch, Filter
from transforms.models.image_spec import NUDENET, OPEN_NSFW, artefacts_of, spec_of
from transforms.models.session import Device, runs_on
from transforms.storage import located as located_path

if TYPE_CHECKING:
    from transforms.images.view import View
    from transforms.models.onnx_classifier import Seen

FACES = pa.list_(
    pa.struct([("left", pa.int32()), ("top", pa.int32()), ("width", pa.int32()), ("height", pa.int32()), ("score", pa.float64())])
)


class SeesPictures(Filter):
    """Base of filters with the options `image_model`, `max_image` and `device`, which each declares where they stand among its own."""

    if TYPE_CHECKING:
        image_model: str | None
        max_image: float | None
        device: Device

    @model_validator(mode="before")
    @classmethod
    def _fails_closed_where_chosen(cls, given: Any) -> Any:
        # Law: rows that an explicitly configured model fails on are rejected.
        return fails_closed(given)

    @model_validator(mode="after")
    def _bounds_what_is_scored(self) -> Self:
        if self.image_model is None and (option := by_language.asked_by(self, "max_image")):
            raise ValueError(f"{option}: no picture has a score; name an image_model, or leave the bound out")
        return self

    def located(self, folder: str) -> Self:
        return self.model_copy(update={"image_model": located(self.image_model, folder)})

    def models(self) -> Sequence[Artefact]:
        return models(self.image_model, self.device, f"filters.{self.name}.device")

    def views(self) -> "Sequence[View]":
        return views(self.image_model)

    def bound(self, name: str) -> float | None:
        return threshold(self.image_model, self.max_image) if name == "max_image" else super().bound(name)


def fails_closed(given: Any, option: str = "image_model") -> Any:
    """Options as given, and where they name a model, `on_missing: reject` unless they say otherwise."""
    if isinstance(given, dict) and given.get(option) is not None:
        return {"on_missing": "reject", **given}
    return given


def located(model: str | None, folder: str) -> str | None:
    """The model with a relative path resolved against the job file's folder."""
    return model if model in (None, OPEN_NSFW, NUDENET) else located_path(model, folder)


def models(model: str | None, device: Device, key: str) -> tuple[Artefact, ...]:
    """The files that decide what is seen, once the model has been shown a picture.

    Args:
      model: which.
      device: what computes.
      key: the key of the job that says so.

    Raises:
      MissingError: one is not there, or the device; the message names the cure.
      JobError: the spec is none, or does not fit its graph.
    """
    if model is None:
        return ()
    from transforms.models.onnx_classifier import try_out

    found = artefacts_of(model)
    try_out(spec_of(model), device, key)
    return tuple(dataclasses.replace(one, runs_on=runs_on(device)) if one.path.endswith(".onnx") else one for one in found)


def views(model: str | None) -> "tuple[View, ...]":
    """How the model sees a picture."""
    return () if model is None else (spec_of(model).view,)


def threshold(model: str | None, given: float | None) -> float | None:
    """The bound on a score: as given, else the model's own; None where there is no model."""
    return spec_of(model).threshold if given is None and model is not None else given


def seen(batch: Batch, model: str, device: Device = "cpu", wanted: Sequence[bool] | None = None) -> "list[Seen | None]":
    """What a model sees in each picture of a batch, scores rounded to 1e-4; None where there is none, or it is not wanted.

    Raises:
      ArithmeticError: the model answers with what is no number.
    """
    from transforms.images.decode import decode_rgb  # loads compiled loops, which no command needs that only looks at filters
    from transforms.models.onnx_classifier import look

    spec = spec_of(model)
    found: list[Seen | None] = []
    for row, (picture, raw) in enumerate(zip(batch.pictures, batch.images, strict=True)):
        if picture is None or raw is None or (wanted is not None and not wanted[row]):
            found.append(None)
            continue
        pixels = picture.seen.get(spec.view)
        if pixels is None:
            budget = Decode(max_pixels=picture.width * picture.height, max_bytes=len(raw))  # it was within the job's own
            pixels = spec.view.pixels(decode_rgb(raw, budget, spec.view.least))
        one = look(spec, pixels, picture.width, picture.height, device)
        found.append(one._replace(score=round(one.score, 4)))
    return found


def faces(model: str, found: "Sequence[Seen | None]") -> pa.Array:
    """The faces among what a model saw, `FACES`; null where it does not look for faces, or saw no picture."""
    if not spec_of(model).faces:
        return pa.nulls(len(found), FACES)
    return pa.array(
        [
            None
            if one is None
            else [{"left": f.left, "top": f.top, "width": f.width, "height": f.height, "score": round(f.score, 4)} for f in one.faces]
            for one in found
        ],
        FACES,
    )
