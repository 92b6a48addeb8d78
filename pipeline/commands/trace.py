"""`winnow trace`: the rows of a run that lie closest to a given picture, say one that a model has generated, and what became of them."""

import dataclasses
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from schemas.errors import DifferenceError, InputError
from schemas.job import Decode
from schemas.layout import Layout
from schemas.reasons import ILLEGAL, TAKEN_DOWN
from schemas.signatures import FAST_SLACK
from schemas.versions import versions
from transforms.images.decode import PictureError
from transforms.storage import exists, list_folder, read_bytes, read_json, read_parquet
from transforms.trace import RADIUS, Near, Query, read_query, trace

_ENDING = len(".0123456789abcdef.arrow")
_COLUMNS = ("uid", "shard", "row", "url", "verdict", "reasons", "flags")
_WITHHELD = {ILLEGAL, TAKEN_DOWN}


@dataclasses.dataclass(frozen=True)
class Found:
    """A row to be shown. `row`: columns of the ledger."""

    row: Mapping[str, Any]
    near: Near

    @property
    def what(self) -> str:
        """How it is tied to the picture."""
        return "same bytes" if self.near.identical else "same picture" if self.near.same else "looks alike"

    def facts(self, rank: int) -> dict[str, Any]:
        """What is printed of it."""
        told = {name: self.row[name] for name in ("uid", "shard", "row", "url", "verdict", "reasons")}
        agreement = round(self.near.agreement, 4)
        return {"rank": rank, "is": self.what, **told, "distance": self.near.distance, "agreement": agreement}


@dataclasses.dataclass(frozen=True)
class Traced:
    """What was found for a picture.

    Attributes:
      image: its path.
      query: the picture.
      found: rows, the closest first.
      withheld: rows that lie closer than the last one shown, and are taken down or illegal.
      radius: bits within which perceptual hashes were compared.
    """

    image: str
    query: Query
    found: Sequence[Found]
    withheld: int
    radius: int


def look_up(layout: Layout, image: str, most: int, tell: Callable[[str], None]) -> Traced:
    """The rows of a run closest to a picture.

    Args:
      layout: of the run.
      image: path of the picture, on any filesystem.
      most: rows to find.
      tell: takes messages.

    Raises:
      InputError: the picture cannot be read, or the run's signatures are another version's.
      DifferenceError: the run has no signatures, no ledger or no pictures.
    """
    record = read_json(layout.record)
    images, sources = record["job"]["dedup"]["images"], record["job"]["source"]
    if all(source["format"] == "urls" for source in sources):
        raise DifferenceError(f"{layout.out} was made of lists of URLs: none of its rows has a picture that one could be compared with")
    radius = RADIUS + (FAST_SLACK if images["mode"] == "fast" else 0)
    budget = Decode(**{name: max(source["decode"][name] for source in sources) for name in Decode.model_fields})
    try:
        query = read_query(read_bytes(image), images["mode"], images["reach"], budget)
    except PictureError as error:
        raise InputError(f"{image}: cannot be read as a picture ({error}); give a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file") from error
    signatures = _signatures(layout, {shard["name"] for shard in record["shards"]})
    if _other_version(layout):
        tell(f"{layout.out} was made by another version of Winnow, whose hashes may differ by some bits; `winnow run` brings it up to date")
    for message in _limits(layout.out, record["job"], image, query):
        tell(message)
    found: list[Found] = []
    withheld = 0
    for row, near in _with_ledger(layout, list(signatures), trace(list(signatures.values()), query, radius)):
        if len(found) == most:
            break
        if _WITHHELD & {*row["reasons"], *row["flags"]}:
            withheld += 1
        else:
            found.append(Found(row, near))
    return Traced(image, query, found, withheld, radius)


def _limits(out: str, job: Mapping[str, Any], image: str, query: Query) -> Iterator[str]:
    """What is not found by this picture in this run."""
    listed = [source["name"] for source in job["source"] if source["format"] == "urls"]
    if listed:
        yield f"rows of {', '.join(listed)} have no pictures in {out} (format: urls), and are not found"
    if query.low_detail:
        yield f"{image} has too little detail to be compared by its looks (flat, drawn or symmetric): only the same bytes are looked for"
    elif job["dedup"]["images"]["reach"] == "plain":
        yield f"{out} keeps no views of its pictures (dedup.images.reach: plain), so crops, cuts and turns are not found"


def table(traced: Traced) -> Table:
    """The rows as a table; what comes from the data can do nothing to a terminal."""
    shown = Table("rank", "is", "uid", "shard", "row", "url", "verdict", "distance", "agreement")
    for rank, found in enumerate(traced.found, 1):
        told = found.facts(rank)
        told["verdict"] = ": ".join([told["verdict"], *filter(None, [", ".join(told.pop("reasons"))])])
        told["agreement"] = f"{told['agreement']:.2f}"
        shown.add_row(*(plain("" if value is None else value) for value in told.values()))
    return shown


def as_json(traced: Traced) -> str:
    """The same as one JSON document."""
    rows = [found.facts(rank) for rank, found in enumerate(traced.found, 1)]
    told = {"image": traced.image, "sha256": traced.query.sha256.hex(), "radius": traced.radius, "withheld": traced.withheld, "rows": rows}
    return json.dumps(told, indent=1)


def report(traced: Traced, console: Console, *, json_wanted: bool, tell: Callable[[str], None]) -> None:
    """Prints what was found.

    Raises:
      DifferenceError: nothing was.
    """
    if json_wanted:
        print(as_json(traced))
    elif traced.found:
        console.print(table(traced))
    if traced.withheld:
        tell(f"{traced.withheld} of the closest rows {'is' if traced.withheld == 1 else 'are'} taken down or illegal, and not shown")
    if not traced.found and not traced.withheld:
        raise DifferenceError(f"{traced.image}: no row has these bytes, or a hash within {traced.radius} of 64 bits")


def _signatures(layout: Layout, shards: Collection[str]) -> dict[str, str]:
    """Shard -> its signature file, of the shards that the run holds; an append that has not ended leaves others beside them."""
    found: dict[str, str] = {}
    for file in list_folder(layout.signatures, ".arrow"):
        shard = os.path.basename(file.path)[:-_ENDING]
        if shard not in shards:
            continue
        if shard in found:
            raise DifferenceError(f"{layout.out}: this run was begun again with other keys and has not ended; `winnow run` goes on with it")
        found[shard] = file.path
    if not found:
        raise DifferenceError(f"{layout.signatures}: no signatures; did the run end? `winnow run` goes on from where it stopped")
    return found


def _other_version(layout: Layout) -> bool:
    if not exists(layout.manifest):
        return False
    return bool(read_json(layout.manifest)["versions"]["code"] != versions()["code"])


def _with_ledger(layout: Layout, shards: Sequence[str], found: Sequence[Near]) -> Iterator[tuple[dict[str, Any], Near]]:
    """Each row's columns of the ledger; a ledger file is read when the first of its rows is asked for."""
    tables: dict[str, Any] = {}
    for near in found:
        shard = shards[near.file]
        if shard not in tables:
            path = layout.ledger_file(shard)
            if not exists(path):
                raise DifferenceError(f"{path}: no ledger; did the run end? `winnow run` goes on from where it stopped")
            tables[shard] = read_parquet(path, _COLUMNS)
        yield tables[shard].slice(near.row, 1).to_pylist()[0], near
