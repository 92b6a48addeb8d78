"""Opt-outs and takedowns joined with rows: every list of a job as sorted arrays, and which entry covers which row.

URLs and prefixes are compared in normal form, domains with the host and every domain above it, hashes and perceptual hashes with those of
the bytes as read, creators with digests of the names found. Where a row's URL is withheld, a prefix or a host on its registrable domain
counts as a match: what cannot be compared is not let through.
"""

import bisect
import dataclasses
import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.reasons import OPT_OUT
from transforms.consent.digests import Digests
from transforms.consent.hash_columns import HashColumn, hash_columns
from transforms.consent.list_files import REASONS, Entry, content_of, entries_of, reason_of
from transforms.consent.pdq_hashes import PdqHashes
from transforms.consent.phashes import PerceptualHashes
from transforms.consent.signal import CONTENT, LOCATION, Scope
from transforms.text.url import host_of, normal_url, registrable_domain

SCOPES: Final[dict[str, Scope]] = {
    "url": LOCATION, "url_prefix": LOCATION, "domain": LOCATION, "sha256": CONTENT, "sha1": CONTENT, "md5": CONTENT, "phash": CONTENT,
    "pdq": CONTENT,    "creator": CONTENT, "uid": CONTENT,
}  # fmt: skip
LOCATION_KINDS: Final = ("url", "url_prefix", "domain")
HASH_KINDS: Final = ("sha256", "sha1", "md5", "phash", "pdq")
_BELOW: Final = "hosts below a domain"
_EXACT: Final = ("sha256", "sha1", "md5", "uid", "url", "creator")


@dataclasses.dataclass(frozen=True)
class Match:
    """Rows that entries of one kind and reason cover: rows ascending, int64, and of each its entry, as people name it and by number."""

    kind: str
    reason: str
    rows: np.ndarray
    details: list[str]
    entries: np.ndarray

    @property
    def scope(self) -> Scope:
        """Whether it covers the picture wherever it is, or the URL."""
        return SCOPES[self.kind]


@dataclasses.dataclass(frozen=True)
class Lists:
    """The lists of a job. Attributes: per reason and kind, the entries; and how an entry is named in evidence."""

    digests: dict[tuple[str, str], Digests]
    phashes: dict[str, PerceptualHashes]
    pdqs: dict[str, PdqHashes]
    prefixes: dict[str, "_Prefixes"]
    names: tuple[str, ...]
    rows: np.ndarray
    files: np.ndarray

    def has(self, kinds: Iterable[str]) -> bool:
        """Whether there is any entry of these kinds."""
        present = {kind for _, kind in self.digests} | ({"phash"} if self.phashes else set()) | ({"pdq"} if self.pdqs else set())
        present |= {"url_prefix"} if self.prefixes else set()
        return bool(present & set(kinds))

    def match(self, annotations: pa.RecordBatch, creators: pa.ListArray | None, slack: int, pdq: pa.Array | None = None) -> Iterator[Match]:
        """Which rows are covered, by reason and kind.

        Args:
          annotations: columns of `schemas.annotations.BASE`.
          creators: per row, digests as `embedded.creator_ids` makes them, list<string>.
          slack: bits added to the radius of perceptual hashes.
          pdq: PDQ hashes of the rows, binary[32]; None where none was computed.
        """
        for reason in REASONS:
            for kind in _EXACT:
                if (reason, kind) in self.digests:
                    yield self._named(kind, reason, self._exact(self.digests[reason, kind], kind, annotations, creators))
            if reason in self.phashes:
                yield self._named("phash", reason, _near(self.phashes[reason], annotations, slack))
            if reason in self.pdqs and pdq is not None:
                found = np.full(annotations.num_rows, -1, np.int64)
                found[pdq.is_valid().to_numpy(zero_copy_only=False)] = self.pdqs[reason].find(b"".join(pdq.drop_null().to_pylist()))
                yield self._named("pdq", reason, found)
            domains = self.digests.get((reason, "domain"))
            if reason in self.prefixes or domains is not None:
                places = _Places(annotations)
                if reason in self.prefixes:
                    yield self._named("url_prefix", reason, places.under(self.prefixes[reason]))
                if domains is not None:
                    yield self._named("domain", reason, places.on(domains, self.digests.get((reason, _BELOW))))

    def _exact(self, digests: Digests, kind: str, annotations: pa.RecordBatch, creators: pa.ListArray | None) -> np.ndarray:
        if kind == "creator":
            if creators is None:
                return np.full(annotations.num_rows, -1, np.int64)
            flat = [bytes.fromhex(name) for name in creators.flatten().to_pylist()]
            owners = pc.list_parent_indices(creators).to_numpy(zero_copy_only=False)
            found, hits = np.full(len(creators), -1, np.int64), digests.find(flat)
            found[owners[hits >= 0]] = hits[hits >= 0]
            return found
        if kind == "uid":
            return digests.find([bytes.fromhex(uid) for uid in annotations.column("uid").to_pylist()])
        return digests.find(annotations.column("url_id" if kind == "url" else kind).to_pylist())

    def _named(self, kind: str, reason: str, entries: np.ndarray) -> Match:
        rows = np.flatnonzero(entries >= 0)
        details = [f"{kind} in {self.names[self.files[entry]]}, row {self.rows[entry]}" for entry in entries[rows]]
        return Match(kind, reason, rows, details, entries[rows])


