"""The samples of a tar: which members belong together, in order of first appearance."""

import dataclasses
from collections.abc import Iterable

from transforms.read.members import Kind, is_system_file, kind_of, owner, split_name
from transforms.read.tar_index import Member


@dataclasses.dataclass(slots=True)
class Sample:
    """One key of a tar.

    Attributes:
      key: as bytes: names that are not UTF-8 stay apart.
      picture: the first picture; one of a plain type (`png`) goes before one of several parts (`seg.png`).
      text: likewise the first caption. `fields`: the first JSON.
      extra: further pictures, in order.
      repeated: whether any picture, caption or JSON stood more than once.
      problem: what is wrong with one of its members.
    """

    key: bytes
    picture: Member | None = None
    text: Member | None = None
    fields: Member | None = None
    extra: list[Member] = dataclasses.field(default_factory=list)
    repeated: bool = False
    problem: str | None = None
    plain: set[Kind] = dataclasses.field(default_factory=set)

    def add(self, member: Member, kind: Kind, *, plain: bool) -> None:
        """Takes a member in. The first of its kind counts; what it pushes out, or what comes later, is marked as repeated."""
        self.problem = self.problem or member.problem
        if kind == "other":
            return
        current: Member | None = {"picture": self.picture, "text": self.text, "fields": self.fields}[kind]
        chosen = member
        if current is not None:
            self.repeated = True
            chosen, other = (member, current) if plain and kind not in self.plain else (current, member)
            if kind == "picture":
                self.extra.append(other)
        if plain:
            self.plain.add(kind)
        match kind:
            case "picture":
                self.picture = chosen
            case "text":
                self.text = chosen
            case "fields":
                self.fields = chosen


@dataclasses.dataclass(frozen=True)
class Grouped:
    """The samples of a tar, the members that an operating system left there, and those of types that are not read."""

    samples: list[Sample]
    system_files: int
    unread: int


def group(members: Iterable[Member]) -> Grouped:
    """Puts members together by key.

    >>> grouped = group([Member(b"1.jpg", 0, 9), Member(b"2.JPG", 0, 9), Member(b"1.txt", 0, 9), Member(b"2.clip.npy", 0, 9)])
    >>> [sample.key for sample in grouped.samples], grouped.unread
    ([b'1', b'2'], 1)
    """
    samples: dict[bytes, Sample] = {}
    places: dict[bytes, int] = {}
    others: list[tuple[int, Member]] = []
    system_files = 0
    for place, member in enumerate(members):
        if is_system_file(member.name):
            system_files += 1
            continue
        key, type_name = split_name(member.name)
        kind = kind_of(type_name)
        if kind == "other":
            others.append((place, member))
            continue
        places.setdefault(key, place)
        samples.setdefault(key, Sample(key)).add(member, kind, plain="." not in type_name)
    alone: dict[bytes, Sample] = {}
    for place, member in others:
        key = owner(member.name, samples)
        if key not in samples:
            places.setdefault(key, place)
            alone.setdefault(key, Sample(key))
        (samples.get(key) or alone[key]).add(member, "other", plain=True)
    every = samples | alone
    return Grouped([every[key] for key in sorted(every, key=places.__getitem__)], system_files, len(others))
