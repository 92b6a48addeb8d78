"""The page of `winnow trace --html`: the picture and the rows closest to it, side by side as match compares them. Private."""

import base64
import dataclasses
import io
import os

import numpy as np
from PIL import Image

from pipeline.commands.trace import Found, Traced
from pipeline.documents.pages import environment, stylesheet
from schemas.errors import JobError
from schemas.layout import Layout
from transforms.storage import is_below, is_local, write_bytes

_LONGEST = 192  # pixels at which the longer side of a thumbnail is shown


@dataclasses.dataclass(frozen=True)
class Shown:
    """A thumbnail as a data URI, and the pixels it is shown at: its picture's own proportions, where they are known."""

    uri: str
    width: int
    height: int


def write_page(traced: Traced, layout: Layout, path: str) -> None:
    """Writes the page, readable by its owner alone where it is a local file.

    Raises:
      JobError: the path lies in the release, where only what may be published lies.
    """
    if is_below(path, layout.out):
        raise JobError(f"--html {path}: lies in the release, and the page shows rows that are not published; name a file elsewhere")
    aspect = _aspect(traced.query.pictures.geometry[0], traced.query.width / traced.query.height)
    page = environment().get_template("trace.html.j2")
    rows = [(found.facts(rank), _shown_row(found)) for rank, found in enumerate(traced.found, 1)]
    text = page.render(
        image=os.path.basename(traced.image), query=_shown(traced.query.pictures.thumbnails[0], aspect), rows=rows,
        withheld=traced.withheld, radius=traced.radius, style=stylesheet(),
    )  # fmt: skip
    write_bytes(path, text.encode())
    if is_local(path):
        os.chmod(path, 0o600)


def _shown_row(found: Found) -> Shown | None:
    thumbnail = found.near.thumbnail
    return _shown(thumbnail, _aspect(found.near.geometry, 1.0)) if thumbnail.any() else None


def _aspect(geometry: np.ndarray, otherwise: float) -> float:
    """Width by height of what the thumbnail shows; signatures know it with `reach: views` alone."""
    return float(geometry[0]) or otherwise


def _shown(thumbnail: np.ndarray, aspect: float) -> Shown:
    target = io.BytesIO()
    Image.fromarray(thumbnail).save(target, "PNG")
    width, height = min(_LONGEST, round(_LONGEST * aspect)), min(_LONGEST, round(_LONGEST / aspect))
    return Shown("data:image/png;base64," + base64.b64encode(target.getvalue()).decode(), max(1, width), max(1, height))
