"""What can go wrong, by who must act; each error carries the exit status the command ends with.

An error raised on a worker crosses the engine as text, through serialisers that know nothing of ours. `WinnowError.encode` writes
it so that `decode` finds it again in whatever traceback, Python's or Java's, the engine hands back.
"""

import json
import re
from typing import ClassVar

_MARK = "winnow-error:"
_ENCODED = re.compile(re.escape(_MARK) + r"([0-9a-f]+);")


class WinnowError(Exception):
    """Any failure that Winnow explains: the message says what was found, where, and what to do."""

    exit_status: ClassVar[int] = 1

    def encode(self) -> str:
        """The error as one token of plain ASCII that survives any log or traceback."""
        payload = json.dumps([type(self).__name__, str(self)]).encode()
        return f"{_MARK}{payload.hex()};"


class JobError(WinnowError):
    """The job file or the command line is wrong; names the YAML key."""

    exit_status = 2


class InputError(WinnowError):
    """The input cannot be used: nothing matches, or more is unreadable than the job allows; names file and row."""

    exit_status = 3


class MissingError(WinnowError):
    """A model or a list that the job names is not there."""

    exit_status = 4


class EngineError(WinnowError):
    """An engine or a filesystem cannot be reached, was lost, or runs another version; running again is safe."""

    exit_status = 5


class GateError(WinnowError):
    """A gate that the job sets did not hold: audit, effective sample size, strict documents."""

    exit_status = 6


class DifferenceError(WinnowError):
    """A verification found a difference, or a look-up found nothing."""

    exit_status = 7


class LawError(WinnowError):
    """One of Winnow's own laws was broken. Nothing is published; this is a defect of ours."""

    exit_status = 70


def decode(text: str) -> WinnowError | None:
    """The first encoded error in a text, or None.

    >>> decode("Caused by: " + InputError("a.tar, row 3: cut").encode() + " at Foo.java:1")
    InputError('a.tar, row 3: cut')
    >>> decode("java.lang.NullPointerException") is None
    True
    """
    found = _ENCODED.search(text)
    if not found:
        return None
    name, message = json.loads(bytes.fromhex(found.group(1)))
    kinds = {kind.__name__: kind for kind in WinnowError.__subclasses__()}
    return kinds.get(name, WinnowError)(message)
