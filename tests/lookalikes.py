"""Numbers and names that look like people's and are not: families of captions, each made from a seed."""

import random
import uuid
from collections.abc import Callable, Iterator

Make = Callable[[random.Random], str]


def digits(draw: random.Random, count: int) -> str:
    """So many digits."""
    return "".join(draw.choice("0123456789") for _ in range(count))


def letters(draw: random.Random, count: int) -> str:
    """So many letters."""
    return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(count))


def bar_code(draw: random.Random, start: str, length: int) -> str:
    """The number of a bar code with its check digit (GS1 General Specifications, 7.9)."""
    number = start + digits(draw, length - 1 - len(start))
    weighted = sum(int(digit) * (3 - 2 * (place % 2)) for place, digit in enumerate(reversed(number)))
    return number + str(-weighted % 10)


def groups(draw: random.Random, separator: str, *counts: int) -> str:
    """Groups of digits."""
    return separator.join(digits(draw, count) for count in counts)


def version(draw: random.Random) -> str:
    """A version of four numbers, of which the last may be large."""
    return ".".join(str(draw.randrange(most)) for most in (130, 20, 100, 250))


# fmt: off
FAMILIES: dict[str, Make] = {
    "book numbers": lambda draw: f"hardcover {bar_code(draw, draw.choice(['978', '979']), 13)}, 2nd edition",
    "bar codes of toys": lambda draw: f"doll {bar_code(draw, draw.choice(['40', '45', '49', '50', '30', '60', '88']), 13)} new in box",
    "American bar codes": lambda draw: f"brick set {bar_code(draw, '', 12)}",
    "bar codes of cases": lambda draw: f"case of beans {bar_code(draw, '', 14)}",
    "parcels": lambda draw: f"FedEx {groups(draw, ' ', 4, 4, 4)}",
    "postal items": lambda draw: f"RR{digits(draw, 9)}DE, stamped",
    "phone identities": lambda draw: f"IMEI: {digits(draw, 15)}",
    "times in milliseconds": lambda draw: f"screenshot {1_500_000_000_000 + draw.randrange(3 * 10**11)}.png",
    "camera files": lambda draw: f"IMG_20{digits(draw, 2)}0{draw.randrange(1, 10)}1{draw.randrange(10)}_{digits(draw, 6)}",
    "picture identifiers": lambda draw: f"{digits(draw, 8)}_{digits(draw, 15)}_{digits(draw, 16)}_n.jpg",
    "posts": lambda draw: f"post 3{digits(draw, 18)} of today",
    "messages": lambda draw: f"status {draw.randrange(3, 10)}{digits(draw, 17)}",
    "stock pictures": lambda draw: f"{draw.choice(['shutterstock', 'alamy', 'IMG'])} {digits(draw, draw.randrange(7, 11))}",
    "negatives": lambda draw: f"neg {groups(draw, '-', 4, 4, 4)}, archive",
    "trading cards": lambda draw: f"trading cards 2019-{groups(draw, '-', 4, 4, 4)}",
    "versions": lambda draw: f"{draw.choice(['VLC', 'iTunes', 'Chrome', 'Skype', 'firmware'])} {version(draw)} download",
    "figures": lambda draw: "figure " + ".".join(str(draw.randrange(1, 20)) for _ in range(4)),
    "object identifiers": lambda draw: f"1.3.6.1.4.1.{draw.randrange(1, 60_000)}.1",
    "places": lambda draw: f"{draw.uniform(-90, 90):+.6f} {draw.uniform(-180, 180):+.6f}",
    "places with words": lambda draw: f"lat {draw.uniform(0, 90):+.4f}, lon {draw.uniform(0, 180):+.4f}",
    "parts": lambda draw: f"part no. {groups(draw, '-', 3, 2, 4)}",
    "parts with letters": lambda draw: f"valve {letters(draw, 2).upper()}-{groups(draw, '-', 3, 2, 4)}",
    "longer parts": lambda draw: f"valve {groups(draw, '-', 3, 2, 4, 2)}",
    "models": lambda draw: f"{draw.choice(['model', 'item', 'SKU', 'Art.-Nr.', 'ref:'])} {groups(draw, '-', 3, 3, 4)}",
    "substances": lambda draw: f"CAS {groups(draw, '-', 5, 2, 1)}",
    "dates": lambda draw: f"on {draw.randrange(10, 13)}-{draw.randrange(10, 29)}-19{digits(draw, 2)}",
    "serial numbers": lambda draw: f"{draw.choice(['DE', 'GB', 'FR'])}{digits(draw, draw.randrange(9, 18))}",
    "identifiers": lambda draw: str(uuid.UUID(int=draw.getrandbits(128))),
    "digests": lambda draw: f"{draw.getrandbits(128):032x}.jpg",
    "machines": lambda draw: ":".join(f"{draw.getrandbits(8):02x}" for _ in range(6)),
    "times": lambda draw: f"{draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02}:{draw.randrange(25):02}",
    "handles": lambda draw: f"photo by @{letters(draw, 6)}.{letters(draw, 4)}",
    "files for dense screens": lambda draw: f"{letters(draw, 6)}@{draw.choice('23')}x.{draw.choice(['png', 'webp', 'mp3', 'docx', 'raw'])}",
    "packages": lambda draw: f"@{letters(draw, 5)}/{letters(draw, 6)}@{groups(draw, '.', 1, 2, 1)}",
    "prices": lambda draw: f"apples @{groups(draw, '.', 1, 2)}/kg, 4@{groups(draw, '.', 2, 2)}",
    "counts": lambda draw: f"+{digits(draw, 5)} more, 1000+ {digits(draw, 4)}",
    "sizes": lambda draw: f"{groups(draw, ' x ', 3, 3, 4)} mm",
}
# fmt: on


def lookalikes(count: int, seed: int = 1) -> Iterator[tuple[str, list[str]]]:
    """Every family with so many captions of it."""
    for name, make in FAMILIES.items():
        draw = random.Random(f"{seed} {name}")
        yield name, [make(draw) for _ in range(count)]
