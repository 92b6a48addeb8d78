"""Sentences of our own that the toxicity model is trained on: word lists put into frames, chosen by hash, the same on every machine.

Tweets and captions alone teach a model that names of groups are insults and that a swear word in a long harmless text is none. So hostile
and friendly sentences say the same things about the same groups, words and names that only look bad stand in captions, and pieces of every
kind are put inside harmless texts.
"""

import hashlib
import importlib.resources
from collections.abc import Iterable, Iterator, Sequence

Line = tuple[str, bool]  # text, whether it is toxic

# Sentences made of each kind; for groups and innocent words: rounds over their list.
HOSTILE, FRIENDLY, ABUSE, PLAIN, INNOCENT, DICTIONARY, HOMONYM = 60, 60, 5_000, 24_000, 8, 4, 12
BAD_INSIDE, HOSTILE_INSIDE, FRIENDLY_INSIDE, PLAIN_INSIDE, CALM_INSIDE = 15_000, 30, 30, 6_000, 12_000
INNOCENT_INSIDE, DICTIONARY_INSIDE, HOMONYM_INSIDE = 6, 3, 8
LONG_CONTEXT, SHORT_CONTEXT = 25, 12  # words of a harmless text that a piece is put into


def sections(name: str) -> dict[str, list[str]]:
    """The lists in a file of `words/`: a header in brackets, then entries parted by bars; `#` begins a remark."""
    found: dict[str, str] = {}
    header = ""
    for line in (importlib.resources.files(__package__) / "words" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            header = line.strip("[]")
        elif line and not line.startswith("#"):
            found[header] = found.get(header, "") + line
    return {header: text.split("|") for header, text in found.items()}


def groups() -> list[list[str]]:
    """[adjective, one of them, several of them] of every group, from `words/identities.txt`."""
    text = (importlib.resources.files(__package__) / "words" / "identities.txt").read_text(encoding="utf-8")
    lines = [line.split(": ") for line in text.splitlines() if not line.startswith("#")]
    return [[adjective, *pair.split(", ")] for adjective, pairs in lines for pair in pairs.split("; ")]


FRAMES = sections("frames.txt")
GROUPS = groups()
WORDS = sections("abuse.txt") | sections("harmless.txt") | sections("scenes.txt") | {"adjective": [adjective for adjective, _, _ in GROUPS]}


def dice(*key: object) -> int:
    """A number that the key decides.

    >>> dice("plain", 1) % 100
    50
    """
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest(), "big")


def pick(items: Sequence[str], *key: object) -> str:
    """One of the items, decided by the key."""
    return items[dice(*key) % len(items)]


class _Filling(dict[str, str]):
    """What a frame's slots are filled with: what is given, else a pick from the list of the slot's name."""

    def __init__(self, key: tuple[object, ...], given: dict[str, str]) -> None:
        super().__init__(given)
        self.key = key

    def __missing__(self, slot: str) -> str:
        return pick(WORDS[slot.rstrip("2")], self.key, slot)


def fill(frames: str, *key: object, **given: str) -> str:
    """A sentence: one of the frames of a kind, its slots filled."""
    return pick(FRAMES[frames], key, "frame").format_map(_Filling(key, given))


def about_groups(*, hostile: bool, rounds: int) -> Iterator[str]:
    """Sentences against every group, or friendly ones about it."""
    frames = "hostile" if hostile else "friendly"
    for adjective, one, many in GROUPS:
        for n in range(rounds):
            yield fill(frames, hostile, one, many, n, adj=adjective, one=one, many=many)


def plain(count: int) -> Iterator[str]:
    """Captions, alt-texts and small talk."""
    return (fill("plain", "plain", n) for n in range(count))


def innocent(words: str, rounds: int) -> Iterator[str]:
    """Words and names of a list that look bad and are not: twice alone, then in captions."""
    return (fill("harmless", "innocent", word, n, word=word) if n > 1 else word for word in WORDS[words] for n in range(rounds))


def disguised(word: str, *key: object) -> str:
    """One long word in eight is misspelt as people do to get past filters: starred, in figures, doubled, dropped, spaced, swapped.

    >>> sorted({disguised("rubbish", n) for n in range(60)})[:3]
    ['r u b b i s h', 'rbbish', 'rubb15h']
    """
    roll = dice("disguise", word, *key)
    at = 1 + (roll >> 16) % max(1, len(word) - 2)
    if roll % 8 or len(word) < 4:
        return word
    before, char, after = word[:at], word[at], word[at + 1 :]
    ways = (
        f"{before}*{after}",
        word.translate(str.maketrans("aeios", "43105")),
        f"{before}{char}{char}{after}",
        before + after,
        " ".join(word),
        before + after[0] + char + after[1:],
    )
    return ways[(roll >> 8) % len(ways)]


def bad_pieces(count: int) -> Iterator[str]:
    """Bad words and phrases; doubtful ones, and most insults, only with what makes them bad."""
    for n in range(count):
        kind = pick(["swearing", "insult", "doubtful", "attack"], "kind", n)
        word = disguised(pick(WORDS[kind], kind, n), n)
        said = kind == "doubtful" or (kind == "insult" and dice("said", n) % 8 < 7)
        yield fill("said of", "said", n, x=word) if said else word


def bad_alone() -> Iterator[str]:
    """Every bad word and phrase by itself."""
    yield from WORDS["swearing"] + WORDS["insult"] + WORDS["attack"]
    yield from (fill("said of", "alone", word, x=word) for word in WORDS["doubtful"])


def inside(pieces: Iterable[str], contexts: Sequence[str], name: str, words: int) -> Iterator[str]:
    """Each piece put somewhere into the first words of a harmless text."""
    for n, piece in enumerate(pieces):
        context = pick(contexts, name, n, "context").split()[:words]
        at = dice(name, n, "at") % (len(context) + 1)
        yield " ".join([*context[:at], piece, *context[at:]])


def made(contexts: Sequence[str]) -> Iterator[Line]:
    """Every sentence of our own, with its label.

    Args:
      contexts: harmless texts to put pieces into.
    """
    toxic = (
        about_groups(hostile=True, rounds=HOSTILE),
        (fill("abuse", "abuse", n) for n in range(ABUSE)),
        bad_alone(),
        inside(bad_pieces(BAD_INSIDE), contexts, "bad", LONG_CONTEXT),
        inside(about_groups(hostile=True, rounds=HOSTILE_INSIDE), contexts, "hostile", SHORT_CONTEXT),
    )
    clean = (
        about_groups(hostile=False, rounds=FRIENDLY),
        plain(PLAIN),
        innocent("innocent", INNOCENT),
        innocent("dictionary", DICTIONARY),
        innocent("homonym", HOMONYM),
        WORDS["calm"],
        inside(about_groups(hostile=False, rounds=FRIENDLY_INSIDE), contexts, "friendly", SHORT_CONTEXT),
        inside(innocent("innocent", INNOCENT_INSIDE), contexts, "innocent", SHORT_CONTEXT),
        inside(innocent("dictionary", DICTIONARY_INSIDE), contexts, "dictionary", SHORT_CONTEXT),
        inside(innocent("homonym", HOMONYM_INSIDE), contexts, "homonym", SHORT_CONTEXT),
        inside(plain(PLAIN_INSIDE), contexts, "plain", SHORT_CONTEXT),
        inside((pick(WORDS["calm"], "calm", n) for n in range(CALM_INSIDE)), contexts, "calm", SHORT_CONTEXT),
    )
    for is_toxic, kinds in ((True, toxic), (False, clean)):
        for kind in kinds:
            yield from ((text, is_toxic) for text in kind)
