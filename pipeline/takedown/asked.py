"""What a takedown is asked to take down: a list, example pictures, and flags that were accepted."""

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

from pipeline.takedown.finished import Finished
from pipeline.takedown.flags import Flag
from schemas.errors import DifferenceError, MissingError
from schemas.removals import REQUESTS
from transforms.consent.list_files import DEFAULT_RADIUS, Entry, read_list
from transforms.consent.lists import Lists, load_lists
from transforms.consent.signal import CONTENT
from transforms.images.decode import PictureError, sniff
from transforms.storage import exists, list_folder, open_read, read_bytes
from transforms.takedown.hits import IMAGE, Cause, Hits, union
from transforms.trace import RADIUS, read_query, trace_all


@dataclasses.dataclass(frozen=True)
class Asked:
    """Everything that a takedown is asked for, numbered in this order: entries of the list, flags, pictures.

    Attributes:
      path: the list; None where there is none.
      reason: of its entries that state none.
      lists: all entries, ready to be looked up.
      pictures: shard -> rows that are an example picture, or one that looks the same.
      flags: number of an entry -> the flag it was made from.
      others: entries that stand in no list, those of flags and pictures.
    """

    path: str | None
    reason: str
    lists: Lists
    pictures: Mapping[str, Hits]
    flags: Mapping[int, Flag]
    others: Sequence[Entry]

    def entries(self, numbers: Collection[int]) -> dict[int, Entry]:
        """Some of the entries, by number. The list is read again as far as it takes; millions of them are not kept."""
        first = len(self.lists.rows) - len(self.others)
        found = {number: self.others[number - first] for number in numbers if number >= first}
        rows = {int(self.lists.rows[number]) for number in numbers if number < first}
        entries: dict[int, Entry] = {}
        if rows and self.path is not None:
            for entry in read_list(self.path, self.reason):
                if entry.row in rows:
                    entries.setdefault(entry.row, entry)
                if entry.row >= max(rows):
                    break
        return found | {number: entries[int(self.lists.rows[number])] for number in numbers if number < first}

    @property
    def refs(self) -> dict[int, str]:
        """Number of an entry -> where it is written down, where that is no list."""
        return {number: "; ".join(filter(None, (flag.flag_id, flag.evidence))) for number, flag in self.flags.items()}


def ask(finished: Finished, path: str | None, flags: Sequence[Flag], reason: str, as_of: str | None, tell: Callable[[str], None]) -> Asked:
    """Reads what is asked for.

    Args:
      finished: the release.
      path: a list, a picture or a folder of pictures; None where only flags are accepted.
      flags: those accepted.
      reason: why pictures go, and entries of the list that state no reason.
      as_of: date on which entries of the list must be valid; None: all count.
      tell: takes messages.

    Raises:
      MissingError: there is no such list.
      JobError: the list is malformed.
      DifferenceError: it asks for nothing.
    """
    images = _images(path)
    listed = None if images else path
    request = reason if reason in REQUESTS else ""
    hashed = [_hashed(image, REQUESTS.get(reason, reason), row, request) for row, image in enumerate(images, 1)]
    others = [*(flag.entry() for flag in flags), *hashed]
    lists = load_lists([] if listed is None else [listed], as_of, reason, others, "the flags" if flags else _name(path))
    if not len(lists.rows):
        raise DifferenceError(f"{path}: holds no entry, so there is nothing to take down")
    first_picture, first_flag = len(lists.rows) - len(hashed), len(lists.rows) - len(others)
    pictures = _traced(finished, images, REQUESTS.get(reason, reason), first_picture, tell)
    return Asked(listed, reason, lists, pictures, {first_flag + place: flag for place, flag in enumerate(flags)}, others)


def _name(path: str | None) -> str:
    return (path or "").rstrip("/").rsplit("/", 1)[-1]


def _images(path: str | None) -> list[str]:
    """The example pictures that a path names: every file of a folder, or itself."""
    if path is None:
        return []
    if not exists(path):
        found = [file.path for file in list_folder(path)]
        if not found:
            raise MissingError(f"{path}: there is no such list, and no folder of pictures; name one that is there")
        return found
    with open_read(path) as file:
        return [path] if sniff(file.read(64)) else []


def _hashed(image: str, reason: str, row: int, request: str) -> Entry:
    return Entry("sha256", hashlib.sha256(read_bytes(image)).hexdigest(), DEFAULT_RADIUS, reason, "", "", "", row, request)


def _traced(finished: Finished, images: Sequence[str], reason: str, first: int, tell: Callable[[str], None]) -> dict[str, Hits]:
    """Rows whose picture is an example, verified as `winnow trace` verifies it."""
    if not images:
        return {}
    shards, signatures = list(finished.signatures), list(finished.signatures.values())
    kept = finished.run.job.dedup.images
    causes, queries = [], []
    for number, image in enumerate(images, first):
        try:
            queries.append(read_query(read_bytes(image), kept.mode, kept.reach))
        except PictureError as error:
            tell(f"{image}: cannot be read as a picture ({error}); only the same bytes are looked for")
            continue
        causes.append(Cause(IMAGE, reason, CONTENT, f"example picture {image.rsplit('/', 1)[-1]}", number))
    traced = trace_all(signatures, queries, RADIUS + finished.slack)
    return union(
        (shards[near.file], {near.row: [cause]}) for cause, found in zip(causes, traced, strict=True) for near in found if near.same
    )
