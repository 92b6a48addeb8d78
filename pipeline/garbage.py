"""The garbage collector, told that what libraries make at their start lives as long as the process."""

import atexit
import gc

_ALLOCATIONS = 100_000  # between two looks at what is young; Python's own 700 look at Beam's and numba's a thousand times over


def collect_rarely() -> None:
    """Spares this process most collections, and the last one at its end: a quarter of the CPU seconds of starting and ending.

    To be called before anything large is imported.
    """
    gc.set_threshold(_ALLOCATIONS, 20, 50)
    atexit.register(gc.freeze)
