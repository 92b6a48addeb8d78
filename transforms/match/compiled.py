"""The one way in which match compiles its loops: plain Python, cached machine code, no Python object inside.

`error_model="numpy"` and no bounds checks let the loops vectorise. A compiled function calls only functions of its own file, because
numba's cache watches that file alone.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(kernel: Kernel) -> Kernel:
    """The same function, compiled at its first call; `kernel.py_func` is the plain one."""
    return cast("Kernel", numba.njit(cache=True, boundscheck=False, error_model="numpy", nogil=True)(kernel))
