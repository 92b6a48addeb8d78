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
from collections.abc import Iterator

from pipeline.log import LOGGER
from schemas.errors import EngineError, InputError
from transforms.storage import exists, read_bytes, remove, write_bytes

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
        return Holder(**json.loads(read_bytes(path))) if exists(path) else None
    except (InputError, TypeError, ValueError):  # removed meanwhile, or not what we write
        return None


@contextlib.contextmanager
def leased(path: str, job: str = "") -> Iterator[Holder]:
    """Holds a lease while the block runs.

    Args:
      path: the file, `Layout.lease`.
      job: what the job is called on its engine.

    Raises:
      EngineError: another driver that is alive holds it.
    """
    holder = read_lease(path)
    if holder and holder.is_alive():
        raise EngineError(f"{path}: {holder} runs this job; wait for it, end it, or give this run an output of its own")
    if holder:
        LOGGER.info("taking over from %s, which is gone", holder)
    ours = Holder.this_process(job)
    _write(path, ours)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(path, ours, ended), name="lease", daemon=True)
    heart.start()
    try:
        yield ours
    finally:
        ended.set()
        heart.join()
        found = read_lease(path)
        if found and found.token == ours.token:
            remove(path)


def _beat(path: str, ours: Holder, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECS):
        found = read_lease(path)
        if found and found.token != ours.token:
            LOGGER.warning("%s runs this job too; what both write is the same", found)
            return
        try:
            _write(path, dataclasses.replace(ours, beat=time.time()))
        except (OSError, EngineError) as error:
            LOGGER.warning("%s cannot be renewed: %s", path, error)


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
