"""How much memory this process may take, what the machine has free or its control group allows; and how freed memory is given back."""

import contextlib
import ctypes
import os
import pathlib
from collections.abc import Iterator

_GROUP = pathlib.Path("/sys/fs/cgroup")
_SHARE = 0.8  # the rest is for the page cache and whoever else is here

# Of malloc.h. Without maps of its own an array comes from the heap; a second heap could not hold one of more than 64 MiB.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_REUSING = {_M_TRIM_THRESHOLD: (1 << 31) - 1, _M_TOP_PAD: 64 << 20, _M_MMAP_MAX: 0, _M_ARENA_MAX: 1}
_AS_USUAL = {_M_TRIM_THRESHOLD: 128 << 10, _M_TOP_PAD: 128 << 10, _M_MMAP_MAX: 1 << 16, _M_ARENA_MAX: 8 * (os.cpu_count() or 1)}


def available_bytes() -> int:
    """Bytes that a run may plan with: four fifths of what is free."""
    free = _free_here()
    with contextlib.suppress(OSError, ValueError):  # no such group, or "max": no limit
        free = min(free, int((_GROUP / "memory.max").read_text()) - int((_GROUP / "memory.current").read_text()))
    return int(_SHARE * max(0, free))


def _free_here() -> int:
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2  # no /proc: half of what is built in


def give_back() -> None:
    """Returns to the system what is freed but kept for later: after a job with large exchanges that is most of what the process holds.

    As good as a process for each job, at a few milliseconds: 400,000 rows left between 180 and 290 MiB after each step of match, and
    160 MiB once given back, as many as before the first.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def reused() -> Iterator[None]:
    """What this process frees in the block it keeps for what it takes next, until `give_back`.

    The C library asks the system for each large array and gives it back, and the system clears every page of it anew: a quarter of what
    exchanges of some megabytes a block cost. Here large arrays come from the one heap that all threads share.
    """
    _tell_malloc(_REUSING)
    try:
        yield
    finally:
        _tell_malloc(_AS_USUAL)


def _tell_malloc(settings: dict[int, int]) -> None:
    with contextlib.suppress(AttributeError, OSError):  # another C library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in settings.items():
            mallopt(name, value)
