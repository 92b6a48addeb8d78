"""Personal data that a job lets stand: role addresses, hosts and numbers, compared by digests, so that no find holds the data itself."""

import hashlib
from collections.abc import Collection

from transforms.text.caption import normal_form


def identities(kind: str, found: str) -> list[bytes]:
    """What a find can be allowed by, 8 bytes each: of an e-mail address itself, its name and its host; else its letters and digits.

    >>> allowed_by(["info@"]) == {identities("email", "Info@Example.org")[1]}
    True
    """
    normal = normal_form(found)
    if kind != "email":
        return [_digest("".join(filter(str.isalnum, normal)))]
    name, _, host = normal.rpartition("@")
    return [_digest(normal), _digest(f"{name}@"), _digest(f"@{host}")] if name else [_digest(normal)]


def allowed_by(entries: Collection[str]) -> frozenset[bytes]:
    """The identities that a list allows: `press@example.org`, `info@` (at any host), `@example.org` (any name there), or a number."""
    normal = (normal_form(entry) for entry in entries)
    return frozenset(_digest(entry if "@" in entry else "".join(filter(str.isalnum, entry))) for entry in normal)


def not_allowed(kind: str, found: str, allowed: Collection[bytes]) -> bool:
    """Whether none of a find's identities is allowed."""
    return not any(identity in allowed for identity in identities(kind, found))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
