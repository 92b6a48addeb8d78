"""Tells a second driver off: a file in `work/` that says who runs this job, renewed while it does.

A courtesy, no lock: every write of Winnow is atomic and idempotent, so that two drivers at once waste work and harm nothing.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import socket
import threading
import time
import uuid

from pipeline.log import LOGGER
from schemas.errors import EngineError, InputError
from transforms.storage import exists, read_json, remove, write_bytes

BEAT_SECS = 10.0
STALE_SECS = 60.0


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds a lease.

    Attributes:
      host: name of its machine.
      machine: what tells two machines, or containers, of one name apart; empty where the system does not say.
      pid: its process, and `started`, when that began, as the system tells it: a number that is used again is another process.
      beat: seconds since 1970 when it last showed that it lives.
      job: what it calls its job on an engine, for people.
      token: unlike any other's.
    """

    host: str
    machine: str
    pid: int
    started: str
    beat: float
    job: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" + (f", {self.job}" if self.job else "")

    @classmethod
    def this_process(cls, job: str) -> "Holder":
        """A new holder: this process, now."""
        pid = os.getpid()
        return cls(socket.gethostname(), _machine(), pid, _started(pid) or "", time.time(), job, uuid.uuid4().hex)

    def is_alive(self) -> bool:
        """Whether it still runs: on this machine by looking, on others by its last sign of life."""
        if (self.host, self.machine) == (socket.gethostname(), _machine()):
            return _started(self.pid) == self.started
        return abs(time.time() - self.beat) < STALE_SECS


def read_lease(path: str) -> Holder | None:
    """Who holds a lease; None where nobody does, or the file is none of ours."""
    try:
        return Holder(**read_json(path)) if exists(path) else None
    except (InputError, TypeError, ValueError):  # removed meanwhile, or not what we write
        return None


class Lease:
    """Held while a `with` block runs.

    Raises on entry:
      EngineError: another driver that is alive holds it.
    """

    def __init__(self, path: str, job: str = "") -> None:
        """A lease to be taken.

        Args:
          path: the file, `Layout.lease`.
          job: what the job is called on its engine.
        """
        self._path = path
        self._ours = Holder.this_process(job)
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Holder:
        holder = read_lease(self._path)
        if holder and holder.is_alive():
            raise EngineError(f"{self._path}: {holder} runs this job; wait for it, end it, or give this run an output of its own")
        if holder:
            LOGGER.info("taking over from %s, which is gone", holder)
        _write(self._path, self._ours)
        self._heart.start()
        return self._ours

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._heart.join()
        with contextlib.suppress(EngineError):  # the filesystem is gone: what the block raised says so, and the lease runs out
            found = read_lease(self._path)
            if found and found.token == self._ours.token:
                remove(self._path)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECS):
            try:
                found = read_lease(self._path)
                if found and found.token != self._ours.token:
                    LOGGER.warning("%s runs this job too; what both write is the same", found)
                    return
                _write(self._path, dataclasses.replace(self._ours, beat=time.time()))
            except (OSError, EngineError) as error:
                LOGGER.warning("%s cannot be renewed: %s", self._path, error)


def _write(path: str, holder: Holder) -> None:
    write_bytes(path, json.dumps(dataclasses.asdict(holder)).encode())


def _machine() -> str:
    """Boot and process namespace: a container shares its host's name at times, but not its processes."""
    with contextlib.suppress(OSError):
        return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip() + " " + os.readlink("/proc/self/ns/pid")
    return ""


def _started(pid: int) -> str | None:
    """When a process of this machine began, in the system's own units; None where there is no such process."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if os.path.isdir("/proc/self") else _exists(pid)
    fields = status.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return None if fields[0] == "Z" else fields[19]


def _exists(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""
