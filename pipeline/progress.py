"""How far a phase is, from the files that appear: Beam's local runners say nothing while they work, and other engines each their own."""

import collections
import sys
import threading
import time
from collections.abc import Collection
from typing import Self, TextIO

from rich import progress as rich_progress
from rich.console import Console

from pipeline.log import LOGGER
from schemas.errors import WinnowError
from transforms.storage import list_folder

_LOOK_EVERY_SECS = 0.5
_LISTING_SHARE = 20  # looking takes at most this part of the time
_LINE_EVERY_SECS = 30.0
_LINE_EVERY_SHARE = 0.1


def count_present(expected: Collection[str]) -> int:
    """How many of these files are there; one listing for each folder.

    Raises:
      EngineError: the filesystem cannot be reached.
    """
    folders = collections.defaultdict(set)
    for path in expected:
        folder, _, name = path.rpartition("/")
        folders[folder].add(name)
    present = 0
    for folder, names in folders.items():
        present += len(names & {file.path.rpartition("/")[2] for file in list_folder(folder)})
    return present


class Progress:
    """Shows, while a `with` block runs, how many of the files that it writes are there already.

    A bar on a terminal; elsewhere a line at the start, at every tenth or half minute, and at the end.
    """

    def __init__(self, label: str, total: int, expected: Collection[str], stream: TextIO | None = None) -> None:
        """A display that is not shown yet.

        Args:
          label: the phase.
          total: files in all; 0 for a phase whose length nobody knows.
          expected: their final paths.
          stream: where to; standard error.
        """
        stream = stream or sys.stderr
        self._display = _Bar(label, total, stream) if stream.isatty() else _Lines(label, total, stream)
        self._expected = expected
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name=f"progress of {label}", daemon=True)

    def __enter__(self) -> Self:
        self._display.__enter__()
        self._watcher.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._watcher.join()
        self._display.__exit__(*raised)

    def _watch(self) -> None:
        last_look = False
        while not last_look:
            last_look = self._ended.is_set()
            begin = time.monotonic()
            try:
                self._display.update(count_present(self._expected))
            except WinnowError as error:  # the run itself says so if it matters
                LOGGER.warning("progress cannot be seen: %s", error)
            if not last_look:
                self._ended.wait(max(_LOOK_EVERY_SECS, _LISTING_SHARE * (time.monotonic() - begin)))


class _Lines:
    def __init__(self, label: str, total: int, stream: TextIO) -> None:
        self._label, self._total, self._stream = label, total, stream
        self._shown, self._shown_at, self._begin = -1, 0.0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object = None, *_: object) -> None:
        took = f"{time.monotonic() - self._begin:.0f} s"
        self._say(f"{'done' if kind is None else 'stopped'} after {took}")

    def update(self, present: int) -> None:
        now = time.monotonic()
        step = max(1, int(self._total * _LINE_EVERY_SHARE))
        moved = present - self._shown
        if self._shown < 0 or moved >= step or (moved and (now - self._shown_at >= _LINE_EVERY_SECS or present == self._total)):
            self._shown, self._shown_at = present, now
            self._say(f"{present}/{self._total}" if self._total else "...")

    def _say(self, text: str) -> None:
        print(f"{self._label}: {text}", file=self._stream, flush=True)


class _Bar:
    def __init__(self, label: str, total: int, stream: TextIO) -> None:
        columns = [
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeElapsedColumn(),
            rich_progress.TimeRemainingColumn(),
        ]
        self._progress = rich_progress.Progress(*columns, console=Console(file=stream))
        self._task = self._progress.add_task(label, total=total or None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, present: int) -> None:
        self._progress.update(self._task, completed=present)