def load_lists(paths: Sequence[str], as_of: str | None, reason: str = OPT_OUT, more: Sequence[Entry] = (), named: str = "") -> Lists:
    """Reads lists; entries that are not valid on the date `as_of` are left out. Without a date all entries count.

    Args:
      paths: the lists.
      as_of: the date.
      reason: of entries for which their list states none.
      more: entries that stand in no list; they are numbered after the others, and the number of their list is that of the lists.
      named: what these are called in evidence.

    Raises:
      MissingError: a list is not there.
      JobError: a list is malformed.
    """
    gathered = _Gathered([*(path.rsplit("/", 1)[-1] for path in paths), named])
    for number, path in enumerate(paths):
        content = content_of(path, "lists")
        columns = hash_columns(content)
        for column in columns or ():
            gathered.add_hashes(number, path, column, reason)
        for entry in entries_of(path, content, reason) if columns is None else ():
            if is_valid(entry, as_of):
                gathered.add(number, entry)
    for entry in more:
        gathered.add(len(paths), entry)
    return gathered.lists()


def is_valid(entry: Entry, as_of: str | None) -> bool:
    """Whether an entry holds on a date; without a date every entry does."""
    return not as_of or (entry.valid_from <= as_of and (not entry.valid_to or entry.valid_to >= as_of))


def lists_of(given: Iterable[tuple[int, Entry]], names: Sequence[str]) -> Lists:
    """Lists from their entries, which are numbered in the order given.

    Args:
      given: number of the list that an entry is of, and the entry.
      names: of the lists, as evidence has them.
    """
    gathered = _Gathered(names)
    for number, entry in given:
        gathered.add(number, entry)
    return gathered.lists()


