"""Embeds pictures and captions once, for all that compares them: agreement, heads, semantic duplicates, outliers."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from PIL import Image
from pydantic import model_validator

from schemas.annotations import EMBEDDINGS
from schemas.errors import InputError, JobError
from schemas.job import Decode, Phase, key
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.models import clip
from transforms.models.clip import PictureEncoder, TextEncoder
from transforms.models.session import Device
from transforms.storage import located
from transforms.vectors import PACKED, from_lists, pack, unit

SIDES: tuple[Literal["image", "text"], ...] = ("image", "text")
MEASURED = pa.struct([(side, PACKED) for side in SIDES])


class Embeddings(Filter):
    """Records an embedding of every picture and of every caption, by the encoders that the job names or as the source has them.

    It rejects nothing but rows that a named encoder failed on. An encoder goes before what the source has: a column with the role
    `image_embedding` or `text_embedding`, or the files of `source.embeddings`. The raw caption is embedded, since tokenizers have normal
    forms of their own.
    """

    name: ClassVar[str] = EMBEDDINGS
    measured: ClassVar[pa.DataType] = MEASURED
    judged: ClassVar[bool] = False

    model: str | None = key(Phase.ANNOTATE, "what people call the pair, with its version: CLIP ViT-B/32 (openai)", None)
    image: PictureEncoder | None = key(Phase.ANNOTATE, "the graph that sees pictures: {path, sha256, size, ...}; null: none", None)
    text: TextEncoder | None = key(Phase.ANNOTATE, "the graph that reads captions: {path, sha256, tokenizer, ...}; null: none", None)
    device: Device = key(Phase.ANNOTATE, "what computes: cpu, or cuda (onnxruntime-gpu)", "cpu")

    @model_validator(mode="before")
    @classmethod
    def _fails_closed_where_chosen(cls, given: Any) -> Any:
        # Law: rows that an explicitly configured model fails on are rejected.
        if isinstance(given, dict) and (given.get("image") or given.get("text")):
            return {"on_missing": "reject", **given}
        return given

    def located(self, folder: str) -> Self:
        image = self.image and self.image.model_copy(update={"path": located(self.image.path, folder)})
        text = self.text and self.text.model_copy(
            update={"path": located(self.text.path, folder), "tokenizer": located(self.text.tokenizer, folder)}
        )
        return self.model_copy(update={"image": image, "text": text})

    def models(self) -> Sequence[Artefact]:
        found: list[Artefact] = []
        widths = {}
        for side in SIDES:
            encoder = getattr(self, side)
            if encoder is not None:
                name = f"embeddings: {self.model or 'model without a name'}, {side}"
                found += clip.artefacts(encoder, name, self.model, self.device)
                widths[side] = clip.try_out(encoder, f"filters.embeddings.{side}", self.device)
        if len(set(widths.values())) > 1:
            raise JobError(
                f"filters.embeddings: image gives {widths['image']} numbers and text {widths['text']}, so they are no pair; name both "
                "halves of one model"
            )
        return found

    def measure(self, batch: Batch) -> pa.StructArray:
        columns = [
            self._pictures(batch) if self.image else _given(batch, "image"),
            self._captions(batch) if self.text else _given(batch, "text"),
        ]
        return pa.StructArray.from_arrays(columns, fields=list(MEASURED))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - it records
        return []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of other texts than captions, of unit length, float16 [n, width].

        Raises:
          JobError: the job names no encoder for texts.
        """
        if self.text is None:
            raise JobError("filters.embeddings.text: prompts are texts, and no encoder for texts is named")
        return clip.encode_texts(self.text, texts, self.device)

    def _pictures(self, batch: Batch) -> pa.Array:
        encoder = self.image
        assert encoder is not None
        rows: dict[bytes, list[int]] = {}
        for row, (picture, digest) in enumerate(zip(batch.pictures, batch.sha256, strict=True)):
            if picture is not None and digest is not None:
                rows.setdefault(digest, []).append(row)
        images = (self._opened(batch, same[0]) for same in rows.values())
        return _spread(clip.encode_pictures(encoder, images, self.device), list(rows.values()), len(batch))

    def _opened(self, batch: Batch, row: int) -> Image.Image:
        from transforms.images.decode import decode_rgb  # loads compiled loops, which no command needs that only looks at filters

        picture, raw, encoder = batch.pictures[row], batch.images[row], self.image
        assert picture is not None
        assert raw is not None
        assert encoder is not None
        budget = Decode(max_pixels=picture.width * picture.height, max_bytes=len(raw))  # it was within the job's own
        return decode_rgb(raw, budget, encoder.least if batch.mode == "fast" else None)

    def _captions(self, batch: Batch) -> pa.Array:
        assert self.text is not None
        rows: dict[str, list[int]] = {}
        for row, caption in enumerate(batch.captions):
            if caption is not None:
                rows.setdefault(caption, []).append(row)
        return _spread(clip.encode_texts(self.text, list(rows), self.device), list(rows.values()), len(batch))


def _spread(vectors: np.ndarray, rows: Sequence[Sequence[int]], n: int) -> pa.Array:
    """One vector for several rows each, packed by row."""
    at = np.array([row for same in rows for row in same], np.int64)
    of = np.repeat(np.arange(len(rows)), [len(same) for same in rows]) if rows else np.empty(0, np.int64)
    order = np.argsort(at)
    return pack(vectors[of[order]] if len(rows) else np.empty((0, 0)), at[order], n)


def _given(batch: Batch, side: Literal["image", "text"]) -> pa.Array:
    """What the source has, by a column or by files beside it; a row whose vector has no direction, or that has no caption, has none."""
    n = len(batch)
    column = batch.samples.role(f"{side}_embedding")
    try:
        vectors, rows = from_lists(column) if column is not None else batch.beside.get(side, (np.empty((0, 0)), np.empty(0, np.int64)))
    except ValueError as error:
        raise InputError(f"source.columns.{side}_embedding: {error}") from error
    found, usable = unit(vectors) if len(rows) else (vectors, np.ones(0, bool))
    if side == "text":  # clip-retrieval embeds the empty text where there is none
        usable = usable & np.array([batch.captions[row] is not None for row in rows.tolist()], bool)
    return pack(found[usable], rows[usable], n)
