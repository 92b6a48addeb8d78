"""What a takedown is asked to take down: a list, example pictures, and flags that were accepted."""

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from pipeline.takedown.finished import Finished
from pipeline.takedown.flags import Flag
from schemas.errors import DifferenceError, MissingError
from schemas.removals import REQUESTS
from transforms.consent.list_files import DEFAULT_RADIUS, Entry, read_list
from transforms.consent.lists import Lists, is_valid, lists_of
from transforms.consent.signal import CONTENT
from transforms.images.decode import PictureError, sniff
from transforms.storage import exists, list_folder, open_read, read_bytes
from transforms.takedown.hits import IMAGE, Cause, Hits, union
from transforms.trace import RADIUS, read_query, trace_all

_LIST, _FLAGS = range(2)  # numbers of the lists that entries are of


@dataclasses.dataclass(frozen=True)
class Asked:
    """Everything that a takedown is asked for, numbered in this order: entries of the list, flags, pictures.

    Attributes:
      lists: the entries, ready to be looked up.
      pictures: shard -> rows that are an example picture, or one that looks the same.
      flags: number of an entry -> the flag it was made from.
      read: reads the entries again, each behind the number of its list; millions of them are not kept.
    """

    lists: Lists
    pictures: Mapping[str, Hits]
    flags: Mapping[int, Flag]
    read: Callable[[], Iterator[tuple[int, Entry]]]

    def entries(self, numbers: Collection[int]) -> dict[int, Entry]:
        """Some of the entries, by number."""
        first = itertools.islice(self.read(), 1 + max(numbers, default=-1))
        return {number: entry for number, (_, entry) in enumerate(first) if number in numbers}

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
    listed = [] if path is None or images else [path]
    request, reason = reason if reason in REQUESTS else "", REQUESTS.get(reason, reason)
    hashed = [_hashed(image, reason, row, request) for row, image in enumerate(images, 1)]
    flagged = [flag.entry() for flag in flags]
    name = (path or "").rstrip("/").rsplit("/", 1)[-1]

    def read() -> Iterator[tuple[int, Entry]]:
        for given in listed:
            yield from ((_LIST, entry) for entry in read_list(given, reason) if is_valid(entry, as_of))
        yield from ((_FLAGS, entry) for entry in flagged)
        yield from ((_LIST, entry) for entry in hashed)

    lists = lists_of(read(), [name, "the flags"])
    if not len(lists.rows):
        raise DifferenceError(f"{path}: holds no entry, so there is nothing to take down")
    first_picture = len(lists.rows) - len(hashed)
    first_flag = first_picture - len(flagged)
    pictures = _traced(finished, images, reason, first_picture, tell)
    return Asked(lists, pictures, {first_flag + place: flag for place, flag in enumerate(flags)}, read)


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