class _Gathered:
    """Entries on their way into arrays, 8 to 40 bytes each."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._exact: defaultdict[tuple[str, str], tuple[bytearray, array[int]]] = defaultdict(lambda: (bytearray(), array("q")))
        self._near: defaultdict[str, tuple[array[int], array[int], array[int]]] = defaultdict(lambda: (array("Q"), array("q"), array("q")))
        self._pdq: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
        self._prefixes: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._rows, self._files = array("q"), array("q")

    def add(self, number: int, entry: Entry) -> None:
        """Takes in an entry of the list of this number."""
        index = len(self._rows)
        self._rows.append(entry.row)
        self._files.append(number)
        if entry.kind == "phash":
            for column, value in zip(self._near[entry.reason], (int(entry.value, 16), entry.radius, index), strict=True):
                column.append(value)
        elif entry.kind == "pdq":
            self._pdq[entry.reason].append((entry.value, entry.radius, index))
        elif entry.kind == "url_prefix":
            self._prefixes[entry.reason].setdefault(normal_url(entry.value), index)
        elif entry.kind == "domain":
            name = _domain(entry.value)
            self._add_digest(entry.reason, "domain", _text_digest(name), index)
            if (inside := registrable_domain(name)) != name:
                self._add_digest(entry.reason, _BELOW, _text_digest(inside), index)
        else:
            self._add_digest(entry.reason, entry.kind, _digest(entry), index)

    def add_hashes(self, number: int, path: str, column: HashColumn, default: str) -> None:
        """Takes in hashes of the list of this number; the default is the reason of those that state none."""
        packed, entries = self._exact[reason_of(f"{path}, row {column.rows[0]}", column.reason, default), column.kind]
        packed += column.digests
        entries.frombytes(np.arange(len(self._rows), len(self._rows) + len(column.rows), dtype=np.int64).tobytes())
        self._rows.frombytes(column.rows.astype(np.int64).tobytes())
        self._files.frombytes(np.full(len(column.rows), number, np.int64).tobytes())

    def lists(self) -> Lists:
        """All of them."""
        return Lists(
            {key: Digests.of(packed, np.array(entries, np.int64)) for key, (packed, entries) in self._exact.items()},
            {reason: _perceptual(found) for reason, found in self._near.items()},
            {reason: _pdq(found) for reason, found in self._pdq.items()},
            {reason: _Prefixes(found) for reason, found in self._prefixes.items()},
            self._names,
            np.array(self._rows, np.int64),
            np.array(self._files, np.int64),
        )

    def _add_digest(self, reason: str, kind: str, digest: bytes, index: int) -> None:
        packed, entries = self._exact[reason, kind]
        packed += digest
        entries.append(index)


class _Prefixes:
    """Prefixes of URLs, sorted, none of which begins with another: the one that a URL begins with, if any, sorts right before it."""

    def __init__(self, entries: dict[str, int]) -> None:
        self.values: list[str] = []
        self.entries: list[int] = []
        for value in sorted(entries):
            if not self.values or not value.startswith(self.values[-1]):
                self.values.append(value)
                self.entries.append(entries[value])
        hosts = [host_of(value) for value in self.values]
        self.domains = {registrable_domain(host): entry for host, entry in zip(hosts, self.entries, strict=True) if host}

    def find(self, url: str) -> int:
        at = bisect.bisect_right(self.values, url) - 1
        return self.entries[at] if at >= 0 and url.startswith(self.values[at]) else -1


class _Places:
    """Where the rows of a batch lie: their URLs, and their registrable domains where the URL is withheld."""

    def __init__(self, annotations: pa.RecordBatch) -> None:
        self.urls: list[str | None] = annotations.column("url").to_pylist()
        self.domains: list[str | None] = annotations.column("domain").to_pylist()

    def under(self, prefixes: _Prefixes) -> np.ndarray:
        found = [
            prefixes.find(normal_url(url)) if url is not None else prefixes.domains.get(domain, -1) if domain else -1
            for url, domain in zip(self.urls, self.domains, strict=True)
        ]
        return np.array(found, np.int64)

    def on(self, listed: Digests, below: Digests | None) -> np.ndarray:
        """The entry of the longest name that a host ends with; `below` are hosts by the registrable domain they lie under."""
        places = zip(self.urls, self.domains, strict=True)
        hosts = pa.array([domain if url is None or domain is None else host_of(url) or domain for url, domain in places], pa.string())
        names = hosts.dictionary_encode()
        labels = [name.split(".") for name in names.dictionary.to_pylist()]
        hits = listed.find([_text_digest(".".join(parts[at:])) for parts in labels for at in range(len(parts))])
        of = np.repeat(np.arange(len(labels)), [len(parts) for parts in labels])
        longest_last = np.flatnonzero(hits >= 0)[::-1]
        entries = np.full(len(labels) + 1, -1, np.int64)
        entries[of[longest_last]] = hits[longest_last]
        found = entries[names.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)]
        hidden = [domain if url is None else None for url, domain in zip(self.urls, self.domains, strict=True)]
        if below is not None and any(hidden):
            found = np.where(found >= 0, found, below.find([None if name is None else _text_digest(name) for name in hidden]))
        return found


def _near(listed: PerceptualHashes, annotations: pa.RecordBatch, slack: int) -> np.ndarray:
    column = annotations.column("phash")
    found = np.full(len(column), -1, np.int64)
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    if len(rows):
        found[rows] = listed.find(column.drop_null().to_numpy(zero_copy_only=False).astype(np.uint64), slack)
    return found


def _perceptual(found: "tuple[array[int], array[int], array[int]]") -> PerceptualHashes:
    hashes, radii, entries = found
    return PerceptualHashes(np.array(hashes, np.uint64), np.array(radii, np.int64), np.array(entries, np.int64))


def _pdq(found: list[tuple[str, int, int]]) -> PdqHashes:
    values, radii, entries = zip(*found, strict=True)
    return PdqHashes(bytes.fromhex("".join(values)), np.array(radii, np.int64), np.array(entries, np.int64))


def _digest(entry: Entry) -> bytes:
    """The 16 bytes by which an entry is found: of a hash the first, of a text those of its SHA-256."""
    if entry.kind == "url":
        return _text_digest(normal_url(entry.value))
    if entry.kind == "creator":
        return _text_digest(" ".join(entry.value.split()).casefold())
    return bytes.fromhex(entry.value)[:16]


def _text_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _domain(value: str) -> str:
    """A domain as hosts are compared: lower case, ASCII, without scheme, path, leading dots or wildcards."""
    bare = value.strip().lstrip("*.")
    return host_of(bare if "://" in bare else f"http://{bare}") or bare.casefold()
