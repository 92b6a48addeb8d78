"""What a takedown is asked to take down: a list, example pictures, and flags that were accepted."""

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

from pipeline.takedown.finished import Finished
from pipeline.takedown.flags import Flag
from pipeline.takedown.search import Entries
from schemas.errors import DifferenceError, MissingError
from schemas.job import Decode
from schemas.reasons import ILLEGAL
from schemas.removals import REQUESTS
from transforms.consent.list_files import DEFAULT_RADIUS, Entry, read_list
from transforms.consent.lists import Lists
from transforms.consent.pdq_hashes import RADIUS as PDQ_RADIUS
from transforms.consent.signal import CONTENT
from transforms.images.decode import PictureError, sniff
from transforms.images.pdq import pdq_hash
from transforms.storage import exists, list_below, open_read, read_bytes
from transforms.takedown.hits import IMAGE, Cause
from transforms.takedown.near import Wanted
from transforms.trace import read_query


@dataclasses.dataclass(frozen=True)
class Asked:
    """Everything that a takedown is asked for, numbered in this order: entries of the list, flags, pictures.

    Attributes:
      listed: all entries, as whoever looks for them loads them.
      lists: the same, ready to be looked up.
      pictures: examples, for what looks the same.
      flags: number of an entry -> the flag it was made from.
    """

    listed: Entries
    lists: Lists
    pictures: tuple[Wanted, ...]
    flags: Mapping[int, Flag]

    def entries(self, numbers: Collection[int]) -> dict[int, Entry]:
        """Some of the entries, by number. The list is read again for them; millions of entries are not kept."""
        others = self.listed.others
        first = len(self.lists.rows) - len(others)
        found = {number: others[number - first] for number in numbers if number >= first}
        rows = {int(self.lists.rows[number]) for number in numbers if number < first}
        entries: dict[int, Entry] = {}
        for path in self.listed.paths if rows else ():
            for entry in read_list(path, self.listed.reason, rows):
                entries.setdefault(entry.row, entry)
        return found | {number: entries[int(self.lists.rows[number])] for number in numbers if number < first}

    @property
    def refs(self) -> dict[int, str]:
        """Number of an entry -> where it is written down, where that is no list; of what is illegal no word that anybody wrote."""
        told = {number: (flag.flag_id, None if flag.reason == ILLEGAL else flag.evidence) for number, flag in self.flags.items()}
        return {number: "; ".join(filter(None, parts)) for number, parts in told.items()}


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
    request = reason if reason in REQUESTS else ""
    reason = REQUESTS.get(reason, reason)
    examples = [_example(finished, image, reason, row, request) for row, image in enumerate(images, 1)]
    others = (*(flag.entry() for flag in flags), *(entry for example in examples for entry in example))
    paths = () if images or path is None else (path,)
    listed = Entries(paths, as_of, request or reason, others, "the flags" if flags else _name(path))
    lists = listed.load()
    if not len(lists.rows):
        raise DifferenceError(f"{path}: holds no entry, so there is nothing to take down")
    first_flag = len(lists.rows) - len(others)
    numbers = itertools.accumulate((len(example) for example in examples), initial=first_flag + len(flags))
    pictures = _pictures(finished, images, reason, list(numbers), tell)
    return Asked(listed, lists, pictures, {first_flag + place: flag for place, flag in enumerate(flags)})


def _name(path: str | None) -> str:
    return (path or "").rstrip("/").rsplit("/", 1)[-1]


def _images(path: str | None) -> list[str]:
    """The example pictures that a path names: every file in or below a folder, or itself."""
    if path is None:
        return []
    if not exists(path):
        found = [file.path for file in list_below(path)]
        if not found:
            raise MissingError(f"{path}: there is no such list, and no folder of pictures; name one that is there")
        return found
    with open_read(path) as file:
        return [path] if sniff(file.read(64)) else []


def _example(finished: Finished, image: str, reason: str, row: int, request: str) -> list[Entry]:
    """The entries that an example picture stands for: its SHA-256, and its PDQ hash where the run has taken those of its pictures."""
    raw = read_bytes(image)
    found = [("sha256", hashlib.sha256(raw).hexdigest(), DEFAULT_RADIUS)]
    if getattr(getattr(finished.run.job.filters, "opt_out", None), "pdq", False) and (pdq := pdq_hash(raw, Decode())) is not None:
        found.append(("pdq", pdq.hex(), PDQ_RADIUS))
    return [Entry(kind, value, radius, reason, "", "", "", row, request) for kind, value, radius in found]


def _pictures(
    finished: Finished, images: Sequence[str], reason: str, numbers: Sequence[int], tell: Callable[[str], None]
) -> tuple[Wanted, ...]:
    """The examples as pictures that are looked for, each under the number of its first entry."""
    kept = finished.run.job.dedup.images
    found = []
    for number, image in zip(numbers, images, strict=False):
        try:
            query = read_query(read_bytes(image), kept.mode, kept.reach)
        except PictureError as error:
            tell(f"{image}: cannot be read as a picture ({error}); only the same bytes are looked for")
            continue
        found.append(Wanted(query, {reason: Cause(IMAGE, reason, CONTENT, f"example picture {image.rsplit('/', 1)[-1]}", number)}))
    return tuple(found)
