import dataclasses
import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from schemas.samples import Samples
from tests.filters.conformance import batch_of, check_filter, findings
from transforms.filters.image_quality import ImageQuality


def photo(width=400, height=300, kind="PNG", **options):
    pixels = np.add.outer(np.arange(height) * 7, np.arange(width) * 5)[..., None] * np.array([1, 3, 5]) % 251
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, kind, **options)
    return out.getvalue()


def plain(colour, width=400, height=300):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "BMP")
    return out.getvalue()


def without_bytes(rows):
    batch = batch_of(rows)
    samples = Samples(batch.samples.core, batch.samples.source, batch.samples.roles, has_bytes=False)
    return dataclasses.replace(batch, samples=samples)


def test_keeps_photos_and_rejects_small_long_tiny_and_flat_pictures():
    check_filter(
        ImageQuality(),
        keeps=[
            {"image": photo()},
            {"image": photo(200, 600)},
            {"image": photo(kind="JPEG", quality=80)},
            {"image": None},
            {"image": b"<html>not a picture</html>"},
        ],
        rejects=[
            {"image": photo(199, 400)},
            {"image": photo(201, 604)},
            {"image": photo(604, 201)},
            {"image": photo(210, 210, "JPEG", quality=1)},
            {"image": plain("white")},
            {"image": plain("navy")},
        ],
    )


def test_the_bounds_themselves_are_kept():
    raw = photo(200, 600)
    subject = ImageQuality(min_bytes=len(raw))
    check_filter(subject, keeps=[{"image": raw}])
    check_filter(ImageQuality(min_bytes=len(raw) + 1), rejects=[{"image": raw}])


def test_a_turned_picture_is_measured_as_it_is_displayed():
    exif = Image.Exif()
    exif[0x0112] = 6
    batch = batch_of([{"image": photo(640, 240, "JPEG", exif=exif)}])
    [measured] = ImageQuality().measure(batch).to_pylist()
    assert (measured["width"], measured["height"]) == (240, 640)


def test_a_row_has_the_reason_once_for_the_first_bound_it_is_beyond():
    batch = batch_of([{"image": plain("white", 20, 90)}])
    found = [f for f in findings(ImageQuality(), batch, ImageQuality().measure(batch)) if len(f.rows)]
    assert [(f.details, f.scores.tolist(), f.threshold) for f in found] == [("shorter side, px", [20.0], 200)]


@pytest.mark.parametrize(
    ("width", "height", "rejected"),
    [(640, 480, False), (640.0, 480.0, False), (199, 480, True), (1000, 300, True), (None, 480, False), (float("nan"), 480, False),
     (0, 0, False), (-1, 480, False), (2.0**40, 480, False), ("199", "480", True), ("wide", "480", False)],
)  # fmt: skip
def test_declared_sizes_stand_in_for_pictures_that_a_source_does_not_have(width, height, rejected):
    batch = without_bytes([{"width": width, "height": height}])
    found = findings(ImageQuality(), batch, ImageQuality().measure(batch))
    assert any(len(finding.rows) for finding in found) is rejected


def test_rows_without_bytes_have_no_bytes_to_be_too_few_and_no_pixels_to_be_flat():
    measured = ImageQuality().measure(without_bytes([{"width": 640, "height": 480}, {"width": None, "height": None}]))
    assert measured.to_pylist() == [{"width": 640, "height": 480, "bytes": None, "deviation": None}, None]
    assert ImageQuality().measure(without_bytes([{}])).to_pylist() == [None]


def test_declared_sizes_are_not_believed_where_there_is_a_picture():
    batch = batch_of([{"image": photo(), "width": 10, "height": 10}, {"image": None, "width": 10, "height": 10}])
    measured = ImageQuality().measure(batch)
    assert measured.field("width").to_pylist() == [400, None]
    assert pa.types.is_struct(measured.type)
