"""Compiled kernels and what is kept of them between processes."""

import importlib
import sys

import numba
import numpy as np
import pytest

KERNELS = """
from constants_of_another_file import LIMIT, TABLE
from transforms.compiled import compiled


@compiled
def inner(value):
    return value + LIMIT


@compiled
def outer(value):
    return inner(value) + TABLE[0]
"""


@pytest.fixture
def value_of_kernel(tmp_path, monkeypatch):
    """A kernel's value in a process that finds whatever was compiled before, by the constants that another file has now."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "kernels_of_a_test.py").write_text(KERNELS)

    def value(limit, table):
        (tmp_path / "constants_of_another_file.py").write_text(f"import numpy as np\nLIMIT, TABLE = {limit}, np.array([{table}])\n")
        for name in ("kernels_of_a_test", "constants_of_another_file"):
            monkeypatch.delitem(sys.modules, name, raising=False)
            (tmp_path / "__pycache__" / f"{name}.{sys.implementation.cache_tag}.pyc").unlink(missing_ok=True)
        importlib.invalidate_caches()
        kernels = importlib.import_module("kernels_of_a_test")
        found = kernels.outer(np.int64(1))
        return found, sum(kernels.outer.stats.cache_hits.values())

    yield value
    for name in ("kernels_of_a_test", "constants_of_another_file"):
        sys.modules.pop(name, None)


def test_a_kernel_is_compiled_again_when_a_constant_of_another_file_changes_and_else_read_from_the_cache(value_of_kernel):
    assert value_of_kernel(10, 100) == (111, 0)
    assert value_of_kernel(10, 100) == (111, 1)
    assert value_of_kernel(20, 100) == (121, 0)
    assert value_of_kernel(20, 300) == (321, 0)
    assert value_of_kernel(10, 100) == (111, 1)
