"""One thread for every library that would take all cores: processes are what Winnow works in parallel with."""

import os
import sys

_LIBRARIES = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",  # Arrow's pool and ONNX Runtime's defaults follow it too
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
LIMITS = dict.fromkeys(_LIBRARIES, "1") | {"TOKENIZERS_PARALLELISM": "false", "GRPC_VERBOSITY": "ERROR"}


def limit_threads() -> None:
    """Holds this process, and those it starts, to one thread for each library.

    To be called before numpy is imported: OpenBLAS reads its limit only then. Arrow, where it is loaded already, is told.
    """
    os.environ.update(LIMITS)
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].set_cpu_count(1)
