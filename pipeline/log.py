"""A run's log: one JSON object a line in `work/log/`, for people and machines, and never a caption in it."""

import contextlib
import datetime as dt
import json
import logging
import os
import pathlib
import re
import tempfile
import traceback
from collections.abc import Iterator

from schemas.errors import EngineError
from schemas.layout import join
from transforms.storage import is_local, make_private, write_bytes

LOGGER = logging.getLogger("winnow")

_QUOTED = re.compile(r"""("[^"\n]*"|'[^'\n]*')""")
_SOURCE = re.compile(r"^ {2,}|^File ")  # lines of a traceback that show code


def without_text(message: str) -> str:
    r"""A message less every quotation that may come from a caption: those with a space in them, or with letters that are not ASCII.

    Libraries quote what they stumble over; names of files, columns and steps have no spaces. The code in a traceback stays.

    >>> without_text("ArrowInvalid: cannot parse 'a red kite' as int in 'punsafe'")
    "ArrowInvalid: cannot parse '[text withheld]' as int in 'punsafe'"
    """
    return "\n".join(line if _SOURCE.match(line) else _QUOTED.sub(_withhold, line) for line in message.split("\n"))


def _withhold(found: re.Match[str]) -> str:
    quoted = found[0]
    return f"{quoted[0]}[text withheld]{quoted[0]}" if " " in quoted or not quoted.isascii() else quoted


class JsonLines(logging.Formatter):
    """A record as one JSON object: time (UTC), level, logger, message, and the traceback of an exception.

    Values given as `extra={"fields": {...}}` become members of the object.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = dt.datetime.fromtimestamp(record.created, dt.UTC)
        entry = {"time": time.isoformat(timespec="milliseconds"), "level": record.levelname, "logger": record.name}
        entry["message"] = without_text(_plain(record.getMessage()))
        if record.exc_info and record.exc_info[1] is not None:
            entry["traceback"] = without_text("".join(traceback.format_exception(record.exc_info[1])))
        return json.dumps(entry | getattr(record, "fields", {}), ensure_ascii=False)


def _plain(message: str) -> str:
    """What a worker logged, out of the protocol buffer as text that Beam's local runner logs it as."""
    if not message.startswith("severity: "):
        return message
    from apache_beam.portability.api import beam_fn_api_pb2
    from google.protobuf import text_format

    try:
        entry = text_format.Parse(message, beam_fn_api_pb2.LogEntry())
    except text_format.ParseError:
        return message
    return f"{entry.message}\n{entry.trace}".strip()


@contextlib.contextmanager
def logged(folder: str) -> Iterator[str]:
    """Sends Winnow's messages, and what Beam and other libraries warn of, to a new file below a folder; nothing reaches the terminal.

    Args:
      folder: `work/log`. On an object store the file is written on this machine and put there when the block ends.

    Yields:
      The path of the file.
    """
    name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{os.getpid()}.jsonl"
    path = join(folder, name)
    make_private(folder)
    with contextlib.ExitStack() as stack:
        local = path if is_local(path) else os.path.join(stack.enter_context(tempfile.TemporaryDirectory()), name)
        handler = logging.FileHandler(local, encoding="utf-8")
        handler.setFormatter(JsonLines())
        root, level = logging.getLogger(), LOGGER.level
        root.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        try:
            yield path
        finally:
            root.removeHandler(handler)
            LOGGER.setLevel(level)
            handler.close()
            if local != path:
                with contextlib.suppress(EngineError):  # the filesystem is gone: what the block raised says so
                    write_bytes(path, pathlib.Path(local).read_bytes())
