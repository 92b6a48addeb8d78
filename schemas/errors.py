"""What can go wrong, by who must act; each error carries the exit status the command ends with.

An error raised on a worker crosses the engine as text, through serialisers that know nothing of ours. `WinnowError.encode` writes
it so that `decode` finds it again in whatever traceback, Python's or Java's, the engine hands back.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import ClassVar

_MARK = "winnow-error:"
_ENCODED = re.compile(re.escape(_MARK) + r"([0-9a-f]+);")
_RAISED = re.compile(r"schemas\.errors\.(\w+Error): (.*?)(?: \[while running '.*)?$", re.MULTILINE)  # the last line of a traceback


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


class UnreadableShardError(InputError):
    """One shard cannot be used as a whole; it counts against `source.max_unreadable_shards`."""


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
    """The first encoded error in a text, else the last one that a Python traceback in it ends with, else None.

    >>> decode("Caused by: " + InputError("a.tar, row 3: cut").encode() + " at Foo.java:1")
    InputError('a.tar, row 3: cut')
    >>> decode("schemas.errors.MissingError: no such list [while running 'Annotate-ptransform-7']")
    MissingError('no such list')
    >>> decode("java.lang.NullPointerException") is None
    True
    """
    encoded, raised = _ENCODED.search(text), _RAISED.findall(text)
    if encoded:
        name, message = json.loads(bytes.fromhex(encoded.group(1)))
    elif raised:
        name, message = raised[-1]
    else:
        return None
    kinds = [*WinnowError.__subclasses__()]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.__name__ == name), WinnowError)(message)


@contextlib.contextmanager
def reported(where: str) -> Iterator[None]:
    """Makes errors of the block survive an engine: ours whole, whatever their text, others with the place in the data.

    For the body of a DoFn's method; as a decorator only for functions that do not yield.

    Args:
      where: what was worked on, e.g. the name of a shard.

    Raises:
      RuntimeError: in place of any exception of the block.
    """
    try:
        yield
    except WinnowError as error:
        raise RuntimeError(f"{error.encode()} {error}") from error
    except Exception as error:
        if _ENCODED.search(str(error)):
            raise
        raise RuntimeError(f"{where}: {type(error).__name__}: {error}") from error
