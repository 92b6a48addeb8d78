"""The one way in which loops are compiled: plain Python, cached machine code, no Python object inside.

`error_model="numpy"` and no bounds checks let the loops vectorise; no `fastmath`, so that every machine adds in the same order. A
compiled function calls only functions of its own file and `ones`, because numba's cache watches that file alone; constants may come from
others.

The first run on a machine waits for all of them. A kernel costs 0.04 s, 3 ms for each place where it reads a row of numbers, 6 of a table,
5 for a choice and 7 for a loop: two thirds are numba's own typing and lowering, one is LLVM's work. So no wrapper for C is made, arrays are
allocated outside and not counted (`_nrt=False`: a kernel that allocates does not compile), constants of a type are globals, counts begin
with `ZERO`, what is read twice has a name, and `min`, `max`, slices and array expressions are written out where that reads no worse. Of
numba's passes only those run that plain loops need, and none rewrites (`no_rewrites=True`), a twelfth of the time in all.
`tests/benchmarks/first_compile.py` tells what each costs.
"""

import hashlib
import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import caching, compiler, dispatcher, typed_passes, types, untyped_passes
from numba.core.compiler_machinery import PassManager
from numba.extending import intrinsic

from transforms.storage import scratch_folder

ZERO: Any = np.int64(0)
TRUE: Any = np.bool_(True)
FALSE: Any = np.bool_(False)
"""Where variables begin that a loop changes: plain ones have types of their own to numba, which then infers all others again."""

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class _Loops(compiler.CompilerBase):
    """Numba's compiler without what closures, `with` blocks, array expressions and parallel loops need."""

    def define_pipelines(self) -> list[PassManager]:
        """One pipeline."""
        passes = PassManager("loops")
        for step in (
            untyped_passes.TranslateByteCode,
            untyped_passes.FixupArgs,
            untyped_passes.IRProcessing,
            untyped_passes.ReconstructSSA,
            typed_passes.NopythonTypeInference,
            typed_passes.PreLowerStripPhis,
            typed_passes.IRLegalization,
            typed_passes.AnnotateTypes,
            typed_passes.NativeLowering,
            typed_passes.NoPythonBackend,
        ):
            passes.add_pass(step, step.__name__)
        passes.finalize()
        return [passes]


class _Cache(caching.FunctionCache):
    """Numba's cache, which also knows what constants a kernel was compiled with: another value is another kernel."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), _constants(self._py_func))


def _constants(function: Callable[..., Any]) -> str:
    """A digest of the numbers and arrays that a function, or one that it calls, has from its module."""
    found = hashlib.sha256()
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, np.ndarray | np.generic):
            found.update(value.dtype.str.encode() + value.tobytes())
        elif isinstance(value, int | float | tuple):
            found.update(repr(value).encode())
        elif isinstance(value, dispatcher.Dispatcher):
            found.update(_constants(value.py_func).encode())
    return found.hexdigest()


def compiled(kernel: Kernel) -> Kernel:
    """The same function, compiled at its first call; `kernel.py_func` is the plain one."""
    made = numba.njit(
        boundscheck=False,
        error_model="numpy",
        nogil=True,
        no_cfunc_wrapper=True,
        no_rewrites=True,
        _nrt=False,
        pipeline_class=_Loops,
    )(kernel)
    try:
        made._cache = _Cache(kernel)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        numba.config.CACHE_DIR = scratch_folder()
        made._cache = _Cache(kernel)
    return cast("Kernel", made)


@intrinsic  # type: ignore[untyped-decorator]
def ones(_context: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """How many bits of a uint64 are 1, inside a compiled function: one instruction, many at once in a loop."""
    return types.uint64(word), lambda _context, builder, _signature, words: builder.ctpop(words[0])


def _load_quickly() -> None:
    """Loads what the first kernel of a process needs, less scipy's BLAS, for which numba looks and which no kernel here uses.

    It spares every process a fifth of a second. Not where there are other threads, which could not import scipy meanwhile.
    """
    if "scipy.linalg" not in sys.modules and threading.active_count() == 1:
        sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # an import of it fails, and numba does without
        try:
            importlib.import_module("numba.np.arraymath")
        finally:
            del sys.modules["scipy.linalg"]


_load_quickly()
